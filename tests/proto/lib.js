// tests/proto/lib.js - what the end-to-end scripts share: worlds, sandboxes, commands, batches.
//
// A test gets a World: a directory of its own with XDG_* inside, gone afterwards together with
// every process started from it. Only Node's built-in modules are used.
'use strict';
const { spawn } = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');

const ROOT = path.resolve(__dirname, '..', '..');
const PROGRAM = process.env.SYNCDECK || path.join(ROOT, 'build', 'syncdeck');
// Waits name what they take on an idle machine at most; a busy one gets this many times as long
// before something counts as missing. A wait that succeeds costs nothing of it.
const PATIENCE = Number(process.env.TEST_PATIENCE || 8);
const LIMIT_MS = 30000 * PATIENCE; // of one test

const SCHEMA = `
enum PostStatus { ACTIVE INACTIVE }
type Meta { a: String n: Int }
type Post @model {
  id: ID!
  title: String!
  rating: Int
  status: PostStatus
  tags: [String]
  note: String
  price: Float
  done: Boolean
  due: AWSDate
  at: AWSDateTime
  email: AWSEmail
  url: AWSURL
  ip: AWSIPAddress
  extra: AWSJSON
  meta: Meta
  comments: [Comment] @hasMany
  editors: [User] @manyToMany(relationName: "PostEditor")
}
type Comment @model {
  id: ID!
  content: String!
  post: Post @belongsTo
}
type User @model {
  id: ID!
  name: String!
  posts: [Post] @manyToMany(relationName: "PostEditor")
}
type Book @model {
  isbn: ID! @primaryKey(sortKeyFields: ["title"])
  title: String!
  pages: Int
}
`;
const OWNED = `
type Note @model @auth(rules: [{ allow: owner }]) {
  id: ID!
  text: String!
  rank: Int
}
`;
const USERS = [
	{ username: 'ann', password: 'Passw0rd!a', sub: '11111111-1111-4111-8111-111111111111',
		groups: [], email: 'ann@example.com', challenge: 'none' },
	{ username: 'bob', password: 'Passw0rd!b', sub: '22222222-2222-4222-8222-222222222222',
		groups: [], email: 'bob@example.com', challenge: 'none' },
];

let poolPem = null;

const sleep = ms => new Promise(r => setTimeout(r, ms));

class Failure extends Error {}
const show = v => {
	const s = typeof v === 'string' ? v : JSON.stringify(v);
	return s && s.length > 900 ? s.slice(0, 900) + '...' : s;
};
function ok(value, why, ...more) {
	if (!value)
		throw new Failure([why, ...more.map(show)].join(' '));
}
function eq(got, want, why) {
	const sort = v => Array.isArray(v) ? v.map(sort)
		: v && typeof v === 'object'
			? Object.fromEntries(Object.keys(v).sort().map(k => [k, sort(v[k])])) : v;
	if (JSON.stringify(sort(got)) !== JSON.stringify(sort(want)))
		throw new Failure(`${why || 'values'}: got ${show(got)}, want ${show(want)}`);
}

// Calls fn until it answers something true; the last value or error names what was missing.
async function until(fn, why, ms = 8000, step = 25) {
	const end = Date.now() + ms * PATIENCE;
	let last;
	for (;;) {
		try {
			last = await fn();
			if (last)
				return last;
		} catch (e) {
			last = e.message;
		}
		if (Date.now() > end)
			throw new Failure(`not within ${ms * PATIENCE} ms: ${why}; last: ${show(last)}`);
		await sleep(step);
	}
}

function request(method, url, body, headers) {
	return new Promise((resolve, reject) => {
		const data = body === undefined ? null
			: typeof body === 'string' ? body : JSON.stringify(body);
		const r = http.request(url, { method, headers: { ...(data !== null
			? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(data) }
			: {}), ...headers } }, res => {
			const parts = [];
			res.on('data', d => parts.push(d));
			res.on('end', () => {
				const text = Buffer.concat(parts).toString();
				let json;
				try { json = JSON.parse(text); } catch (e) { json = undefined; }
				resolve({ status: res.statusCode, headers: res.headers, text, json });
			});
		});
		r.on('error', reject);
		r.end(data === null ? undefined : data);
	});
}

// Splits a stream into lines.
function lines(stream, fn) {
	let rest = '';
	stream.setEncoding('utf8');
	stream.on('data', d => {
		const parts = (rest + d).split('\n');
		rest = parts.pop();
		parts.forEach(fn);
	});
	stream.on('end', () => { if (rest) fn(rest); });
}

class Sandbox {
	constructor(world, child, ready, args) {
		Object.assign(this, { world, child, ready, args, url: ready.url, key: ready.apiKey });
		this.base = new URL(ready.url).origin;
	}
	async admin(method, call, body) {
		const r = await request(method, `${this.base}/_sandbox/${call}`, body);
		return r;
	}
	async must(method, call, body) {
		const r = await this.admin(method, call, body);
		ok(r.status < 300, `admin ${method} ${call}: ${r.status}`, r.text);
		return r.json;
	}
	state() { return this.must('GET', 'state'); }
	dump(model) { return this.must('GET', `dump?model=${model}`); }
	async row(model, id) { return (await this.dump(model)).find(r => r.id === id); }
	mutate(op, model, input) { return this.must('POST', 'mutate', { op, model, input }); }
	put(model, items) { return this.must('POST', 'put', { model, items }); }
	fault(f) { return this.must('POST', 'fault', f); }
	unfault() { return this.must('DELETE', 'fault'); }
	latency(ms, jitter = 0) { return this.must('POST', 'latency', { ms, jitter }); }
	async log() {
		const l = await this.must('GET', 'log?since=0');
		for (const e of l) {
			e.json = null;
			try { e.json = JSON.parse(e.body); } catch (x) { /* not JSON */ }
		}
		return l;
	}
	clearLog() { return this.must('DELETE', 'log'); }
	// The GraphQL requests seen, [{name, kind, variables, t, status}], oldest first.
	async requests(match) {
		const out = [];
		for (const e of await this.log()) {
			if (e.kind !== 'http' || !e.json || !e.json.query)
				continue;
			const m = /^\s*(query|mutation|subscription)?[^{]*\{\s*(?:\w+\s*:\s*)?(\w+)/.exec(e.json.query);
			const r = { kind: (m && m[1]) || 'query', name: m && m[2], query: e.json.query,
				variables: e.json.variables || {}, t: e.t, status: e.status, headers: e.headers };
			if (!match || match.test(r.name))
				out.push(r);
		}
		return out;
	}
	mutations(match = /^(create|update|delete)/) { return this.requests(match); }
	async graphql(query, variables, headers) {
		return request('POST', this.url, { query, variables }, headers || { 'x-api-key': this.key });
	}
	async kill(signal = 'SIGKILL') { await end(this.child, signal); }
}

function end(child, signal = 'SIGKILL') {
	return new Promise(resolve => {
		if (child.exitCode !== null || child.signalCode !== null)
			return resolve();
		child.once('exit', () => resolve());
		child.kill(signal);
	});
}

class Batch {
	constructor(child, args) {
		this.child = child;
		this.args = args;
		this.answers = [];
		this.events = [];
		this.line = 0;
		this.err = '';
		this.bad = [];
		this.waiting = [];
		lines(child.stdout, l => {
			let j;
			try { j = JSON.parse(l); } catch (e) { this.bad.push(l); return; }
			if (j.event !== undefined) { j._seen = Date.now(); this.events.push(j); } else this.answers.push(j);
			this.waiting = this.waiting.filter(f => !f());
		});
		child.stderr.on('data', d => { this.err += d; });
		this.closed = new Promise(r => child.once('close', (code, signal) => {
			this.code = code;
			this.signal = signal;
			this.over = true;
			this.waiting = this.waiting.filter(f => !f());
			r(code);
		}));
		child.stdin.on('error', () => {});
	}
	// Resolves when test() is true, or fails with `why`.
	when(test, why, ms = 10000) {
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => {
				this.waiting = this.waiting.filter(f => f !== check);
				reject(new Failure(`not within ${ms * PATIENCE} ms: ${typeof why === 'function' ? why() : why}`));
			}, ms * PATIENCE);
			const check = () => {
				const v = test();
				if (v) {
					clearTimeout(timer);
					resolve(v);
					return true;
				}
				if (this.over) {
					clearTimeout(timer);
					reject(new Failure(`the batch ended (${this.code} ${this.signal}) before: ${
						typeof why === 'function' ? why() : why}; ${this.err}`));
					return true;
				}
				return false;
			};
			if (!check())
				this.waiting.push(check);
		});
	}
	send(text) {
		this.line++;
		this.child.stdin.write(text + '\n');
		return this.line;
	}
	// One command, as words or as a line of text; its answer.
	cmd(...words) {
		const n = this.send(words.length === 1 && typeof words[0] === 'string' ? words[0]
			: JSON.stringify(words.flat().map(String)));
		return this.when(() => this.answers.find(a => a.n === n), () => `an answer to ${words.flat().join(' ')}`, 40000);
	}
	async must(...words) {
		const a = await this.cmd(...words);
		ok(a.exit === 0, `${words.flat().join(' ')}: exit ${a.exit}`, a.err);
		return a.out;
	}
	async save(...words) { return (await this.must('save', ...words))[0]; }
	async get(...words) {
		const a = await this.cmd('get', ...words);
		return a.exit === 0 ? a.out[0] : null;
	}
	event(name, match = () => true, from = 0, ms = 10000) {
		return this.when(() => this.events.slice(from).find(e => e.event === name && match(e)),
			() => `event ${name}; seen ${this.events.slice(from).map(e => e.event).join(' ')}`, ms);
	}
	async ready(ms = 15000) { await this.must('wait', 'ready', `${ms * PATIENCE}ms`); }
	async drained(ms = 15000) {
		const a = await this.cmd('wait', 'drained', `${ms * PATIENCE}ms`);
		if (a.exit !== 0)
			throw new Failure(`not drained: ${a.err} ${show(await this.must('outbox'))} events: ${
				show(this.events.slice(-12))}`);
	}
	async close() {
		this.child.stdin.end();
		await this.closed;
		return this.code;
	}
	async kill() { await end(this.child); await this.closed; }
}

class World {
	constructor(name) {
		const top = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
		this.dir = fs.mkdtempSync(path.join(top, 'sde2e-'));
		this.children = new Set();
		for (const d of ['home', 'config', 'data', 'state', 'cache', 'run', 'work'])
			fs.mkdirSync(path.join(this.dir, d), { mode: 0o700 });
		this.env = { PATH: process.env.PATH, LANG: 'C.UTF-8', HOME: this.path('home'), TMPDIR: this.path('run'),
			XDG_CONFIG_HOME: this.path('config'), XDG_DATA_HOME: this.path('data'),
			XDG_STATE_HOME: this.path('state'), XDG_CACHE_HOME: this.path('cache'),
			XDG_RUNTIME_DIR: this.path('run'), ASAN_OPTIONS: process.env.ASAN_OPTIONS || '' };
		this.schema = this.file('schema.graphql', SCHEMA);
	}
	path(...p) { return path.join(this.dir, ...p); }
	file(name, text) {
		const p = this.path(name);
		fs.writeFileSync(p, text);
		return p;
	}
	start(args, o = {}) {
		const child = spawn(PROGRAM, args.map(String), { cwd: o.cwd || this.path('work'),
			env: { ...this.env, ...o.env }, stdio: ['pipe', 'pipe', 'pipe'] });
		this.children.add(child);
		child.once('exit', () => this.children.delete(child));
		child.stdin.on('error', () => {});
		return child;
	}
	// {code, signal, out, err, json: parsed lines, ms}
	run(args, o = {}) {
		return new Promise(resolve => {
			const t = Date.now();
			const child = this.start(args, o);
			let out = '', err = '';
			child.stdout.setEncoding('utf8').on('data', d => { out += d; });
			child.stderr.setEncoding('utf8').on('data', d => { err += d; });
			if (o.input !== undefined)
				child.stdin.write(o.input);
			child.stdin.end();
			child.once('close', (code, signal) => {
				const json = [];
				for (const l of out.split('\n').filter(Boolean)) {
					try { json.push(JSON.parse(l)); } catch (e) { json.push({ notJson: l }); }
				}
				resolve({ code, signal, out, err, json, ms: Date.now() - t });
			});
		});
	}
	async sandbox(extra = [], o = {}) {
		if (extra.includes('--users'))
			this.poolKey();
		const args = ['sandbox', '-s', o.schema || this.schema, '--port', o.port || '0', '--admin', ...extra];
		const child = this.start(args, o);
		let err = '';
		child.stderr.on('data', d => { err += d; });
		const first = await new Promise((resolve, reject) => {
			let done = false;
			lines(child.stdout, l => { if (!done) { done = true; resolve(l); } });
			child.once('exit', code => { if (!done) reject(new Failure(`sandbox exit ${code}: ${err}`)); });
			setTimeout(() => { if (!done) reject(new Failure(`no first line of the sandbox; ${err}`)); },
				20000 * PATIENCE).unref();
		});
		return new Sandbox(this, child, JSON.parse(first), args);
	}
	// The pool's key, made once a script: making one takes the sandbox seconds on a busy machine.
	poolKey() {
		const f = this.path('state', 'syncdeck', 'pool-key.pem');
		poolPem = poolPem || crypto.generateKeyPairSync('rsa', { modulusLength: 2048,
			publicKeyEncoding: { type: 'spki', format: 'pem' },
			privateKeyEncoding: { type: 'pkcs8', format: 'pem' } }).privateKey;
		fs.mkdirSync(path.dirname(f), { recursive: true, mode: 0o700 });
		if (!fs.existsSync(f))
			fs.writeFileSync(f, poolPem, { mode: 0o600 });
	}
	// A profile: a data directory, with or without a backend.
	profile(name, sbx, extra = []) { return new Profile(this, name, sbx, extra); }
	async destroy() {
		await Promise.all([...this.children].map(c => end(c)));
		if (!process.env.KEEP)
			fs.rmSync(this.dir, { recursive: true, force: true });
	}
}

class Profile {
	constructor(world, name, sbx, extra) {
		this.world = world;
		this.dir = world.path(name);
		this.args = ['-d', this.dir, '--config-set', 'net.connect_timeout=2s',
			...(extra.includes('-s') || extra.includes('-c') ? [] : ['-s', world.schema]),
			...(sbx && !extra.includes('-c') ? ['--endpoint', sbx.url, '--api-key', sbx.key] : []), ...extra];
	}
	run(words, o = {}) { return this.world.run([...this.args, '--json', ...words], o); }
	async must(...words) {
		const r = await this.run(words);
		ok(r.code === 0, `${words.join(' ')}: exit ${r.code} ${r.signal || ''}`, r.err);
		return r.json;
	}
	async exits(code, ...words) {
		const r = await this.run(words);
		ok(r.code === code, `${words.join(' ')}: exit ${r.code} instead of ${code}`, r.err, r.out);
		return r;
	}
	batch(extra = [], o = {}) {
		const args = [...this.args, ...extra, 'batch'];
		return new Batch(this.world.start(args, o), args);
	}
	async ids(model, ...more) { return (await this.must('query', model, '--limit', '0', ...more)).map(r => r.id); }
	files() {
		const all = [];
		const walk = d => {
			for (const e of fs.readdirSync(d, { withFileTypes: true })) {
				const p = path.join(d, e.name);
				if (e.isDirectory()) walk(p); else all.push(p);
			}
		};
		if (fs.existsSync(this.dir)) walk(this.dir);
		return all;
	}
	// Files of the profile that hold the bytes.
	grep(text) { return this.files().filter(f => fs.readFileSync(f).includes(text)); }
}

const tests = [];
function test(name, fn) { tests.push({ name, fn }); }

// Runs all, `jobs` at a time; a name in argv chooses the tests that contain it.
async function main(jobs = 4) {
	const only = process.argv[2];
	const list = tests.filter(t => !only || t.name.includes(only));
	let passed = 0, failed = 0, next = 0;
	const worker = async () => {
		while (next < list.length) {
			const t = list[next++];
			const w = new World(t.name);
			const began = Date.now();
			let timer;
			const late = new Promise((_, reject) => {
				timer = setTimeout(() => reject(new Failure(`longer than ${LIMIT_MS} ms`)), LIMIT_MS);
			});
			const work = t.fn(w);
			work.catch(() => {});
			try {
				await Promise.race([work, late]);
				passed++;
				console.log(`ok ${t.name}${process.env.TIMES ? ` (${Date.now() - began} ms)` : ''}`);
			} catch (e) {
				failed++;
				console.log(`FAIL ${t.name}: ${e instanceof Failure ? e.message : e.stack}`);
			}
			clearTimeout(timer);
			try { await w.destroy(); } catch (e) { /* a process still writes: the directory stays */ }
		}
	};
	await Promise.all(Array.from({ length: Math.min(jobs, list.length) }, worker));
	console.log(`${passed} passed, ${failed} failed, 0 skipped`);
	process.exit(failed ? 1 : 0);
}

module.exports = { test, main, ok, eq, until, sleep, request, lines, end, World, Sandbox, Batch, Profile,
	Failure, PATIENCE, SCHEMA, OWNED, USERS, PROGRAM, ROOT, fs, path };
