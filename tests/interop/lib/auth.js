// tests/interop/lib/auth.js - the test's side of lib/auth-client.js.
'use strict';

const { fork } = require('child_process');
const path = require('path');
const { waitFor } = require('./wait');

class AuthClient {
	static async start(o) {
		const c = new AuthClient();
		c.child = fork(path.join(__dirname, 'auth-client.js'), [], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
			env: { ...process.env, ...(o.ca ? { NODE_EXTRA_CA_CERTS: o.ca } : {}) } });
		c.child.stdout.on('data', d => c.said.push(d));
		c.child.stderr.on('data', d => c.said.push(d));
		c.child.on('message', ({ id, ok, error }) => {
			const { resolve, reject } = c.open.get(id);
			c.open.delete(id);
			if (error)
				reject(Object.assign(new Error(error.message || JSON.stringify(error)), error));
			else
				resolve(ok);
		});
		c.child.on('exit', code => {
			for (const { reject } of c.open.values())
				reject(new Error(`the auth client ended with ${code}: ${Buffer.concat(c.said)}`));
			c.open.clear();
		});
		c.config = await c.ask('configure', o);
		return c;
	}
	constructor() {
		this.name = 'auth';
		this.said = [];
		this.open = new Map();
		this.next = 1;
	}
	ask(op, args) {
		return new Promise((resolve, reject) => {
			this.open.set(this.next, { resolve, reject });
			this.child.send({ id: this.next++, op, args });
		});
	}
	// {data} or throws what Amplify throws: an object with errors
	graphql(query, options = {}) {
		return this.ask('graphql', { query, ...options });
	}
	async subscribed(name, query, options, sandbox) {
		const want = (await sandbox.call('GET', 'state')).subscriptions + 1;
		await this.ask('subscribe', { name, options: { query, ...options } });
		await waitFor(`subscription ${name}`, async () => (await sandbox.call('GET', 'state')).subscriptions >= want,
			async () => JSON.stringify(await this.ask('seen', { name })));
	}
	sees(name, check) {
		return waitFor(`${name} sees it`, async () => (await this.ask('seen', { name })).data.find(check),
			async () => JSON.stringify(await this.ask('seen', { name })));
	}
	end() {
		this.child.kill('SIGKILL');
	}
}

module.exports = { AuthClient };
