// tests/interop/lib/auth-client.js - the real aws-amplify auth and API categories in a process of
// their own, configured by the file that `syncdeck sandbox --write-config` wrote.
//
// Started by lib/auth.js over a channel: each request {id, op, args} is answered {id, ok} or
// {id, error: {name, message, errors}}.
'use strict';

const fs = require('fs');
const browser = require('./browser');

let auth, client;
const subscriptions = new Map();

const OPS = {
	// o.config: the written file; o.credentials: static IAM keys; o.oidc: a token of another issuer
	configure(o) {
		const outputs = JSON.parse(fs.readFileSync(o.config, 'utf8'));
		browser.install({ plain: outputs.data.url.startsWith('http://') });
		const { Amplify } = require('aws-amplify');
		const { parseAmplifyConfig } = require('aws-amplify/utils');
		const config = parseAmplifyConfig(outputs);
		if (config.Auth && outputs.custom.syncdeck.user_pool_endpoint)
			config.Auth.Cognito.userPoolEndpoint = outputs.custom.syncdeck.user_pool_endpoint;
		const own = {};
		if (o.credentials)
			own.credentialsProvider = {
				getCredentialsAndIdentityId: async () => ({ credentials: o.credentials, identityId: 'us-east-1:static' }),
				clearCredentialsAndIdentityId() {},
			};
		if (o.oidc) {
			const { decodeJWT } = require('aws-amplify/auth');
			own.tokenProvider = { getTokens: async () => ({ accessToken: decodeJWT(o.oidc) }) };
		}
		Amplify.configure(config, Object.keys(own).length ? { Auth: own } : undefined);
		auth = require('aws-amplify/auth');
		client = require('aws-amplify/api').generateClient();
		return config.API.GraphQL;
	},
	signIn: o => auth.signIn(o),
	confirmSignIn: o => auth.confirmSignIn(o),
	signOut: o => auth.signOut(o),
	currentUser: () => auth.getCurrentUser(),
	attributes: () => auth.fetchUserAttributes(),
	async session(o) {
		const s = await auth.fetchAuthSession(o);
		return s.tokens ? { access: s.tokens.accessToken.toString(), id: s.tokens.idToken && s.tokens.idToken.toString(),
			payload: s.tokens.accessToken.payload, idPayload: s.tokens.idToken && s.tokens.idToken.payload } : null;
	},
	graphql: o => client.graphql(o),
	subscribe(o) {
		const s = { data: [], error: null };
		subscriptions.set(o.name, s);
		s.handle = client.graphql(o.options).subscribe({ next: m => s.data.push(m.data), error: e => { s.error = e; } });
	},
	// the typed client: generateClient().models
	async model(o) {
		const { data, errors } = await client.models[o.model][o.op](...o.args);
		return { data: JSON.parse(JSON.stringify(data ?? null)), errors }; // without the functions of its relations
	},
	watch(o) {
		const s = { data: [], error: null };
		subscriptions.set(o.name, s);
		s.handle = client.models[o.model][o.op](...o.args).subscribe({
			next: m => s.data.push(JSON.parse(JSON.stringify(m))), error: e => { s.error = e; } });
	},
	seen: o => ({ data: subscriptions.get(o.name).data, error: JSON.stringify(subscriptions.get(o.name).error) }),
	unsubscribe(o) { subscriptions.get(o.name).handle.unsubscribe(); },
};

process.on('message', async ({ id, op, args }) => {
	try {
		process.send({ id, ok: (await OPS[op](args)) || null });
	} catch (e) {
		process.send({ id, error: { name: e.name, message: e.message, errors: e.errors, data: e.data } });
	}
});
process.on('disconnect', () => process.exit(0));
