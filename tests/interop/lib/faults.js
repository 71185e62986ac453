// tests/interop/lib/faults.js - the faults of the backend (POST /_sandbox/fault) that a change can
// meet, and what becomes of it in the real Amplify client.
'use strict';

const HTML = '<html><body>Sign in to the hotel network</body></html>';
const page = { body: HTML, headers: { 'content-type': 'text/html' } };
const status = (n, count = 1, more = {}) => [{ kind: 'status', status: n, count, ...more }];

const KEPT = 'kept kept kept';
const LOST = 'lost lost lost';

// amplify: create, update (of a text and a list), delete; by strategy where they differ.  Words:
// scenarios/10-faults.js.  syncdeck keeps every one.
const FAULTS = [
	{ name: 'one 503', faults: status(503), amplify: KEPT },
	{ name: 'three 503', faults: status(503, 3), amplify: LOST },
	{ name: 'three 429 with Retry-After', faults: status(429, 3, { headers: { 'retry-after': '1' } }), amplify: LOST },
	{ name: 'one 401', faults: status(401), amplify: LOST },
	{ name: 'a proxy page with 403', faults: status(403, 1, page), amplify: LOST },
	{ name: 'a proxy page with 502, three times', faults: status(502, 3, page), amplify: LOST },
	{ name: 'a captive portal page with 200', faults: [{ kind: 'garbage', ...page }], amplify: LOST },
	{ name: 'an empty answer with 200', faults: [{ kind: 'garbage', body: '' }], amplify: LOST },
	{ name: 'one connection cut', faults: [{ kind: 'reset' }], amplify: KEPT },
	{ name: 'three connections cut', faults: [{ kind: 'reset', count: 3 }], amplify: LOST },
	{ name: 'InternalFailure', faults: [{ kind: 'graphqlError', errorType: 'InternalFailure', message: 'x' }], amplify: LOST },
	{ name: 'an execution time-out', faults: [{ kind: 'graphqlError', errorType: 'ExecutionTimeout', message: 'Execution timed out.' }],
		amplify: LOST },
	{ name: 'applied, the answer cut short', faults: [{ kind: 'truncate' }], amplify: 'blind blind kept' },
	{ name: 'applied, the answer lost', faults: [{ kind: 'lostResponse' }],
		amplify: { automerge: 'blind twice kept', optimistic: 'blind kept kept' } },
];

function random(seed) {
	let s = seed >>> 0;
	return n => {
		s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
		return Math.floor(s / 4294967296 * n);
	};
}

// One more fault from now on, or an end of some; any request, or the sockets.
async function broken(sandbox, pick) {
	const some = FAULTS[pick(FAULTS.length)].faults;
	const op = ['query', 'mutation', 'mutation', 'subscription'][pick(4)];
	const ws = [{ refuse: true }, { refuse: false }, { mute: true }, { mute: false }, { dupData: true }, { dupData: false }];
	switch (pick(8)) {
	case 0:
		await sandbox.call('DELETE', 'fault');
		break;
	case 1:
		await sandbox.call('POST', 'ws', ws[pick(ws.length)]);
		break;
	case 2:
		await sandbox.call('POST', 'ws/drop', { code: [1001, 1006, 1011][pick(3)] });
		break;
	default:
		for (const f of some)
			await sandbox.call('POST', 'fault', { ...f, op, count: (f.count || 1) + pick(3) });
	}
}

module.exports = { FAULTS, HTML, random, broken };
