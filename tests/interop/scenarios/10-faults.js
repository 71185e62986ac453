// tests/interop/scenarios/10-faults.js - the real Amplify client and syncdeck on one backend while it
// fails: what each makes of the same fault, side by side, and agreement after a time of many.
'use strict';

const assert = require('assert');
const { random, FAULTS, broken } = require('../lib/faults');
const { waitFor, sleep } = require('../lib/wait');

// A writes Notes, S writes Everythings: a fault is for one of them
const MODEL = { A: 'Note', S: 'Everything' };
const TEXT = { A: 'title', S: 'name' };
const OPS = ['create', 'update', 'delete'];

async function make(c, tags = ['a'], text = 'old') {
	const { id } = await c.create(MODEL[c.name], { [TEXT[c.name]]: text, tags });
	return id;
}

// What became of one change, for its client:
//   kept   the backend has it once, and the client knows its version
//   twice  the backend has the new element of a list twice
//   blind  the backend has it, the client still knows the old version, or none
//   lost   the backend has never heard of it; the client shows it as if it had
async function fate(w, c, op, id) {
	const row = (await w.sandbox.dump(MODEL[c.name])).find(r => r.id === id);
	const own = await c.get(MODEL[c.name], id);
	if (op === 'delete') {
		assert.strictEqual(own, null, `${c.name} shows what it deleted`);
		return row._deleted === true ? 'kept' : 'lost';
	}
	assert.strictEqual(own[TEXT[c.name]], 'new');
	if (!row || row[TEXT[c.name]] !== 'new')
		return 'lost';
	if (row.tags.length > (op === 'create' ? 1 : 2))
		return 'twice';
	return own._version === row._version ? 'kept' : 'blind';
}

// One change of each kind, each meeting the fault.
async function meet(w, c, faults) {
	const model = MODEL[c.name];
	const ids = { create: null, update: await make(c), delete: await make(c) };
	await c.drained();
	for (const op of OPS)
		for (const f of faults)
			await w.sandbox.call('POST', 'fault', { ...f, op: 'mutation', field: op + model });
	await c.update(model, ids.update, { [TEXT[c.name]]: 'new', tags: ['a', 'b'] });
	await c.delete(model, ids.delete);
	ids.create = await make(c, ['a'], 'new');
	await c.drained();
	return ids;
}

function both(faults, want) {
	return async w => {
		const [a, s] = w.clients;
		const before = (await a.errors()).length;
		const [ofA, ofS] = await Promise.all([meet(w, a, faults), meet(w, s, faults)]);
		await w.sandbox.call('DELETE', 'fault');
		const got = {};
		for (const op of OPS) {
			got[op] = await fate(w, a, op, ofA[op]);
			assert.strictEqual(await fate(w, s, op, ofS[op]), 'kept', `syncdeck, ${op}`);
			const row = (await w.sandbox.dump('Everything')).find(r => r.id === ofS[op]);
			assert.strictEqual(row._version, op === 'create' ? 1 : 2, `applied once, ${op}`);
		}
		assert.deepStrictEqual(got, want, 'what Amplify does');
		// its error handler hears of it; no event, no mark on the record
		const bad = OPS.filter(op => want[op] !== 'kept' && want[op] !== 'twice').length;
		assert.ok((await a.errors()).length - before >= bad, 'its error handler heard of it');
		assert.deepStrictEqual(await s.ok('conflicts'), []);
		await w.converged(['Everything'], [s]);
	};
}

// A message about the record of a change whose answer is still under way: Amplify throws it away,
// then merges the answer, which is older.  Another's edit is not seen until the next sync.
async function messageBeforeAnswer(w) {
	const [a, s] = w.clients;
	for (const c of [a, s]) {
		const model = MODEL[c.name];
		const id = await make(c);
		await c.drained();
		await w.sandbox.call('POST', 'fault', { kind: 'delay', ms: 700, op: 'mutation', field: `update${model}` });
		await c.update(model, id, { [TEXT[c.name]]: 'new' });
		await w.sandbox.has(model, id, r => r._version === 2);
		await w.sandbox.mutate('update', model, { id, tags: ['another'] });
		await c.drained();
		const got = await c.get(model, id);
		assert.deepStrictEqual([got._version, got.tags], c === a ? [2, ['a']] : [3, ['another']], c.name);
		if (c === a) // the next sync tells
			await c.offline().then(() => c.online());
		await c.sees(model, id, r => r._version === 3 && r.tags[0] === 'another');
	}
}

// Every message twice: nothing changes by that.
async function doubledMessages(w) {
	const [a, s] = w.clients;
	await w.sandbox.call('POST', 'ws', { dupData: true });
	for (const c of [a, s]) {
		const id = await make(c);
		await c.drained();
		for (let i = 0; i < 5; i++)
			await w.sandbox.mutate('update', MODEL[c.name], { id, tags: [`${i}`] });
		await w.sandbox.mutate('delete', MODEL[c.name], { id });
		await c.sees(MODEL[c.name], id, r => r === null, 'gone');
	}
	await w.sandbox.call('POST', 'ws', { dupData: false });
}

// {"data":null}: Amplify's outbox stops, for this change and all later ones, until a restart
async function stuck(w) {
	const [a, s] = w.clients;
	const fault = { kind: 'garbage', body: '{"data":null}' };
	for (const c of [a, s])
		await w.sandbox.call('POST', 'fault', { ...fault, op: 'mutation', field: `create${MODEL[c.name]}` });
	const ids = [await make(a), await make(s)];
	await s.drained();
	await w.sandbox.has('Everything', ids[1], r => r._version === 1);
	await waitFor('Amplify to stumble', async () => (await a.errors()).some(e => /^unhandled: Cannot read/.test(e.message)));
	const later = await make(a, ['a'], 'later');
	await make(s, ['a'], 'later');
	await s.drained();
	assert.strictEqual(await a.pending(), 2);
	assert.ok(!(await w.sandbox.dump('Note')).some(r => ids[0] === r.id || later === r.id));
	w.leave(a);
}

// What the refused and lost changes left in Amplify's store stays there through a delta sync; an
// application that clears it agrees again, and its changes are gone.
async function cleared(w) {
	await w.clients.find(c => c.name === 'A').ask('clear');
	await w.subscribed();
	await w.converged();
}

async function table(w, strategy) {
	await w.backend('--strategy', strategy);
	await w.amplify('A', { eager: true });
	await w.syncdeck('S');
	return [
		...FAULTS.map(({ name, faults, amplify }) => {
			const [create, update, del] = (amplify[strategy] || amplify).split(' ');
			return [`${name} (Amplify: create ${create}, update ${update}, delete ${del})`,
				both(faults, { create, update, delete: del })];
		}),
		['a message before the own answer (Amplify: stays on the older record)', messageBeforeAnswer],
		['every message twice (both: no harm)', doubledMessages],
		['all agree when Amplify has been cleared', cleared],
		['{"data":null} (Amplify: sends nothing more)', stuck],
	];
}

// A fault on the second of three pages of a first sync.  An Amplify client that meets 401 or 403 there
// says modelSynced and ready with a part of the records, and no error; ours names the model in
// `failed` as long as anything is missing, and goes on.
function firstSync(faults, ofAmplify) {
	return async w => {
		const fail = async () => {
			for (const f of faults)
				await w.sandbox.call('POST', 'fault', { ...f, op: 'query', field: 'syncNotes', skip: 1 });
		};
		await fail();
		const a = await w.amplify('A', { settings: { syncPageSize: 100 } });
		assert.strictEqual((await a.query('Note')).length, ofAmplify);
		assert.ok((await a.events()).some(e => e.event === 'modelSynced' && e.model === 'Note'));
		assert.deepStrictEqual(await a.errors(), []);
		w.leave(a);
		await w.sandbox.call('DELETE', 'fault');
		await fail();
		const s = await w.syncdeck(`S${faults[0].kind}${faults[0].status}`, 'sync.page_size=100');
		const ready = s.told.find(e => e.event === 'ready');
		const whole = s.told.some(e => e.event === 'modelSynced' && e.model === 'Note');
		assert.ok(whole || ready.failed.includes('Note'), JSON.stringify(ready));
		await waitFor('all records', async () => (await s.ok('query', 'Note', '--count'))[0].count === 250);
		await waitFor('that is told', () => s.told.some(e => e.event === 'modelSynced' && e.model === 'Note'));
		await w.converged(['Note'], [s]);
		await s.finish();
		w.leave(s);
		await w.sandbox.call('DELETE', 'fault');
	};
}

async function firstSyncs(w) {
	const part = ['one 401', 'a proxy page with 403'];
	const rows = [...part, 'three 503', 'a captive portal page with 200', 'applied, the answer cut short'];
	await w.backend();
	await w.sandbox.call('POST', 'seed', { model: 'Note', count: 250, seed: 1 });
	return rows.map(name => [`${name} (Amplify: ${part.includes(name) ? '100' : '250'} of 250 and "ready", syncdeck: 250)`,
		firstSync(FAULTS.find(f => f.name === name).faults, part.includes(name) ? 100 : 250)]);
}

// The backend forgets every token: syncdeck refreshes its own and sends again.
async function expired(w) {
	w.use('schema-owner');
	const ann = { username: 'ann', password: 'Passw0rd!ann', sub: '11111111-1111-4111-8111-111111111111',
		groups: ['Staff'], email: 'ann@example.com', challenge: 'none' };
	await w.pool([ann]);
	const [a, s] = [await w.amplifyAs(ann, 3), await w.syncdeckAs(ann, 3)];
	await w.sandbox.call('POST', 'expire-tokens', {});
	await s.create('Diary', { text: 'of syncdeck' });
	await s.drained();
	await a.create('Diary', { text: 'of Amplify' });
	await a.drained();
	assert.deepStrictEqual((await w.sandbox.live('Diary')).map(r => r.text), ['of syncdeck']);
	assert.deepStrictEqual((await a.errors()).map(e => e.errorType), ['Unauthorized']);
	assert.ok((await a.query('Diary')).some(r => r.text === 'of Amplify')); // as if it were saved
	await w.converged(['Diary'], [s]);
}

// One subscription of 27 is refused, once: Amplify gives up all of them and hears of nothing any more,
// of no model, until it is started again; syncdeck polls that one model and hears the others.
async function refusedOnce(w) {
	await w.backend();
	const [a, s] = await Promise.all([w.amplify('A'), w.syncdeck('S')]);
	await w.sandbox.mutate('create', 'Note', { id: 'n', title: 'old' });
	for (const c of [a, s])
		await c.sees('Note', 'n', r => r !== null);
	await w.sandbox.call('POST', 'fault',
		{ kind: 'graphqlError', errorType: 'InternalFailure', op: 'subscription', field: 'onUpdateNote', count: 2 });
	const before = (await a.events()).length;
	await w.sandbox.call('POST', 'ws/drop', { code: 1001 });
	await a.told('syncQueriesReady', () => true, before);
	const listening = async n => {
		const { subscriptions, settings } = await w.sandbox.call('GET', 'state');
		return settings.faults.length === 0 && subscriptions === n;
	};
	await waitFor('Amplify to hang up, syncdeck to keep 26 subscriptions', () => listening(26));
	await w.sandbox.mutate('update', 'Note', { id: 'n', title: 'polled' });
	await w.sandbox.mutate('create', 'Board', { id: 'b', name: 'live' });
	await s.sees('Board', 'b', r => r !== null);
	await s.sees('Note', 'n', r => r.title === 'polled');
	assert.ok(await listening(26) || await listening(27));
	assert.strictEqual((await a.get('Note', 'n')).title, 'old');
	assert.strictEqual(await a.get('Board', 'b'), null);
	await a.ask('clear');
	await w.converged();
}

// Edits by both and by a third while faults of every kind come and go, requests and sockets; ours is
// killed three times with requests under way.
async function weather(w, strategy) {
	const pick = random(Number(process.env.INTEROP_SEED || 11));
	await w.backend('--strategy', strategy);
	let [a, s] = await Promise.all([w.amplify('A', { eager: true }), w.syncdeck('S')]);
	const shared = [];
	for (let i = 0; i < 4; i++)
		shared.push((await w.sandbox.mutate('create', 'Note', { title: `shared ${i}`, rating: 0, tags: [] })).id);
	for (const c of [a, s])
		for (const id of shared)
			await c.sees('Note', id, r => r !== null);
	const own = new Map(); // what S was told is saved: {title, tags}, null: deleted
	const body = new Map(); // of the shared ones: only S writes it
	const ofA = []; // what A was told is saved
	for (let i = 0; i < 60; i++) {
		await broken(w.sandbox, pick);
		if (i % 20 === 10)
			s = await w.again(s);
		const id = shared[pick(shared.length)];
		await s.update('Note', id, { body: `S ${i}` });
		body.set(id, `S ${i}`);
		const some = [...own.keys()].filter(k => own.get(k));
		if (some.length && pick(3) === 0) {
			const k = some[pick(some.length)];
			if (pick(4) === 0) {
				await s.delete('Note', k);
				own.set(k, null);
			} else {
				own.set(k, { title: `changed ${i}`, tags: [...own.get(k).tags, `${i}`] });
				await s.update('Note', k, own.get(k));
			}
		} else {
			const want = { title: `own ${i}`, tags: [`${i}`] };
			own.set((await s.create('Note', want)).id, want);
		}
		if (pick(2))
			ofA.push((await a.create('Note', { title: `of A ${i}` })).id);
		else
			await a.update('Note', shared[pick(shared.length)], [{ title: `A ${i}` }, { rating: i }][pick(2)]);
		if (pick(3) === 0)
			await w.sandbox.mutate('update', 'Note', { id: shared[pick(shared.length)], tags: [`${i}`] });
		await sleep(pick(60));
	}
	await w.sandbox.call('DELETE', 'fault');
	await w.sandbox.call('POST', 'ws', { mute: false, refuse: false, dupData: false });
	await w.sandbox.call('POST', 'ws/drop', { code: 1001 }); // who was told nothing for a while syncs
	await s.drained();
	await a.drained();
	const rows = new Map((await w.sandbox.dump('Note')).map(r => [r.id, r]));
	for (const [id, text] of body)
		assert.strictEqual(rows.get(id).body, text, `shared ${id}`);
	for (const [id, want] of own)
		if (want)
			w.holds('Note', rows.get(id), want);
		else
			assert.ok(!rows.has(id) || rows.get(id)._deleted === true, `deleted ${id}`);
	assert.deepStrictEqual(await s.ok('conflicts'), []);
	assert.deepStrictEqual(await s.ok('outbox'), []);
	await w.converged(['Note'], [s]);
	const gone = ofA.filter(id => !rows.has(id)).length;
	console.log(`     (${strategy}: of ${own.size} new records of syncdeck 0 were lost, of ${ofA.length} of Amplify ${gone})`);
	await cleared(w);
}

const out = {};
for (const strategy of ['automerge', 'optimistic']) {
	out[`R-077 the same faults for both clients, ${strategy}`] = w => table(w, strategy);
	out[`R-077 both clients agree after bad weather, and nothing of syncdeck is lost, ${strategy}`] = w => weather(w, strategy);
}
out['R-077 a fault on the second page of a first sync'] = firstSyncs;
out['one refused subscription (Amplify: deaf, syncdeck: polls one model)'] = refusedOnce;
out['tokens that the backend no longer takes (Amplify: lost, syncdeck: kept)'] = expired;
module.exports = out;
