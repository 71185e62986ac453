// tests/interop/scenarios/7-selective.js - clients that want a part of a model only: the filter of
// their sync queries and of their subscriptions, as real clients send it.
'use strict';

const assert = require('assert');

const titles = list => list.map(r => r.title).sort();

// field, operator for Amplify, our expression, operand; titles that match among DATA
const DATA = [
	{ title: 'a1', rating: 1, tags: ['x'] }, { title: 'a5', rating: 5, tags: ['x', 'y'] }, { title: 'b5', rating: 5, body: 'text' },
	{ title: 'b9', rating: 9, tags: [] }, { title: 'c', body: 'other text' },
];
const CASES = [
	[['rating', 'gt', 4], 'rating > 4', ['a5', 'b5', 'b9']],
	[['title', 'beginsWith', 'a'], 'title beginsWith a', ['a1', 'a5']],
	[['rating', 'between', [1, 5]], 'rating between 1 and 5', ['a1', 'a5', 'b5']],
	[['tags', 'contains', 'x'], 'tags contains x', ['a1', 'a5']],
	[['title', 'ne', 'c'], 'title != c', ['a1', 'a5', 'b5', 'b9']],
];

async function selective(w, [field, op, operand], expression, want) {
	await w.backend();
	// half is there before, half comes live
	for (const [i, input] of DATA.entries())
		if (i % 2 === 0)
			await w.sandbox.mutate('create', 'Note', { id: `n${i}`, ...input });
	const [a, s] = await Promise.all([
		w.amplify('A', { expressions: [['Note', field, op, operand]] }),
		w.syncdeck('S', `model.Note.sync.expression=${expression}`),
	]);
	for (const [i, input] of DATA.entries())
		if (i % 2 === 1)
			await w.sandbox.mutate('create', 'Note', { id: `n${i}`, ...input });
	// a last one that matches no filter but is seen in another model by both: what came before has arrived
	await w.sandbox.mutate('create', 'Board', { id: 'end', name: 'end' });
	for (const c of [a, s]) {
		await c.sees('Board', 'end', r => r !== null);
		assert.deepStrictEqual(titles(await c.query('Note')), want, `${c.name}: ${expression}`);
	}
	assert.deepStrictEqual(await a.errors(), []);
	const log = await w.sandbox.call('GET', 'log');
	const starts = log.filter(l => l.kind === 'ws-in' && l.body.includes('onCreateNote'));
	assert.strictEqual(starts.length, 2);
	assert.ok(starts.every(l => JSON.parse(JSON.parse(l.body).payload.data).variables.filter), 'both subscribe with a filter');
}

for (const [amplify, ours, want] of CASES)
	module.exports[`R-104 R-105 R-139 selective sync of both clients, ${ours}`] = w => selective(w, amplify, ours, want);
