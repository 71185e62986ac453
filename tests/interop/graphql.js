// tests/interop/graphql.js - the backend's API in the eyes of graphql-js and pluralize.
//
//   plurals      the npm package on some thousand type names, the client's names too
//   introspection every form of the standard query, for every schema there is: graphql-js builds a
//                schema of the answer, finds nothing wrong with it, and it is the one `GET sdl` prints
//   documents    good and bad ones: valid for graphql-js is valid for the backend
//
// node graphql.js [WORD]...   only checks whose names contain a word
'use strict';

const { execFileSync } = require('child_process');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const graphql = require('graphql');
const pluralize = require('pluralize');
const { Sandbox } = require('./lib/sandbox');
const { PROGRAM } = require('./lib/program');
const { words } = require('./lib/words');
const documents = require('./lib/documents');

const DIR = fs.mkdtempSync(path.join(os.tmpdir(), 'sdgraphql.'));
const REPO = path.join(__dirname, '../..');
const AT_ONCE = 2;
let files = 0;
const write = text => {
	const file = path.join(DIR, `${++files}.graphql`);
	fs.writeFileSync(file, text);
	return file;
};

// A sandbox of the schema in a file for as long as fn runs.
async function withSandbox(file, fn, args = []) {
	const s = await Sandbox.start(file, args);
	try {
		return await fn(s);
	} finally {
		s.end();
	}
}

function request(method, url, body, headers) {
	return new Promise((resolve, reject) => {
		const req = http.request(url, { method, agent: false, headers }, res => {
			const got = [];
			res.on('data', d => got.push(d));
			res.on('end', () => resolve({ status: res.statusCode, text: Buffer.concat(got).toString() }));
		});
		req.on('error', reject);
		req.end(body);
	});
}
const sdlOf = async s => (await request('GET', `${s.ready.admin}/sdl`)).text;
const post = (s, body) => request('POST', s.ready.url, body, { 'content-type': 'application/json', 'x-api-key': s.ready.apiKey });
const ask = async (s, query, more) => JSON.parse((await post(s, JSON.stringify({ query, ...more }))).text);

function equal(got, want, what) {
	if (got !== want)
		throw new Error(`${what}: got ${got}, want ${want}`);
}

// ---- plurals ----

// spec/server.md 1.3 has "canvas/canvases", which came to the library after its last release.
const AHEAD = /^canvas(es)?$/i;
const RESERVED = new Set(['Query', 'Mutation', 'Subscription', 'String', 'Int', 'Float', 'Boolean', 'ID']);

const capital = w => w[0].toUpperCase() + w.slice(1);

// Lists of words whose plurals do not meet within a list: they all become one API.
function bunches(all, size) {
	const out = Array.from({ length: Math.ceil(all.length / size) }, () => ({ words: [], taken: new Set() }));
	all.forEach((w, i) => {
		const b = out[i % out.length];
		const names = [`:${w.toLowerCase()}`, capital(pluralize(w))];
		if (names.some(n => b.taken.has(n)))
			return;
		names.forEach(n => b.taken.add(n));
		b.words.push(w);
	});
	return out.map(b => b.words);
}

async function samePlurals(list) {
	const file = write(list.map(w => `type ${w} @model { id: ID! }`).join('\n'));
	const client = JSON.parse(execFileSync(PROGRAM, ['-s', file, 'codegen'], { maxBuffer: 1 << 28 })).models;
	const sdl = await withSandbox(file, sdlOf);
	const found = new Map([...sdl.matchAll(/^ {2}list(\w+)\(.*\): Model(\w+)Connection$/gm)].map(m => [m[2], m[1]]));
	const wrong = [];
	for (const w of list) {
		const p = pluralize(w);
		if (found.get(w) !== capital(p) || client[w].pluralName !== p)
			wrong.push(`${w}: ${p}, backend ${found.get(w)}, client ${client[w].pluralName}`);
	}
	equal(wrong.slice(0, 10).join('; '), '', 'plurals');
	return list.length;
}

async function plurals() {
	const all = words().filter(w => !AHEAD.test(w) && !RESERVED.has(w));
	const todo = bunches(all, 250);
	let n = 0;
	await Promise.all(Array.from({ length: AT_ONCE }, async () => {
		for (let list = todo.shift(); list; list = todo.shift())
			n += await samePlurals(list);
	}));
	if (n < 4000)
		throw new Error(`only ${n} words compared`);
}

// ---- introspection ----

const print = schema => graphql.printSchema(graphql.lexicographicSortSchema(schema));
const SWITCHES = ['descriptions', 'specifiedByUrl', 'directiveIsRepeatable', 'schemaDescription',
	'inputValueDeprecation', 'oneOf'];

async function introspected(s, options) {
	const answer = await ask(s, graphql.getIntrospectionQuery(options), { operationName: 'IntrospectionQuery' });
	equal(JSON.stringify(answer.errors), undefined, 'errors');
	return graphql.buildClientSchema(answer.data);
}

function valid(schema) {
	equal(graphql.validateSchema(schema).map(e => e.message).join('; '), '', 'validateSchema');
	return schema;
}

// Without descriptions where the query did not ask for them.
function firstDifference(a, b) {
	const [x, y] = [a.split('\n'), b.split('\n')];
	const i = x.findIndex((l, k) => l !== y[k]);
	return i < 0 && x.length === y.length ? '' : `line ${i + 1}: ${x[i]} | ${y[i]}`;
}

async function sameSchema(s) {
	const printed = valid(graphql.buildSchema(await sdlOf(s)));
	const full = Object.fromEntries(SWITCHES.map(k => [k, true]));
	const seen = valid(await introspected(s, full));
	equal(firstDifference(print(seen), print(printed)), '', 'introspection and GET sdl');
	return seen;
}

const SCHEMAS = [];
for (const dir of [path.join(REPO, '../shared/data/schemas/vendor'), path.join(REPO, 'tests/schemas'), __dirname])
	for (const f of fs.existsSync(dir) ? fs.readdirSync(dir).sort() : [])
		if (/\.(graphql|json)$/.test(f) && !/invalid|package/.test(f))
			SCHEMAS.push(path.join(dir, f));

async function eachSchema(fn) {
	const todo = [...SCHEMAS];
	let served = 0;
	await Promise.all(Array.from({ length: AT_ONCE }, async () => {
		for (let f = todo.shift(); f; f = todo.shift()) {
			try {
				await withSandbox(f, fn);
				served++;
			} catch (e) {
				e.message = `${path.basename(f)}: ${e.message}`;
				throw e;
			}
		}
	}));
	return served;
}

// ---- documents ----

const refused = answer => (answer.errors || []).filter(e => e.message.startsWith('Validation error of type '));

async function agree(s, schema, name, text, want) {
	const theirs = graphql.validate(schema, graphql.parse(text));
	equal(theirs.length === 0, want, `${name}: graphql-js says ${theirs.map(e => e.message).join('; ') || 'valid'}`);
	const answer = await ask(s, text, { operationName: /^query A /.test(text) ? 'A' : undefined });
	const ours = refused(answer);
	equal(ours.length === 0, want, `${name}: ${text}\n  the backend says ${JSON.stringify(answer)}`);
	equal('data' in answer, true, `${name}: ${JSON.stringify(answer)}`);
	if (want)
		return;
	equal(answer.data, null, `${name}: data`);
	for (const e of ours) {
		equal(e.path, null, `${name}: path`);
		equal(e.locations === null || e.locations.every(l => l.sourceName === null && l.line > 0), true, `${name}: locations`);
	}
}

// The names of graphql-js' rules for what the backend says, so that a document is refused for its
// own reason and not for another.
const REASON = {
	FieldUndefined: /Cannot query field/,
	UnknownArgument: /Unknown argument/,
	MissingFieldArgument: /is required, but it was not provided/,
	MissingDirectiveArgument: /is required, but it was not provided/,
	DuplicateArgumentNames: /There can be only one argument named/,
	WrongType: /cannot represent|Expected|is not defined by type|does not exist in|of required type|There can be only one input field/,
	SubSelectionRequired: /must have a selection of subfields/,
	SubSelectionNotAllowed: /must not have a selection since/,
	UndefinedFragment: /Unknown fragment/,
	UnusedFragment: /is never used/,
	FragmentCycle: /Cannot spread fragment .* within itself/,
	DuplicateFragmentName: /There can be only one fragment named/,
	UnknownType: /Unknown type/,
	FragmentTypeConditionInvalid: /cannot condition on non composite type/,
	InlineFragmentTypeConditionInvalid: /cannot condition on non composite type/,
	InvalidFragmentType: /can never be of type/,
	UnknownDirective: /Unknown directive|Unknown argument .* on directive/,
	MisplacedDirective: /may not be used on/,
	DuplicateDirectiveName: /can only be used once at this location/,
	UndefinedVariable: /is not defined/,
	UnusedVariable: /is never used/,
	DuplicateVariableName: /There can be only one variable named/,
	NonInputTypeOnVariable: /cannot be non-input type/,
	VariableTypeMismatch: /used in position expecting type/,
	BadValueForDefaultArg: /cannot represent|Expected|is not defined by type|does not exist in/,
	FieldsConflict: /conflict because/,
	LoneAnonymousOperationViolation: /anonymous operation must be the only/,
	DuplicateOperationName: /There can be only one operation named/,
	SubscriptionMultipleRootFields: /must select only one top level field/,
	SubscriptionIntrospectionRootField: /must not select an introspection top level field/,
};

async function sameReason(s, schema, name, text) {
	const theirs = graphql.validate(schema, graphql.parse(text)).map(e => e.message);
	const ours = refused(await ask(s, text, {})).map(e => /of type (\w+)/.exec(e.message)[1]);
	for (const type of ours)
		if (!REASON[type] || !theirs.some(t => REASON[type].test(t)))
			throw new Error(`${name}: ${type}, graphql-js: ${theirs.join('; ')}`);
}

// ---- syntax ----

async function parsed(s, text, want) {
	let theirs = 'parsed';
	try {
		graphql.parse(text);
	} catch (e) {
		theirs = e.message;
	}
	equal(theirs === 'parsed', want, `${JSON.stringify(text)}: graphql-js says ${theirs}`);
	const r = await post(s, JSON.stringify({ query: text }));
	if (want) {
		// what is no POST is one for its operation, not for its syntax
		equal(r.status === 200 || /realtime/.test(r.text), true, `${JSON.stringify(text)}: ${r.status} ${r.text}`);
		return;
	}
	equal(r.status, 400, `${JSON.stringify(text)}: ${r.text}`);
	equal(JSON.parse(r.text).errors[0].message, 'Unable to parse GraphQL query.', JSON.stringify(text));
}

// ---- what is run ----

const CHECKS = {
	'plurals are those of the npm package': plurals,
	'every schema: the full introspection query gives the schema of GET sdl': async () => {
		const n = await eachSchema(sameSchema);
		if (SCHEMAS.length > 10 && n < 30)
			throw new Error(`only ${n} schemas`);
	},
	'SRV-S01 every form of the introspection query is answered': () => withSandbox(write(documents.SCHEMA), async s => {
		const whole = await sameSchema(s);
		for (let bits = 0; bits < 1 << SWITCHES.length; bits++) {
			const options = Object.fromEntries(SWITCHES.map((k, i) => [k, (bits >> i & 1) === 1]));
			const some = valid(await introspected(s, options));
			equal(Object.keys(some.getTypeMap()).sort().join(), Object.keys(whole.getTypeMap()).sort().join(), 'types');
		}
	}),
	'the API without DataStore is a sound schema too': () => withSandbox(write(documents.SCHEMA), async s => {
		const schema = await sameSchema(s);
		equal(schema.getQueryType().getFields().syncPosts, undefined, 'syncPosts');
	}, ['--strategy', 'none']),
	'what graphql-js parses is parsed, the rest is 400': () => withSandbox(write(documents.SCHEMA), async s => {
		for (const text of documents.PARSED)
			await parsed(s, text, true);
		for (const text of documents.NOT_PARSED)
			await parsed(s, text, false);
	}),
	'good documents are valid for both': () => withSandbox(write(documents.SCHEMA), async s => {
		const schema = await sameSchema(s);
		for (const [name, text] of Object.entries(documents.GOOD))
			await agree(s, schema, name, text, true);
	}),
	'bad documents are refused by both, data null, without a path': () => withSandbox(write(documents.SCHEMA), async s => {
		const schema = await sameSchema(s);
		for (const [name, text] of Object.entries(documents.BAD))
			await agree(s, schema, name, text, false);
	}),
	'and for the same reason': () => withSandbox(write(documents.SCHEMA), async s => {
		const schema = await sameSchema(s);
		for (const [name, text] of Object.entries(documents.BAD))
			await sameReason(s, schema, name, text);
	}),
};

async function main() {
	const only = process.argv.slice(2);
	let passed = 0, failed = 0;
	for (const [name, check] of Object.entries(CHECKS)) {
		if (only.length && !only.some(w => name.includes(w)))
			continue;
		const start = Date.now();
		let error = null;
		try {
			await check();
			passed++;
		} catch (e) {
			error = e;
			failed++;
		}
		console.log(`${error ? 'FAIL' : 'ok  '} ${name}  ${Date.now() - start}ms`);
		if (error)
			console.log(`  ${error.stack}`);
	}
	fs.rmSync(DIR, { recursive: true, force: true });
	console.log(`${passed} passed, ${failed} failed, 0 skipped`);
	process.exit(failed ? 1 : 0);
}

main();
