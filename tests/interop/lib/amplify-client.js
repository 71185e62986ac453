// tests/interop/lib/amplify-client.js - one real Amplify DataStore client, in its own process.
//
// Started by lib/amplify.js over a channel: each request {id, op, ...} is answered {id, ok} or
// {id, error}.  All of Amplify is loaded as CommonJS: mixed with ESM there would be two of it.
'use strict';

const browser = require('./browser');
const { canonical, converters } = require('./records');
const { sleep, waitFor } = require('./wait');

let DataStore, DISCARD, Hub, internal, models, schema, convert, eager;
const events = [];
const errors = [];

// What `mine` answered last, by record: a retried request holds every field of the answer, and only
// those of the first one are this client's.
const answered = new Map();

function ownFields(model, local) {
	const set = convert.columns(model).filter(n => local[n] !== null && local[n] !== undefined);
	const last = answered.get(convert.keyText(model, local));
	const same = last && set.every(n => canonical(local[n]) === canonical(last.answer[n]));
	return same ? last.fields : set;
}

// Conflict handlers for optimistic concurrency.  Amplify's own resends untouched fields as null.
const HANDLERS = {
	// what this client set, on top of what the server has
	mine({ modelConstructor, localModel, remoteModel, operation }) {
		const { name } = modelConstructor;
		if (operation === 'DELETE')
			return remoteModel;
		const fields = ownFields(name, localModel);
		const answer = modelConstructor.copyOf(remoteModel, draft => {
			for (const f of fields)
				draft[f] = localModel[f];
		});
		answered.set(convert.keyText(name, localModel), { answer, fields });
		return answer;
	},
	server: () => DISCARD,
};

async function start(o) {
	browser.install({ plain: o.endpoint.startsWith('http://') });
	const { Amplify } = require('aws-amplify');
	({ Hub } = require('aws-amplify/utils'));
	const ds = require('aws-amplify/datastore');
	eager = o.eager === true;
	internal = require('@aws-amplify/datastore/dist/cjs/datastore/datastore.js');
	const adapter = require('@aws-amplify/datastore/dist/cjs/storage/adapter/AsyncStorageAdapter.js');
	({ DataStore, DISCARD } = ds);
	schema = o.schema;
	models = ds.initSchema(schema);
	convert = converters(schema);
	const api = { endpoint: o.endpoint, apiKey: o.apiKey, region: 'us-east-1' };
	Amplify.configure({
		API: { GraphQL: { ...api, defaultAuthMode: o.pool ? 'userPool' : 'apiKey' } },
		...(o.pool ? { Auth: { Cognito: o.pool } } : {}),
	});
	if (o.user) {
		const { signIn } = require('aws-amplify/auth');
		const got = await signIn({ username: o.user.username, password: o.user.password });
		if (!got.isSignedIn)
			throw new Error(`sign in: ${JSON.stringify(got.nextStep)}`);
	}
	DataStore.configure({
		storageAdapter: adapter.default,
		conflictHandler: HANDLERS[o.conflict || 'mine'],
		errorHandler: e => errors.push({
			message: e.message, process: e.process, model: e.model, operation: e.operation, errorType: e.errorType,
		}),
		syncExpressions: (o.expressions || []).map(([model, ...c]) =>
			ds.syncExpression(models[model], () => condition(c))),
		...o.settings,
	});
	const ready = new Promise(resolve => Hub.listen('datastore', ({ payload }) => {
		const { event, data } = payload;
		const model = data && data.model ? data.model.name : undefined;
		events.push({ event, ...data, model, element: undefined });
		if (event === 'ready')
			resolve();
	}));
	await DataStore.start();
	await ready;
}

// {$ref: [model, key]} becomes the instance it names.
async function resolveValues(values) {
	const out = {};
	for (const [name, v] of Object.entries(values)) {
		if (v && v.$ref) {
			out[name] = await find(v.$ref[0], v.$ref[1]);
			if (!out[name])
				throw new Error(`no ${v.$ref[0]} ${JSON.stringify(v.$ref[1])} here to refer to`);
		} else
			out[name] = v;
	}
	return out;
}

// key is a value, or an object of the parts of a composite key
function find(model, key) {
	return DataStore.query(models[model], key);
}

// ['title', 'eq', 'x'] as Amplify wants it
function condition(c) {
	return c ? m => m[c[0]][c[1]](...[].concat(c[2])) : undefined;
}

async function need(model, key) {
	const rec = await find(model, key);
	if (!rec)
		throw new Error(`${model} ${JSON.stringify(key)} is not here`);
	return rec;
}

async function outbox() {
	return DataStore.storage.query(internal.syncClasses.MutationEvent);
}

// How many changes wait.  0 only when the last answer has been merged, too: Amplify takes a change
// from its outbox in one exclusive section and merges the answer in the next.
async function pending() {
	const { length } = await outbox();
	if (length === 0) {
		await new Promise(setImmediate);
		await DataStore.storage.runExclusive(async () => {});
	}
	return length;
}

// After an edit while online, unless `eager`: waits for its answer.  Amplify throws a message away
// while a change of the same record is on its way, then takes the change's answer, the older record
// (merger.ts; amplify-js 9979, 11674; shown in 10-faults.js).  So people edit in turns here.
async function turn(result) {
	while (!eager && window.navigator.onLine && await pending() > 0)
		await sleep(5);
	return result;
}

const OPS = {
	start,
	async create({ model, values }) {
		return turn(convert.record(model, await DataStore.save(new models[model](await resolveValues(values)))));
	},
	async update({ model, key, values, if: cond }) {
		const rec = await need(model, key);
		const set = await resolveValues(values);
		return turn(convert.record(model, await DataStore.save(models[model].copyOf(rec, d => {
			Object.assign(d, set);
		}), condition(cond))));
	},
	async delete({ model, key, if: cond }) {
		await DataStore.delete(await need(model, key), condition(cond));
		await turn();
	},
	async query({ model }) {
		return (await DataStore.query(models[model])).map(r => convert.record(model, r));
	},
	async get({ model, key }) {
		const rec = await find(model, key);
		return rec ? convert.record(model, rec) : null;
	},
	async related({ model, key, field }) {
		const rec = await need(model, key);
		const target = schema.models[model].fields[field].type.model;
		const got = await rec[field];
		if (got && typeof got.toArray === 'function')
			return (await got.toArray()).map(r => convert.record(target, r));
		return got ? convert.record(target, got) : null;
	},
	pending,
	offline() {
		browser.network(false);
	},
	online() {
		browser.network(true);
	},
	cut() {
		browser.cutSockets();
	},
	events() {
		return events;
	},
	errors() {
		return errors;
	},
	async clear() {
		const from = events.length;
		await DataStore.clear();
		await DataStore.start();
		await waitFor('ready again', () => events.slice(from).some(e => e.event === 'ready'));
	},
	async stop() {
		await DataStore.stop();
	},
};

process.on('message', async ({ id, ...request }) => {
	try {
		process.send({ id, ok: (await OPS[request.op](request)) ?? null });
	} catch (e) {
		process.send({ id, error: `${request.op}: ${e && e.stack ? e.stack : e}` });
	}
});
process.on('disconnect', () => process.exit(0));
process.on('unhandledRejection', e => {
	errors.push({ message: `unhandled: ${e && e.message ? e.message : e}` });
});
