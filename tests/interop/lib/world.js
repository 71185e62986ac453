// tests/interop/lib/world.js - what one scenario runs in: a backend, clients, and their ends.
'use strict';

const assert = require('assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { Amplify } = require('./amplify');
const { Sandbox } = require('./sandbox');
const { Syncdeck } = require('./syncdeck');
const { amplifySchema } = require('./program');
const { converters, differences } = require('./records');
const { waitFor } = require('./wait');

let shared;

class World {
	constructor() {
		shared = shared || amplifySchema();
		this.schema = shared;
		this.models = Object.keys(shared.models);
		this.convert = converters(shared);
		this.clients = [];
		this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'interop.'));
	}
	async backend(...args) {
		this.sandbox = await Sandbox.start(args);
		return this.sandbox;
	}
	// a real Amplify client, started and subscribed
	amplify(name, o = {}) {
		return this.join(() => Amplify.start({
			name, schema: this.schema, endpoint: this.sandbox.ready.url, apiKey: this.sandbox.ready.apiKey, ...o,
		}));
	}
	// our client, started and synced
	syncdeck(name, ...sets) {
		return this.join(() => Syncdeck.start({
			name, sets, endpoint: this.sandbox.ready.url, apiKey: this.sandbox.ready.apiKey,
			dir: path.join(this.dir, name),
		}));
	}
	// Amplify says it is subscribed before the backend said so: wait for the backend
	async join(start) {
		const c = await start();
		this.clients.push(c);
		await this.subscribed();
		return c;
	}
	subscribed() {
		const want = this.clients.length * this.models.length * 3;
		return waitFor(`${want} subscriptions`, async () =>
			(await this.sandbox.call('GET', 'state')).subscriptions >= want);
	}
	// ends one client at once, as a crash does
	leave(c) {
		c.end();
		this.clients = this.clients.filter(x => x !== c);
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
