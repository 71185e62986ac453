// tests/interop/clients/run.js - see ../run-clients.
'use strict';

const { test, main, ok, eq, until } = require('../../proto/lib.js');
const WS = require('ws');

// loopback without TLS: these clients open wss:// whatever the endpoint is
globalThis.WebSocket = class extends WS {
	constructor(url, protocols) {
		super(url.replace(/^wss:\/\/127/, 'ws://127'), protocols);
		this.on('error', () => {});
	}
};

const { execute, from } = require('apollo-link');
const { createHttpLink } = require('apollo-link-http');
const { createAuthLink } = require('aws-appsync-auth-link');
const { createSubscriptionHandshakeLink } = require('aws-appsync-subscription-link');
const { CognitoUserPool, CognitoUser, AuthenticationDetails, CognitoRefreshToken } = require('amazon-cognito-identity-js');
const { parse } = require('graphql');

const KEY_ID = 'AKIASANDBOX', SECRET = 'a/very+secret/key';
const USERS = [
	{ username: 'ann', password: 'Passw0rd!ann', sub: '11111111-1111-4111-8111-111111111111', groups: ['Staff'], email: 'ann@example.com', challenge: 'none' },
	{ username: 'new', password: 'Temp0rary!', sub: '22222222-2222-4222-8222-222222222222', groups: [], email: 'new@example.com', challenge: 'new-password' },
	{ username: 'tot', password: 'Passw0rd!tot', sub: '33333333-3333-4333-8333-333333333333', groups: [], email: 'tot@example.com', challenge: 'totp' },
	{ username: 'sms', password: 'Passw0rd!sms', sub: '44444444-4444-4444-8444-444444444444', groups: [], email: 'sms@example.com', challenge: 'sms' },
];
const FIELDS = 'id text rating tags createdAt updatedAt _version _deleted _lastChangedAt __typename';
const rule = (model, ...rules) => `type ${model} @model @auth(rules: [${rules.join(', ')}]) {
	id: ID!
	text: String!
	rating: Int
	tags: [String]
}
`;
const SCHEMA = rule('Open', '{ allow: public }', '{ allow: private }')
	+ rule('Signed', '{ allow: private, provider: iam }') + rule('Custom', '{ allow: custom }');

async function backend(w) {
	const s = await w.sandbox(['--users', w.file('u.json', JSON.stringify(USERS)), '--set', `iam_key=${KEY_ID}:${SECRET}`,
		'--set', 'lambda_token=let-me-in'], { schema: w.file('modes.graphql', SCHEMA) });
	s.pool = new CognitoUserPool({ UserPoolId: s.ready.userPoolId, ClientId: s.ready.userPoolClientId,
		endpoint: s.ready.userPoolEndpoint, Storage: memory() });
	return s;
}

function memory() {
	const m = new Map();
	return { getItem: k => m.get(k) ?? null, setItem: (k, v) => m.set(k, v), removeItem: k => m.delete(k), clear: () => m.clear() };
}

// ---- the links that Apollo applications use: the credentials of a socket stand in its URL ----

class Client {
	constructor(s, auth) {
		const o = { url: s.url, region: 'us-east-1', auth };
		this.link = from([createAuthLink(o), createSubscriptionHandshakeLink(o, createHttpLink({ uri: s.url }))]);
	}
	run(text, variables = {}) {
		return new Promise((resolve, reject) => execute(this.link, { query: parse(text), variables })
			.subscribe({ next: resolve, error: reject }));
	}
	listen(text, variables = {}) {
		const got = { data: [], error: null };
		got.handle = execute(this.link, { query: parse(text), variables })
			.subscribe({ next: m => m.data && got.data.push(m.data), error: e => { got.error = e; } });
		return got;
	}
}

const listening = (s, n) => until(async () => (await s.state()).subscriptions === n, `${n} subscriptions`);

async function goesRound(s, auth, model) {
	const c = new Client(s, auth);
	const sub = c.listen(`subscription S($f: ModelSubscription${model}FilterInput) { onCreate${model}(filter: $f) { ${FIELDS} } }`,
		{ f: { text: { beginsWith: 'a' } } });
	await listening(s, 1);
	const text = `mutation C($input: Create${model}Input!) { create${model}(input: $input) { ${FIELDS} } }`;
	for (const t of ['b', 'a "quoted" ü'])
		eq((await c.run(text, { input: { text: t, tags: ['x'] } })).data[`create${model}`].text, t);
	await until(() => sub.data.length, 'a message');
	const made = sub.data[0][`onCreate${model}`];
	eq([made.text, made._version, made._deleted, made.__typename], ['a "quoted" ü', 1, null, model]);
	const list = (await c.run(`query { list${model}s(limit: 10) { items { ...F __typename } nextToken __typename } } fragment F on ${model} { ${FIELDS} }`)).data;
	eq(list[`list${model}s`].items.length, 2);
	eq(list[`list${model}s`].__typename, `Model${model}Connection`);
	eq(sub.data.length, 1);
	sub.handle.unsubscribe(); // stop, complete, then the socket
	await listening(s, 0);
	await until(async () => (await s.log()).some(e => e.kind === 'ws-close'), 'the socket is closed');
	const open = (await s.log()).find(e => e.kind === 'ws-open');
	ok(/[?&]header=/.test(open.path) && open.headers['sec-websocket-protocol'] === 'graphql-ws', 'credentials in the URL', open);
}

test('SRV-W01 the Apollo links with an API key', async w => {
	const s = await backend(w);
	await goesRound(s, { type: 'API_KEY', apiKey: s.key }, 'Open');
});

test('SRV-W01 the Apollo links with a token of the user pool', async w => {
	const s = await backend(w);
	const { session } = await signIn(s, USERS[0]);
	await goesRound(s, { type: 'AMAZON_COGNITO_USER_POOLS', jwtToken: async () => session.getIdToken().getJwtToken() }, 'Open');
});

test('SRV-W28 the Apollo links signed with static credentials', async w => {
	const s = await backend(w);
	await goesRound(s, { type: 'AWS_IAM', credentials: { accessKeyId: KEY_ID, secretAccessKey: SECRET } }, 'Signed');
});

test('the Apollo links with a token of one\'s own', async w => {
	const s = await backend(w);
	await goesRound(s, { type: 'AWS_LAMBDA', token: () => 'let-me-in' }, 'Custom');
});

test('SRV-H04 SRV-W05 the Apollo links are told of a wrong key, and of what is not theirs', async w => {
	const s = await backend(w);
	const bad = new Client(s, { type: 'API_KEY', apiKey: 'da2-wrong' });
	const said = await bad.run('query { listOpens { items { id } } }').then(() => null, e => e);
	eq(said && said.statusCode, 401);
	eq(said.result.errors[0].errorType, 'UnauthorizedException');
	const deaf = bad.listen('subscription { onCreateOpen { id } }');
	await until(() => deaf.error, 'the reason');
	ok(/UnauthorizedException/.test(JSON.stringify(deaf.error)), 'told', deaf.error);
	const key = new Client(s, { type: 'API_KEY', apiKey: s.key });
	const denied = key.listen('subscription { onCreateSigned { id } }');
	await until(() => denied.error, 'the reason');
	ok(/Not Authorized to access onCreateSigned on type Subscription/.test(JSON.stringify(denied.error)), 'told', denied.error);
	const wrong = key.listen('subscription { onCreateOpen { nope } }');
	await until(() => wrong.error, 'the reason');
	ok(/FieldUndefined/.test(JSON.stringify(wrong.error)), 'told', wrong.error);
});

test('the Apollo links get several messages of one request, in order, and null for what it did not select', async w => {
	const s = await backend(w);
	const c = new Client(s, { type: 'API_KEY', apiKey: s.key });
	const sub = c.listen('subscription { made: onCreateOpen { id text rating } }');
	await listening(s, 1);
	await c.run('mutation { a: createOpen(input: {text: "1", rating: 1}) { id text rating } b: createOpen(input: {text: "2", rating: 2}) { id text } }');
	await until(() => sub.data.length === 2, 'two messages');
	eq(sub.data.map(d => [d.made.text, d.made.rating]), [['1', 1], ['2', null]]);
	sub.handle.unsubscribe();
});

// ---- amazon-cognito-identity-js: Amplify's sign-in before version 6, still what many use ----

// Signs in by SRP; answers challenges with `answers` in order.  {session} or {error}, and what was asked.
function signIn(s, u, answers = []) {
	const user = new CognitoUser({ Username: u.username, Pool: s.pool, Storage: memory() });
	const asked = [];
	return new Promise(resolve => {
		const again = name => {
			asked.push(name);
			const answer = answers.shift();
			if (name === 'NEW_PASSWORD_REQUIRED')
				user.completeNewPasswordChallenge(answer, {}, calls);
			else
				user.sendMFACode(answer, calls, name);
		};
		const calls = {
			onSuccess: session => resolve({ user, session, asked }),
			onFailure: error => (answers.length ? again(asked[asked.length - 1]) : resolve({ user, error, asked })),
			newPasswordRequired: () => again('NEW_PASSWORD_REQUIRED'),
			totpRequired: again,
			mfaRequired: again,
		};
		user.authenticateUser(new AuthenticationDetails({ Username: u.username, Password: u.password }), calls);
	});
}

const called = (user, method, ...args) => new Promise(resolve =>
	user[method](...args, (error, value) => resolve({ error, value })));

test('SRV-C01 SRV-C02 amazon-cognito-identity-js signs in by SRP and reads its user', async w => {
	const s = await backend(w);
	const { user, session } = await signIn(s, USERS[0]);
	ok(session && session.isValid(), 'a session');
	eq(session.getIdToken().payload.email, 'ann@example.com');
	eq(session.getAccessToken().payload['cognito:groups'], ['Staff']);
	const { value } = await called(user, 'getUserAttributes');
	eq(Object.fromEntries(value.map(a => [a.getName(), a.getValue()])).sub, USERS[0].sub);
	for (const u of [{ ...USERS[0], password: 'wrong' }, { ...USERS[0], username: 'nobody' }]) {
		const { error } = await signIn(s, u);
		eq([error.code, error.message], ['NotAuthorizedException', 'Incorrect username or password.']);
	}
	s.pool = new CognitoUserPool({ UserPoolId: s.ready.userPoolId, ClientId: 'another', endpoint: s.ready.userPoolEndpoint, Storage: memory() });
	const { error } = await signIn(s, USERS[0]);
	eq([error.code, error.message], ['ResourceNotFoundException', 'User pool client another does not exist.']);
});

test('SRV-C03 amazon-cognito-identity-js refreshes, signs out everywhere, and is then refused', async w => {
	const s = await backend(w);
	const [one, two] = [await signIn(s, USERS[0]), await signIn(s, USERS[0])];
	const token = one.session.getRefreshToken();
	ok(token instanceof CognitoRefreshToken, 'a token');
	const { value } = await called(one.user, 'refreshSession', token);
	ok(value.isValid() && value.getAccessToken().getJwtToken() !== one.session.getAccessToken().getJwtToken(), 'another token');
	eq(value.getRefreshToken().getToken(), token.getToken());
	eq(await new Promise(resolve => one.user.globalSignOut({ onSuccess: resolve, onFailure: resolve })), 'SUCCESS');
	const { error } = await called(two.user, 'refreshSession', two.session.getRefreshToken());
	eq(error.code, 'NotAuthorizedException');
});

test('SRV-C04 amazon-cognito-identity-js answers every challenge, and a wrong answer first', async w => {
	const s = await backend(w);
	const totp = await signIn(s, USERS[2], ['000000', '123456']);
	ok(totp.session, 'TOTP', totp);
	eq(totp.asked, ['SOFTWARE_TOKEN_MFA', 'SOFTWARE_TOKEN_MFA']);
	eq((await called(totp.user, 'getUserData')).value.PreferredMfaSetting, 'SOFTWARE_TOKEN_MFA');
	const sms = await signIn(s, USERS[3], ['123456']);
	ok(sms.session, 'SMS', sms);
	eq(sms.asked, ['SMS_MFA']);
	const short = await signIn(s, USERS[1], ['short']);
	eq(short.error.code, 'InvalidPasswordException');
	ok((await signIn(s, USERS[1], ['Br4nd!new-one'])).session, 'a new password');
	ok((await signIn(s, { ...USERS[1], password: 'Br4nd!new-one' })).session, 'which is the one from now on');
	eq((await signIn(s, USERS[1])).error.code, 'NotAuthorizedException');
});

main();
