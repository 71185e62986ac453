// tests/interop/scenarios/9-auth.js - aws-amplify's own auth and API categories against the
// backend: sign-in with its challenges, refresh and sign-out, and every mode of authorisation on
// one API, with the configuration file that the backend writes.
'use strict';

const assert = require('assert');
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { AuthClient } = require('../lib/auth');
const { waitFor } = require('../lib/wait');

const USERS = [
	{ username: 'ann', password: 'Passw0rd!ann', sub: '11111111-1111-4111-8111-111111111111', groups: ['Editors'], email: 'ann@example.com', challenge: 'none' },
	{ username: 'bob', password: 'Passw0rd!bob', sub: '22222222-2222-4222-8222-222222222222', groups: ['Readers'], email: 'bob@example.com', challenge: 'none' },
	{ username: 'new', password: 'Temp0rary!', sub: '33333333-3333-4333-8333-333333333333', groups: [], email: 'new@example.com', challenge: 'new-password' },
	{ username: 'tot', password: 'Passw0rd!tot', sub: '44444444-4444-4444-8444-444444444444', groups: [], email: 'tot@example.com', challenge: 'totp' },
	{ username: 'sms', password: 'Passw0rd!sms', sub: '55555555-5555-4555-8555-555555555555', groups: [], email: 'sms@example.com', challenge: 'sms' },
];
const [ANN, BOB] = USERS;
const IAM = { accessKeyId: 'AKIASANDBOX', secretAccessKey: 'a/very+secret/key' };
const ISSUER = 'https://issuer.example.com';

const create = (model, text, more = '') => `mutation { create${model}(input: { text: "${text}"${more} }) { id text ${model === 'Mixed' ? 'owner' : ''} } }`; // rules look at what a mutation selects
const list = model => `query { list${model}s { items { text } } }`;

async function refused(promise, pattern) {
	await assert.rejects(promise, e => {
		const said = JSON.stringify(e.errors || { name: e.name, message: e.message });
		assert.match(said, pattern);
		return true;
	});
}

// Clients beside the World's own: they are ended with the scenario.
async function withClients(w, args, body) {
	const clients = [];
	w.use('schema-modes');
	await w.pool(USERS, ...args);
	try {
		await body(async o => {
			const c = await AuthClient.start({ config: w.config, ca: w.sandbox.ready.ca, ...o });
			clients.push(c);
			return c;
		});
	} finally {
		clients.forEach(c => c.end());
	}
}

const signIn = (c, u, authFlowType) => c.ask('signIn', { username: u.username, password: u.password,
	...(authFlowType ? { options: { authFlowType } } : {}) });

function flows(w) {
	return withClients(w, [], async open => {
		const ann = await open();
		for (const flow of ['USER_SRP_AUTH', 'USER_PASSWORD_AUTH']) {
			assert.deepStrictEqual(await signIn(ann, ANN, flow), { isSignedIn: true, nextStep: { signInStep: 'DONE' } });
			const me = await ann.ask('currentUser');
			assert.strictEqual(me.username, 'ann');
			assert.strictEqual(me.userId, ANN.sub);
			const a = await ann.ask('attributes');
			assert.strictEqual(a.email, ANN.email);
			assert.strictEqual(a.sub, ANN.sub);
			const s = await ann.ask('session', {});
			assert.deepStrictEqual(s.payload['cognito:groups'], ['Editors']);
			assert.strictEqual(s.payload.token_use, 'access');
			assert.strictEqual(s.idPayload.email, ANN.email);
			await ann.ask('signOut', {});
			assert.strictEqual(await ann.ask('session', {}), null);
			const log = await w.sandbox.call('GET', 'log'); // the session is ended on the server, too
			assert.ok(log.some(l => l.headers && (l.headers['x-amz-target'] || '').endsWith('.RevokeToken') && l.status === 200));
			await w.sandbox.call('DELETE', 'log');
		}
		await refused(signIn(ann, { ...ANN, password: 'wrong' }), /NotAuthorizedException.*Incorrect username or password/);
		await refused(signIn(ann, { ...ANN, username: 'nobody' }), /NotAuthorizedException|UserNotFoundException/);
		// by email, as user name attributes allow
		assert.ok((await signIn(ann, { ...ANN, username: ANN.email })).isSignedIn);
		assert.strictEqual((await ann.ask('currentUser')).username, 'ann');
	});
}

function challenges(w) {
	return withClients(w, [], async open => {
		const c = await open();
		for (const flow of ['USER_SRP_AUTH', 'USER_PASSWORD_AUTH']) {
			for (const [user, step] of [[USERS[3], 'CONFIRM_SIGN_IN_WITH_TOTP_CODE'], [USERS[4], 'CONFIRM_SIGN_IN_WITH_SMS_CODE']]) {
				assert.strictEqual((await signIn(c, user, flow)).nextStep.signInStep, step);
				await refused(c.ask('confirmSignIn', { challengeResponse: '000000' }), /CodeMismatchException/);
				const again = await c.ask('confirmSignIn', { challengeResponse: '123456' }); // the right one after a slip
				assert.ok(again.isSignedIn, JSON.stringify(again));
				await c.ask('signOut', {});
			}
		}
		const first = await signIn(c, USERS[2]);
		assert.strictEqual(first.nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED');
		await refused(c.ask('confirmSignIn', { challengeResponse: 'short' }), /InvalidPasswordException/);
		assert.ok((await c.ask('confirmSignIn', { challengeResponse: 'Br4nd!new-one' })).isSignedIn);
		await c.ask('signOut', {});
		await refused(signIn(c, USERS[2]), /NotAuthorizedException/); // the temporary one is gone
		assert.ok((await signIn(c, { ...USERS[2], password: 'Br4nd!new-one' })).isSignedIn);
	});
}

function refresh(w, ...args) {
	return withClients(w, args, async open => {
		const c = await open();
		await signIn(c, ANN);
		const one = await c.ask('session', {});
		await w.sandbox.call('POST', 'expire-tokens', {});
		await refused(c.graphql(list('Mixed'), { authMode: 'userPool' }), /Token has expired|Unauthorized/);
		const two = await c.ask('session', { forceRefresh: true });
		assert.notStrictEqual(two.access, one.access);
		await c.graphql(create('Mixed', 'after a refresh'), { authMode: 'userPool' });
		const three = await c.ask('session', { forceRefresh: true }); // with the token that came, or the old one
		assert.notStrictEqual(three.access, two.access);
		// a global sign-out ends the sessions of the other device, too
		const other = await open();
		await signIn(other, ANN);
		await c.ask('signOut', { global: true });
		await refused(other.ask('session', { forceRefresh: true }), /revoked|NotAuthorized|not authenticated/i).catch(async e => {
			const s = await other.ask('session', {}); // Amplify clears what it cannot refresh, without an error
			if (s !== null)
				throw e;
		});
		assert.strictEqual(await c.ask('session', {}), null);
	});
}

function keyAndUsers(w) {
	return withClients(w, [], async open => {
		const [key, ann, bob] = [await open(), await open(), await open()];
		await signIn(ann, ANN);
		await signIn(bob, BOB);
		assert.deepStrictEqual([ann.config.defaultAuthMode, ann.config.apiKey], ['userPool', w.sandbox.ready.apiKey]);
		const asKey = { authMode: 'apiKey' };
		await key.subscribed('open', 'subscription { onCreateOpen { text } }', asKey, w.sandbox);
		await bob.subscribed('mixed', 'subscription { onCreateMixed { text } }', {}, w.sandbox);
		await key.graphql(create('Open', 'by key'), asKey);
		await ann.graphql(create('Open', 'by ann'));
		await key.sees('open', d => d.onCreateOpen.text === 'by ann');
		await refused(key.graphql(create('Mixed', 'by key'), asKey), /Not Authorized to access createMixed on type Mutation/);
		await ann.graphql(create('Mixed', 'by ann'));
		await bob.graphql(create('Mixed', 'by bob'));
		await bob.sees('mixed', d => d.onCreateMixed.text === 'by bob');
		assert.ok(!(await bob.ask('seen', { name: 'mixed' })).data.some(d => d.onCreateMixed.text === 'by ann'), 'his own only');
		assert.strictEqual((await key.graphql(list('Mixed'), asKey)).data.listMixeds.items.length, 2);
		assert.deepStrictEqual((await ann.graphql(list('Mixed'))).data.listMixeds.items, [{ text: 'by ann' }]);
		assert.deepStrictEqual((await ann.graphql(list('Mixed'), asKey)).data.listMixeds.items.length, 2); // another mode, the same client
		await refused(key.graphql(list('Open'), { authMode: 'userPool' }), /NoValidAuthTokens|No federated jwt|NoSignedUser|Unauthorized/i);
	});
}

function groups(w) {
	return withClients(w, [], async open => {
		const [ann, bob] = [await open(), await open()];
		await signIn(ann, ANN);
		await signIn(bob, BOB);
		await ann.graphql(create('Team', 'for editors'));
		await ann.graphql(create('Team', 'for readers', ', teams: ["Readers"]'));
		await refused(bob.graphql(create('Team', 'by bob')), /Not Authorized to access createTeam on type Mutation/);
		assert.strictEqual((await ann.graphql(list('Team'))).data.listTeams.items.length, 2);
		assert.deepStrictEqual((await bob.graphql(list('Team'))).data.listTeams.items, [{ text: 'for readers' }]);
		await bob.subscribed('team', 'subscription { onCreateTeam { text teams } }', {}, w.sandbox);
		await ann.graphql(`mutation { createTeam(input: { text: "not his" }) { id text teams } }`);
		await ann.graphql(`mutation { createTeam(input: { text: "his", teams: ["Readers"] }) { id text teams } }`);
		await bob.sees('team', d => d.onCreateTeam.text === 'his');
		assert.strictEqual((await bob.ask('seen', { name: 'team' })).data.length, 1);
		await refused(ann.graphql(list('Team'), { authMode: 'apiKey' }), /Not Authorized to access listTeams on type Query/);
	});
}

function lambda(w) {
	return withClients(w, ['--set', 'lambda_token=let-me-in'], async open => {
		const c = await open();
		const good = { authMode: 'lambda', authToken: 'let-me-in' };
		await c.subscribed('custom', 'subscription { onCreateCustom { text } }', good, w.sandbox);
		await c.graphql(create('Custom', 'by token'), good);
		await c.sees('custom', d => d.onCreateCustom.text === 'by token');
		assert.deepStrictEqual((await c.graphql(list('Custom'), good)).data.listCustoms.items, [{ text: 'by token' }]);
		await refused(c.graphql(list('Custom'), { authMode: 'lambda', authToken: 'let-me-out' }), /You are not authorized|Unauthorized|Unable to parse/);
		await refused(c.graphql(list('Custom'), { authMode: 'apiKey' }), /Not Authorized to access listCustoms/);
		await refused(c.graphql(list('Signed'), good), /Not Authorized to access listSigneds/);
	});
}

function iam(w, ...args) {
	return withClients(w, ['--set', `iam_key=${IAM.accessKeyId}:${IAM.secretAccessKey}`, ...args], async open => {
		for (const token of [undefined, 'session/token+with=signs']) {
			const c = await open({ credentials: { ...IAM, sessionToken: token } });
			const mode = { authMode: 'iam' };
			const text = `signed ${token ? 'with a token' : ''}`;
			await c.subscribed('signed', 'subscription { onCreateSigned { text } }', mode, w.sandbox);
			await c.graphql(create('Signed', text), mode);
			await c.sees('signed', d => d.onCreateSigned.text === text);
			assert.ok((await c.graphql(list('Signed'), mode)).data.listSigneds.items.some(i => i.text === text));
			await refused(c.graphql(list('Open'), mode), /Not Authorized to access listOpens/);
		}
		const forger = await open({ credentials: { ...IAM, secretAccessKey: 'another' } });
		await refused(forger.graphql(list('Signed'), { authMode: 'iam' }), /Unknown error|BadRequest/); // 400: the library has no words for it
		const stranger = await open({ credentials: { ...IAM, accessKeyId: 'AKIAOTHER' } });
		await refused(stranger.graphql(list('Signed'), { authMode: 'iam' }), /Unknown error|UnrecognizedClient/); // 403
	});
}

function oidc(w) {
	const { publicKey, privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
	const jwks = path.join(w.dir, 'jwks.json');
	fs.writeFileSync(jwks, JSON.stringify({ keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' },
		{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig' }] }));
	const token = (claims, key = privateKey) => {
		const b64 = o => Buffer.from(JSON.stringify(o)).toString('base64url');
		const now = Math.floor(Date.now() / 1000);
		const text = `${b64({ alg: 'RS256', kid: 'k1' })}.${b64({ iss: ISSUER, aud: 'app', sub: 'eve', iat: now, exp: now + 600, ...claims })}`;
		return `${text}.${crypto.sign('RSA-SHA256', Buffer.from(text), key).toString('base64url')}`;
	};
	return withClients(w, ['--set', `oidc_jwks=${jwks}`, '--set', `oidc_issuer=${ISSUER}/`, '--set', 'oidc_client_id=app'], async open => {
		const mode = { authMode: 'oidc' };
		const eve = await open({ oidc: token({}) }), mal = await open({ oidc: token({ sub: 'mal', aud: ['x', 'app'] }) });
		await eve.subscribed('own', 'subscription { onCreateForeign { text owner } }', mode, w.sandbox);
		await mal.graphql('mutation { createForeign(input: { text: "of mal" }) { id text owner } }', mode);
		await eve.graphql('mutation { createForeign(input: { text: "of eve" }) { id text owner } }', mode);
		await eve.sees('own', d => d.onCreateForeign.text === 'of eve');
		assert.strictEqual((await eve.ask('seen', { name: 'own' })).data.length, 1);
		assert.deepStrictEqual((await eve.graphql(list('Foreign'), mode)).data.listForeigns.items, [{ text: 'of eve' }]);
		await refused(eve.graphql(list('Mixed'), mode), /Not Authorized to access listMixeds/);
		const other = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
		for (const bad of [token({}, other), token({ iss: 'https://evil.example.com' }), token({ aud: 'other' })])
			await refused((await open({ oidc: bad })).graphql(list('Foreign'), mode), /Unauthorized/);
		await refused((await open({ oidc: token({ exp: 1000 }) })).graphql(list('Foreign'), mode), /Unauthorized/);
	});
}

// what the library refuses to do without TLS, and the CA file, in one go
function overTls(w) {
	return withClients(w, ['--tls', '--set', `iam_key=${IAM.accessKeyId}:${IAM.secretAccessKey}`], async open => {
		const c = await open();
		assert.ok(w.sandbox.ready.url.startsWith('https://') && w.sandbox.ready.realtime.startsWith('wss://'));
		assert.ok((await signIn(c, ANN)).isSignedIn);
		await c.subscribed('open', 'subscription { onCreateOpen { text } }', {}, w.sandbox);
		await c.graphql(create('Open', 'over TLS'));
		await c.sees('open', d => d.onCreateOpen.text === 'over TLS');
		await c.ask('unsubscribe', { name: 'open' });
		await waitFor('the subscription to end', async () => (await w.sandbox.call('GET', 'state')).subscriptions === 0);
	});
}

module.exports = {
	'R-139 SRV-C01 SRV-C02 Amplify signs in by SRP and by password, reads its user, signs out': flows,
	'R-139 SRV-C04 Amplify solves TOTP, SMS and new password challenges': challenges,
	'R-139 SRV-C03 Amplify refreshes its tokens; a global sign-out ends every session': w => refresh(w),
	'R-139 the same with rotated refresh tokens': w => refresh(w, '--set', 'refresh_rotation=true'),
	'SRV-A07 API key and user pool on one API, one client in both modes': keyAndUsers,
	'SRV-A06 groups, static and from a field of the record': groups,
	'a custom token (authMode lambda) opens what it may': lambda,
	'SRV-W28 IAM: requests, connect and start signed with static credentials': w => iam(w),
	'an OIDC token of another issuer is verified by its key set': oidc,
	'sign-in, API and subscriptions over TLS with the printed CA': overTls,
};
