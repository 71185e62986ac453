// tests/interop/lib/sandbox.js - the local backend under test, and its admin calls.
'use strict';

const { spawn } = require('child_process');
const readline = require('readline');
const { PROGRAM, SCHEMA_FILE, first } = require('./program');
const { waitFor } = require('./wait');

class Sandbox {
	// args: further options of `syncdeck sandbox`
	static async start(args = []) {
		const s = new Sandbox();
		s.child = spawn(PROGRAM, ['sandbox', '--schema', SCHEMA_FILE, '--admin', '--port', '0', ...args], {
			stdio: ['pipe', 'pipe', 'pipe'],
		});
		s.said = [];
		s.child.stderr.on('data', d => s.said.push(d));
		const line = await first(readline.createInterface({ input: s.child.stdout }), s.child, s.said);
		s.ready = JSON.parse(line);
		return s;
	}
	async call(method, name, body) {
		const base = this.ready.admin.replace(/\/$/, '');
		const r = await fetch(`${base}/${name}`, {
			method,
			body: body === undefined ? undefined : JSON.stringify(body),
			headers: { 'content-type': 'application/json' },
		});
		const text = await r.text();
		if (!r.ok)
			throw new Error(`${method} ${name}: ${r.status} ${text}`);
		return text ? JSON.parse(text) : null;
	}
	dump(model) {
		return this.call('GET', `dump?model=${model}`);
	}
	async live(model) {
		return (await this.dump(model)).filter(r => r._deleted !== true);
	}
	mutate(op, model, input) {
		return this.call('POST', 'mutate', { op, model, input });
	}
	// until the row satisfies check; gives the row
	has(model, id, check, what) {
		const find = async () => (await this.dump(model)).find(r => r.id === id);
		return waitFor(`the backend has ${model} ${id}${what ? ` ${what}` : ''}`, async () => {
			const r = await find();
			return r && check(r) ? r : false;
		}, async () => JSON.stringify(await find()));
	}
	end() {
		if (this.child.exitCode === null)
			this.child.kill('SIGTERM');
	}
	alive() {
		return this.child.exitCode === null && this.child.signalCode === null;
	}
}

module.exports = { Sandbox };
