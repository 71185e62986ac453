// tests/interop/rows/2-mutations.js - spec/server.md 10.2: versions, strategies, conditions.
'use strict';

const assert = require('assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { Bench, ALL } = require('../lib/rows');

const on = (args, fn) => async () => {
	const b = await Bench.open(args);
	try {
		await fn(b);
	} finally {
		b.close();
	}
};
const A = fn => on([], fn);
const O = fn => on(['--strategy', 'optimistic'], fn);
// the handler's answers are told with h.answer
const L = fn => async () => {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sdhandler.'));
	const h = Bench.handler(dir);
	try {
		await on(['--strategy', h.command], b => fn(b, h))();
	} finally {
		fs.rmSync(dir, { recursive: true, force: true });
	}
};
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const CHECK = /^The conditional request failed \(Service: DynamoDb, Status Code: 400, Request ID: [0-9a-f-]{36}\)$/;
const CONFLICT = 'Conflict resolver rejects mutation.';

// A post at version 2: {title:"two"}, version 1 was {title:"one"}.
async function atTwo(b, more = {}) {
	await b.create({ id: '1', title: 'one', ...more });
	return b.update({ id: '1', title: 'two', _version: 1 });
}
async function rejected(b, type, ...args) {
	const before = [await b.get('1'), await b.logged()];
	const e = await b.refused(type, ...args);
	assert.deepStrictEqual([await b.get('1'), await b.logged()], before, 'nothing changed');
	return e;
}

module.exports = {
	'SRV-M01 create: version 1, not deleted, times, an id': A(async b => {
		const from = Date.now();
		const p = await b.create({ title: 'a' });
		assert.strictEqual(p._version, 1);
		assert.strictEqual(p._deleted, null);
		assert.ok(p._lastChangedAt >= from && p._lastChangedAt <= Date.now() + 1000);
		assert.match(p.id, UUID);
		assert.strictEqual(p.createdAt, p.updatedAt);
		assert.match(p.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
	}),
	'SRV-M02 create with an id keeps it': A(async b => {
		assert.strictEqual((await b.create({ id: 'mine', title: 'a', _version: 7 })).id, 'mine');
		assert.strictEqual((await b.get('mine'))._version, 1);
	}),
	'SRV-M03 create of an id that is taken: ConditionalCheckFailedException, nothing changes, no event': A(async b => {
		const live = await b.socket();
		await live.start('s', 'subscription { onCreatePost { id title } }');
		await b.create({ id: '1', title: 'a' });
		const e = await rejected(b, 'ConditionalCheckFailedException', 'Create', 'Post', { id: '1', title: 'b' }, 'id title');
		assert.match(e.message, CHECK);
		assert.strictEqual(e.data, null);
		await b.create({ id: '2', title: 'last' });
		await live.nth('s', 2);
		assert.deepStrictEqual(live.events('s').map(p => p.data.onCreatePost.id), ['1', '2']);
	}),
	'SRV-M04 create of a tombstone\'s id: the same': A(async b => {
		await b.create({ id: '1', title: 'a' });
		await b.remove({ id: '1', _version: 1 });
		const e = await rejected(b, 'ConditionalCheckFailedException', 'Create', 'Post', { id: '1', title: 'b' });
		assert.match(e.message, CHECK);
		assert.strictEqual(e.data, null);
	}),
	'SRV-M05 create without a required field: an error on the variable, nothing written': A(async b => {
		const r = await b.write('Create', 'Post', { content: 'x' });
		assert.strictEqual(r.data, null);
		assert.match(r.errors[0].message, /^Variable 'input' has coerced Null value for NonNull type 'String!'/);
		assert.deepStrictEqual(await b.sandbox.dump('Post'), []);
	}),
	'SRV-M06 update of the current version: fields set, version and times move': A(async b => {
		const one = await b.create({ id: '1', title: 'a', content: 'c' });
		await new Promise(r => setTimeout(r, 5));
		const two = await b.update({ id: '1', title: 'b', _version: 1 });
		assert.deepStrictEqual([two.title, two.content, two._version, two.createdAt], ['b', 'c', 2, one.createdAt]);
		assert.ok(two.updatedAt > one.updatedAt);
		assert.ok(two._lastChangedAt > one._lastChangedAt);
	}),
	'SRV-M07 update with null removes the attribute': A(async b => {
		await b.create({ id: '1', title: 'a', content: 'c' });
		assert.strictEqual((await b.update({ id: '1', content: null, _version: 1 })).content, null);
		assert.strictEqual((await b.get('1')).content, null);
		assert.strictEqual(await b.ids({ content: { attributeExists: false } }), '1');
	}),
	'SRV-M08 O: a stale update is ConflictUnhandled with the server\'s item': O(async b => {
		const two = await atTwo(b);
		const e = await rejected(b, 'ConflictUnhandled', 'Update', 'Post', { id: '1', title: 'mine', _version: 1 }, ALL);
		assert.strictEqual(e.message, CONFLICT);
		assert.deepStrictEqual(e.data, two);
	}),
	'SRV-M09 O: data has what was selected only': O(async b => {
		await atTwo(b);
		const e = await b.refused('ConflictUnhandled', 'Update', 'Post', { id: '1', title: 'mine', _version: 1 }, 'id title');
		assert.deepStrictEqual(e.data, { id: '1', title: 'two' });
	}),
	'SRV-M10 O: again with the version of the error succeeds': O(async b => {
		await atTwo(b);
		const e = await b.refused('ConflictUnhandled', 'Update', 'Post', { id: '1', title: 'mine', _version: 1 }, '_version');
		const p = await b.update({ id: '1', title: 'mine', _version: e.data._version });
		assert.deepStrictEqual([p.title, p._version], ['mine', 3]);
	}),
	'SRV-M11 A: a stale update of a scalar succeeds, changes nothing, moves the version': A(async b => {
		await atTwo(b, { rating: 1 });
		const p = await b.update({ id: '1', title: 'mine', rating: 9, _version: 1 });
		assert.deepStrictEqual([p.title, p.rating, p._version], ['two', 1, 3]);
	}),
	'SRV-M12 A: a stale update of a null or absent field is taken': A(async b => {
		await atTwo(b, { rating: null });
		const p = await b.update({ id: '1', rating: 9, content: 'new', _version: 1 });
		assert.deepStrictEqual([p.rating, p.content, p._version], [9, 'new', 3]);
	}),
	'SRV-M13 A: a stale update of a list appends, duplicates and all': A(async b => {
		await atTwo(b, { tags: ['x', 'y'] });
		assert.deepStrictEqual((await b.update({ id: '1', tags: ['y', 'z'], _version: 1 })).tags, ['x', 'y', 'y', 'z']);
	}),
	'SRV-M14 A: a stale update of an embedded object merges by key': A(async b => {
		await atTwo(b, { meta: { a: 'theirs' } });
		assert.deepStrictEqual((await b.update({ id: '1', meta: { a: 'mine', b: 2 }, _version: 1 })).meta, { a: 'theirs', b: 2 });
	}),
	'SRV-M15 A: a stale update of AWSJSON merges by key, the result is text': A(async b => {
		await atTwo(b, { data: '{"k":1,"l":[1],"deep":{"a":1}}' });
		const p = await b.update({ id: '1', data: '{"k":2,"l":[2],"deep":{"b":2},"new":null}', _version: 1 });
		assert.strictEqual(typeof p.data, 'string');
		assert.deepStrictEqual(JSON.parse(p.data), { k: 1, l: [1, 2], deep: { a: 1, b: 2 } });
	}),
	'SRV-M16 A: a stale update with null keeps the field': A(async b => {
		await atTwo(b, { content: 'c' });
		assert.strictEqual((await b.update({ id: '1', content: null, _version: 1 })).content, 'c');
	}),
	'SRV-M17 A: the documented sequence of Nadia': async () => {
		// sets come from custom resolvers only: here a row that is put with one
		const SET = '\u0001SS';
		const b = await Bench.open([], `type Player @model { id: ID! name: String jersey: Int interests: [String] points: [Int] stats: Stats }
			type Stats { ppg: String apg: String rpg: String }`);
		try {
			const sel = 'name jersey interests points stats { ppg apg rpg } _version';
			const up = input => b.wrote('Update', 'Player', { id: '1', ...input }, sel);
			await b.sandbox.call('POST', 'put', { model: 'Player', items: [{ id: '1', name: 'Nadia', jersey: 5, _version: 4 }] });
			let p = await up({ name: 'Nadia', jersey: 55, _version: 2 });
			assert.deepStrictEqual([p.name, p.jersey, p._version], ['Nadia', 5, 5]);
			p = await up({ name: 'Shaggy', jersey: 5, points: [24, 30, 27], _version: 3 });
			assert.deepStrictEqual([p.name, p.points, p._version], ['Nadia', [24, 30, 27], 6]);
			const [row] = await b.sandbox.dump('Player');
			await b.sandbox.call('POST', 'put', { model: 'Player', items: [{ ...row, interests: { [SET]: ['breakfast', 'lunch', 'dinner'] } }] });
			p = await up({ points: [30, 35], _version: 5 });
			assert.deepStrictEqual([p.interests, p.points, p._version], [['breakfast', 'lunch', 'dinner'], [24, 30, 27, 30, 35], 7]);
			p = await up({ stats: { ppg: '35.4', apg: '6.3' }, _version: 7 });
			assert.strictEqual(p._version, 8);
			p = await up({ stats: { ppg: '25.7', rpg: '6.9' }, _version: 3 });
			assert.deepStrictEqual([p.stats, p._version], [{ ppg: '35.4', apg: '6.3', rpg: '6.9' }, 9]);
		} finally {
			b.close();
		}
	},
	'SRV-M18 A: a stale update leaves updatedAt and moves _lastChangedAt': A(async b => {
		const two = await atTwo(b);
		const p = await b.update({ id: '1', title: 'mine', _version: 1 });
		assert.strictEqual(p.updatedAt, two.updatedAt);
		assert.ok(p._lastChangedAt > two._lastChangedAt);
	}),
	'SRV-M19 A: an update without a version is stale': A(async b => {
		await atTwo(b);
		const p = await b.update({ id: '1', title: 'mine', content: 'new' });
		assert.deepStrictEqual([p.title, p.content, p._version], ['two', 'new', 3]);
	}),
	'SRV-M20 A and O: a delete without a version is ConflictUnhandled': async () => {
		for (const strategy of ['automerge', 'optimistic'])
			await on(['--strategy', strategy], async b => {
				const two = await atTwo(b);
				const e = await rejected(b, 'ConflictUnhandled', 'Delete', 'Post', { id: '1' }, ALL);
				assert.strictEqual(e.message, CONFLICT);
				assert.deepStrictEqual(e.data, two);
			})();
	},
	'SRV-M21 A: a stale delete is ConflictUnhandled': A(async b => {
		await atTwo(b);
		const e = await rejected(b, 'ConflictUnhandled', 'Delete', 'Post', { id: '1', _version: 1 }, 'title _version');
		assert.deepStrictEqual(e.data, { title: 'two', _version: 2 });
	}),
	'SRV-M22 a delete of the current version leaves the whole item as a tombstone with a time to live': A(async b => {
		const two = await atTwo(b, { content: 'c' });
		const p = await b.remove({ id: '1', _version: 2 });
		assert.deepStrictEqual(p, { ...two, _deleted: true, _version: 3, _lastChangedAt: p._lastChangedAt });
		const [row] = await b.sandbox.dump('Post');
		assert.ok(Math.abs(row._ttl - (Date.now() / 1000 + 30 * 86400)) < 60, `_ttl ${row._ttl}`);
	}),
	'SRV-M23 a stale delete of a tombstone: ConflictUnhandled, _deleted true': A(async b => {
		await atTwo(b);
		await b.remove({ id: '1', _version: 2 });
		const e = await b.refused('ConflictUnhandled', 'Delete', 'Post', { id: '1', _version: 2 }, 'id _deleted _version');
		assert.deepStrictEqual(e.data, { id: '1', _deleted: true, _version: 3 });
	}),
	'SRV-M24 a delete of what is not there: ConditionalCheckFailedException': A(async b => {
		assert.match((await b.refused('ConditionalCheckFailedException', 'Delete', 'Post', { id: 'none', _version: 1 })).message, CHECK);
	}),
	'SRV-M25 an update of what is not there: ConditionalCheckFailedException': A(async b => {
		const e = await b.refused('ConditionalCheckFailedException', 'Update', 'Post', { id: 'none', title: 'x', _version: 1 });
		assert.match(e.message, CHECK);
		assert.deepStrictEqual(await b.sandbox.dump('Post'), []);
	}),
	'SRV-M26 an update of what is not there under an owner rule: Unauthorized': A(async b => {
		const r = await b.ask('mutation { updateNote(input: {id: "none", text: "x"}) { id } }', {}, await b.as('alice'));
		assert.deepStrictEqual(r, { data: { updateNote: null }, errors: [{ path: ['updateNote'], data: null, errorType: 'Unauthorized', errorInfo: null,
			locations: [{ line: 1, column: 12, sourceName: null }], message: 'Not Authorized to access updateNote on type Mutation' }] });
	}),
	'SRV-M27 an update with a false condition: ConditionalCheckFailedException, unchanged': A(async b => {
		const two = await atTwo(b);
		const e = await rejected(b, 'ConditionalCheckFailedException', 'Update', 'Post', { id: '1', title: 'x', _version: 2 }, ALL, { title: { eq: 'one' } });
		assert.match(e.message, CHECK);
		assert.deepStrictEqual(e.data, two);
		assert.strictEqual((await b.wrote('Update', 'Post', { id: '1', title: 'x', _version: 2 }, 'title', { title: { eq: 'two' } })).title, 'x');
	}),
	'SRV-M28 A: a false condition on a stale version: the conflict comes first': A(async b => {
		await atTwo(b);
		const p = await b.wrote('Update', 'Post', { id: '1', title: 'x', content: 'new', _version: 1 }, ALL, { title: { eq: 'nothing' } });
		assert.deepStrictEqual([p.title, p.content, p._version], ['two', 'new', 3]);
	}),
	'SRV-M29 a delete with a false condition: ConditionalCheckFailedException': A(async b => {
		await atTwo(b);
		const e = await rejected(b, 'ConditionalCheckFailedException', 'Delete', 'Post', { id: '1', _version: 2 }, 'title', { title: { eq: 'one' } });
		assert.deepStrictEqual(e.data, { title: 'two' });
	}),
	'SRV-M30 a create with a condition on a row that is there: ConditionalCheckFailedException': A(async b => {
		await atTwo(b);
		const e = await rejected(b, 'ConditionalCheckFailedException', 'Create', 'Post', { id: '1', title: 'x' }, 'title', { title: { eq: 'two' } });
		assert.strictEqual(e.data, null);
	}),
	'SRV-M31 base TTL 0: a delete removes the row, the change log keeps it': on(['--base-ttl', '0s'], async b => {
		const { startedAt } = await b.synced();
		await atTwo(b);
		assert.strictEqual((await b.remove({ id: '1', _version: 2 }))._deleted, true);
		assert.strictEqual(await b.get('1'), null);
		assert.deepStrictEqual((await b.synced()).items, []);
		const log = (await b.synced({ lastSync: startedAt })).items;
		assert.deepStrictEqual(log.map(i => [i._version, i._deleted]), [[1, null], [2, null], [3, true]]);
	}),
	'SRV-M32 an update of a tombstone\'s current version is applied, it stays deleted': A(async b => {
		await atTwo(b);
		await b.remove({ id: '1', _version: 2 });
		const p = await b.update({ id: '1', title: 'x', _version: 3 });
		assert.deepStrictEqual([p.title, p._deleted, p._version], ['x', true, 4]);
	}),
	'SRV-M33 A: a stale update of a tombstone succeeds, _deleted true': A(async b => {
		await atTwo(b);
		await b.remove({ id: '1', _version: 2 });
		const p = await b.update({ id: '1', title: 'x', content: 'new', _version: 1 });
		assert.deepStrictEqual([p.title, p.content, p._deleted, p._version], ['two', 'new', true, 4]);
	}),
	'SRV-M34 L: RESOLVE puts the item in place, key and metadata stay': L(async (b, h) => {
		const two = await atTwo(b, { content: 'c' });
		h.answer({ action: 'RESOLVE', item: { id: 'other', title: 'resolved', createdAt: two.createdAt, updatedAt: two.updatedAt, _version: 77, _deleted: true, _lastChangedAt: 5 } });
		const p = await b.update({ id: '1', title: 'mine', _version: 1 });
		assert.deepStrictEqual([p.id, p.title, p.content, p._version, p._deleted], ['1', 'resolved', null, 3, null]);
		assert.ok(p._lastChangedAt > two._lastChangedAt);
		const sent = h.payload();
		assert.deepStrictEqual(Object.keys(sent).sort(), ['arguments', 'existingItem', 'identity', 'newItem', 'resolver']);
		assert.deepStrictEqual([sent.newItem.title, sent.existingItem.title, sent.identity], ['mine', 'two', null]);
		assert.deepStrictEqual(sent.arguments, { input: { id: '1', title: 'mine', _version: 1 }, condition: null });
		assert.deepStrictEqual(Object.keys(sent.resolver).sort(), ['awsRegion', 'field', 'parentType', 'tableName']);
		assert.deepStrictEqual([sent.resolver.parentType, sent.resolver.field], ['Mutation', 'updatePost']);
	}),
	'SRV-M35 L: REJECT is ConflictUnhandled with the server\'s item': L(async (b, h) => {
		await atTwo(b);
		h.answer({ action: 'REJECT' });
		const e = await rejected(b, 'ConflictUnhandled', 'Update', 'Post', { id: '1', title: 'mine', _version: 1 }, 'title _version');
		assert.strictEqual(e.message, CONFLICT);
		assert.deepStrictEqual(e.data, { title: 'two', _version: 2 });
	}),
	'SRV-M36 L: REMOVE deletes; it is no answer to an update': L(async (b, h) => {
		await atTwo(b);
		h.answer({ action: 'REMOVE' });
		await rejected(b, 'ConflictError', 'Update', 'Post', { id: '1', title: 'mine', _version: 1 });
		const p = await b.remove({ id: '1', _version: 1 });
		assert.deepStrictEqual([p._deleted, p._version], [true, 3]);
	}),
	'SRV-M37 L: a garbled answer, or none, is ConflictError': L(async (b, h) => {
		await atTwo(b);
		for (const answer of ['garbage', '', '{}', '[]', '{"action":"RESOLVE"}', '{"action":"resolve","item":{}}', '{"action":"RESOLVE","item":5}']) {
			h.answer(answer);
			await rejected(b, 'ConflictError', 'Update', 'Post', { id: '1', title: 'mine', _version: 1 });
		}
	}),
	'SRV-M38 a model\'s own strategy counts above the project\'s': on(['--model-strategy', 'Post=optimistic'], async b => {
		await atTwo(b);
		await rejected(b, 'ConflictUnhandled', 'Update', 'Post', { id: '1', title: 'mine', _version: 1 });
		await b.wrote('Create', 'Person', { id: '1', name: 'a' });
		assert.deepStrictEqual(await b.wrote('Update', 'Person', { id: '1', name: 'b', _version: 9 }, 'name _version'), { name: 'a', _version: 2 });
	}),
	'SRV-M39 a version from the future is a conflict': async () => {
		await O(async b => {
			await atTwo(b);
			await rejected(b, 'ConflictUnhandled', 'Update', 'Post', { id: '1', title: 'mine', _version: 9 });
		})();
		await A(async b => {
			await atTwo(b);
			const p = await b.update({ id: '1', title: 'mine', _version: 9 });
			assert.deepStrictEqual([p.title, p._version], ['two', 3]);
		})();
	},
	'SRV-M40 A: 20 parallel updates of one version: 20 successes, versions, log records and events': A(async b => {
		const live = await b.socket();
		await live.start('s', 'subscription { onUpdatePost { id _version } }');
		await b.create({ id: '1', title: 'a' });
		const before = await b.logged();
		const all = await Promise.all(Array.from({ length: 20 }, (_, i) => b.update({ id: '1', title: `t${i}`, _version: 1 }, 'id _version')));
		const versions = all.map(p => p._version).sort((x, y) => x - y);
		assert.deepStrictEqual(versions, Array.from({ length: 20 }, (_, i) => i + 2));
		assert.strictEqual((await b.get('1'))._version, 21);
		assert.strictEqual(await b.logged(), before + 20);
		await live.nth('s', 20);
		assert.deepStrictEqual(live.events('s').map(p => p.data.onUpdatePost._version), versions);
	}),
};
