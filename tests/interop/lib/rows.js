// tests/interop/lib/rows.js - what the rows of the conformance table are checked with: a backend with
// the fixture of spec/server.md 10, requests, and comparisons that name what they compare.
'use strict';

const assert = require('assert');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const { Sandbox } = require('./sandbox');
const { Socket } = require('./socket');

const POST = `type Post @model @auth(rules:[{allow: public}]) {
  id: ID!  title: String!  content: String  rating: Int
  status: Status  tags: [String]  meta: Meta  data: AWSJSON  blogID: ID @index(name:"byBlog", queryField:"postsByBlog") }
enum Status {DRAFT LIVE}
type Meta {a: String b: Int}
`;
const FIXTURE = `${POST}type Note @model @auth(rules:[{allow: owner}]) { id: ID!  text: String!  owner: String }
type Plan @model @auth(rules:[{allow: owner}, {allow: groups, groups: ["Staff"]}]) { id: ID!  text: String!  owner: String }
type Person @model @auth(rules:[{allow: public}]) { id: ID!  name: String! }
type Pay @model @auth(rules:[{allow: private}]) { id: ID!  name: String
  salary: Int @auth(rules:[{allow: groups, groups: ["Staff"]}, {allow: private, operations: [read]}]) }
`;
const ALL = 'id title content rating status tags meta { a b } data blogID createdAt updatedAt _version _deleted _lastChangedAt';
const USERS = ['alice', 'bob', 'carol'].map((username, i) => ({ username, password: `Passw0rd!${username}`,
	sub: `${i + 1}`.repeat(8) + '-0000-4000-8000-000000000000', groups: username === 'carol' ? ['Staff'] : [],
	email: `${username}@example.com`, challenge: 'none' }));

function request(method, url, body, headers = {}) {
	return new Promise((resolve, reject) => {
		const req = http.request(url, { method, agent: false, headers }, res => {
			const got = [];
			res.on('data', d => got.push(d));
			res.on('end', () => {
				const text = Buffer.concat(got).toString();
				let json;
				try { json = JSON.parse(text); } catch (e) { json = undefined; }
				resolve({ status: res.statusCode, headers: res.headers, text, json });
			});
		});
		req.on('error', reject);
		req.end(body);
	});
}

// One backend with one row's data.
class Bench {
	// files: more beside the schema, name -> text
	static async open(args = [], schema = FIXTURE, files = {}) {
		const b = new Bench();
		b.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sdrow.'));
		fs.writeFileSync(path.join(b.dir, 'schema.graphql'), schema);
		fs.writeFileSync(path.join(b.dir, 'users.json'), JSON.stringify(USERS));
		for (const [name, text] of Object.entries(files))
			fs.writeFileSync(path.join(b.dir, name), text);
		b.sockets = [];
		b.sandbox = await Sandbox.start(path.join(b.dir, 'schema.graphql'), ['--users', path.join(b.dir, 'users.json'), ...args])
			.catch(e => {
				fs.rmSync(b.dir, { recursive: true, force: true });
				throw e;
			});
		b.key = { 'x-api-key': b.sandbox.ready.apiKey };
		b.host = new URL(b.sandbox.ready.url).host;
		return b;
	}
	close() {
		this.sockets.forEach(s => s.end());
		this.sandbox.end();
		fs.rmSync(this.dir, { recursive: true, force: true });
	}
	raw(body, headers = this.key, url = this.sandbox.ready.url) {
		return request('POST', url, body, { 'content-type': 'application/json', ...headers });
	}
	// the whole answer; status must be 200
	async ask(query, variables, headers) {
		const r = await this.raw(JSON.stringify({ query, variables }), headers);
		assert.strictEqual(r.status, 200, r.text);
		return r.json;
	}
	// data; no errors
	async data(query, variables, headers) {
		const r = await this.ask(query, variables, headers);
		assert.strictEqual(r.errors, undefined, JSON.stringify(r.errors));
		return r.data;
	}
	async token(name) {
		const u = USERS.find(x => x.username === name);
		const r = await request('POST', this.sandbox.ready.userPoolEndpoint, JSON.stringify({ AuthFlow: 'USER_PASSWORD_AUTH',
			ClientId: this.sandbox.ready.userPoolClientId, AuthParameters: { USERNAME: name, PASSWORD: u.password } }),
		{ 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AWSCognitoIdentityProviderService.InitiateAuth' });
		assert.strictEqual(r.status, 200, r.text);
		return r.json.AuthenticationResult.AccessToken;
	}
	async as(name) {
		return { Authorization: await this.token(name) };
	}
	async socket(creds = this.key, how = 'protocol') {
		const s = await Socket.open(this.sandbox, { host: this.host, ...creds }, how);
		this.sockets.push(s);
		return s;
	}
	write(op, model, input, sel = 'id', condition, headers) {
		return this.ask(`mutation($input: ${op}${model}Input!, $condition: Model${model}ConditionInput) { r: ${op.toLowerCase()}${model}(input: $input, condition: $condition) { ${sel} } }`,
			{ input, condition }, headers);
	}
	async wrote(...args) {
		const r = await this.write(...args);
		assert.strictEqual(r.errors, undefined, JSON.stringify(r));
		return r.data.r;
	}
	create(input, sel = ALL) {
		return this.wrote('Create', 'Post', input, sel);
	}
	update(input, sel = ALL) {
		return this.wrote('Update', 'Post', input, sel);
	}
	remove(input, sel = ALL) {
		return this.wrote('Delete', 'Post', input, sel);
	}
	// E(type): HTTP 200, the field null, this error
	async refused(type, ...args) {
		const r = await this.write(...args);
		assert.strictEqual(r.data.r, null);
		assert.strictEqual(r.errors.length, 1, JSON.stringify(r));
		assert.strictEqual(r.errors[0].errorType, type, JSON.stringify(r));
		assert.deepStrictEqual(r.errors[0].path, ['r']);
		assert.strictEqual(r.errors[0].errorInfo, null);
		assert.deepStrictEqual(Object.keys(r.errors[0].locations[0]).sort(), ['column', 'line', 'sourceName']);
		return r.errors[0];
	}
	async get(id, sel = ALL) {
		return (await this.data(`query($id: ID!) { getPost(id: $id) { ${sel} } }`, { id })).getPost;
	}
	sync(variables = {}, sel = 'id title _version _deleted _lastChangedAt') {
		return this.ask(`query($limit: Int, $nextToken: String, $lastSync: AWSTimestamp, $filter: ModelPostFilterInput) {
			syncPosts(limit: $limit, nextToken: $nextToken, lastSync: $lastSync, filter: $filter) { items { ${sel} } nextToken startedAt } }`, variables);
	}
	async synced(variables, sel) {
		const r = await this.sync(variables, sel);
		assert.strictEqual(r.errors, undefined, JSON.stringify(r));
		return r.data.syncPosts;
	}
	async ids(filter) {
		const r = await this.data('query($f: ModelPostFilterInput) { listPosts(filter: $f) { items { id } } }', { f: filter });
		return r.listPosts.items.map(i => i.id).sort().join('');
	}
	clock(ms) {
		return this.sandbox.call('POST', 'clock', { offsetMs: ms });
	}
	// records of the change log that the model has had since the test began
	async logged() {
		return (await this.synced({ lastSync: Date.now() - 60000, limit: 1000 })).items.length;
	}
	// a lambda: command whose decision is what answer() was told last, and what it was sent
	static handler(dir) {
		const script = path.join(dir, 'handler.sh');
		fs.writeFileSync(script, `#!/bin/sh\ncat > "${dir}/payload"\ncat "${dir}/answer"\n`, { mode: 0o755 });
		return { command: `lambda:${script}`,
			answer: o => fs.writeFileSync(path.join(dir, 'answer'), typeof o === 'string' ? o : JSON.stringify(o)),
			payload: () => JSON.parse(fs.readFileSync(path.join(dir, 'payload'))) };
	}
}

module.exports = { Bench, request, ALL, FIXTURE, POST, USERS };
