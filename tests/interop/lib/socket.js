// tests/interop/lib/socket.js - one realtime connection, frame by frame, as the service's clients use
// it; and requests signed as IAM wants them.
'use strict';

const crypto = require('crypto');
const { WebSocket } = require('ws');
const { waitFor } = require('./wait');

const base64url = o => Buffer.from(JSON.stringify(o)).toString('base64url');

class Socket {
	// how: 'protocol' (header-... subprotocol), 'query', 'headers'; creds: the header JSON
	constructor(sandbox, creds, how = 'protocol', protocols) {
		let url = sandbox.ready.realtime;
		const list = protocols || ['graphql-ws'];
		if (how === 'query')
			url += `?header=${encodeURIComponent(Buffer.from(JSON.stringify(creds)).toString('base64'))}&payload=e30=`;
		if (how === 'protocol')
			list.push(`header-${base64url(creds)}`);
		this.creds = creds;
		this.frames = [];
		this.closed = null;
		this.ws = new WebSocket(url, list, { headers: how === 'headers' ? creds : {} });
		this.ws.on('message', m => this.frames.push(JSON.parse(m)));
		this.ws.on('close', code => { this.closed = code; });
		this.ws.on('error', e => { this.error = e.message; });
		this.ws.on('upgrade', res => { this.upgrade = res; });
	}
	static async open(sandbox, creds, how) {
		const s = new Socket(sandbox, creds, how);
		await s.opened();
		s.send({ type: 'connection_init' });
		await s.frame(f => f.type === 'connection_ack');
		return s;
	}
	opened() {
		return waitFor('the socket is open', () => this.ws.readyState === 1 || this.error, null, 10000);
	}
	send(o) {
		this.ws.send(JSON.stringify(o));
	}
	// the first frame that fits, waited for
	frame(fits) {
		return waitFor('a frame', () => this.frames.find(fits), () => JSON.stringify([this.closed, this.frames]), 10000);
	}
	begin(id, query, variables, creds = this.creds) {
		this.send({ id, type: 'start', payload: { data: JSON.stringify({ query, variables: variables || {} }),
			extensions: { authorization: creds } } });
	}
	// start_ack or error
	async start(id, query, variables, creds) {
		this.begin(id, query, variables, creds);
		return this.frame(f => f.id === id && (f.type === 'start_ack' || f.type === 'error'));
	}
	events(id) {
		return this.frames.filter(f => f.type === 'data' && f.id === id).map(f => f.payload);
	}
	async nth(id, n) {
		return waitFor(`event ${n} of ${id}`, () => this.events(id)[n - 1], () => JSON.stringify(this.frames), 10000);
	}
	isClosed() {
		return waitFor('the socket is closed', () => this.closed !== null, () => JSON.stringify(this.frames), 10000);
	}
	end() {
		this.ws.terminate();
	}
}

const hmac = (key, text) => crypto.createHmac('sha256', key).update(text).digest();
const sha256 = text => crypto.createHash('sha256').update(text).digest('hex');

// The headers of a request signed with Signature Version 4.
function signed(key, secret, url, body, date = new Date()) {
	const u = new URL(url);
	const at = date.toISOString().replace(/[-:]|\.\d+/g, '');
	const day = at.slice(0, 8);
	const headers = { accept: 'application/json, text/javascript', 'content-encoding': 'amz-1.0',
		'content-type': 'application/json; charset=UTF-8', host: u.host, 'x-amz-date': at };
	const names = Object.keys(headers).sort();
	const canonical = ['POST', u.pathname, '', ...names.map(n => `${n}:${headers[n]}`), '', names.join(';'), sha256(body)].join('\n');
	const scope = `${day}/us-east-1/appsync/aws4_request`;
	const string = ['AWS4-HMAC-SHA256', at, scope, sha256(canonical)].join('\n');
	const k = ['us-east-1', 'appsync', 'aws4_request'].reduce(hmac, hmac(`AWS4${secret}`, day));
	return { ...headers, Authorization: `AWS4-HMAC-SHA256 Credential=${key}/${scope}, SignedHeaders=${names.join(';')}, Signature=${hmac(k, string).toString('hex')}` };
}

module.exports = { Socket, signed };
