// tests/interop/scenarios/6-base.js - a client that comes later takes over what the other kind made.
'use strict';

const assert = require('assert');
const { FULL, EMPTY } = require('../lib/values');

// the same world made through either client: every type, relations, keys, a deletion
async function furnish(w, c) {
	const all = await c.create('Everything', FULL);
	const none = await c.create('Everything', { name: 'only this' });
	const nulls = await c.create('Everything', { name: 'explicit', ...EMPTY });
	const board = await c.create('Board', { name: 'b' });
	const card = await c.create('Card', { title: 'c', boardID: board.id });
	await c.create('Remark', { text: 'r', cardRemarksId: card.id });
	await c.create('Seat', { hall: 'h', number: 0, guest: null });
	const gone = await c.create('Note', { title: 'gone' });
	await c.drained();
	await c.delete('Note', gone.id);
	await c.update('Everything', all.id, { count: 1, tags: ['changed'] });
	await c.drained();
	w.holds('Everything', await w.sandbox.has('Everything', all.id, r => r._version === 2), { ...FULL, count: 1, tags: ['changed'] });
	for (const { id } of [none, nulls])
		w.holds('Everything', await w.sandbox.has('Everything', id, r => r._version === 1), EMPTY);
}

async function byAmplify(w) {
	await w.backend();
	const a = await w.amplify('A');
	await furnish(w, a);
	const s = await w.syncdeck('S');
	await w.converged();
	assert.strictEqual((await s.query('Everything')).length, 3);
	assert.ok((await s.ok('models')).every(m => m.sync === 'full' || m.sync === 'delta'));
}

async function bySyncdeck(w) {
	await w.backend();
	const s = await w.syncdeck('S');
	await furnish(w, s);
	const a = await w.amplify('A');
	await w.converged();
	assert.strictEqual((await a.query('Everything')).length, 3);
	assert.deepStrictEqual(await a.errors(), []);
}

// AWSJSON that is neither text nor number: Amplify itself refuses those two
async function anyJson(w) {
	await w.backend();
	const [a, s] = await Promise.all([w.amplify('A'), w.syncdeck('S')]);
	const values = [{}, [], { a: { b: [1.5, 'x', null] } }, ['[]'], { 'ключ "q"': '\\' }];
	for (const extra of values)
		await s.create('Everything', { name: 'json', extra });
	await s.drained();
	await w.converged(['Everything']);
	const got = (await a.query('Everything')).map(r => JSON.stringify(r.extra)).sort();
	assert.deepStrictEqual(got, values.map(v => JSON.stringify(v)).sort());
}

module.exports = {
	'R-077 R-139 syncdeck takes over what Amplify made': byAmplify,
	'R-077 R-139 Amplify takes over what syncdeck made': bySyncdeck,
	'R-077 R-139 AWSJSON of syncdeck arrives in Amplify as it was': anyJson,
};
