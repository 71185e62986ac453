// tests/interop/scenarios/2-relations.js - relations, cascades and keys between real clients.
'use strict';

const assert = require('assert');

const ids = list => list.map(r => r.id).sort();

async function cascade(w) {
	await w.backend();
	const [a, b] = await Promise.all([w.amplify('A'), w.amplify('B')]);
	const board = await a.create('Board', { name: 'board' });
	const other = await b.create('Board', { name: 'stays' });
	const ref = (model, r) => ({ $ref: [model, r.id] });
	const cards = [];
	for (const title of ['one', 'two'])
		cards.push(await a.create('Card', { title, board: ref('Board', board) }));
	const remark = await a.create('Remark', { text: 'r', card: ref('Card', cards[0]) });
	await b.sees('Remark', remark.id, r => r && r._version);
	assert.deepStrictEqual(ids(await b.related('Board', board.id, 'cards')), ids(cards));
	assert.strictEqual((await b.related('Remark', remark.id, 'card')).id, cards[0].id);
	assert.strictEqual((await b.related('Card', cards[1].id, 'board')).id, board.id);

	// to another parent, to none, and back
	await b.update('Card', cards[1].id, { board: ref('Board', other) });
	await a.sees('Card', cards[1].id, r => r.boardID === other.id, 'moved');
	await b.update('Card', cards[1].id, { board: null });
	await a.sees('Card', cards[1].id, r => r.boardID === null, 'without board');
	await a.update('Card', cards[1].id, { board: ref('Board', board) });
	await b.sees('Card', cards[1].id, r => r.boardID === board.id, 'back');
	await w.converged(['Board', 'Card', 'Remark']);

	// the whole tree goes, deepest first; every tombstone is the backend's
	await b.delete('Board', board.id);
	await a.sees('Board', board.id, r => r === null, 'gone');
	await w.converged(['Board', 'Card', 'Remark']);
	for (const [model, left] of [['Board', 1], ['Card', 0], ['Remark', 0]])
		assert.strictEqual((await w.sandbox.live(model)).length, left, model);
	assert.ok((await w.sandbox.dump('Card')).every(r => r._deleted === true));
	for (const c of [a, b])
		assert.deepStrictEqual(await c.errors(), []);
}

// a tree made offline by one and deleted by another, ours and Amplify's in both parts
async function trees(w, maker, remover) {
	await w.backend();
	const [a, s] = await Promise.all([w.amplify('A'), w.syncdeck('S')]);
	const [m, r] = maker === 'A' ? [a, s] : [s, a];
	await m.offline();
	const board = await m.create('Board', { name: 'b' });
	const cards = [];
	for (const title of ['one', 'two', 'three']) {
		const values = m === a ? { board: { $ref: ['Board', board.id] } } : { boardID: board.id };
		cards.push(await m.create('Card', { title, ...values }));
	}
	for (const c of cards) {
		const values = m === a ? { card: { $ref: ['Card', c.id] } } : { cardRemarksId: c.id };
		await m.create('Remark', { text: `of ${c.title}`, ...values });
	}
	await w.sandbox.call('DELETE', 'log');
	await m.online();
	await m.drained();
	await w.converged(['Board', 'Card', 'Remark']);
	const made = (await w.sandbox.call('GET', 'log')).filter(l => l.kind === 'http')
		.map(l => /create(Board|Card|Remark)\(/.exec(l.body)?.[1]).filter(Boolean);
	assert.strictEqual(made.length, 7);
	assert.strictEqual(made[0], 'Board', `parents first: ${made}`);
	assert.ok(made.indexOf('Card') < made.indexOf('Remark'), `parents first: ${made}`);

	await (remover === maker ? m : r).delete('Board', board.id);
	await (remover === maker ? m : r).drained();
	await w.converged(['Board', 'Card', 'Remark']);
	for (const model of ['Board', 'Card', 'Remark']) {
		const rows = await w.sandbox.dump(model);
		assert.ok(rows.length > 0 && rows.every(x => x._deleted === true), model);
	}
	assert.deepStrictEqual(await a.errors(), []);
}

async function manyToMany(w) {
	await w.backend();
	const [a, b, s] = await Promise.all([w.amplify('A'), w.amplify('B'), w.syncdeck('S')]);
	const ann = await a.create('Student', { name: 'Ann' });
	const bob = await b.create('Student', { name: 'Bob' });
	const maths = await a.create('Course', { name: 'Maths' });
	const art = await s.create('Course', { name: 'Art' });
	const all = [ann, bob, maths, art];
	for (const c of w.clients)
		for (const r of all)
			await c.sees(r === ann || r === bob ? 'Student' : 'Course', r.id, x => x && x._version);
	const join = (st, co) => ({ student: { $ref: ['Student', st.id] }, course: { $ref: ['Course', co.id] } });
	await a.create('Enrolment', join(ann, maths));
	await b.create('Enrolment', join(bob, maths));
	await s.create('Enrolment', { studentId: ann.id, courseId: art.id });
	await Promise.all([a.drained(), b.drained(), s.drained()]);
	await w.converged();
	assert.deepStrictEqual((await b.related('Student', ann.id, 'courses')).map(r => r.courseId).sort(), ids([maths, art]));
	assert.deepStrictEqual((await a.related('Course', maths.id, 'students')).map(r => r.studentId).sort(), ids([ann, bob]));
	assert.deepStrictEqual(ids(await s.ok('related', 'Student', ann.id, 'courses')), ids([maths, art]));

	// a deletion takes the joins with it, not the other ends: ours and Amplify's
	await a.delete('Student', bob.id);
	await s.sees('Student', bob.id, r => r === null, 'gone');
	await s.delete('Course', art.id);
	await s.drained();
	await a.sees('Course', art.id, r => r === null, 'gone');
	await w.converged();
	assert.deepStrictEqual((await w.sandbox.live('Enrolment')).map(r => [r.studentId, r.courseId]), [[ann.id, maths.id]]);
}

async function compositeKeys(w, strategy) {
	await w.backend('--strategy', strategy);
	const [a, s] = await Promise.all([w.amplify('A'), w.syncdeck('S')]);
	const sees = (c, number, check) => c === a ? c.sees('Seat', { hall: 'H-1#x', number }, check)
		: c.sees('Seat', ['H-1#x', number], check);
	await a.create('Seat', { hall: 'H-1#x', number: 7, guest: 'Ann' });
	await s.create('Seat', { hall: 'H-1#x', number: 8, guest: 'Bob' });
	await sees(s, 7, r => r && r.guest === 'Ann');
	await sees(a, 8, r => r && r.guest === 'Bob');
	await a.update('Seat', { hall: 'H-1#x', number: 8 }, { guest: 'Carl' });
	await sees(s, 8, r => r.guest === 'Carl' && r._version === 2);
	await s.save('Seat', { hall: 'H-1#x', number: 7, guest: null });
	await sees(a, 7, r => r.guest === null && r._version === 2);
	await w.converged(['Seat']);
	await a.delete('Seat', { hall: 'H-1#x', number: 7 });
	await s.delete('Seat', 'H-1#x', 8);
	await sees(s, 7, r => r === null);
	await sees(a, 8, r => r === null);
	await w.converged(['Seat']);
	assert.strictEqual((await w.sandbox.dump('Seat')).filter(r => r._deleted === true).length, 2);
	assert.deepStrictEqual(await a.errors(), []);
}

module.exports = {
	'R-139 R-077 belongsTo and hasMany between Amplify clients, with cascading deletes': cascade,
	'R-024 R-077 a tree made offline by Amplify is deleted by syncdeck': w => trees(w, 'A', 'S'),
	'R-024 R-077 a tree made offline by syncdeck is deleted by Amplify': w => trees(w, 'S', 'A'),
	'R-139 R-077 many to many between Amplify clients and syncdeck, joins go with an end': manyToMany,
	'R-139 R-077 composite keys between Amplify and syncdeck, automerge': w => compositeKeys(w, 'automerge'),
	'R-139 R-077 composite keys between Amplify and syncdeck, optimistic': w => compositeKeys(w, 'optimistic'),
};
