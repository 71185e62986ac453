// tests/interop/scenarios/3-conditions.js - conditions decided by the backend: every operator, met
// and not met there while the client's own copy meets it.
'use strict';

const assert = require('assert');

// field, operator as Amplify calls it and as our predicates write it, operand, a value that meets
// it, one that does not
const CASES = [
	['title', 'eq', '=', 'abc', 'abc', 'abd'],
	['title', 'ne', '!=', 'abc', 'xyz', 'abc'],
	['title', 'beginsWith', 'beginsWith', 'ab', 'abc', 'bab'],
	['title', 'contains', 'contains', 'b"c', 'ab"cd', 'abd'],
	['title', 'notContains', 'notContains', 'b', 'ac', 'abc'],
	['title', 'lt', '<', 'b', 'Z', 'c'],
	['rating', 'le', '<=', 10, 10, 11],
	['rating', 'gt', '>', 9, 10, 9],
	['rating', 'ge', '>=', 9, 9, 8],
	['rating', 'between', 'between', [2, 4], 4, 5],
	['tags', 'contains', 'contains', 'x', ['y', 'x'], ['xx']],
	['tags', 'notContains', 'notContains', 'x', ['xx'], ['x']],
];

function base(field, value) {
	return { title: 'base', body: 'old', rating: 1, tags: ['base'], [field]: value };
}

// What another client did without this one having heard of it: the row changes, its version not.
async function changeUnseen(w, id, values) {
	const row = (await w.sandbox.dump('Note')).find(r => r.id === id);
	await w.sandbox.call('POST', 'put', { model: 'Note', items: [{ ...row, ...values }] });
}

async function ofAmplify(w) {
	await w.backend();
	const a = await w.amplify('A');
	for (const [field, op, , operand, good, bad] of CASES) {
		const cond = [field, op, operand];
		const met = await a.create('Note', base(field, good));
		await a.drained();
		await a.update('Note', met.id, { body: 'new' }, cond);
		await w.sandbox.has('Note', met.id, r => r.body === 'new' && r._version === 2, `${cond} met`);

		const unmet = await a.create('Note', base(field, good));
		await a.drained();
		await changeUnseen(w, unmet.id, { [field]: bad });
		await a.update('Note', unmet.id, { body: 'new' }, cond);
		await a.drained();
		await w.sandbox.has('Note', unmet.id, r => r.body === 'old' && r._version === 1, `${cond} not met`);
		await a.sees('Note', unmet.id, r => r.body === 'old', 'taken back');
		const said = await a.errors();
		assert.match(said[said.length - 1].message, /conditional request failed/, String(cond));
	}
	assert.strictEqual((await a.errors()).length, CASES.length);
	// not met here already: nothing goes out
	const { id } = await a.create('Note', base('title', 'abc'));
	await a.drained();
	await assert.rejects(a.update('Note', id, { body: 'new' }, ['title', 'eq', 'other']), /Conditional update failed/);
	// a deletion
	await changeUnseen(w, id, { title: 'changed' });
	await a.delete('Note', id, ['title', 'eq', 'abc']);
	await a.drained();
	await w.sandbox.has('Note', id, r => r._deleted !== true);
	await a.sees('Note', id, r => r && r.title === 'changed', 'back');
	await w.converged(['Note']);
}

async function ofSyncdeck(w) {
	await w.backend();
	const s = await w.syncdeck('S');
	const text = (field, op, operand) => op === 'between' ? `${field} between ${operand[0]} and ${operand[1]}`
		: `${field} ${op} ${JSON.stringify(operand)}`;
	for (const [field, , op, operand, good, bad] of CASES) {
		const cond = text(field, op, operand);
		const met = await s.create('Note', base(field, good));
		await s.drained();
		await s.save('Note', { id: met.id, body: 'new' }, '--if', cond);
		await w.sandbox.has('Note', met.id, r => r.body === 'new' && r._version === 2, `${cond} met`);

		const unmet = await s.create('Note', base(field, good));
		await s.drained();
		await changeUnseen(w, unmet.id, { [field]: bad });
		await s.save('Note', { id: unmet.id, body: 'new' }, '--if', cond);
		await s.drained();
		await w.sandbox.has('Note', unmet.id, r => r.body === 'old' && r._version === 1, `${cond} not met`);
		const held = await s.ok('outbox');
		assert.deepStrictEqual(held.map(o => [o.lane, o.key[0]]), [['refused', unmet.id]], cond);
		assert.match(held[0].error.type, /ConditionalCheckFailed/);
		await s.sees('Note', unmet.id, r => r.body === 'old' && r._state === 'refused', "shows the backend's value");
		assert.deepStrictEqual((await s.get('Note', unmet.id))[field], bad, cond);
		await s.ok('outbox', 'discard', String(held[0].seq), '--yes');
		await s.sees('Note', unmet.id, r => r.body === 'old' && r._state === 'synced', 'taken back');
	}
	// a stale copy here never refuses: only the backend decides
	const { id } = await s.create('Note', base('title', 'abc'));
	await s.drained();
	await changeUnseen(w, id, { title: 'other' });
	await s.save('Note', { id, body: 'new' }, '--if', 'title = other');
	await w.sandbox.has('Note', id, r => r.body === 'new' && r._version === 2);
	// a deletion
	await s.drained();
	await changeUnseen(w, id, { title: 'third' });
	await s.ok('delete', 'Note', id, '--if', 'title = other');
	await s.drained();
	await w.sandbox.has('Note', id, r => r._deleted !== true);
	await s.sees('Note', id, r => r && r.title === 'third', 'back');
	await s.ok('outbox', 'discard', String((await s.ok('outbox'))[0].seq), '--yes');
	await w.converged(['Note']);
}

module.exports = {
	'R-070 R-139 conditions of an Amplify client, every operator met and not met': ofAmplify,
	'R-063 R-065 R-067 R-068 R-070 conditions of syncdeck, every operator met and not met': ofSyncdeck,
};
