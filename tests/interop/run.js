// tests/interop/run.js - runs the scenarios, a few at a time, one line each.
//
// node run.js [WORD]...   only scenarios whose names contain a word
// INTEROP_PAUSE=MS        stops every client again and again for up to MS ms (lib/program.js)
'use strict';

const fs = require('fs');
const path = require('path');
const { World } = require('./lib/world');

const JOBS = Number(process.env.INTEROP_JOBS || 4);
const LIMIT = 400000; // of a scenario: many times what one takes

function scenarios(words) {
	const dir = path.join(__dirname, 'scenarios');
	return fs.readdirSync(dir).sort().flatMap(f => Object.entries(require(path.join(dir, f))))
		.filter(([name]) => words.length === 0 || words.some(w => name.includes(w)));
}

function limited(promise) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`not done after ${LIMIT} ms`)), LIMIT);
	});
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// One scenario in a world of its own, a line and a test.  One that gives [[name, body]...] is a table:
// its rows follow one another in the same world, each a test, too.  How many [passed, failed].
async function one(name, body) {
	const world = new World();
	const counts = [0, 0];
	const step = async (what, work) => {
		const start = Date.now();
		let error = null, got = null;
		try {
			got = await limited(work());
		} catch (e) {
			error = e;
		}
		counts[error ? 1 : 0]++;
		console.log(`${error ? 'FAIL' : 'ok  '} ${what}  ${Date.now() - start}ms`);
		if (error)
			console.log(`  ${error.stack}\n${await world.said()}`.replace(/\n/g, '\n  '));
		return got;
	};
	const finish = async () => {
		if (!world.sandbox.alive())
			throw new Error('the sandbox ended by itself');
		await world.finish();
	};
	const rows = await step(name, async () => await body(world) || finish());
	for (const [what, work] of rows || [])
		await step(`${name}: ${what}`, () => work(world));
	if (rows)
		await step(`${name}: all programs end in order`, finish);
	world.end();
	return counts;
}

async function main() {
	const todo = scenarios(process.argv.slice(2));
	let passed = 0, failed = 0;
	const worker = async () => {
		for (let s = todo.shift(); s; s = todo.shift()) {
			const [p, f] = await one(...s);
			passed += p;
			failed += f;
		}
	};
	await Promise.all(Array.from({ length: JOBS }, worker));
	console.log(`${passed} passed, ${failed} failed, 0 skipped`);
	process.exit(failed === 0 && passed > 0 ? 0 : 1);
}

main();
