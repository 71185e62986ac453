// tests/interop/rows/3-reads.js - spec/server.md 10.3: reads, filters, pages, delta sync.
'use strict';

const assert = require('assert');
const { Bench } = require('../lib/rows');

const on = (fn, args, schema) => async () => {
	const b = await Bench.open(args, schema);
	try {
		await fn(b);
	} finally {
		b.close();
	}
};
const DAY = 86400000;
const list = (b, args) => b.data(`{ r: listPosts${args ? `(${args})` : ''} { items { id } nextToken } }`).then(d => d.r);
const shown = items => items.map(i => i.id).join('');

module.exports = {
	'SRV-R01 getPost gives the item, or null without an error': on(async b => {
		await b.create({ id: '1', title: 'a' });
		assert.deepStrictEqual(await b.ask('{ getPost(id: "1") { title } }'), { data: { getPost: { title: 'a' } } });
		assert.deepStrictEqual(await b.ask('{ getPost(id: "2") { title } }'), { data: { getPost: null } });
	}),
	'SRV-R02 getPost gives a tombstone': on(async b => {
		await b.create({ id: '1', title: 'a' });
		await b.remove({ id: '1', _version: 1 });
		assert.deepStrictEqual(await b.get('1', 'title _deleted _version'), { title: 'a', _deleted: true, _version: 2 });
	}),
	'SRV-R03 listPosts includes tombstones': on(async b => {
		await b.create({ id: '1', title: 'a' });
		await b.create({ id: '2', title: 'b' });
		await b.remove({ id: '1', _version: 1 });
		assert.strictEqual(await b.ids(), '12');
	}),
	'SRV-R04 a filter on _deleted leaves the live ones': on(async b => {
		await b.create({ id: '1', title: 'a' });
		await b.create({ id: '2', title: 'b' });
		await b.remove({ id: '1', _version: 1 });
		assert.strictEqual(await b.ids({ _deleted: { ne: true } }), '2');
		assert.strictEqual(await b.ids({ _deleted: { eq: true } }), '1');
	}),
	'SRV-R05 limit 2 over 5: pages of 2, 2 and 1, tokens until the last': on(async b => {
		for (let i = 0; i < 5; i++)
			await b.create({ id: `${i}`, title: 't' });
		let token = null;
		const pages = [];
		do {
			const p = await list(b, `limit: 2${token ? `, nextToken: "${token}"` : ''}`);
			pages.push(p.items.length);
			token = p.nextToken;
		} while (token);
		assert.deepStrictEqual(pages, [2, 2, 1]);
	}),
	'SRV-R06 limit 1 and a filter on the last row: empty pages with tokens, then the row': on(async b => {
		for (let i = 0; i < 4; i++)
			await b.create({ id: `${i}`, title: `t${i}` });
		let token = null;
		const pages = [];
		do {
			const p = await list(b, `limit: 1, filter: {title: {eq: "t3"}}${token ? `, nextToken: "${token}"` : ''}`);
			pages.push([shown(p.items), p.nextToken !== null]);
			token = p.nextToken;
		} while (token);
		assert.deepStrictEqual(pages, [['', true], ['', true], ['', true], ['3', false]]);
	}),
	'SRV-R07 every operator, on values, on nothing and on NULL': on(async b => {
		await b.create({ id: 'a', title: 'apple pie', rating: 5, tags: ['x', 'y'], status: 'LIVE', blogID: 'b1' });
		await b.create({ id: 'b', title: 'banana', rating: 3, tags: ['y'], status: 'DRAFT' });
		await b.create({ id: 'c', title: 'cherry' });
		await b.create({ id: 'd', title: 'date', rating: null, tags: null, status: null });
		const table = [
			[{ rating: { eq: 5 } }, 'a'], [{ rating: { ne: 5 } }, 'bcd'], [{ rating: { lt: 5 } }, 'b'], [{ rating: { le: 5 } }, 'ab'],
			[{ rating: { gt: 3 } }, 'a'], [{ rating: { ge: 3 } }, 'ab'], [{ rating: { between: [3, 4] } }, 'b'], [{ rating: { between: [6, 9] } }, ''],
			[{ rating: { attributeExists: true } }, 'abd'], [{ rating: { attributeExists: false } }, 'c'],
			[{ rating: { attributeType: '_null' } }, 'd'], [{ rating: { attributeType: 'number' } }, 'ab'], [{ rating: { attributeType: 'string' } }, ''],
			[{ rating: { eq: null } }, 'd'], [{ rating: { ne: null } }, 'abc'], [{ rating: { gt: 1, lt: 4 } }, 'b'],
			[{ title: { eq: 'banana' } }, 'b'], [{ title: { beginsWith: 'ban' } }, 'b'], [{ title: { contains: 'an' } }, 'b'], [{ title: { notContains: 'an' } }, 'acd'],
			[{ title: { between: ['b', 'ch'] } }, 'b'], [{ title: { gt: 'banana' } }, 'cd'], [{ title: { le: 'banana' } }, 'ab'],
			[{ title: { size: { eq: 6 } } }, 'bc'], [{ title: { size: { gt: 6 } } }, 'a'], [{ title: { size: { between: [4, 6] } } }, 'bcd'],
			[{ title: { size: { ne: 4 } } }, 'abc'], [{ title: { attributeType: 'string' } }, 'abcd'],
			[{ tags: { contains: 'x' } }, 'a'], [{ tags: { notContains: 'x' } }, 'bcd'], [{ tags: { size: { eq: 1 } } }, 'b'],
			[{ tags: { attributeType: 'list' } }, 'ab'], [{ tags: { attributeExists: false } }, 'c'],
			[{ status: { eq: 'LIVE' } }, 'a'], [{ status: { ne: 'LIVE' } }, 'bcd'],
			[{ id: { eq: 'c' } }, 'c'], [{ id: { between: ['b', 'c'] } }, 'bc'], [{ id: { beginsWith: 'd' } }, 'd'],
			[{ blogID: { eq: 'b1' } }, 'a'], [{ blogID: { attributeExists: false } }, 'bcd'],
			[{ content: { eq: 'x' } }, ''], [{ content: { lt: 'x' } }, ''], [{ content: { contains: 'x' } }, ''], [{ content: { beginsWith: 'x' } }, ''],
			[{ content: { between: ['a', 'z'] } }, ''], [{ content: { ne: 'x' } }, 'abcd'], [{ content: { notContains: 'x' } }, 'abcd'],
			[{ createdAt: { beginsWith: '20' } }, 'abcd'], [{ rating: { gt: 1 }, title: { contains: 'pie' } }, 'a'], [{}, 'abcd'], [null, 'abcd'],
		];
		for (const [filter, want] of table)
			assert.strictEqual(await b.ids(filter), want, JSON.stringify(filter));
		const bad = await b.ask('{ listPosts(filter: {rating: {between: [1]}}) { items { id } } }');
		assert.deepStrictEqual([bad.data.listPosts, bad.errors[0].errorType, bad.errors[0].message],
			[null, 'Unrecognized Filter', 'Unable to process the filter expression']);
	}),
	'SRV-R08 and, or and not nest like in algebra': on(async b => {
		// every combination of three properties, as the letters that hold
		const all = ['', 'p', 'q', 'r', 'pq', 'pr', 'qr', 'pqr'];
		for (const props of all)
			await b.create({ id: `(${props})`, title: props.includes('p') ? 'p' : '-', content: props.includes('q') ? 'q' : '-', rating: props.includes('r') ? 1 : 0 });
		const p = { title: { eq: 'p' } }, q = { content: { eq: 'q' } }, r = { rating: { eq: 1 } };
		const P = s => s.includes('p'), Q = s => s.includes('q'), R = s => s.includes('r');
		const table = [
			[{ and: [p, q] }, s => P(s) && Q(s)], [{ or: [p, q] }, s => P(s) || Q(s)], [{ not: p }, s => !P(s)],
			[{ or: [{ and: [p, q] }, r] }, s => (P(s) && Q(s)) || R(s)], [{ and: [{ or: [p, q] }, { not: r }] }, s => (P(s) || Q(s)) && !R(s)],
			[{ not: { or: [p, { and: [q, r] }] } }, s => !(P(s) || (Q(s) && R(s)))], [{ not: { not: p } }, P],
			[{ ...p, or: [q, r] }, s => P(s) && (Q(s) || R(s))], [{ and: [{ not: { and: [p, q] } }, { or: [p, r] }] }, s => !(P(s) && Q(s)) && (P(s) || R(s))],
			[{ and: [p, { and: [q, { and: [r] }] }] }, s => P(s) && Q(s) && R(s)],
		];
		for (const [filter, fits] of table)
			assert.strictEqual(await b.ids(filter), all.filter(fits).map(s => `(${s})`).sort().join(''), JSON.stringify(filter));
	}),
	'SRV-R09 an index query, ascending and descending': on(async b => {
		for (const [id, day] of [['1', '2026-01-02'], ['2', '2026-01-01'], ['3', '2026-01-03']])
			await b.data('mutation($i: CreatePostInput!) { createPost(input: $i) { id } }', { i: { id, blogID: 'b', day } });
		const ask = args => b.data(`{ postsByBlog(blogID: "b"${args}) { items { id } } }`).then(d => shown(d.postsByBlog.items));
		assert.strictEqual(await ask(', sortDirection: DESC'), '312');
		assert.strictEqual(await ask(', sortDirection: ASC'), '213');
		assert.strictEqual(await ask(''), '213');
		assert.strictEqual(await ask(', day: {le: "2026-01-02"}, sortDirection: DESC'), '12');
	}, [], 'type Post @model { id: ID! day: String blogID: ID @index(name: "byBlog", queryField: "postsByBlog", sortKeyFields: ["day"]) }'),
	'SRV-R10 the default limit is 100': on(async b => {
		const r = await b.data('{ listPosts { items { id } nextToken } syncPosts { items { id } nextToken } }');
		assert.strictEqual(r.listPosts.items.length, 100);
		assert.ok(r.listPosts.nextToken);
		assert.strictEqual(r.syncPosts.items.length, 100);
	}, ['--seed', '101']),

	'SRV-Y01 sync without lastSync: everything once, tombstones too, startedAt in ms': on(async b => {
		await b.create({ id: '1', title: 'a' });
		await b.create({ id: '2', title: 'b' });
		await b.update({ id: '2', title: 'c', _version: 1 });
		await b.remove({ id: '1', _version: 1 });
		const from = Date.now();
		const s = await b.synced({ lastSync: null, limit: null, nextToken: null, filter: null });
		assert.deepStrictEqual(s.items.map(i => [i.id, i.title, i._version, i._deleted]).sort(), [['1', 'a', 2, true], ['2', 'c', 2, null]]);
		assert.ok(s.startedAt >= from - 50 && s.startedAt <= Date.now() + 50);
		assert.strictEqual(s.nextToken, null);
	}),
	'SRV-Y02 lastSync 0 or in seconds is a base scan': on(async b => {
		await b.create({ id: '1', title: 'a' });
		await b.update({ id: '1', title: 'b', _version: 1 });
		for (const lastSync of [0, Math.floor(Date.now() / 1000)])
			assert.deepStrictEqual((await b.synced({ lastSync })).items.map(i => i._version), [2]);
	}),
	'SRV-Y03 the delta since startedAt has the changed item only': on(async b => {
		await b.create({ id: '1', title: 'a' });
		await b.create({ id: '2', title: 'b' });
		await b.clock(10000);
		const { startedAt } = await b.synced();
		await b.clock(20000);
		await b.update({ id: '2', title: 'c', _version: 1 });
		assert.deepStrictEqual((await b.synced({ lastSync: startedAt })).items.map(i => [i.id, i.title]), [['2', 'c']]);
	}),
	'SRV-Y04 two updates are two records, versions ascending': on(async b => {
		await b.create({ id: '1', title: 'a' });
		await b.clock(10000);
		const { startedAt } = await b.synced();
		await b.clock(20000);
		await b.update({ id: '1', title: 'b', _version: 1 });
		await b.update({ id: '1', title: 'c', _version: 2 });
		assert.deepStrictEqual((await b.synced({ lastSync: startedAt })).items.map(i => [i.title, i._version]), [['b', 2], ['c', 3]]);
	}),
	'SRV-Y05 a delete is a record with _deleted true': on(async b => {
		await b.create({ id: '1', title: 'a' });
		await b.clock(10000);
		const { startedAt } = await b.synced();
		await b.clock(20000);
		await b.remove({ id: '1', _version: 1 });
		assert.deepStrictEqual((await b.synced({ lastSync: startedAt })).items.map(i => [i.title, i._version, i._deleted]), [['a', 2, true]]);
	}),
	'SRV-Y06 lastSync older than the delta TTL is a base scan': on(async b => {
		await b.create({ id: '1', title: 'a' });
		await b.create({ id: '2', title: 'b' });
		const { startedAt } = await b.synced();
		await b.clock(61000);
		await b.update({ id: '1', title: 'c', _version: 1 });
		assert.deepStrictEqual((await b.synced({ lastSync: startedAt })).items.map(i => [i.id, i._version]), [['1', 2], ['2', 1]]);
	}, ['--delta-ttl', '1m']),
	'SRV-Y07 the change log expires with the clock': on(async b => {
		const { startedAt } = await b.synced();
		await b.create({ id: '1', title: 'a' });
		await b.update({ id: '1', title: 'b', _version: 1 });
		await b.clock(29 * 60000);
		assert.deepStrictEqual((await b.synced({ lastSync: startedAt })).items.map(i => i._version), [1, 2]);
		await b.clock(31 * 60000);
		assert.deepStrictEqual((await b.synced({ lastSync: startedAt })).items.map(i => i._version), [2]);
	}),
	'SRV-Y08 a tombstone expires with the clock: gone, and its key can be used again': on(async b => {
		await b.create({ id: '1', title: 'a' });
		await b.remove({ id: '1', _version: 1 });
		await b.clock(30 * DAY - 60000);
		assert.strictEqual((await b.synced()).items.length, 1);
		await b.clock(30 * DAY + 60000);
		assert.deepStrictEqual((await b.synced()).items, []);
		assert.strictEqual(await b.get('1'), null);
		assert.strictEqual((await b.create({ id: '1', title: 'again' }))._version, 1);
	}),
	'SRV-Y09 startedAt of page 2 is page 1\'s': on(async b => {
		await b.create({ id: '1', title: 'a' });
		await b.create({ id: '2', title: 'b' });
		const one = await b.synced({ limit: 1 });
		await b.clock(5000);
		const two = await b.synced({ limit: 1, nextToken: one.nextToken });
		assert.strictEqual(two.startedAt, one.startedAt);
		assert.deepStrictEqual([one, two].map(p => p.items[0].id), ['1', '2']);
	}),
	'SRV-Y10 a write between the pages is in the next delta': on(async b => {
		await b.create({ id: '1', title: 'a' });
		await b.create({ id: '2', title: 'b' });
		await b.clock(10000);
		const one = await b.synced({ limit: 1 });
		await b.update({ id: '1', title: 'between', _version: 1 });
		await b.synced({ limit: 1, nextToken: one.nextToken });
		assert.deepStrictEqual((await b.synced({ lastSync: one.startedAt })).items.map(i => i.title), ['between']);
	}),
	'SRV-Y11 created, then lastSync is now of the same second: it is there': on(async b => {
		// the clock at 0.2 s of a second, then at 0.9 s of it
		const whole = Math.ceil(Date.now() / 1000) * 1000 + 100000;
		await b.clock(whole + 200 - Date.now());
		const p = await b.create({ id: '1', title: 'a' });
		await b.clock(whole + 900 - Date.now());
		const lastSync = Math.floor(p._lastChangedAt / 1000) * 1000 + 900;
		assert.deepStrictEqual((await b.synced({ lastSync })).items.map(i => i.id), ['1']);
	}),
	'SRV-Y12 a sync filter {and: [{blogID}]} gives what scanning gives': on(async b => {
		for (const [id, blogID] of [['1', 'b1'], ['2', 'b2'], ['3', 'b1']])
			await b.create({ id, title: 't', blogID });
		const ids = async filter => shown((await b.synced({ filter })).items);
		assert.strictEqual(await ids({ and: [{ blogID: { eq: 'b1' } }] }), '13');
		assert.strictEqual(await ids({ blogID: { eq: 'b1' } }), '13');
		assert.strictEqual(await ids({ and: [{ blogID: { eq: 'b1' } }, { id: { gt: '1' } }] }), '3');
	}),
	'SRV-Y13 limit 1000 is taken, 5000 is clamped to it': on(async b => {
		for (const limit of [1000, 5000]) {
			const s = await b.synced({ limit });
			assert.strictEqual(s.items.length, 1000);
			assert.ok(s.nextToken);
		}
	}, ['--seed', '1001']),
	'SRV-Y14 a token with another filter, limit apart, is refused': on(async b => {
		await b.create({ id: '1', title: 'a' });
		await b.create({ id: '2', title: 'b' });
		const { nextToken } = await b.synced({ limit: 1 });
		for (const other of [{ filter: { title: { eq: 'a' } } }, { lastSync: 5 }]) {
			const r = await b.sync({ limit: 1, nextToken, ...other });
			assert.strictEqual(r.data.syncPosts, null);
			assert.deepStrictEqual([r.errors[0].message, r.errors[0].errorType], ['Invalid nextToken', 'BadRequest']);
		}
		assert.strictEqual((await b.sync({ nextToken: 'junk' })).errors[0].message, 'Invalid nextToken');
	}),
	'SRV-Y15 a row without a required field: null and an error, the others arrive': on(async b => {
		await b.sandbox.call('POST', 'put', { model: 'Post', items: [{ id: '1', title: 'a' }, { id: '2' }, { id: '3', title: 'c' }] });
		const r = await b.sync({});
		assert.deepStrictEqual(r.data.syncPosts.items.map(i => i && i.id), ['1', null, '3']);
		assert.ok(r.data.syncPosts.startedAt);
		assert.deepStrictEqual(r.errors.map(e => [e.message, e.path]),
			[["Cannot return null for non-nullable type: 'String' within parent 'Post' (/syncPosts/items[1]/title)", ['syncPosts', 'items', 1, 'title']]]);
	}),
	'SRV-Y16 a rejected mutation leaves no record in the log': on(async b => {
		await b.create({ id: '1', title: 'a' });
		await b.clock(10000);
		const { startedAt } = await b.synced();
		await b.clock(20000);
		await b.refused('ConflictUnhandled', 'Delete', 'Post', { id: '1', _version: 9 });
		await b.refused('ConditionalCheckFailedException', 'Create', 'Post', { id: '1', title: 'b' });
		await b.refused('ConditionalCheckFailedException', 'Update', 'Post', { id: '1', title: 'b', _version: 1 }, 'id', { title: { eq: 'x' } });
		assert.deepStrictEqual((await b.synced({ lastSync: startedAt })).items, []);
	}),
};
