// tests/interop/rows/4-realtime.js - spec/server.md 10.4: sockets, subscriptions, events.
'use strict';

const assert = require('assert');
const { Bench } = require('../lib/rows');
const { Socket, signed } = require('../lib/socket');
const { waitFor } = require('../lib/wait');

const on = (fn, args, schema) => async () => {
	const b = await Bench.open(args, schema);
	try {
		await fn(b);
	} finally {
		b.close();
	}
};
const CREATED = 'subscription { onCreatePost { id title } }';
const connect = how => on(async b => {
	const s = await b.socket(b.key, how);
	assert.strictEqual(s.ws.protocol, 'graphql-ws');
	assert.strictEqual(s.upgrade.statusCode, 101);
	assert.strictEqual(s.upgrade.headers['sec-websocket-protocol'], 'graphql-ws');
	assert.strictEqual((await s.start('a', CREATED)).type, 'start_ack');
});
// A socket that is told off: its frames and the close code.
async function toldOff(b, socket) {
	b.sockets.push(socket);
	await socket.opened();
	const f = await socket.frame(x => x.type === 'connection_error');
	await socket.isClosed();
	return [f, socket.closed];
}
// Nothing came for id before the event of a last post.
async function quiet(b, live, id) {
	await live.start('end', 'subscription($f: ModelSubscriptionPostFilterInput) { onCreatePost(filter: $f) { id } }', { f: { title: { eq: 'the end' } } });
	await b.create({ title: 'the end', rating: -1, content: 'the end' });
	await live.nth('end', 1);
	return live.events(id);
}

module.exports = {
	'SRV-W01 credentials in the query string': connect('query'),
	'SRV-W02 credentials in a subprotocol, of which only graphql-ws is echoed': connect('protocol'),
	'SRV-W03 credentials in plain headers': connect('headers'),
	'SRV-W04 without graphql-ws: connection_error SubProtocolNotSupportedError 400': on(async b => {
		const s = new Socket(b.sandbox, { host: b.host, ...b.key }, 'query', []);
		const [f] = await toldOff(b, s);
		assert.strictEqual(f.payload.errors[0].errorType, 'SubProtocolNotSupportedError');
		assert.strictEqual(f.payload.errors[0].errorCode, 400);
	}),
	'SRV-W05 a bad key: connection_error 401 UnauthorizedException, close': on(async b => {
		for (const how of ['query', 'protocol', 'headers']) {
			const [f, code] = await toldOff(b, new Socket(b.sandbox, { host: b.host, 'x-api-key': 'da2-bad' }, how));
			assert.deepStrictEqual(f.payload.errors, [{ errorType: 'UnauthorizedException', message: 'You are not authorized to make this call.', errorCode: 401 }]);
			assert.strictEqual(code, 1008);
		}
	}),
	'SRV-W06 init: ack with connectionTimeoutMs 300000, then ka': on(async b => {
		const s = await b.socket();
		await s.frame(f => f.type === 'ka');
		assert.deepStrictEqual(s.frames.slice(0, 2), [{ type: 'connection_ack', payload: { connectionTimeoutMs: 300000 } }, { type: 'ka' }]);
	}),
	'SRV-W07 a start before the ack is ignored': on(async b => {
		const s = new Socket(b.sandbox, { host: b.host, ...b.key });
		b.sockets.push(s);
		await s.opened();
		s.begin('early', CREATED);
		s.send({ type: 'connection_init' });
		await s.frame(f => f.type === 'connection_ack');
		await s.start('late', CREATED);
		assert.ok(!s.frames.some(f => f.id === 'early'));
		await b.create({ id: '1', title: 'a' });
		await s.nth('late', 1);
		assert.ok(!s.frames.some(f => f.id === 'early'));
	}),
	'SRV-W08 a valid start: start_ack of the same id': on(async b => {
		const s = await b.socket();
		assert.deepStrictEqual(await s.start('x-1', CREATED), { type: 'start_ack', id: 'x-1' });
	}),
	'SRV-W09 a start with an id in use: error': on(async b => {
		const s = await b.socket();
		await s.start('a', CREATED);
		s.begin('a', CREATED);
		const f = await s.frame(x => x.type === 'error');
		assert.deepStrictEqual(f, { type: 'error', id: 'a', payload: { errors: [{ errorType: 'BadRequestException', message: 'Subscription id a is already in use.' }] } });
		await b.create({ id: '1', title: 'a' });
		await s.nth('a', 1);
	}),
	'SRV-W10 a start with an unknown field: the FieldUndefined text, no ack': on(async b => {
		const s = await b.socket();
		const f = await s.start('a', 'subscription { onCreatePost { id nope } }');
		assert.deepStrictEqual(f, { type: 'error', id: 'a', payload: { errors: [
			{ message: "Validation error of type FieldUndefined: Field 'nope' in type 'Post' is undefined @ 'onCreatePost/nope'" }] } });
	}),
	'SRV-W11 a create that selects all: the subscriber gets its own selection': on(async b => {
		const s = await b.socket();
		await s.start('a', 'subscription { onCreatePost { id t: title meta { b } data _version _deleted __typename } }');
		await b.create({ id: '1', title: 'a', meta: { a: 'x', b: 2 }, data: '{"k":[1]}' });
		assert.deepStrictEqual(await s.nth('a', 1), { data: { onCreatePost: { id: '1', t: 'a', meta: { b: 2 }, data: '{"k":[1]}', _version: 1, _deleted: null, __typename: 'Post' } } });
	}),
	'SRV-W12 a create that selects id only, a subscriber that wants the title: null and an error': on(async b => {
		const s = await b.socket();
		await s.start('a', CREATED);
		await b.create({ id: '1', title: 'a' }, 'id');
		const p = await s.nth('a', 1);
		assert.deepStrictEqual(p.data, { onCreatePost: null });
		assert.strictEqual(p.errors[0].message, "Cannot return null for non-nullable type: 'String' within parent 'Post' (/onCreatePost/title)");
		assert.deepStrictEqual(p.errors[0].path, ['onCreatePost', 'title']);
	}),
	'SRV-W13 a create that selects id only, a subscriber that wants the content: null': on(async b => {
		const s = await b.socket();
		await s.start('a', 'subscription { onCreatePost { id content } }');
		await b.create({ id: '1', title: 'a', content: 'c' }, 'id');
		assert.deepStrictEqual(await s.nth('a', 1), { data: { onCreatePost: { id: '1', content: null } } });
	}),
	'SRV-W14 update and delete arrive at onUpdate and onDelete': on(async b => {
		const s = await b.socket();
		await s.start('c', CREATED);
		await s.start('u', 'subscription { onUpdatePost { id title _version } }');
		await s.start('d', 'subscription { onDeletePost { id _deleted _version } }');
		await b.create({ id: '1', title: 'a' });
		await b.update({ id: '1', title: 'b', _version: 1 });
		await b.remove({ id: '1', _version: 2 });
		assert.deepStrictEqual(await s.nth('d', 1), { data: { onDeletePost: { id: '1', _deleted: true, _version: 3 } } });
		assert.deepStrictEqual(await s.nth('u', 1), { data: { onUpdatePost: { id: '1', title: 'b', _version: 2 } } });
		assert.deepStrictEqual(['c', 'u', 'd'].map(id => s.events(id).length), [1, 1, 1]);
	}),
	'SRV-W15 a rejected mutation: no event': on(async b => {
		const s = await b.socket();
		await s.start('d', 'subscription { onDeletePost { id } }');
		await s.start('u', 'subscription { onUpdatePost { id } }');
		await b.create({ id: '1', title: 'a' });
		await b.refused('ConflictUnhandled', 'Delete', 'Post', { id: '1', _version: 9 });
		await b.refused('ConditionalCheckFailedException', 'Update', 'Post', { id: '1', _version: 1, title: 'b' }, 'id', { title: { eq: 'x' } });
		assert.deepStrictEqual(await quiet(b, s, 'd'), []);
		assert.deepStrictEqual(s.events('u'), []);
	}),
	'SRV-W16 a merge that changes nothing is an event with the new version': on(async b => {
		const s = await b.socket();
		await s.start('u', 'subscription { onUpdatePost { id title _version } }');
		await b.create({ id: '1', title: 'a' });
		await b.update({ id: '1', title: 'ignored', _version: 0 });
		assert.deepStrictEqual(await s.nth('u', 1), { data: { onUpdatePost: { id: '1', title: 'a', _version: 2 } } });
	}),
	'SRV-W17 a filter lets matching ones through, and looks at the mutation\'s selection': on(async b => {
		const s = await b.socket();
		await s.start('a', 'subscription($f: ModelSubscriptionPostFilterInput) { onCreatePost(filter: $f) { id } }', { f: { rating: { gt: 3 } } });
		await b.create({ id: '1', title: 'a', rating: 2 });
		await b.create({ id: '2', title: 'a', rating: 5 });
		await b.create({ id: '3', title: 'a', rating: 5 }, 'id');
		await b.create({ id: '4', title: 'a' });
		assert.deepStrictEqual((await quiet(b, s, 'a')).map(p => p.data.onCreatePost.id), ['2']);
	}),
	'SRV-W18 a filter with 6 values of in: error at the start': on(async b => {
		const s = await b.socket();
		const sub = 'subscription($f: ModelSubscriptionPostFilterInput) { onCreatePost(filter: $f) { id } }';
		const f = await s.start('a', sub, { f: { rating: { in: [1, 2, 3, 4, 5, 6] } } });
		assert.strictEqual(f.type, 'error');
		assert.strictEqual(f.payload.errors[0].errorType, 'BadRequest');
		assert.strictEqual((await s.start('b', sub, { f: { rating: { in: [1, 2, 3, 4, 5] } } })).type, 'start_ack');
	}),
	'SRV-W19 another\'s owner argument: Unauthorized': on(async b => {
		const s = await b.socket(await b.as('alice'));
		const f = await s.start('a', 'subscription($owner: String!) { onCreateNote(owner: $owner) { id } }', { owner: 'bob' });
		assert.deepStrictEqual(f, { type: 'error', id: 'a', payload: { errors: [{ errorType: 'Unauthorized', message: 'Not Authorized to access onCreateNote on type Subscription' }] } });
	}),
	'SRV-W20 no owner argument under an owner rule: own items only': on(async b => {
		const s = await b.socket(await b.as('alice'));
		await s.start('a', 'subscription { onCreateNote { id owner } }');
		await s.start('b', 'subscription { onCreateNote(owner: "alice") { id } }');
		await b.wrote('Create', 'Note', { id: '1', text: 'x' }, 'id owner', undefined, await b.as('bob'));
		await b.wrote('Create', 'Note', { id: '2', text: 'x' }, 'id owner', undefined, await b.as('alice'));
		assert.deepStrictEqual(await s.nth('a', 1), { data: { onCreateNote: { id: '2', owner: 'alice' } } });
		await s.nth('b', 1);
		assert.strictEqual(s.events('a').length, 1);
		assert.strictEqual(s.events('b').length, 1);
	}),
	'SRV-W21 owner: null hears of items without an owner only': on(async b => {
		const s = await b.socket(await b.as('alice'));
		await s.start('a', 'subscription($owner: String) { onCreateNote(owner: $owner) { id } }', { owner: null });
		await b.wrote('Create', 'Note', { id: '1', text: 'x' }, 'id owner', undefined, await b.as('alice'));
		await b.wrote('Create', 'Note', { id: '2', text: 'x' }, 'id', undefined, await b.as('alice')); // the owner was not selected
		assert.deepStrictEqual(await s.nth('a', 1), { data: { onCreateNote: { id: '2' } } });
	}),
	'SRV-W22 stop: complete, nothing afterwards': on(async b => {
		const s = await b.socket();
		await s.start('a', CREATED);
		await b.create({ id: '1', title: 'a' });
		await s.nth('a', 1);
		s.send({ id: 'a', type: 'stop' });
		assert.deepStrictEqual(await s.frame(f => f.type === 'complete'), { type: 'complete', id: 'a' });
		assert.strictEqual((await quiet(b, s, 'a')).length, 1);
	}),
	'SRV-W23 one subscription too many: MaxSubscriptionsReachedError, errors is an object': on(async b => {
		const s = await b.socket();
		for (let i = 0; i < 100; i++)
			s.begin(`s${i}`, CREATED);
		const f = await s.start('more', CREATED);
		assert.deepStrictEqual(f, { type: 'error', id: 'more', payload: { errors: { errorType: 'MaxSubscriptionsReachedError', message: 'Max number of 100 subscriptions reached' } } });
		assert.strictEqual(s.frames.filter(x => x.type === 'start_ack').length, 100);
	}),
	'SRV-W24 an idle connection gets a ka per interval': on(async b => {
		const s = await b.socket();
		const from = Date.now();
		await waitFor('three ka', () => s.frames.filter(f => f.type === 'ka').length >= 4, null, 10000);
		assert.ok(Date.now() - from >= 1200, `${Date.now() - from} ms`);
		assert.strictEqual(s.closed, null);
	}, ['--keep-alive', '500ms']),
	'SRV-W25 an event over 240 KB is not delivered, the connection lives': on(async b => {
		const s = await b.socket();
		await s.start('a', 'subscription { onCreatePost { id content } }');
		await b.create({ id: '1', title: 'a', content: 'x'.repeat(246000) });
		await b.create({ id: '2', title: 'a', content: 'x'.repeat(200000) });
		assert.deepStrictEqual([(await s.nth('a', 1)).data.onCreatePost.id, s.closed], ['2', null]);
	}),
	'SRV-W26 two fields of one request: two events in order': on(async b => {
		const s = await b.socket();
		await s.start('a', 'subscription { onCreatePost { id } }');
		await s.start('u', 'subscription { onUpdatePost { id } }');
		await b.data('mutation { x: createPost(input: {id: "1", title: "a"}) { id } y: updatePost(input: {id: "1", title: "b", _version: 1}) { id } z: createPost(input: {id: "2", title: "a"}) { id } }');
		await s.nth('a', 2);
		assert.deepStrictEqual(s.frames.filter(f => f.type === 'data').map(f => [f.id, Object.values(f.payload.data)[0].id]), [['a', '1'], ['u', '1'], ['a', '2']]);
	}),
	'SRV-W27 two subscriptions of different modes on one socket': on(async b => {
		const s = await b.socket();
		assert.strictEqual((await s.start('key', CREATED)).type, 'start_ack');
		assert.strictEqual((await s.start('no', 'subscription { onCreateNote { id } }')).type, 'error');
		assert.strictEqual((await s.start('jwt', 'subscription { onCreateNote { id owner } }', {}, { host: b.host, ...await b.as('alice') })).type, 'start_ack');
		await b.create({ id: '1', title: 'a' });
		await b.wrote('Create', 'Note', { id: '2', text: 'x' }, 'id owner', undefined, await b.as('alice'));
		await s.nth('key', 1);
		await s.nth('jwt', 1);
	}),
	'SRV-W28 IAM: the connect and every start are verified': on(async b => {
		const url = b.sandbox.ready.url;
		const data = JSON.stringify({ query: 'subscription { onCreateThing { id } }', variables: {} });
		const start = (s, id, body, creds) => {
			s.send({ id, type: 'start', payload: { data: body, extensions: { authorization: creds } } });
			return s.frame(f => f.id === id && (f.type === 'start_ack' || f.type === 'error'));
		};
		const s = await b.socket(signed('AKID', 'secret', `${url}/connect`, '{}'));
		assert.strictEqual((await start(s, 'good', data, signed('AKID', 'secret', url, data))).type, 'start_ack');
		const bad = await start(s, 'bad', data, signed('AKID', 'secret', url, `${data} `));
		assert.strictEqual(bad.payload.errors[0].errorType, 'BadRequestException');
		assert.match(bad.payload.errors[0].message, /^The request signature we calculated does not match the signature you provided\./);
		const [f] = await toldOff(b, new Socket(b.sandbox, { host: b.host, ...signed('AKID', 'wrong', `${url}/connect`, '{}') }));
		assert.ok(f.payload.errors[0].errorCode >= 400);
		const body = JSON.stringify({ query: 'mutation { createThing(input: {id: "1"}) { id } }' });
		const r = await b.raw(body, { ...signed('AKID', 'secret', url, body) });
		assert.deepStrictEqual(r.json, { data: { createThing: { id: '1' } } });
		await s.nth('good', 1);
	}, ['--set', 'iam_key=AKID:secret'], 'type Thing @model @auth(rules: [{allow: private, provider: iam}]) { id: ID! }'),
	'SRV-W29 connections closed during a start leave nothing behind': on(async b => {
		for (let i = 0; i < 30; i++) {
			const s = new Socket(b.sandbox, { host: b.host, ...b.key });
			await s.opened();
			s.send({ type: 'connection_init' });
			for (let k = 0; k < 5; k++)
				s.begin(`s${k}`, CREATED);
			s.ws[i % 2 ? 'terminate' : 'close']();
		}
		await waitFor('all are gone', async () => {
			const st = await b.sandbox.call('GET', 'state');
			return st.subscriptions === 0 && st.connections === 0;
		}, async () => JSON.stringify(await b.sandbox.call('GET', 'state')));
		await b.create({ id: '1', title: 'a' });
	}),
	'SRV-W30 the end of a connection\'s life: the server closes, a client comes back, subscribes and syncs': on(async b => {
		const s = await b.socket();
		await s.start('a', CREATED);
		await b.create({ id: '1', title: 'a' });
		await s.nth('a', 1);
		const { startedAt } = await b.synced();
		await s.isClosed();
		assert.strictEqual(s.closed, 1001);
		await b.create({ id: '2', title: 'missed' });
		const again = await b.socket();
		await again.start('a', CREATED);
		assert.deepStrictEqual((await b.synced({ lastSync: startedAt })).items.filter(i => i.id === '2').map(i => i.title), ['missed']);
		await b.create({ id: '3', title: 'live' });
		assert.strictEqual((await again.nth('a', 1)).data.onCreatePost.id, '3');
	}, ['--set', 'ws_lifetime=1s']),
	'5.1 SANDBOX RULE: sockets are served at /graphql too': on(async b => {
		b.sandbox.ready.realtime = b.sandbox.ready.url.replace(/^http/, 'ws');
		const s = await b.socket();
		assert.strictEqual((await s.start('a', CREATED)).type, 'start_ack');
		await b.create({ id: '1', title: 'a' });
		await s.nth('a', 1);
	}),
	'5.9 SANDBOX RULE: a filter that the service refuses, in the words its clients look for': on(async b => {
		const s = await b.socket();
		const sub = 'subscription($f: ModelSubscriptionPostFilterInput) { onCreatePost(filter: $f) { id } }';
		const said = async (id, f) => (await s.start(id, sub, { f })).payload?.errors[0].message;
		assert.strictEqual(await said('same', { and: [{ rating: { gt: 1 } }, { rating: { lt: 5 } }] }), 'filter uses same fieldName multiple time');
		const many = { or: Array.from({ length: 11 }, (_, i) => ({ rating: { eq: i } })) };
		assert.strictEqual(await said('ways', many), 'Filters combination exceed maximum limit');
		assert.strictEqual(await said('fine', { or: [{ rating: { gt: 1 } }, { rating: { lt: -5 } }] }), undefined);
		await b.create({ id: '1', title: 'a', rating: 0 });
		await b.create({ id: '2', title: 'a', rating: -9 });
		assert.strictEqual((await s.nth('fine', 1)).data.onCreatePost.id, '2');
	}),
};
