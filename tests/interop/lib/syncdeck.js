// tests/interop/lib/syncdeck.js - our client: one `syncdeck batch`, driven line by line.
'use strict';

const { spawn } = require('child_process');
const readline = require('readline');
const { PROGRAM, ended, pauses } = require('./program');
const { waitFor } = require('./wait');

class Syncdeck {
	// o: {name, args: options of the program, dir, sets: ['key=value'], user, password, wait: false to
	// go on before it is ready}; resolves once synced
	static async start(o) {
		const c = new Syncdeck(o.name);
		c.start = o;
		const sets = (o.sets || []).flatMap(s => ['--config-set', s]);
		c.child = spawn(PROGRAM, ['batch', ...o.args, '-d', o.dir, '--log-file', `${o.dir}.log`, ...sets], {
			stdio: ['pipe', 'pipe', 'pipe'],
			env: { ...process.env, SYNCDECK_PASSWORD: o.password || '' },
		});
		c.child.stderr.on('data', d => c.said.push(d));
		c.child.stdin.on('error', () => {});
		c.child.on('error', e => c.said.push(Buffer.from(String(e))));
		c.child.on('close', code => c.ended(code));
		readline.createInterface({ input: c.child.stdout }).on('line', l => c.line(JSON.parse(l)));
		if (o.user)
			await c.ok('login', o.user);
		if (o.wait !== false)
			await c.ok('wait', 'ready', '30s');
		pauses(c.child);
		return c;
	}
	constructor(name) {
		this.name = name;
		this.said = [];
		this.told = [];
		this.open = [];
	}
	line(j) {
		if (j.event)
			this.told.push(j);
		else
			this.open.shift().resolve(j);
	}
	ended(code) {
		for (const { reject } of this.open)
			reject(new Error(`${this.name} ended with ${code}: ${Buffer.concat(this.said)}`));
		this.open = [];
	}
	// one command: {exit, out, err}
	run(...words) {
		return new Promise((resolve, reject) => {
			this.open.push({ resolve, reject });
			this.child.stdin.write(JSON.stringify(words) + '\n');
		});
	}
	async ok(...words) {
		const { exit, out, err } = await this.run(...words);
		if (exit !== 0)
			throw new Error(`${this.name}: ${words.join(' ')}: exit ${exit}: ${err}`);
		return out;
	}
	save(model, values, ...more) {
		const words = Object.entries(values).map(([k, v]) => `${k}:=${JSON.stringify(v)}`);
		return this.ok('save', model, ...words, ...more).then(out => out[0]);
	}
	create(model, values) {
		return this.save(model, values);
	}
	update(model, id, values) {
		return this.save(model, { id, ...values });
	}
	delete(model, ...key) {
		return this.ok('delete', model, ...key.map(String));
	}
	query(model) {
		return this.ok('query', model, '--limit', '0');
	}
	async get(model, ...key) {
		const { exit, out, err } = await this.run('get', model, ...key.map(String));
		if (exit !== 0 && exit !== 7)
			throw new Error(`${this.name}: get ${model}: exit ${exit}: ${err}`);
		return exit === 0 ? out[0] : null;
	}
	async pending() {
		return (await this.ok('outbox')).length;
	}
	// what waits for a person or a time, for a failure report
	async unsettled() {
		return JSON.stringify({ outbox: (await this.run('outbox')).out, conflicts: (await this.run('conflicts')).out });
	}
	offline() {
		return this.ok('net', 'off');
	}
	async online() {
		await this.ok('net', 'on');
		await this.ok('wait', 'ready', '30s');
	}
	drained() {
		return this.ok('wait', 'drained', '30s');
	}
	// key: a value, or the parts of a composite key in order
	sees(model, key, check, what) {
		const get = () => this.get(model, ...[].concat(key));
		return waitFor(`${this.name} sees ${model} ${key}${what ? ` ${what}` : ''}`, async () => {
			const r = await get();
			return check(r) ? (r ?? true) : false;
		}, async () => JSON.stringify(await get()));
	}
	// the end of its input; the exit code, 1 when any command had another than 0
	finish() {
		return ended(this.child, () => this.child.stdin.end());
	}
	end() {
		if (this.child.exitCode === null)
			this.child.kill('SIGKILL');
	}
}

module.exports = { Syncdeck };
