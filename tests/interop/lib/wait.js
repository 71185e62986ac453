// tests/interop/lib/wait.js - waiting for what three programs do in their own time.
'use strict';

const sleep = ms => new Promise(r => setTimeout(r, ms));

// Polls check until it gives something true, which is returned; after the limit fails, naming what
// was waited for and what explain() sees.
async function waitFor(what, check, explain, limit = 180000) {
	const end = Date.now() + limit;
	for (;;) {
		const got = await check();
		if (got)
			return got;
		if (Date.now() > end)
			throw new Error(`waited ${limit} ms: ${what}${explain ? `\n    now: ${await explain()}` : ''}`);
		await sleep(20);
	}
}

module.exports = { waitFor, sleep };
