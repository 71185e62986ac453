// tests/interop/lib/values.js - a value of every type of the model Everything, and none of any.
'use strict';

const FULL = {
	name: 'Grüße 日本 🎈 "quoted" \\ \n newline', count: -2147483648, ratio: 0.1, done: false, day: '2024-02-29',
	time: '23:59:59.999Z', at: '2024-02-29T12:30:15.123Z', stamp: 1700000000, mail: 'a.b+c@example.com',
	link: 'https://example.com/a?b=c#d', phone: '+12025550123', ip: '10.1.2.3',
	extra: { k: [1, null, 'x'], n: { t: true } }, other: 'an-id', status: 'OPEN', states: ['CLOSED', 'OPEN', 'OPEN'],
	tags: ['a', '', null, 'a'], numbers: [0, -1, 2147483647],
	place: { street: 'S', zip: 0, city: { name: 'C', names: ['x', null] } },
	places: [{ street: 'one', zip: null, city: null }, { street: 'two', zip: 2, city: { name: 'D', names: null } }],
};
const EMPTY = {
	count: null, ratio: null, done: null, day: null, time: null, at: null, stamp: null, mail: null, link: null, phone: null,
	ip: null, extra: null, other: null, status: null, states: null, tags: null, numbers: null, place: null, places: null,
};

module.exports = { FULL, EMPTY };
