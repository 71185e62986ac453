// tests/interop/scenarios/11-data.js - the typed client of Amplify Gen 2 (generateClient().models), made
// from the model_introspection that `syncdeck sandbox --write-config` writes: no DataStore, so a
// backend without conflict detection; then what such a client meets on one that has it.
'use strict';

const assert = require('assert');
const path = require('path');
const { AuthClient } = require('../lib/auth');
const { waitFor } = require('../lib/wait');

async function withClient(w, strategy, body) {
	const config = path.join(w.dir, 'amplify_outputs.json');
	await w.backend('--strategy', strategy, '--write-config', config);
	const c = await AuthClient.start({ config });
	const model = async (name, op, ...args) => {
		const { data, errors } = await c.ask('model', { model: name, op, args });
		if (errors)
			throw Object.assign(new Error(errors[0].message), { type: errors[0].errorType, data });
		return data;
	};
	try {
		await body(model, c);
	} finally {
		c.end();
	}
}

function typed(w) {
	return withClient(w, 'none', async (model, c) => {
		const made = await model('Note', 'create', { title: 'made', tags: ['x'] });
		assert.deepStrictEqual(Object.keys(made).filter(k => k.startsWith('_')), []);
		await c.ask('watch', { name: 'new', model: 'Note', op: 'onUpdate', args: [{ filter: { title: { beginsWith: 'o' } } }] });
		await c.ask('watch', { name: 'all', model: 'Note', op: 'observeQuery', args: [] });
		await waitFor('4 subscriptions', async () => (await w.sandbox.call('GET', 'state')).subscriptions === 4);
		await model('Note', 'update', { id: made.id, title: 'changed', rating: 3 });
		await model('Note', 'update', { id: made.id, title: 'other' });
		await model('Note', 'create', { title: 'second' });
		const seen = async (name, check) => waitFor(`${name} seen`, async () => check((await c.ask('seen', { name })).data));
		await seen('new', d => d.length === 1 && d[0].title === 'other');
		await seen('all', d => d.length > 0 && d[d.length - 1].items.map(i => i.title).sort().join() === 'other,second');
		assert.deepStrictEqual((await model('Note', 'list', { filter: { rating: { gt: 2 } } })).map(r => r.title), ['other']);
		await model('Note', 'delete', { id: made.id });
		assert.strictEqual(await model('Note', 'get', { id: made.id }), null); // gone, no tombstone
		await seen('all', d => d[d.length - 1].items.map(i => i.title).join() === 'second');

		// a composite key, a range of it; an index; what belongs together, in one request
		for (const number of [1, 2, 3])
			await model('Seat', 'create', { hall: 'h', number, guest: `g${number}` });
		assert.strictEqual((await model('Seat', 'get', { hall: 'h', number: 2 })).guest, 'g2');
		assert.deepStrictEqual((await model('Seat', 'list', { hall: 'h', number: { ge: 2 }, sortDirection: 'DESC' })).map(r => r.number), [3, 2]);
		const board = await model('Board', 'create', { name: 'b' });
		const card = await model('Card', 'create', { title: 'c', boardID: board.id });
		assert.deepStrictEqual((await model('Card', 'cardsByBoardID', { boardID: board.id })).map(r => r.id), [card.id]);
		assert.deepStrictEqual(await model('Board', 'list', { selectionSet: ['name', 'cards.title', 'cards.board.name'] }),
			[{ name: 'b', cards: [{ title: 'c', board: { name: 'b' } }] }]);
		await assert.rejects(model('Note', 'create', { title: null }), /Variable 'input' has coerced Null value for NonNull type 'String!'/);
		await assert.rejects(model('Note', 'update', { id: 'nobody', title: 'x' }), e => /ConditionalCheckFailed/.test(e.type));
	});
}

// It knows no versions: every update is one of version 0, every deletion a conflict (server.md 0.4).
function versioned(w, strategy) {
	return withClient(w, strategy, async model => {
		const { id } = await model('Note', 'create', { title: 'old' });
		const change = model('Note', 'update', { id, title: 'new', body: 'text' });
		if (strategy === 'automerge') {
			const got = await change;
			assert.deepStrictEqual([got.title, got.body], ['old', 'text']);
		} else
			await assert.rejects(change, e => e.type === 'ConflictUnhandled');
		await assert.rejects(model('Note', 'delete', { id }), e => e.type === 'ConflictUnhandled');
		await w.sandbox.has('Note', id, r => r.title === 'old' && r._deleted !== true);
	});
}

module.exports = {
	'the typed client of Amplify Gen 2: records, keys, indexes, relations, live queries': typed,
	'SRV-M19 SRV-M20 the typed client on a backend with versions, automerge': w => versioned(w, 'automerge'),
	'SRV-M20 the typed client on a backend with versions, optimistic': w => versioned(w, 'optimistic'),
};
