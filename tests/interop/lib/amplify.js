// tests/interop/lib/amplify.js - the test's side of one real Amplify client (amplify-client.js).
'use strict';

const { fork } = require('child_process');
const path = require('path');
const { pauses } = require('./program');
const { waitFor } = require('./wait');

class Amplify {
	// o: {name, schema (codegen form), endpoint, apiKey, ca, conflict, settings, eager: goes on with no
	// answer to its last edit}
	static async start(o) {
		const c = new Amplify(o.name);
		c.child = fork(path.join(__dirname, 'amplify-client.js'), [], {
			stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
			env: { ...process.env, ...(o.ca ? { NODE_EXTRA_CA_CERTS: o.ca } : {}) },
		});
		c.child.stdout.on('data', d => c.said.push(d));
		c.child.stderr.on('data', d => c.said.push(d));
		c.child.on('message', m => c.answered(m));
		c.child.on('exit', code => c.ended(code));
		const { name, ca, ...rest } = o;
		await c.ask('start', rest);
		pauses(c.child);
		return c;
	}
	constructor(name) {
		this.name = name;
		this.said = [];
		this.open = new Map();
		this.next = 1;
	}
	answered({ id, ok, error }) {
		const { resolve, reject } = this.open.get(id);
		this.open.delete(id);
		if (error)
			reject(new Error(`${this.name}: ${error}`));
		else
			resolve(ok);
	}
	ended(code) {
		for (const { reject } of this.open.values())
			reject(new Error(`${this.name} ended with ${code}: ${Buffer.concat(this.said)}`));
		this.open.clear();
	}
	ask(op, o) {
		return new Promise((resolve, reject) => {
			this.open.set(this.next, { resolve, reject });
			this.child.send({ id: this.next++, op, ...o });
		});
	}
	create(model, values) {
		return this.ask('create', { model, values });
	}
	update(model, key, values, cond) {
		return this.ask('update', { model, key, values, if: cond });
	}
	delete(model, key, cond) {
		return this.ask('delete', { model, key, if: cond });
	}
	query(model) {
		return this.ask('query', { model });
	}
	get(model, key) {
		return this.ask('get', { model, key });
	}
	related(model, key, field) {
		return this.ask('related', { model, key, field });
	}
	pending() {
		return this.ask('pending');
	}
	errors() {
		return this.ask('errors');
	}
	events() {
		return this.ask('events');
	}
	async unsettled() {
		return JSON.stringify({ pending: await this.pending(), errors: await this.errors() });
	}
	// offline is complete once the engine said so; online once the queries and the outbox are done
	async offline() {
		await this.ask('offline');
		await this.told('networkStatus', e => !e.active);
	}
	async online() {
		const before = (await this.events()).length;
		await this.ask('online');
		await this.told('syncQueriesReady', () => true, before);
	}
	cut() {
		return this.ask('cut');
	}
	drained() {
		return waitFor(`${this.name} sent everything`, async () => (await this.pending()) === 0);
	}
	told(event, which = () => true, from = 0) {
		return waitFor(`${this.name} told ${event}`, async () =>
			(await this.events()).slice(from).some(e => e.event === event && which(e)));
	}
	// until the record (null: absent) satisfies check; gives the record
	sees(model, key, check, what) {
		return waitFor(`${this.name} sees ${model} ${JSON.stringify(key)}${what ? ` ${what}` : ''}`, async () => {
			const r = await this.get(model, key);
			return check(r) ? (r ?? true) : false;
		}, async () => JSON.stringify(await this.get(model, key)));
	}
	end() {
		if (this.child.exitCode === null)
			this.child.kill('SIGKILL');
	}
}

module.exports = { Amplify };
