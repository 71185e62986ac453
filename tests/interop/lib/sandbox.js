// tests/interop/lib/sandbox.js - the local backend under test, and its admin calls.
'use strict';

const { spawn } = require('child_process');
const fs = require('fs');
const http = require('http');
const https = require('https');
const path = require('path');
const readline = require('readline');
const { PROGRAM, schemaFile, ended, first } = require('./program');
const { waitFor } = require('./wait');

class Sandbox {
	// args: further options of `syncdeck sandbox`
	static async start(schema, args = []) {
		const s = new Sandbox();
		s.name = 'sandbox';
		s.child = spawn(PROGRAM, ['sandbox', '--schema', path.isAbsolute(schema) ? schema : schemaFile(schema), '--admin', '--port', '0',
			'--parent-pipe', '3', ...args], {
			stdio: ['ignore', 'pipe', 'pipe', 'pipe'], // 3: it ends with us
		});
		s.said = [];
		s.child.stderr.on('data', d => s.said.push(d));
		const line = await first(readline.createInterface({ input: s.child.stdout }), s.child, s.said);
		s.ready = JSON.parse(line);
		return s;
	}
	// one admin call; the answer's JSON
	call(method, name, body) {
		const url = new URL(`${this.ready.admin}/${name}`);
		const ca = this.ready.ca ? fs.readFileSync(this.ready.ca) : undefined;
		const client = url.protocol === 'https:' ? https : http;
		return new Promise((resolve, reject) => {
			const req = client.request(url, { method, ca, agent: false }, res => {
				const got = [];
				res.on('data', d => got.push(d));
				res.on('end', () => {
					const text = Buffer.concat(got).toString();
					if (res.statusCode !== 200)
						reject(new Error(`${method} ${name}: ${res.statusCode} ${text}`));
					else
						resolve(text ? JSON.parse(text) : null);
				});
			});
			req.on('error', reject);
			req.end(body === undefined ? undefined : JSON.stringify(body));
		});
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
	// asks it to end; the exit code
	finish() {
		return ended(this.child, () => this.child.kill('SIGTERM'));
	}
	end() {
		if (this.child.exitCode === null)
			this.child.kill('SIGKILL');
	}
	alive() {
		return this.child.exitCode === null && this.child.signalCode === null;
	}
}

module.exports = { Sandbox };
