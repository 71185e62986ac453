// tests/interop/simulator/run.js - see ../run-simulator.
'use strict';
const { spawn } = require('child_process');
const net = require('net');
const path = require('path');
const { test, main, ok, eq, until, request, lines, Failure } = require('../../proto/lib.js');

const KEY = { 'x-api-key': 'da2-fakeApiId123456' };
const FIELDS = 'id title _version _deleted _lastChangedAt createdAt updatedAt';

const freePort = () => new Promise(resolve => {
	const s = net.createServer().listen(0, '127.0.0.1', () => {
		const { port } = s.address();
		s.close(() => resolve(port));
	});
});

async function started(w) {
	const child = spawn(process.execPath, [path.join(__dirname, 'server.js'), String(await freePort())],
		{ env: w.env, stdio: ['ignore', 'pipe', 'pipe'] });
	w.children.add(child);
	child.once('exit', () => w.children.delete(child));
	let err = '';
	child.stderr.on('data', d => { err += d; });
	const first = await new Promise((resolve, reject) => {
		lines(child.stdout, l => { if (l.startsWith('{"url"')) resolve(l); });
		child.once('exit', code => reject(new Failure(`simulator exit ${code}: ${err}`)));
	});
	return `${JSON.parse(first).url}/graphql`;
}

async function simulator(w) {
	let url;
	for (let go = 1; !url; go++) // it wants a number; another program may take that one meanwhile
		url = await started(w).catch(e => { if (go === 5) throw e; });
	// its time is more than the simulator's schema takes: the message comes with an error
	return { url, broken: () => request('POST', url, { query:
		`mutation { createPost(input: {id: "p1", title: "null"}) { ${FIELDS} } }` }, KEY) };
}

test('6.5: credentials in the URL: refused in the new form, live in the older one, and a message arrives', async w => {
	const sim = await simulator(w);
	const schema = w.file('s.graphql', 'type Post @model { id: ID! title: String! }\n');
	const b = w.profile('a', null, ['--endpoint', sim.url, '--api-key', KEY['x-api-key'], '-s', schema]).batch();
	await b.must('whoami');
	await b.event('realtime', e => e.state === 'live', 0, 20000);
	const at = b.events.length;
	await until(async () => {
		await sim.broken();
		return b.events.slice(at).some(e => e.event === 'nonApplicableDataReceived');
	}, 'a message of the subscription arrives', 15000, 300);
	await b.close();
});

test('R-060: a backend without sync queries is named as one without conflict detection; the local data can be used', async w => {
	const sim = await simulator(w);
	const schema = w.file('s.graphql', 'type Post @model { id: ID! title: String! }\n');
	const p = w.profile('a', null, ['--endpoint', sim.url, '--api-key', KEY['x-api-key'], '-s', schema]);
	await p.must('--offline', 'save', 'Post', 'id=mine', 'title=local');
	const r = await p.run(['sync', '--once', '--timeout', '100s']);
	ok(r.code !== 0, 'not called synced', r.out);
	ok(/conflict (detection|resolution)/i.test(r.err), 'says what is missing', r.err);
	eq((await p.must('query', 'Post'))[0].title, 'local');
	eq((await p.must('outbox')).length, 1, 'nothing is lost');
});

main(2);
