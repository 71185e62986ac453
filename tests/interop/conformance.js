// tests/interop/conformance.js - runs the rows of the conformance table, a few at a time, one line each.
//
// node conformance.js [WORD]...   only rows whose names contain a word
'use strict';

const fs = require('fs');
const path = require('path');

const JOBS = 3;
const LIMIT = 240000; // of a row: many times what one takes
const DIR = path.join(__dirname, 'rows');
// every row of spec/server.md 10, how many a part has; C: tests/proto/test_pool.c, tests/unit/test_jwt.c
const PARTS = { S: 9, H: 13, M: 40, R: 10, Y: 16, W: 30, A: 9 };

function limited(promise) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`not done after ${LIMIT} ms`)), LIMIT);
	});
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function main() {
	const words = process.argv.slice(2);
	const all = fs.readdirSync(DIR).sort().flatMap(f => Object.entries(require(path.join(DIR, f))));
	const todo = all.filter(([name]) => !words.length || words.some(w => name.includes(w)));
	let passed = 0, failed = 0;
	if (!words.length)
		for (const [part, n] of Object.entries(PARTS))
			for (let i = 1; i <= n; i++) {
				const id = `SRV-${part}${String(i).padStart(2, '0')}`;
				if (!all.some(([name]) => name.startsWith(`${id} `))) {
					console.log(`FAIL ${id}: no row of that name`);
					failed++;
				}
			}
	const worker = async () => {
		for (let row = todo.shift(); row; row = todo.shift()) {
			const start = Date.now();
			let error = null;
			try {
				await limited(row[1]());
				passed++;
			} catch (e) {
				error = e;
				failed++;
			}
			console.log(`${error ? 'FAIL' : 'ok  '} ${row[0]}  ${Date.now() - start}ms`);
			if (error)
				console.log(`  ${error.stack.replace(/\n/g, '\n  ')}`);
		}
	};
	await Promise.all(Array.from({ length: JOBS }, worker));
	console.log(`${passed} passed, ${failed} failed, 0 skipped`);
	process.exit(failed ? 1 : 0);
}

main();
