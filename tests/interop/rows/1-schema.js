// tests/interop/rows/1-schema.js - spec/server.md 10.1: the generated API and HTTP.
'use strict';

const assert = require('assert');
const crypto = require('crypto');
const graphql = require('graphql');
const { Bench, request } = require('../lib/rows');

const on = (fn, args, schema) => async () => {
	const b = await Bench.open(args, schema);
	try {
		await fn(b);
	} finally {
		b.close();
	}
};
async function seen(b) {
	return graphql.buildClientSchema(await b.data(graphql.getIntrospectionQuery()));
}
const fields = t => Object.fromEntries(Object.values(t.getFields()).map(f => [f.name, String(f.type)]));
function signature(f) {
	const args = f.args.map(a => `${a.name}: ${a.type}`).join(', ');
	return `${f.name}(${args}): ${f.type}`;
}
const has = (t, list) => list.forEach(s => assert.strictEqual(signature(t.getFields()[s.split('(')[0]]), s));

module.exports = {
	'SRV-S01 introspection shows every root field with its signature': on(async b => {
		const s = await seen(b);
		has(s.getQueryType(), ['getPost(id: ID!): Post',
			'listPosts(filter: ModelPostFilterInput, limit: Int, nextToken: String): ModelPostConnection',
			'syncPosts(filter: ModelPostFilterInput, limit: Int, nextToken: String, lastSync: AWSTimestamp): ModelPostConnection',
			'postsByBlog(blogID: ID!, sortDirection: ModelSortDirection, filter: ModelPostFilterInput, limit: Int, nextToken: String): ModelPostConnection']);
		has(s.getMutationType(), ['Create', 'Update', 'Delete'].map(op =>
			`${op.toLowerCase()}Post(input: ${op}PostInput!, condition: ModelPostConditionInput): Post`));
		has(s.getSubscriptionType(), ['onCreatePost', 'onUpdatePost', 'onDeletePost'].map(n => `${n}(filter: ModelSubscriptionPostFilterInput): Post`));
		has(s.getSubscriptionType(), ['onCreateNote(filter: ModelSubscriptionNoteFilterInput, owner: String): Note']);
	}),
	'SRV-S02 a connection has items, nextToken and startedAt': on(async b => {
		assert.deepStrictEqual(fields((await seen(b)).getType('ModelPostConnection')),
			{ items: '[Post]!', nextToken: 'String', startedAt: 'AWSTimestamp' });
	}),
	'SRV-S03 CreatePostInput has no times, a version, an optional id': on(async b => {
		assert.deepStrictEqual(fields((await seen(b)).getType('CreatePostInput')), { id: 'ID', title: 'String!', content: 'String',
			rating: 'Int', status: 'Status', tags: '[String]', meta: 'MetaInput', data: 'AWSJSON', blogID: 'ID', _version: 'Int' });
	}),
	'SRV-S04 UpdatePostInput is all optional but the id; DeletePostInput has id and version': on(async b => {
		const s = await seen(b);
		assert.deepStrictEqual(fields(s.getType('UpdatePostInput')), { id: 'ID!', title: 'String', content: 'String',
			rating: 'Int', status: 'Status', tags: '[String]', meta: 'MetaInput', data: 'AWSJSON', blogID: 'ID', _version: 'Int' });
		assert.deepStrictEqual(fields(s.getType('DeletePostInput')), { id: 'ID!', _version: 'Int' });
	}),
	'SRV-S05 the filter inputs have the fields of 1.5, _deleted too; that of subscriptions lacks not': on(async b => {
		const s = await seen(b);
		assert.deepStrictEqual(fields(s.getType('ModelPostFilterInput')), { id: 'ModelIDInput', title: 'ModelStringInput',
			content: 'ModelStringInput', rating: 'ModelIntInput', status: 'ModelStatusInput', tags: 'ModelStringInput',
			data: 'ModelStringInput', blogID: 'ModelIDInput', createdAt: 'ModelStringInput', updatedAt: 'ModelStringInput',
			and: '[ModelPostFilterInput]', or: '[ModelPostFilterInput]', not: 'ModelPostFilterInput', _deleted: 'ModelBooleanInput' });
		assert.deepStrictEqual(fields(s.getType('ModelPostConditionInput')), { title: 'ModelStringInput',
			content: 'ModelStringInput', rating: 'ModelIntInput', status: 'ModelStatusInput', tags: 'ModelStringInput',
			data: 'ModelStringInput', blogID: 'ModelIDInput', and: '[ModelPostConditionInput]', or: '[ModelPostConditionInput]',
			not: 'ModelPostConditionInput', _deleted: 'ModelBooleanInput', createdAt: 'ModelStringInput', updatedAt: 'ModelStringInput' });
		assert.deepStrictEqual(fields(s.getType('ModelSubscriptionPostFilterInput')), { id: 'ModelSubscriptionIDInput',
			title: 'ModelSubscriptionStringInput', content: 'ModelSubscriptionStringInput', rating: 'ModelSubscriptionIntInput',
			status: 'ModelSubscriptionStringInput', tags: 'ModelSubscriptionStringInput', data: 'ModelSubscriptionStringInput',
			blogID: 'ModelSubscriptionIDInput', createdAt: 'ModelSubscriptionStringInput', updatedAt: 'ModelSubscriptionStringInput',
			and: '[ModelSubscriptionPostFilterInput]', or: '[ModelSubscriptionPostFilterInput]', _deleted: 'ModelBooleanInput' });
		const one = 'ne eq le lt ge gt';
		const shared = {
			ModelStringInput: [`${one} contains notContains`, 'String', 'between', 'beginsWith', 'attributeExists attributeType size'],
			ModelIntInput: [one, 'Int', 'between', '', 'attributeExists attributeType'],
			ModelFloatInput: [one, 'Float', 'between', '', 'attributeExists attributeType'],
			ModelBooleanInput: ['ne eq', 'Boolean', '', '', 'attributeExists attributeType'],
			ModelIDInput: [`${one} contains notContains`, 'ID', 'between', 'beginsWith', 'attributeExists attributeType size'],
			ModelSubscriptionStringInput: [`${one} contains notContains`, 'String', 'between', 'beginsWith', '', 'in notIn'],
			ModelSubscriptionIDInput: [`${one} contains notContains`, 'ID', 'between', 'beginsWith', '', 'in notIn'],
			ModelSubscriptionIntInput: [one, 'Int', 'between', '', '', 'in notIn'],
			ModelSubscriptionFloatInput: [one, 'Float', 'between', '', '', 'in notIn'],
			ModelSubscriptionBooleanInput: ['ne eq', 'Boolean', '', '', ''],
		};
		const more = { attributeExists: 'Boolean', attributeType: 'ModelAttributeTypes', size: 'ModelSizeInput' };
		for (const [name, [ops, type, list, text, attribute, lists]] of Object.entries(shared)) {
			if (!s.getType(name))
				continue; // an unused one need not be reachable, but these are all defined
			const want = [...ops.split(' ').map(o => [o, type]), ...(list ? [[list, `[${type}]`]] : []), ...(text ? [[text, type]] : []),
				...attribute.split(' ').filter(Boolean).map(a => [a, more[a]]), ...(lists || '').split(' ').filter(Boolean).map(a => [a, `[${type}]`])];
			assert.deepStrictEqual(Object.entries(fields(s.getType(name))), want, name);
		}
		assert.ok(s.getType('ModelFloatInput') && s.getType('ModelSubscriptionFloatInput'));
		assert.deepStrictEqual(s.getType('ModelAttributeTypes').getValues().map(v => v.name),
			'binary binarySet bool list map number numberSet string stringSet _null'.split(' '));
	}),
	'SRV-S06 the plural of Person is People': on(async b => {
		const q = (await seen(b)).getQueryType().getFields();
		assert.ok(q.listPeople && q.syncPeople && !q.listPersons);
	}),
	'SRV-S07 a subscription name over 50 characters: 45 of them and 5 hex digits of its MD5': async () => {
		const name = 'AVeryLongModelNameThatGoesOnAndOnForEverAndEver';
		await on(async b => {
			const got = Object.keys((await seen(b)).getSubscriptionType().getFields()).sort();
			const want = ['onCreate', 'onUpdate', 'onDelete'].map(p => p + name)
				.map(n => n.slice(0, 45) + crypto.createHash('md5').update(n).digest('hex').slice(0, 5)).sort();
			assert.deepStrictEqual(got, want);
			assert.ok(got.every(n => n.length === 50));
		}, [], `type ${name} @model { id: ID! }`)();
	},
	'SRV-S08 DataStore off: no sync field, no metadata, no startedAt': on(async b => {
		const text = graphql.printSchema(await seen(b));
		assert.doesNotMatch(text, /sync|_version|_deleted|_lastChangedAt|startedAt/);
		assert.match(text, /listPosts\(/);
	}, ['--strategy', 'none']),
	'SRV-S09 a key with two sort keys: three required arguments, a composite condition, sortDirection': on(async b => {
		const s = await seen(b);
		has(s.getQueryType(), ['getOrder(customer: ID!, year: Int!, number: String!): Order',
			'listOrders(customer: ID, yearNumber: ModelOrderPrimaryCompositeKeyConditionInput, filter: ModelOrderFilterInput, limit: Int, nextToken: String, sortDirection: ModelSortDirection): ModelOrderConnection']);
		const key = 'ModelOrderPrimaryCompositeKeyInput';
		assert.deepStrictEqual(fields(s.getType('ModelOrderPrimaryCompositeKeyConditionInput')),
			{ eq: key, le: key, lt: key, ge: key, gt: key, between: `[${key}]`, beginsWith: key });
		assert.deepStrictEqual(fields(s.getType(key)), { year: 'Int', number: 'String' });
	}, [], 'type Order @model { customer: ID! @primaryKey(sortKeyFields: ["year", "number"]) year: Int! number: String! total: Float }'),

	'SRV-H01 an empty body is 400 Request body is empty.': on(async b => {
		const r = await b.raw('');
		assert.strictEqual(r.status, 400);
		assert.deepStrictEqual(r.json, { errors: [{ message: 'Request body is empty.', errorType: 'MalformedHttpRequestException' }] });
		assert.match(r.headers['x-amzn-errortype'], /MalformedHttpRequestException/);
	}),
	'SRV-H02 a body that is no request is 400 Unable to parse GraphQL query.': on(async b => {
		for (const body of ['{}', 'meow', '[]', '{"query":5}', '{"query":""}', '{"variables":{}}']) {
			const r = await b.raw(body);
			assert.strictEqual(r.status, 400, body);
			assert.strictEqual(r.json.errors[0].message, 'Unable to parse GraphQL query.');
			assert.strictEqual(r.json.errors[0].errorType, 'MalformedHttpRequestException');
		}
	}),
	'SRV-H03 an unknown field: 200, data null, the FieldUndefined text': on(async b => {
		assert.deepStrictEqual(await b.ask('{badfield}'), { data: null, errors: [{ path: null, locations: [{ line: 1, column: 2, sourceName: null }],
			message: "Validation error of type FieldUndefined: Field 'badfield' in type 'Query' is undefined @ 'badfield'" }] });
	}),
	'SRV-H04 a wrong API key is 401 UnauthorizedException': on(async b => {
		const r = await b.raw('{"query":"{__typename}"}', { 'x-api-key': 'da2-wrong' });
		assert.strictEqual(r.status, 401);
		assert.deepStrictEqual(r.json, { errors: [{ errorType: 'UnauthorizedException', message: 'You are not authorized to make this call.' }] });
	}),
	'SRV-H05 no credentials are 401': on(async b => {
		const r = await b.raw('{"query":"{__typename}"}', {});
		assert.strictEqual(r.status, 401);
		assert.strictEqual(r.json.errors[0].message, 'Valid authorization header not provided.');
	}),
	'SRV-H06 an expired token is 401': on(async b => {
		const who = await b.as('alice');
		assert.strictEqual((await b.data('{__typename}', {}, who)).__typename, 'Query');
		await b.sandbox.call('POST', 'expire-tokens');
		const r = await b.raw('{"query":"{__typename}"}', who);
		assert.strictEqual(r.status, 401);
		assert.strictEqual(r.json.errors[0].message, 'Token has expired.');
	}),
	'SRV-H07 a required variable that is missing': on(async b => {
		const r = await b.ask('mutation($input: CreatePostInput!) { createPost(input: $input) { id } }', {});
		assert.strictEqual(r.data, null);
		assert.strictEqual(r.errors[0].message, "Variable 'input' has coerced Null value for NonNull type 'CreatePostInput!'");
		assert.strictEqual(r.errors[0].path, null);
	}),
	'SRV-H08 a key that the input does not have': on(async b => {
		const r = await b.write('Update', 'Post', { id: '1', x: 1 });
		assert.strictEqual(r.errors[0].message, "The variables input contains a field name 'x' that is not defined for input object type 'UpdatePostInput' ");
		assert.strictEqual(r.errors[0].path, null);
		assert.strictEqual(r.errors[0].locations, null);
	}),
	'SRV-H09 a value that is no AWSDateTime: an error on the variable, nothing written': on(async b => {
		const r = await b.ask('mutation($i: CreateEventInput!) { createEvent(input: $i) { id } }', { i: { at: '2026-02-30T10:00:00Z' } });
		assert.strictEqual(r.data, null);
		assert.match(r.errors[0].message, /^Variable 'i' has an invalid value\./);
		assert.strictEqual(r.errors[0].path, null);
		assert.deepStrictEqual(await b.sandbox.dump('Event'), []);
	}, [], 'type Event @model { id: ID! at: AWSDateTime }'),
	'SRV-H10 two mutations, the second fails: the first in data, the second null and an error': on(async b => {
		const r = await b.ask('mutation { a: createPost(input: {id: "1", title: "a"}) { id } b: createPost(input: {id: "1", title: "b"}) { id } }');
		assert.deepStrictEqual(r.data, { a: { id: '1' }, b: null });
		assert.deepStrictEqual(r.errors.map(e => [e.path, e.errorType]), [[['b'], 'ConditionalCheckFailedException']]);
	}),
	'SRV-H11 a GET is answered like a POST': on(async b => {
		await b.create({ id: '1', title: 'a' });
		const url = (o) => `${b.sandbox.ready.url}?${new URLSearchParams(o)}`;
		const r = await request('GET', url({ query: 'query Q($id: ID!) { getPost(id: $id) { title } }', variables: '{"id":"1"}', operationName: 'Q' }), undefined, b.key);
		assert.deepStrictEqual([r.status, r.json], [200, { data: { getPost: { title: 'a' } } }]);
		const w = await request('GET', url({ query: 'mutation { createPost(input: {title: "b"}) { title } }' }), undefined, b.key);
		assert.deepStrictEqual(w.json, { data: { createPost: { title: 'b' } } });
	}),
	'SRV-H12 __typename, fragments, aliases, @include and @skip': on(async b => {
		await b.create({ id: '1', title: 'a', meta: { a: 'x', b: 1 } });
		assert.deepStrictEqual(await b.data(`query Q($yes: Boolean!, $no: Boolean = false) { __typename one: getPost(id: "1") { ...f key: id
			rating @skip(if: $yes) content @include(if: $no) ... on Post { meta { b } } ... @include(if: $yes) { __typename } } }
			fragment f on Post { title meta { a } }`, { yes: true }),
		{ __typename: 'Query', one: { title: 'a', meta: { a: 'x', b: 1 }, key: '1', __typename: 'Post' } });
	}),
	'SRV-H13 introspection switched off: an error, no schema': on(async b => {
		const r = await b.ask(graphql.getIntrospectionQuery());
		assert.strictEqual(r.data, null);
		assert.match(r.errors[0].message, /^Validation error of type FieldUndefined: Field '__schema' in type 'Query' is undefined/);
		assert.strictEqual((await b.data('{ __typename }')).__typename, 'Query');
	}, ['--set', 'introspection=false']),
};
