// tests/bench/peers/outbox.js - an outbox drained: the real Amplify DataStore against syncdeck, on the
// same server.
//
// Both queue the same creates while offline and go online; the time counts from the first record
// that stands on the server to the last, as the server itself counts its rows.  Amplify sends one
// after another, as it always does; syncdeck as its settings say (outbox.batch 25).  CHANGES=, PAIRS=
// change the run.  Uses the pieces of tests/interop.
'use strict';

const { World } = require('../../interop/lib/world');
const { sleep } = require('../../interop/lib/wait');

const CHANGES = Number(process.env.CHANGES || 1000);
const PAIRS = Number(process.env.PAIRS || 3);
const GOAL = 20;
const MODEL = 'Everything';
const record = i => ({ name: `change ${i}`, count: i, tags: ['a', 'b'], other: 'x'.repeat(100) });

// Seconds between the first row on the server and the last.
async function measure(w, begin) {
	const ms = () => Number(process.hrtime.bigint()) / 1e6;
	const live = async () => (await w.sandbox.call('GET', 'state')).models[MODEL].live;
	let first = 0, n = 0, seen = 0;
	const done = begin();
	const limit = ms() + 300000;
	while (n < CHANGES) {
		n = await live();
		if (n > 0 && !first) {
			first = ms();
			seen = n;
		}
		if (ms() > limit)
			throw new Error(`${n} of ${CHANGES} after 5 minutes`);
		await sleep(2);
	}
	const s = (ms() - first) / 1000;
	await done;
	return { s, rate: (CHANGES - seen) / s };
}

async function theirs() {
	const w = new World();
	try {
		await w.backend();
		const c = await w.amplify('Amplify');
		await c.offline();
		for (let i = 0; i < CHANGES; i++)
			await c.create(MODEL, record(i));
		return await measure(w, () => c.online());
	} finally {
		w.end();
	}
}

async function ours() {
	const w = new World();
	try {
		await w.backend();
		const c = await w.syncdeck('syncdeck', 'outbox.batch=25');
		await c.ok('net', 'off');
		for (let i = 0; i < CHANGES; i++)
			await c.create(MODEL, record(i));
		return await measure(w, () => c.ok('net', 'on'));
	} finally {
		w.end();
	}
}

async function main() {
	const ratios = [];
	for (let i = 0; i < PAIRS; i++) {
		const a = await theirs(), b = await ours();
		ratios.push(b.rate / a.rate);
		console.log(`  pair ${i + 1}: Amplify ${a.rate.toFixed(0)}/s, syncdeck ${b.rate.toFixed(0)}/s`);
	}
	ratios.sort((x, y) => x - y);
	const median = ratios[ratios.length >> 1];
	console.log(`${CHANGES} changes queued offline, DataStore against syncdeck:`);
	console.log(`  ${'outbox drained, median of ' + PAIRS}`.padEnd(60), `${median.toFixed(1)}x  goal >= ${GOAL}${median < GOAL ? '  MISSED' : ''}`);
	process.exit(median < GOAL ? 1 : 0);
}

main().catch(e => {
	console.error(e);
	process.exit(1);
});
