// tests/interop/scenarios/8-users.js - signed-in users: Amplify's own sign-in (SRP) against the
// backend's user pool, owners, groups, and what each user's clients may see.
'use strict';

const assert = require('assert');

const ANN = { username: 'ann', password: 'Passw0rd!ann', sub: '11111111-1111-4111-8111-111111111111', groups: ['Staff'], email: 'ann@example.com' };
const BOB = { username: 'bob', password: 'Passw0rd!bob', sub: '22222222-2222-4222-8222-222222222222', groups: [], email: 'bob@example.com' };

const texts = list => list.map(r => r.text).sort();

// identityClaim: as `syncdeck codegen` writes it (Amplify then sends no owner argument), or as
// Amplify's own code generation does (it subscribes with owner: its name)
async function owners(w, identityClaim) {
	w.use('schema-owner');
	w.schema = JSON.parse(JSON.stringify(w.schema).replaceAll('sub::username', identityClaim));
	await w.pool([ANN, BOB].map(u => ({ ...u, challenge: 'none' })));
	const [ann, bob] = await Promise.all([w.amplifyAs(ANN, 3), w.amplifyAs(BOB, 2)]);
	const deck = await w.syncdeckAs(ANN, 3);
	const diary = await ann.create('Diary', { text: 'of ann' });
	await deck.sees('Diary', diary.id, r => r && r._version === 1);
	await bob.create('Diary', { text: 'of bob' });
	await deck.update('Diary', diary.id, { pages: 3 });
	await ann.sees('Diary', diary.id, r => r.pages === 3);
	const notice = await deck.create('Notice', { text: 'for all' });
	if (identityClaim !== 'sub::username') { // it asked for its own only: the next sync brings the rest
		await deck.drained();
		await bob.offline();
		await bob.online();
	}
	await bob.sees('Notice', notice.id, r => r && r.text === 'for all');
	const plan = await ann.create('Plan', { text: 'of the staff' });
	await deck.sees('Plan', plan.id, r => r && r.text === 'of the staff');
	await bob.drained();

	// another's record: refused, and the copy here goes back
	await bob.update('Notice', notice.id, { text: 'bob was here' });
	await bob.drained();
	await w.sandbox.has('Notice', notice.id, r => r.text === 'for all' && r._version === 1);
	assert.ok((await bob.errors()).some(e => e.message === 'Unauthorized'));

	for (const c of [ann, deck]) {
		assert.deepStrictEqual(texts(await c.query('Diary')), ['of ann']);
		assert.deepStrictEqual(texts(await c.query('Plan')), ['of the staff']);
	}
	assert.deepStrictEqual(texts(await bob.query('Diary')), ['of bob']);
	assert.deepStrictEqual(await bob.query('Plan'), []);
	assert.deepStrictEqual((await w.sandbox.live('Diary')).map(r => [r.text, r.owner.includes('bob') || r.owner.includes(BOB.sub)]).sort(),
		[['of ann', false], ['of bob', true]]);
	await w.converged(['Notice', 'Plan'], [ann, deck]);

	const log = await w.sandbox.call('GET', 'log');
	const asked = log.filter(l => l.kind === 'ws-in' && l.body.includes('onCreateDiary'))
		.map(l => JSON.parse(JSON.parse(l.body).payload.data).variables.owner);
	assert.deepStrictEqual(asked.slice(0, 2).sort(), identityClaim === 'sub::username' ? [undefined, undefined] : ['ann', 'bob']);

	// a client of the same user that comes later
	const again = await w.amplifyAs(ANN, 3);
	assert.deepStrictEqual(texts(await again.query('Diary')), ['of ann']);
	await again.delete('Diary', diary.id);
	await deck.sees('Diary', diary.id, r => r === null, 'gone');
	await ann.sees('Diary', diary.id, r => r === null, 'gone');
}

async function wrongPassword(w) {
	w.use('schema-owner');
	await w.pool([{ ...ANN, challenge: 'none' }]);
	await assert.rejects(w.amplifyAs({ ...ANN, password: 'wrong' }), /NotAuthorizedException|Incorrect username or password/);
	await assert.rejects(w.syncdeckAs({ ...ANN, password: 'wrong' }), /exit 3/);
}

module.exports = {
	'R-139 R-072 Amplify signs in with SRP; owners and groups see what is theirs, in both clients': w => owners(w, 'sub::username'),
	'R-139 R-072 the same with the owner argument of Amplify': w => owners(w, 'cognito:username'),
	'R-139 a wrong password is refused in both clients': wrongPassword,
};
