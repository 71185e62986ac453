// tests/interop/scenarios/4-offline.js - Amplify clients that were away: what the backend's
// strategies make of their stale edits, dropped sockets, large first syncs.
'use strict';

const assert = require('assert');
const path = require('path');

async function pair(w, strategy, o) {
	await w.backend('--strategy', strategy);
	return Promise.all([w.amplify('A', o), w.amplify('B')]);
}

async function note(w, c, values) {
	const { id } = await c.create('Note', values);
	await Promise.all(w.clients.map(x => x.sees('Note', id, r => r && r._version === 1)));
	return id;
}

// the documented Automerge rules, field by field
async function automerge(w) {
	const [a, b] = await pair(w, 'automerge');
	const id = await note(w, a, { title: 'old', tags: ['a'] });
	await a.offline();
	await a.update('Note', id, { title: 'A', tags: ['a', 'b'], rating: 7 });
	await b.update('Note', id, { body: 'B' });
	await b.drained();
	await a.online();
	await a.drained();
	const row = await w.sandbox.has('Note', id, r => r._version === 3);
	w.holds('Note', row, {
		title: 'old',            // a stale scalar is dropped, also where nobody else touched it
		tags: ['a', 'a', 'b'],   // a stale list is appended, duplicates kept
		rating: 7,               // what was null on the server is taken
		body: 'B',
	});
	await w.converged(['Note']);
	assert.deepStrictEqual(await a.errors(), []);
}

// rejected, then the handler's answer is sent with the newest version
async function optimistic(w) {
	const [a, b] = await pair(w, 'optimistic');
	const id = await note(w, a, { title: 'old', tags: ['a'], rating: 1 });
	await a.offline();
	await a.update('Note', id, { title: 'A', tags: ['a', 'b'] });
	await b.update('Note', id, { body: 'B', title: 'B' });
	await b.drained();
	await a.online();
	await a.drained();
	const row = await w.sandbox.has('Note', id, r => r._version === 3);
	w.holds('Note', row, { title: 'A', tags: ['a', 'b'], rating: 1, body: 'B' });
	await w.converged(['Note']);
	const log = await w.sandbox.call('GET', 'log');
	assert.strictEqual(log.filter(l => l.body && l.body.includes('updateNote') && l.body.includes('mutation')).length, 3);
}

// a conflict handler of one's own decides, for one model only
async function handler(w) {
	const command = path.join(__dirname, '../lib/longest-title.sh');
	await w.backend('--strategy', 'automerge', '--model-strategy', `Note=lambda:${command}`);
	const [a, b] = await Promise.all([w.amplify('A'), w.amplify('B')]);
	const longer = await note(w, a, { title: 'old', body: 'x' });
	const shorter = await note(w, a, { title: 'old', body: 'x' });
	const board = await a.create('Board', { name: 'old' });
	await b.sees('Board', board.id, r => r && r._version === 1);
	await a.offline();
	await a.update('Note', longer, { title: 'A has the longest' });
	await a.update('Note', shorter, { title: 'A' });
	await a.update('Board', board.id, { name: 'A has the longest' });
	await b.update('Note', longer, { title: 'B' });
	await b.update('Note', shorter, { title: 'B is longer' });
	await b.update('Board', board.id, { name: 'B' });
	await b.drained();
	await a.online();
	await a.drained();
	await w.sandbox.has('Note', longer, r => r.title === 'A has the longest' && r._version === 3);
	await w.sandbox.has('Note', shorter, r => r.title === 'B is longer' && r._version === 3);
	await w.sandbox.has('Board', board.id, r => r.name === 'B' && r._version === 3);
	await w.converged();
}

// the handler gives up: the client reads the server's record; a stale deletion too
async function discard(w, strategy) {
	const [a, b] = await pair(w, strategy, { conflict: 'server' });
	const id = await note(w, a, { title: 'old', rating: 1 });
	const dead = await note(w, a, { title: 'A deletes it' });
	await a.offline();
	if (strategy === 'optimistic')
		await a.update('Note', id, { title: 'A' });
	await a.delete('Note', dead);
	await b.update('Note', id, { title: 'B' });
	await b.update('Note', dead, { title: 'B keeps it' });
	await b.drained();
	await a.online();
	await a.drained();
	await a.sees('Note', id, r => r.title === 'B' && r._version === 2);
	await a.sees('Note', dead, r => r && r.title === 'B keeps it' && r._version === 2, 'back');
	await w.converged(['Note']);
}

// edits of one record made offline go out as one request; created and deleted: as none
async function merged(w) {
	const [a] = await pair(w, 'automerge');
	const id = await note(w, a, { title: 'old' });
	await a.offline();
	await w.sandbox.call('DELETE', 'log');
	await a.update('Note', id, { title: 'one' });
	await a.update('Note', id, { title: 'two' });
	await a.update('Note', id, { rating: 2 });
	const { id: fresh } = await a.create('Note', { title: 'new' });
	await a.update('Note', fresh, { body: 'b' });
	const { id: never } = await a.create('Note', { title: 'never' });
	await a.delete('Note', never);
	await a.online();
	await a.drained();
	await w.sandbox.has('Note', id, r => r.title === 'two' && r.rating === 2);
	await w.sandbox.has('Note', fresh, r => r._version === 1 && r.body === 'b');
	const sent = (await w.sandbox.call('GET', 'log')).filter(l => l.kind === 'http' && /"mutation /.test(l.body));
	assert.ok(sent.length >= 2 && sent.length <= 3, `${sent.length} mutations`);
	assert.ok(!(await w.sandbox.dump('Note')).some(r => r.id === never));
	await w.converged(['Note']);
}

// what happened while the sockets were down comes with a delta sync (Amplify waits 5 s first)
async function dropped(w) {
	await w.backend();
	const [a, s] = await Promise.all([w.amplify('A'), w.syncdeck('S')]);
	const id = await note(w, a, { title: 'old' });
	const gone = await note(w, a, { title: 'goes' });
	await w.sandbox.call('DELETE', 'log');
	await w.sandbox.call('POST', 'ws', { refuse: true });
	await w.sandbox.call('POST', 'ws/drop', { code: 1001 });
	await w.sandbox.mutate('update', 'Note', { id, title: 'unheard' });
	await w.sandbox.mutate('delete', 'Note', { id: gone });
	await w.sandbox.mutate('create', 'Note', { id: 'n-new', title: 'new' });
	await w.sandbox.call('POST', 'ws', { refuse: false });
	for (const c of [s, a]) {
		await c.sees('Note', id, r => r.title === 'unheard');
		await c.sees('Note', gone, r => r === null, 'gone');
		await c.sees('Note', 'n-new', r => r !== null);
	}
	const sync = (await w.sandbox.call('GET', 'log')).filter(l => l.kind === 'http' && l.body.includes('syncNotes'))
		.map(l => JSON.parse(l.body).variables.lastSync);
	assert.ok(sync.length >= 2 && sync.every(t => t > 1e12), `delta syncs only: ${sync}`);
	await w.subscribed();
	await w.sandbox.mutate('update', 'Note', { id, title: 'heard again' });
	for (const c of [s, a])
		await c.sees('Note', id, r => r.title === 'heard again');
	await w.converged(['Note']);
}

async function paged(w) {
	await w.backend();
	await w.sandbox.call('POST', 'seed', { model: 'Note', count: 2345, seed: 1 });
	const [a, s] = await Promise.all([w.amplify('A'), w.syncdeck('S')]);
	assert.strictEqual((await a.query('Note')).length, 2345);
	assert.strictEqual((await s.ok('query', 'Note', '--count'))[0].count, 2345);
	await w.converged(['Note']);
	const pages = (await w.sandbox.call('GET', 'log'))
		.filter(l => l.kind === 'http' && l.body.includes('syncNotes') && /"nextToken":"/.test(l.body));
	assert.ok(pages.length >= 4, `${pages.length} further pages`);
}

// away for longer than the delta table remembers: the backend answers with everything
async function outlived(w) {
	await w.backend('--delta-ttl', '1s');
	const [a, b, s] = await Promise.all([w.amplify('A'), w.amplify('B'), w.syncdeck('S')]);
	const changed = await note(w, a, { title: 'old' });
	const gone = await note(w, s, { title: 'goes' });
	await a.offline();
	await s.offline();
	await b.update('Note', changed, { title: 'new' });
	await b.delete('Note', gone);
	await b.create('Note', { title: 'more' });
	await b.drained();
	await w.sandbox.call('POST', 'clock', { offsetMs: 60000 });
	await a.online();
	await s.online();
	await w.converged(['Note']);
}

// Tombstones are gone for good before we are back: only a full sync can tell.  Amplify keeps
// such rows, so it is not asked.
async function purged(w) {
	await w.backend('--base-ttl', '1s', '--delta-ttl', '1s');
	const [s, t] = await Promise.all([w.syncdeck('S', 'sync.full_interval=2s'), w.syncdeck('T')]);
	const kept = await note(w, t, { title: 'stays' });
	const gone = await note(w, t, { title: 'goes' });
	await s.offline();
	await t.delete('Note', gone);
	await t.drained();
	await w.sandbox.call('POST', 'clock', { offsetMs: 3600000 });
	await w.sandbox.call('POST', 'purge');
	assert.deepStrictEqual((await w.sandbox.dump('Note')).map(r => r.id), [kept]);
	await s.online();
	await w.converged(['Note']);
}

module.exports = {
	'R-139 R-073 R-074 R-075 R-076 stale edits of an Amplify client under automerge': automerge,
	'R-139 R-078 R-084 R-085 stale edits of an Amplify client under optimistic': optimistic,
	"R-079 R-080 R-139 a conflict handler of one's own, for one model": handler,
	'R-139 R-083 an Amplify client that gives up reads the record, optimistic': w => discard(w, 'optimistic'),
	'R-139 R-083 an Amplify client that gives up a deletion reads the record, automerge': w => discard(w, 'automerge'),
	'R-139 edits an Amplify client made offline go out merged': merged,
	'R-139 R-077 clients away for longer than the delta table remembers': outlived,
	'X-13 R-077 syncdeck drops what the backend forgot while it was away': purged,
	'R-139 dropped sockets, then a delta sync': dropped,
	'R-139 a first sync of more than two pages': paged,
};
