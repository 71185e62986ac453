// tests/interop/rows/6-execution.js - spec/server.md 1.3 to 1.11, 2.6, 3.3, 4: what the rows of section
// 10 leave open, asked as Amplify's generated documents ask.
'use strict';

const assert = require('assert');
const graphql = require('graphql');
const { Bench } = require('../lib/rows');
const { signed } = require('../lib/socket');

const on = (schema, fn, args) => async () => {
	const b = await Bench.open(args, schema);
	try {
		await fn(b);
	} finally {
		b.close();
	}
};
const seen = async b => graphql.buildClientSchema(await b.data(graphql.getIntrospectionQuery()));
const signature = f => `${f.name}(${f.args.map(a => `${a.name}: ${a.type}`).join(', ')}): ${f.type}`;

const FAMILY = `
type Blog @model { id: ID! name: String! posts: [Post] @hasMany(indexName: "byBlog", fields: ["id"]) }
type Post @model { id: ID! title: String! rating: Int
  blogID: ID @index(name: "byBlog", sortKeyFields: ["title"])
  blog: Blog @belongsTo(fields: ["blogID"])
  comments: [Comment] @hasMany
  cover: Image @hasOne
  tags: [Tag] @manyToMany(relationName: "PostTags") }
type Comment @model { id: ID! text: String! post: Post @belongsTo }
type Image @model { id: ID! url: AWSURL }
type Tag @model { id: ID! label: String! posts: [Post] @manyToMany(relationName: "PostTags") }
`;
async function family(b) {
	await b.data(`mutation {
		b: createBlog(input: {id: "b", name: "n"}) { id } i: createImage(input: {id: "i", url: "https://x.example/i"}) { id }
		p1: createPost(input: {id: "p1", title: "d", rating: 1, blogID: "b", postCoverId: "i"}) { id }
		p2: createPost(input: {id: "p2", title: "b", rating: 5, blogID: "b"}) { id }
		p3: createPost(input: {id: "p3", title: "c", rating: 3, blogID: "b"}) { id }
		p4: createPost(input: {id: "p4", title: "a", rating: 4, blogID: "b"}) { id }
		p5: createPost(input: {id: "p5", title: "e"}) { id }
		c1: createComment(input: {id: "c1", text: "x", postCommentsId: "p1"}) { id }
		c2: createComment(input: {id: "c2", text: "y", postCommentsId: "p1"}) { id }
		t: createTag(input: {id: "t", label: "red"}) { id }
		pt: createPostTags(input: {id: "pt", postId: "p1", tagId: "t"}) { id }
		d: deletePost(input: {id: "p3", _version: 1}) { id } }`);
}
const posts = (b, args, sel = 'id') => b.data(`{ getBlog(id: "b") { posts${args ? `(${args})` : ''} { items { ${sel} } nextToken } } }`).then(d => d.getBlog.posts);
const ids = p => p.items.map(i => i.id).join(' ');

module.exports = {
	'1.8 nested relations: order, tombstones, filter, sort condition, direction': on(FAMILY, async b => {
		await family(b);
		assert.strictEqual(ids(await posts(b)), 'p4 p2 p3 p1'); // by title, the deleted one too
		assert.deepStrictEqual((await posts(b, '', 'id _deleted')).items[2], { id: 'p3', _deleted: true });
		assert.strictEqual(ids(await posts(b, 'sortDirection: DESC')), 'p1 p3 p2 p4');
		assert.strictEqual(ids(await posts(b, 'filter: {_deleted: {ne: true}, rating: {ge: 4}}')), 'p4 p2');
		assert.strictEqual(ids(await posts(b, 'title: {between: ["b", "c"]}')), 'p2 p3');
		assert.strictEqual(ids(await posts(b, 'title: {gt: "b"}, sortDirection: DESC, limit: 1')), 'p1');
	}),
	'1.8 nested relations page by their own tokens, limit counted before the filter': on(FAMILY, async b => {
		await family(b);
		const pages = [];
		let token = null;
		do {
			const p = await posts(b, `limit: 1, filter: {rating: {ge: 4}}${token ? `, nextToken: "${token}"` : ''}`);
			pages.push(ids(p));
			token = p.nextToken;
		} while (token);
		assert.deepStrictEqual(pages, ['p4', 'p2', '', '']);
	}),
	'1.8 every kind of relation is followed, several levels deep; a null key is null': on(FAMILY, async b => {
		await family(b);
		assert.deepStrictEqual((await b.data(`{ getPost(id: "p1") { cover { url } blog { name posts(limit: 1) { items { title blog { id } } } }
			comments { items { text post { id blog { id } } } } tags { items { tag { label posts { items { post { title } } } } } } } }`)).getPost, {
			cover: { url: 'https://x.example/i' }, blog: { name: 'n', posts: { items: [{ title: 'a', blog: { id: 'b' } }] } },
			comments: { items: [{ text: 'x', post: { id: 'p1', blog: { id: 'b' } } }, { text: 'y', post: { id: 'p1', blog: { id: 'b' } } }] },
			tags: { items: [{ tag: { label: 'red', posts: { items: [{ post: { title: 'd' } }] } } }] } });
		assert.deepStrictEqual(await b.data('{ getPost(id: "p5") { blog { id } cover { id } comments { items { id } } } }'),
			{ getPost: { blog: null, cover: null, comments: { items: [] } } });
		// a deleted parent is still resolved (clients select _deleted for that)
		await b.data('mutation { deleteBlog(input: {id: "b", _version: 1}) { id } }');
		assert.deepStrictEqual((await b.data('{ getPost(id: "p1") { blog { id _deleted } } }')).getPost.blog, { id: 'b', _deleted: true });
	}),
	'1.8 a mutation resolves the relations it selects': on(FAMILY, async b => {
		await family(b);
		assert.deepStrictEqual(await b.data('mutation { createPost(input: {title: "new", blogID: "b"}) { title blog { name posts(filter: {title: {eq: "new"}}) { items { title } } } } }'),
			{ createPost: { title: 'new', blog: { name: 'n', posts: { items: [{ title: 'new' }] } } } });
	}),
	'1.8 the default limit of a relation is 100, the largest 1000': on(FAMILY, async b => {
		const items = Array.from({ length: 1100 }, (_, i) => ({ id: `p${i}`, title: `t${String(i).padStart(4, '0')}`, blogID: 'b' }));
		await b.data('mutation { createBlog(input: {id: "b", name: "n"}) { id } }');
		await b.sandbox.call('POST', 'put', { model: 'Post', items });
		assert.strictEqual((await posts(b)).items.length, 100);
		const p = await posts(b, 'limit: 5000');
		assert.strictEqual(p.items.length, 1000);
		assert.strictEqual((await posts(b, `limit: 5000, nextToken: "${p.nextToken}"`)).items.length, 100);
	}),
	'many aliased mutations run in order, each failing alone': on(undefined, async b => {
		const n = 60;
		const one = i => `m${i}: createPost(input: {id: "${i % 3 === 2 ? i - 1 : i}", title: "t${i}"}) { id title }`;
		const r = await b.ask(`mutation { ${Array.from({ length: n }, (_, i) => one(i)).join(' ')} }`);
		for (let i = 0; i < n; i++)
			assert.deepStrictEqual(r.data[`m${i}`], i % 3 === 2 ? null : { id: `${i}`, title: `t${i}` });
		assert.deepStrictEqual(r.errors.map(e => e.path), Array.from({ length: n / 3 }, (_, i) => [`m${3 * i + 2}`]));
		// each sees what the ones before it have done
		const chain = await b.data(`mutation { ${Array.from({ length: 20 }, (_, i) => `u${i}: updatePost(input: {id: "0", rating: ${i}, _version: ${i + 1}}) { rating _version }`).join(' ')} }`);
		assert.deepStrictEqual(chain.u19, { rating: 19, _version: 21 });
		assert.deepStrictEqual(Object.keys(chain), Array.from({ length: 20 }, (_, i) => `u${i}`));
	}),
	'a page ends at 1 MB of items': on(undefined, async b => {
		await b.sandbox.call('POST', 'put', { model: 'Post', items: Array.from({ length: 8 }, (_, i) => ({ id: `${i}`, title: 't', content: 'x'.repeat(300000) })) });
		const sizes = [];
		let nextToken = null;
		do {
			const s = await b.synced({ limit: 1000, nextToken });
			sizes.push(s.items.length);
			nextToken = s.nextToken;
		} while (nextToken);
		assert.deepStrictEqual(sizes, [4, 4]);
	}),
	'--max-limit clamps every list': on(undefined, async b => {
		for (const field of ['listPosts', 'syncPosts']) {
			const r = await b.data(`{ r: ${field}(limit: 1000) { items { id } nextToken } }`);
			assert.strictEqual(r.r.items.length, 7);
			assert.ok(r.r.nextToken);
		}
	}, ['--seed', '20', '--max-limit', '7']),
	'AWSJSON is parsed when it is written and text when it is read': on(undefined, async b => {
		const table = ['{"a":[1,{"b":null}],"c":"é"}', '[1,2.5,-3e2,true,null]', '"text"', '5', 'true', 'null', '{}', ' { "spaced" : 1 } '];
		for (const data of table) {
			const got = (await b.create({ title: 't', data }, 'data')).data;
			if (data === 'null')
				assert.strictEqual(got, null);
			else
				assert.deepStrictEqual(JSON.parse(got), JSON.parse(data), data);
		}
		assert.deepStrictEqual((await b.sandbox.dump('Post'))[0].data, { a: [1, { b: null }], c: 'é' });
		for (const data of ['{', "{'a':1}", '', 'undefined', '{"a":1} x', '[1,]'])
			assert.match((await b.write('Create', 'Post', { title: 't', data })).errors[0].message, /^Variable 'input' has an invalid value\./, data);
		// an object, unquoted, is refused in both forms
		assert.match((await b.write('Create', 'Post', { title: 't', data: { a: 1 } })).errors[0].message, /invalid value/);
		assert.match((await b.ask('mutation { createPost(input: {title: "t", data: {a: 1}}) { id } }')).errors[0].message, /WrongType/);
	}),
	'1.6 explicit nulls for optional arguments mean nothing': on(undefined, async b => {
		await b.create({ id: '1', title: 'a' });
		const r = await b.data('query($f: ModelPostFilterInput, $l: Int, $n: String, $s: AWSTimestamp) { listPosts(filter: $f, limit: $l, nextToken: $n) { items { id } } syncPosts(filter: $f, limit: $l, nextToken: $n, lastSync: $s) { items { id } } }',
			{ f: null, l: null, n: null, s: null });
		assert.deepStrictEqual(r, { listPosts: { items: [{ id: '1' }] }, syncPosts: { items: [{ id: '1' }] } });
		const w = await b.write('Update', 'Post', { id: '1', title: 'b', _version: 1 }, 'title', null);
		assert.strictEqual(w.data.r.title, 'b');
	}),
	'1.3 names: overrides, nulls, lists of subscriptions; 1.11 defaults; 1.1 timestamps': on(`
		type blogPost @model(queries: {get: "one", list: null}, mutations: {create: "add", delete: null},
			subscriptions: {onCreate: ["onNew", "onAny"], onUpdate: "onAny"}, timestamps: {createdAt: "born", updatedAt: "changed"}) {
			id: ID! title: String! @default(value: "untitled") n: Int @default(value: "7") f: Float @default(value: "1.5")
			ok: Boolean @default(value: "true") kind: Kind @default(value: "B") j: AWSJSON @default(value: "{\\"a\\":1}") }
		enum Kind { A B }
		type Quiet @model(subscriptions: {level: off}, timestamps: null) { id: ID! }
		type Own @model { id: ID! createdAt: AWSDateTime! updatedAt: Int }
		type Mouse @model(plural: "Meese") { id: ID! }`, async b => {
		const s = await seen(b);
		const [q, m, u] = [s.getQueryType(), s.getMutationType(), s.getSubscriptionType()].map(t => t.getFields());
		assert.ok(q.one && q.syncBlogPosts && !q.listBlogPosts && !q.getBlogPost);
		assert.ok(m.add && m.updateBlogPost && !m.deleteBlogPost && !m.createBlogPost);
		assert.ok(u.onNew && u.onAny && u.onDeleteBlogPost && !u.onCreateBlogPost && !u.onUpdateBlogPost);
		assert.ok(!Object.keys(u).some(n => /Quiet/.test(n)));
		assert.ok(q.listMeese && q.syncMeese);
		assert.ok(!s.getType('Quiet').getFields().createdAt);
		assert.strictEqual(String(s.getType('Own').getFields().updatedAt.type), 'Int');
		assert.strictEqual(String(s.getType('CreateOwnInput').getFields().createdAt.type), 'AWSDateTime');
		assert.ok(!s.getType('CreateBlogPostInput').getFields().born);
		assert.strictEqual(String(s.getType('CreateBlogPostInput').getFields().title.type), 'String');
		const live = await b.socket();
		await live.start('a', 'subscription { onAny { id title } }');
		const p = (await b.data('mutation { add(input: {}) { id title n f ok kind j born changed _version } }')).add;
		assert.deepStrictEqual([p.title, p.n, p.f, p.ok, p.kind, JSON.parse(p.j)], ['untitled', 7, 1.5, true, 'B', { a: 1 }]);
		assert.ok(p.born && p.born === p.changed);
		await b.data('mutation($i: UpdateBlogPostInput!) { updateBlogPost(input: $i) { id title } }', { i: { id: p.id, title: 'new', _version: 1 } });
		assert.deepStrictEqual([(await live.nth('a', 1)).data.onAny.title, (await live.nth('a', 2)).data.onAny.title], ['untitled', 'new']);
		assert.deepStrictEqual(await b.data('mutation { createOwn(input: {createdAt: "2001-02-03T04:05:06Z"}) { createdAt updatedAt } }'),
			{ createOwn: { createdAt: '2001-02-03T04:05:06Z', updatedAt: null } });
	}),
	'1.7 index queries: names, key conditions of every kind, composite ones, errors': on(`
		type Order @model { id: ID! customer: ID @index(name: "byCustomer", queryField: "ordersByCustomer", sortKeyFields: ["year", "number"])
			year: Int number: String total: Float @index(name: "byTotal") state: String @index(name: "byState", queryField: null)
			day: AWSDate @index(name: "byDay", sortKeyFields: ["total"]) }`, async b => {
		const q = (await seen(b)).getQueryType().getFields();
		assert.strictEqual(signature(q.ordersByCustomer), 'ordersByCustomer(customer: ID!, yearNumber: ModelOrderByCustomerCompositeKeyConditionInput, sortDirection: ModelSortDirection, filter: ModelOrderFilterInput, limit: Int, nextToken: String): ModelOrderConnection');
		assert.strictEqual(signature(q.ordersByTotal), 'ordersByTotal(total: Float!, sortDirection: ModelSortDirection, filter: ModelOrderFilterInput, limit: Int, nextToken: String): ModelOrderConnection');
		assert.strictEqual(signature(q.ordersByDayAndTotal), 'ordersByDayAndTotal(day: AWSDate!, total: ModelFloatKeyConditionInput, sortDirection: ModelSortDirection, filter: ModelOrderFilterInput, limit: Int, nextToken: String): ModelOrderConnection');
		assert.ok(!q.ordersByState);
		const rows = [['a', 2024, 'x', 1], ['b', 2024, 'y', 2.5], ['c', 2025, 'x', 3], ['d', 2026, 'a', 10]];
		for (const [id, year, number, total] of rows)
			await b.data('mutation($i: CreateOrderInput!) { createOrder(input: $i) { id } }', { i: { id, customer: 'k', year, number, total, day: '2026-01-01' } });
		await b.data('mutation { createOrder(input: {id: "none", customer: "k"}) { id } }'); // no sort key: not in the index
		const by = async (args) => (await b.data(`{ r: ordersByCustomer(customer: "k"${args}) { items { id } } }`)).r.items.map(i => i.id).join('');
		assert.strictEqual(await by(''), 'abcd');
		assert.strictEqual(await by(', sortDirection: DESC'), 'dcba');
		assert.strictEqual(await by(', yearNumber: {eq: {year: 2024, number: "y"}}'), 'b');
		assert.strictEqual(await by(', yearNumber: {beginsWith: {year: 2024}}'), 'ab');
		assert.strictEqual(await by(', yearNumber: {gt: {year: 2024, number: "x"}}'), 'bcd');
		assert.strictEqual(await by(', yearNumber: {le: {year: 2025, number: "x"}}'), 'abc');
		assert.strictEqual(await by(', yearNumber: {between: [{year: 2024, number: "y"}, {year: 2025, number: "z"}]}'), 'bc');
		assert.strictEqual(await by(', filter: {total: {gt: 2}}'), 'bcd');
		const day = async args => (await b.data(`{ r: ordersByDayAndTotal(day: "2026-01-01"${args}) { items { id } } }`)).r.items.map(i => i.id).join('');
		assert.strictEqual(await day(''), 'abcd'); // numbers, not texts: 2.5 before 10
		assert.strictEqual(await day(', total: {lt: 10}'), 'abc');
		assert.strictEqual(await day(', total: {between: [2, 3]}, sortDirection: DESC'), 'cb');
		const wrong = async args => (await b.ask(`{ r: ordersByDayAndTotal(day: "2026-01-01"${args}) { items { id } } }`)).errors[0];
		assert.deepStrictEqual([(await wrong(', total: {lt: 1, gt: 0}')).message, (await wrong(', total: {lt: 1, gt: 0}')).errorType],
			['Argument total must specify at most one key condition operation.', 'InvalidArgumentsError']);
		assert.strictEqual((await wrong(', total: {between: [1]}')).message, "Argument 'total.between' expects exactly two elements.");
	}),
	'1.7 strict_keys: the sort fields of an index are all there or not at all': on(`
		type Order @model { id: ID! customer: ID @index(name: "byCustomer", sortKeyFields: ["year", "number"]) year: Int number: String }`, async b => {
		await b.data('mutation { createOrder(input: {id: "a", customer: "k", year: 1, number: "x"}) { id } }');
		const half = await b.ask('mutation { a: createOrder(input: {customer: "k", year: 1}) { id } b: updateOrder(input: {id: "a", number: "z", _version: 1}) { id } c: updateOrder(input: {id: "a", number: "z", year: 1, _version: 1}) { id } }');
		assert.deepStrictEqual(half.data, { a: null, b: null, c: { id: 'a' } });
		assert.deepStrictEqual(half.errors.map(e => e.message), [
			"When creating any part of the composite sort key for @index 'byCustomer', you must provide all fields for the key. Missing key: 'number'.",
			"When updating any part of the composite sort key for @index 'byCustomer', you must provide all fields for the key. Missing key: 'year'."]);
	}, ['--set', 'strict_keys=true']),
	'1.10 scalars: what is taken comes back as it was, what is not is named': on(`
		type S @model { id: ID! d: AWSDate t: AWSTime dt: AWSDateTime ts: AWSTimestamp e: AWSEmail u: AWSURL p: AWSPhone ip: AWSIPAddress i: Int f: Float b: Boolean s: String }`, async b => {
		const good = { d: ['1970-01-01Z', '1970-01-01-07:00', '2024-02-29', '2026-11-22+05:30:15'], t: ['12:00:34.', '23:59:59.123+05:30', '00:00:00Z', '12:30:00'],
			dt: ['1930-01-01T16:00:00-07:00', '2026-11-22T10:00:00.123456789Z', '2026-11-22T10:00:00Z'], ts: [-123123, 0, 1700000000123, 9007199254740991],
			e: ['a@b.co', 'first.last+tag@sub.example.org'], u: ['https://amazon.com', 'mailto:example@example.com', 'http://a.b:80/c?d=e#f'],
			p: ['+1 555 764 4377', '555-764-4377', '+44 20 7946 0958'], ip: ['127.0.0.1', '127.0.0.1/8', '1a2b:3c4b::1234:4567', '::1', '2001:db8::/32'],
			i: [0, -2147483648, 2147483647], f: [0.1, 1e300, -5], b: [true, false], s: ['', 'é\u0000x'.replace('\u0000', ''), '😀', ' a\n'] };
		for (const [k, values] of Object.entries(good))
			for (const v of values) {
				const r = await b.ask(`mutation($i: CreateSInput!) { createS(input: $i) { ${k} } }`, { i: { [k]: v } });
				assert.deepStrictEqual(r, { data: { createS: { [k]: v } } }, `${k} ${v}`);
			}
		const bad = { d: ['2026-02-29', '2026-11-31', '26-1-1', 'today', 5], t: ['24:00:00', '12:00', '12:60:00', 'noon'], dt: ['2026-11-22', '2026-11-22T10:00:00', '2026-13-01T00:00:00Z', ''],
			ts: [1.5, '1', true], e: ['a b@c.d', 'a@', 'plain', '@b.c'], u: ['/relative', 'https://a/b//c', 'nothing'], p: ['call me', '123', ''], ip: ['1.2.3', '1.2.3.256', '1.2.3.4/33', '1:2', ':::'],
			i: [2147483648, 1.5, '1', true], f: ['1', true], b: ['true', 1], s: [5, true, ['a'], { a: 1 }] };
		for (const [k, values] of Object.entries(bad))
			for (const v of values) {
				const r = await b.ask(`mutation($i: CreateSInput!) { createS(input: $i) { ${k} } }`, { i: { [k]: v } });
				assert.strictEqual(r.data, null, `${k} ${JSON.stringify(v)}`);
				assert.match(r.errors[0].message, /^Variable 'i' has an invalid value\./, `${k} ${JSON.stringify(v)}`);
				assert.strictEqual(r.errors[0].path, null);
			}
	}),
	'1.9 IAM: the role of the access key is what the rule means': on(`
		type Member @model @auth(rules: [{allow: private, provider: iam}]) { id: ID! }
		type Guest @model @auth(rules: [{allow: public, provider: iam}]) { id: ID! }`, async b => {
		const types = async key => {
			const body = JSON.stringify({ query: '{ a: listMembers { items { id } } b: listGuests { items { id } } }' });
			const r = await b.raw(body, signed(key, 'secret', b.sandbox.ready.url, body));
			assert.strictEqual(r.status, 200, r.text);
			return (r.json.errors || []).map(e => e.path[0]).join('');
		};
		assert.strictEqual(await types('AKIA'), 'b');
		assert.strictEqual(await types('AKIU'), 'a');
		assert.strictEqual(await types('AKIX'), 'ab');
		assert.strictEqual(await types('AKI0'), '');
		const body = '{"query":"{__typename}"}';
		assert.strictEqual((await b.raw(body, signed('NOBODY', 'secret', b.sandbox.ready.url, body))).status, 403);
	}, ['--set', 'iam_key=AKIA:secret:auth', '--set', 'iam_key=AKIU:secret:unauth', '--set', 'iam_key=AKIX:secret:arn:aws:iam::1:role/x', '--set', 'iam_key=AKI0:secret']),
	'8.1 an Amplify project\'s transform.conf.json beside the schema says which strategy; options stand above it': async () => {
		const conf = { Version: 5, ResolverConfig: { project: { ConflictHandler: 'OPTIMISTIC_CONCURRENCY', ConflictDetection: 'VERSION' },
			models: { Person: { ConflictHandler: 'AUTOMERGE', ConflictDetection: 'VERSION' }, Note: { ConflictHandler: 'AUTOMERGE' }, Gone: { ConflictHandler: 'AUTOMERGE', ConflictDetection: 'VERSION' },
				Plan: { ConflictHandler: 'LAMBDA', ConflictDetection: 'VERSION', LambdaConflictHandler: { name: 'fn-${env}' } } } } };
		const files = { 'transform.conf.json': JSON.stringify(conf) };
		const stale = async (b, model, make, change) => {
			await b.wrote('Create', model, { id: '1', ...make }, 'id', undefined, await b.as('alice'));
			const r = await b.write('Update', model, { id: '1', ...change, _version: 9 }, 'id', undefined, await b.as('alice'));
			return r.errors ? r.errors[0].errorType : 'merged';
		};
		let b = await Bench.open([], undefined, files);
		try {
			await b.create({ id: '1', title: 'a' });
			await b.refused('ConflictUnhandled', 'Update', 'Post', { id: '1', title: 'b', _version: 9 });
			await b.wrote('Create', 'Person', { id: '1', name: 'a' });
			await b.wrote('Update', 'Person', { id: '1', name: 'b', _version: 9 });
			assert.strictEqual(await stale(b, 'Note', { text: 'x' }, { text: 'y' }), 'ConflictUnhandled'); // half an entry counts for nothing
			assert.strictEqual(await stale(b, 'Plan', { text: 'x' }, { text: 'y' }), 'ConflictError');
			const said = Buffer.concat(b.sandbox.said).toString();
			for (const what of [/models\.Note ignored/, /models\.Gone ignored: the schema has no such model/, /function fn-\$\{env\} is not here/])
				assert.match(said, what);
		} finally {
			b.close();
		}
		b = await Bench.open(['--strategy', 'automerge', '--model-strategy', 'Plan=optimistic'], undefined, files);
		try {
			await b.create({ id: '1', title: 'a' });
			await b.update({ id: '1', title: 'b', _version: 9 });
			assert.strictEqual(await stale(b, 'Plan', { text: 'x' }, { text: 'y' }), 'ConflictUnhandled');
		} finally {
			b.close();
		}
		await assert.rejects(Bench.open([], undefined, { 'transform.conf.json': '{"ResolverConfig":' }), /transform\.conf\.json/);
	},
};
