// tests/bench/peers/theirs.js - the real Amplify DataStore in Node on the same records.
//
// Its storage is the one it chooses in Node by itself: the AsyncStorage adapter over an in-memory
// store (there is no IndexedDB), so nothing of what it saves is ever on disk.  No backend is
// configured: local work only, as on our side.  It has no way to save many at once: groups are
// saved one after another.  Prints "name milliseconds hits" lines.
'use strict';

const fs = require('fs');

// Amplify asks for a window before it looks for IndexedDB in it; here it finds none.
globalThis.window = new EventTarget();
const { ConsoleLogger } = require('aws-amplify/utils');
const { DataStore, SortDirection, initSchema } = require('aws-amplify/datastore');

ConsoleLogger.LOG_LEVEL = 'ERROR';

const ASKED = 7, SAVES = 1000;
const [, , file, schemaFile] = process.argv;
const schema = JSON.parse(fs.readFileSync(schemaFile, 'utf8'));
const { Record } = initSchema({ ...schema, version: 'bench', codegenVersion: '3.4.4' });

const now = () => Number(process.hrtime.bigint()) / 1e6;
const median = list => list.sort((a, b) => a - b)[list.length >> 1];

async function ask(name, fn) {
	const ms = [];
	let rows;
	for (let i = 0; i < ASKED; i++) {
		const t = now();
		rows = await fn();
		ms.push(now() - t);
	}
	console.log(name, median(ms).toFixed(4), rows.length);
}

const record = ({ id, ...rest }) => new Record(rest); // ids are its own

async function main() {
	const lines = fs.readFileSync(file, 'utf8').trimEnd().split('\n').map(l => JSON.parse(l));
	let t = now();
	for (const l of lines)
		await DataStore.save(record(l));
	console.log('load', (now() - t).toFixed(4), 0);
	await ask('query', () => DataStore.query(Record,
		r => r.and(c => [c.status.eq('DRAFT'), c.rating.gt(900)]),
		{ sort: s => s.rating(SortDirection.DESCENDING).title(SortDirection.ASCENDING), limit: 50, page: 0 }));
	await ask('contains', () => DataStore.query(Record, r => r.title.contains('777')));
	const ms = [];
	for (let i = 0; i < SAVES; i++) {
		const r = record({ ...lines[i], title: `another ${i}` });
		t = now();
		await DataStore.save(r);
		ms.push(now() - t);
	}
	console.log('save', median(ms).toFixed(4), 1);
	// The least that would make them safe: what is saved goes to a file that is synced.  (Its
	// adapters for phones keep records in SQLite or AsyncStorage; none runs in Node.)
	const log = fs.openSync(`${file}.log`, 'a'), durable = [];
	for (let i = 0; i < SAVES; i++) {
		const r = record({ ...lines[i], title: `a synced one ${i}` });
		t = now();
		await DataStore.save(r);
		fs.writeSync(log, JSON.stringify(r));
		fs.fsyncSync(log);
		durable.push(now() - t);
	}
	console.log('durable', median(durable).toFixed(4), 1);
	for (const size of [100, 1000]) {
		const groups = [];
		for (let g = 0; g < 7; g++) {
			t = now();
			for (let i = 0; i < size; i++)
				await DataStore.save(record({ ...lines[i], title: `of a group ${g}` }));
			groups.push(now() - t);
		}
		console.log(`group${size}`, median(groups).toFixed(4), size);
	}
	process.exit(0);
}

main().catch(e => {
	console.error(e);
	process.exit(1);
});
