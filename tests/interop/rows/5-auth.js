// tests/interop/rows/5-auth.js - spec/server.md 10.5: owners, groups, fields, keys.
'use strict';

const assert = require('assert');
const { Bench, USERS } = require('../lib/rows');

const on = fn => async () => {
	const b = await Bench.open();
	try {
		await fn(b, { alice: await b.as('alice'), bob: await b.as('bob'), carol: await b.as('carol') });
	} finally {
		b.close();
	}
};
const note = (b, who, input, op = 'Create') => b.write(op, 'Note', input, 'id text owner _version', undefined, who);
const unauthorized = (r, field, type) => {
	assert.strictEqual(Object.values(r.data)[0], null);
	assert.deepStrictEqual(r.errors.map(e => [e.errorType, e.message, e.data, e.errorInfo]),
		[['Unauthorized', `Not Authorized to access ${field} on type ${type}`, null, null]]);
};

module.exports = {
	'SRV-A01 an owner\'s create without an owner: stored, and read as the user name': on(async (b, u) => {
		const r = await note(b, u.alice, { id: '1', text: 'x' });
		assert.deepStrictEqual(r, { data: { r: { id: '1', text: 'x', owner: 'alice', _version: 1 } } });
		const [row] = await b.sandbox.dump('Note');
		assert.strictEqual(row.owner, `${USERS[0].sub}::alice`);
	}),
	'SRV-A02 a create with another\'s owner, or null: Unauthorized': on(async (b, u) => {
		for (const owner of ['bob', `${USERS[1].sub}::bob`, null, ''])
			unauthorized(await note(b, u.alice, { text: 'x', owner }), 'createNote', 'Mutation');
		assert.deepStrictEqual(await b.sandbox.dump('Note'), []);
		for (const owner of ['alice', USERS[0].sub, `${USERS[0].sub}::alice`])
			assert.strictEqual((await note(b, u.alice, { text: 'x', owner })).errors, undefined, owner);
	}),
	'SRV-A03 another user\'s list: an empty page, no error': on(async (b, u) => {
		await note(b, u.alice, { id: '1', text: 'x' });
		assert.deepStrictEqual(await b.ask('{ listNotes { items { id } nextToken } }', {}, u.bob), { data: { listNotes: { items: [], nextToken: null } } });
	}),
	'SRV-A04 getting another\'s note: Unauthorized on Query; one that is not there: null': on(async (b, u) => {
		await note(b, u.alice, { id: '1', text: 'x' });
		unauthorized(await b.ask('{ getNote(id: "1") { id } }', {}, u.bob), 'getNote', 'Query');
		assert.deepStrictEqual(await b.ask('{ getNote(id: "2") { id } }', {}, u.bob), { data: { getNote: null } });
		assert.deepStrictEqual(await b.ask('{ getNote(id: "1") { id } }', {}, u.alice), { data: { getNote: { id: '1' } } });
	}),
	'SRV-A05 updating or deleting another\'s note: Unauthorized, unchanged': on(async (b, u) => {
		await note(b, u.alice, { id: '1', text: 'x' });
		for (const op of ['update', 'delete'])
			unauthorized(await b.ask(`mutation { ${op}Note(input: {id: "1", _version: 1}) { id } }`, {}, u.bob), `${op}Note`, 'Mutation');
		assert.strictEqual((await b.sandbox.dump('Note'))[0]._version, 1);
	}),
	'SRV-A06 a member of a static group updates what is another\'s': on(async (b, u) => {
		await b.wrote('Create', 'Plan', { id: '1', text: 'x' }, 'id', undefined, u.alice);
		unauthorized(await b.ask('mutation { updatePlan(input: {id: "1", text: "y", _version: 1}) { id } }', {}, u.bob), 'updatePlan', 'Mutation');
		assert.deepStrictEqual(await b.wrote('Update', 'Plan', { id: '1', text: 'z', _version: 1 }, 'text owner', undefined, u.carol), { text: 'z', owner: 'alice' });
	}),
	'SRV-A07 the API key on a model for users only: Unauthorized': on(async b => {
		unauthorized(await b.ask('{ listNotes { items { id } } }'), 'listNotes', 'Query');
		unauthorized(await b.ask('{ syncNotes { items { id } } }'), 'syncNotes', 'Query');
		unauthorized(await b.ask('{ getNote(id: "1") { id } }'), 'getNote', 'Query');
		unauthorized(await b.ask('mutation { createNote(input: {text: "x"}) { id } }'), 'createNote', 'Mutation');
	}),
	'SRV-A08 an owner\'s sync: own rows only, own tombstones too': on(async (b, u) => {
		await note(b, u.alice, { id: '1', text: 'x' });
		await note(b, u.alice, { id: '2', text: 'x' });
		await note(b, u.bob, { id: '3', text: 'x' });
		await b.wrote('Delete', 'Note', { id: '2', _version: 1 }, 'id', undefined, u.alice);
		const sync = who => b.data('{ syncNotes { items { id _deleted } } }', {}, who).then(d => d.syncNotes.items.map(i => [i.id, i._deleted]));
		assert.deepStrictEqual(await sync(u.alice), [['1', null], ['2', true]]);
		assert.deepStrictEqual(await sync(u.bob), [['3', null]]);
		const since = await b.data(`{ syncNotes(lastSync: ${Date.now() - 60000}) { items { id } } }`, {}, u.bob);
		assert.deepStrictEqual(since.syncNotes.items, [{ id: '3' }]);
	}),
	'SRV-A09 a field the caller may not write: Unauthorized on [salary], a null too': on(async (b, u) => {
		const pay = (who, input, op = 'Create') => b.write(op, 'Pay', input, 'id name _version', undefined, who);
		const denied = r => assert.deepStrictEqual(r.errors.map(e => [e.errorType, e.message]), [['Unauthorized', 'Unauthorized on [salary]']]);
		denied(await pay(u.alice, { name: 'x', salary: 5 }));
		assert.strictEqual((await pay(u.alice, { id: '1', name: 'x' })).errors, undefined);
		denied(await pay(u.alice, { id: '1', salary: 5, _version: 1 }, 'Update'));
		denied(await pay(u.alice, { id: '1', salary: null, _version: 1 }, 'Update'));
		assert.strictEqual((await pay(u.carol, { id: '1', salary: 9, _version: 1 }, 'Update')).errors, undefined);
		assert.strictEqual((await b.data('{ getPay(id: "1") { salary } }', {}, u.alice)).getPay.salary, 9);
	}),
};
