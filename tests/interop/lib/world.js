// tests/interop/lib/world.js - what one scenario runs in: a backend, clients, and their ends.
'use strict';

const assert = require('assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { Amplify } = require('./amplify');
const { Sandbox } = require('./sandbox');
const { Syncdeck } = require('./syncdeck');
const { amplifySchema, schemaFile } = require('./program');
const { converters, differences } = require('./records');
const { waitFor } = require('./wait');

const schemas = new Map();

// one line of the backend's log about a record: who sent or got what, when
function brief(l) {
	const what = /"(on(?:Create|Update|Delete)\w+)":|\b((?:create|update|delete)[A-Z]\w*)\(|\b(sync[A-Z]\w*)\(/.exec(l.body);
	if (!what || l.kind === 'ws-in')
		return null;
	const part = name => (new RegExp(`"${name}":"?([^",}]*)`).exec(l.body) || [])[1];
	return `${l.t} ${l.kind} ${l.conn} ${what[1] || what[2] || what[3]} id ${part('id')}` +
		` version ${part('_version')} status ${l.status}`;
}

class World {
	constructor() {
		this.clients = [];
		this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'interop.'));
		this.use('schema');
	}
	// the schema of everything that starts from now on
	use(name) {
		if (!schemas.has(name))
			schemas.set(name, amplifySchema(name));
		this.schemaName = name;
		this.schema = schemas.get(name);
		this.models = Object.keys(this.schema.models);
		this.convert = converters(this.schema);
	}
	async backend(...args) {
		this.sandbox = await Sandbox.start(this.schemaName, args);
		return this.sandbox;
	}
	// one with a user pool of these users; the clients' configuration is in this.config
	pool(users, ...args) {
		const file = path.join(this.dir, 'users.json');
		this.config = path.join(this.dir, 'amplify_outputs.json');
		fs.writeFileSync(file, JSON.stringify(users));
		return this.backend('--users', file, '--write-config', this.config, ...args);
	}
	// a real Amplify client, started and subscribed
	amplify(name, o = {}) {
		return this.join(() => Amplify.start({
			name, schema: this.schema, endpoint: this.sandbox.ready.url, apiKey: this.sandbox.ready.apiKey, ...o,
		}));
	}
	// our client, started and synced
	syncdeck(name, ...sets) {
		const { url, apiKey } = this.sandbox.ready;
		const args = ['-s', schemaFile(this.schemaName), '--endpoint', url, '--api-key', apiKey];
		return this.join(() => Syncdeck.start({ name, sets, args, dir: path.join(this.dir, name) }));
	}
	// the same two, signed in; `open` of the models are not closed to the user
	amplifyAs(user, open) {
		const { userPoolId, userPoolClientId, userPoolEndpoint } = this.sandbox.ready;
		return this.join(() => Amplify.start({
			name: `A:${user.username}`, schema: this.schema, endpoint: this.sandbox.ready.url,
			user, pool: { userPoolId, userPoolClientId, userPoolEndpoint },
		}), open);
	}
	syncdeckAs(user, open) {
		const name = `S:${user.username}`;
		return this.join(() => Syncdeck.start({
			name, args: ['-c', this.config, '-s', schemaFile(this.schemaName)], dir: path.join(this.dir, name),
			user: user.username, password: user.password,
		}), open);
	}
	// Amplify says it is subscribed before the backend said so: wait for the backend
	async join(start, open = this.models.length) {
		const c = await start();
		c.allowed = open;
		this.clients.push(c);
		await this.subscribed();
		return c;
	}
	subscribed() {
		const want = this.clients.reduce((n, c) => n + c.allowed * 3, 0);
		return waitFor(`${want} subscriptions`, async () =>
			(await this.sandbox.call('GET', 'state')).subscriptions >= want);
	}
	// ends one client at once, as a crash does
	leave(c) {
		c.end();
		this.clients = this.clients.filter(x => x !== c);
	}
	// our client killed at any moment, and a new process on its data
	async again(c) {
		await new Promise(resolve => {
			c.child.once('close', resolve);
			c.end();
		});
		const next = await Syncdeck.start({ ...c.start, wait: false });
		next.allowed = c.allowed;
		this.clients = this.clients.map(x => (x === c ? next : x));
		return next;
	}
	// Every client holds exactly the live records of the backend: every field, _version,
	// _lastChangedAt, and nothing that is deleted there.
	async converged(models = this.models, clients = this.clients) {
		let left = [];
		const look = async () => {
			left = [];
			for (const m of models) {
				const live = await this.sandbox.live(m);
				for (const c of clients)
					left.push(...differences(this.convert, m, 'backend', live, c.name, await c.query(m)));
			}
			return left.length === 0;
		};
		await waitFor('all clients agree with the backend', look, () => left.slice(0, 20).join('\n    '));
	}
	// the columns of want as they are in got
	holds(model, got, want) {
		const plain = this.convert.record(model, got);
		for (const [k, v] of Object.entries(want))
			assert.deepStrictEqual(plain[k], v, `${model}.${k}`);
	}
	// what the children said and what they hold back, for a failure report
	async said() {
		const out = [];
		for (const c of [...this.clients, this.sandbox].filter(Boolean)) {
			out.push(`${c.name || 'sandbox'}: ${Buffer.concat(c.said).toString().slice(-2000)}`);
			if (c.unsettled)
				out.push(`${c.name}: ${await c.unsettled().catch(e => e.message)}`);
		}
		if (this.sandbox)
			out.push(...(await this.sandbox.call('GET', 'log').catch(() => [])).map(brief).filter(Boolean).slice(-60));
		return out.join('\n');
	}
	// after success: our programs end in order, with nothing to complain about
	async finish() {
		for (const c of [...this.clients, this.sandbox].filter(x => x.finish)) {
			const code = await c.finish();
			const words = Buffer.concat(c.said).toString();
			assert.ok(code === 0 || code === 1 && c !== this.sandbox, `${c.name} ended with ${code}: ${words}`);
			assert.doesNotMatch(words, /Sanitizer|runtime error/);
		}
	}
	end() {
		for (const c of this.clients)
			c.end();
		if (this.sandbox)
			this.sandbox.end();
		fs.rmSync(this.dir, { recursive: true, force: true });
	}
}

module.exports = { World };
