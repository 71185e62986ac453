// tests/interop/lib/browser.js - what the Amplify client expects around it, for Node.
// Must be required before any Amplify module.
//
// There is no real browser here: a window with a navigator, an event target and crypto makes its
// network monitor listen to us ("offline" is an event, as in a browser), and WebSocket is the ws
// package.  Amplify opens wss:// also for an http:// endpoint; `plain` turns that back for loopback.
'use strict';

const WebSocketClient = require('ws');

const LOOPBACK = /^wss:\/\/(127\.0\.0\.1|localhost|\[::1\])([:/]|$)/;

class Window extends EventTarget {
	constructor() {
		super();
		this.navigator = { onLine: true, userAgent: 'interop' };
		this.crypto = globalThis.crypto;
		this.btoa = globalThis.btoa;
		this.atob = globalThis.atob;
		this.setTimeout = setTimeout;
		this.clearTimeout = clearTimeout;
	}
}

const sockets = new Set();

function install({ plain }) {
	globalThis.window = new Window();
	globalThis.WebSocket = class extends WebSocketClient {
		constructor(url, protocols) {
			super(plain && LOOPBACK.test(url) ? 'ws' + url.slice(3) : url, protocols);
			sockets.add(this);
			this.on('close', () => sockets.delete(this));
		}
	};
}

// As a browser tells it when the network goes and comes.
function network(online) {
	window.navigator.onLine = online;
	window.dispatchEvent(new Event(online ? 'online' : 'offline'));
}

// Cuts every open socket without a closing handshake.
function cutSockets() {
	for (const s of sockets)
		s.terminate();
}

module.exports = { install, network, cutSockets };
