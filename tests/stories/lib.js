// tests/stories/lib.js - what the stories share: the end-to-end library, and a real screen.
'use strict';
const { spawn } = require('child_process');
const lib = require('../proto/lib.js');
const { ok, path, lines, ROOT, PROGRAM, Failure, PATIENCE, sleep } = lib;

const HOST = process.env.VTHOST || path.join(ROOT, 'build', 'tests', 'stories', 'vthost');

// The program on a terminal of its own.
class Screen {
	constructor(world, args, o = {}) {
		this.child = spawn(HOST, [String(o.rows || 24), String(o.cols || 80), PROGRAM, ...args],
			{ cwd: world.path('work'), env: { ...world.env, ...o.env }, stdio: ['pipe', 'pipe', 'pipe'] });
		world.children.add(this.child);
		this.child.once('exit', () => { world.children.delete(this.child); this.over = true; this.take(null); });
		this.child.stdin.on('error', () => {});
		this.err = '';
		this.child.stderr.on('data', d => { this.err = (this.err + d).slice(-6000); });
		this.waiting = [];
		lines(this.child.stdout, l => this.take(JSON.parse(l)));
	}
	take(v) {
		const f = this.waiting.shift();
		if (f) f(v);
	}
	ask(...words) {
		return new Promise((resolve, reject) => {
			if (this.over) return reject(new Failure('the screen is gone; ' + this.err));
			this.waiting.push(resolve);
			this.child.stdin.write(JSON.stringify(words) + '\n');
		});
	}
	async rows() { return this.ask('rows'); }
	async text() { return (await this.rows()).join('\n'); }
	async fail(why) { throw new Failure(`${why}; the screen:\n${await this.text()}`); }
	// Types, and waits until the screen shows the outcome.
	async keys(...all) {
		for (const k of all)
			if (!await this.ask('keys', k, 15000 * PATIENCE)) await this.fail(`no frame after the keys ${JSON.stringify(k)}`);
	}
	async sees(text, ms = 8000) { if (!await this.ask('text', text, ms * PATIENCE)) await this.fail(`"${text}" is not shown`); }
	async gone(text, ms = 8000) { if (!await this.ask('gone', text, ms * PATIENCE)) await this.fail(`"${text}" is still shown`); }
	async row(text) { return (await this.rows()).find(r => r.includes(text)); }
	// The frame in which test(rows) holds.
	async until(test, why, ms = 8000) {
		for (const end = Date.now() + ms * PATIENCE; ;) {
			const rows = await this.rows();
			const v = test(rows, rows.join('\n'));
			if (v) return v;
			if (Date.now() > end) await this.fail(`not within ${ms * PATIENCE} ms: ${why}`);
			await sleep(30);
		}
	}
	pid() { return this.ask('pid'); }
	async quit() {
		await this.ask('type', 'Q');
		const status = await this.ask('close');
		ok(status === 0, 'a clean end', status, this.err);
	}
	async kill() {
		process.kill(await this.pid(), 'SIGKILL');
		await this.ask('close');
	}
}

module.exports = { ...lib, Screen };
