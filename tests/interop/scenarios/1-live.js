// tests/interop/scenarios/1-live.js - two Amplify clients on the local backend, both online.
'use strict';

const assert = require('assert');

const { FULL, EMPTY } = require('../lib/values');

async function everyType(w, strategy) {
	await w.backend('--strategy', strategy);
	const [a, b] = await Promise.all([w.amplify('A'), w.amplify('B')]);

	const { id } = await a.create('Everything', FULL);
	w.holds('Everything', await w.sandbox.has('Everything', id, r => r._version === 1), FULL);
	w.holds('Everything', await b.sees('Everything', id, r => r), FULL);

	const values = {
		name: '', count: 0, ratio: 1e21, done: true, extra: ['list', 2], status: 'CLOSED', states: [], tags: ['b'],
		numbers: [], place: { street: 'new', zip: null, city: null }, places: [],
	};
	await b.update('Everything', id, values);
	w.holds('Everything', await a.sees('Everything', id, r => r && r._version === 2), { ...FULL, ...values });
	await w.converged(['Everything']);

	await a.update('Everything', id, EMPTY);
	w.holds('Everything', await b.sees('Everything', id, r => r && r._version === 3), { name: '', ...EMPTY });
	await b.update('Everything', id, { extra: {}, tags: [], ratio: -1.5 });
	w.holds('Everything', await a.sees('Everything', id, r => r && r._version === 4), { extra: {}, tags: [], ratio: -1.5 });
	await w.converged(['Everything']);

	await b.delete('Everything', id);
	await a.sees('Everything', id, r => r === null, 'gone');
	await w.sandbox.has('Everything', id, r => r._deleted === true && r._version === 5);
	await w.converged();
	assert.deepStrictEqual(await a.errors(), []);
	assert.deepStrictEqual(await b.errors(), []);
}

async function tls(w) {
	await w.backend('--tls');
	assert.match(w.sandbox.ready.url, /^https:/);
	const ca = w.sandbox.ready.ca;
	const [a, b] = await Promise.all([w.amplify('A', { ca }), w.amplify('B', { ca })]);
	const { id } = await a.create('Note', { title: 'over TLS', tags: ['x'] });
	await b.sees('Note', id, r => r && r.title === 'over TLS');
	await b.update('Note', id, { rating: 3 });
	await a.sees('Note', id, r => r && r.rating === 3);
	await w.converged(['Note']);
}

module.exports = {
	'R-139 R-073 two Amplify clients exchange every type live under automerge': w => everyType(w, 'automerge'),
	'R-139 R-078 two Amplify clients exchange every type live under optimistic': w => everyType(w, 'optimistic'),
	'R-139 two Amplify clients over https and wss with the backend\'s own certificate': tls,
};
