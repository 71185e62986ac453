// tests/interop/lib/records.js - records of three programs in one form, and their comparison.
//
// A record here is {column: value}, absent as null, AWSJSON as the value it holds, then _version,
// _lastChangedAt and _deleted (a boolean).
'use strict';

const META = ['_version', '_lastChangedAt', '_deleted'];

function converters(schema) {
	function fieldsOf(model) {
		return Object.values(schema.models[model].fields);
	}
	// the fields that are stored: no relations
	function columns(model) {
		return fieldsOf(model).filter(f => !f.association).map(f => f.name);
	}
	function key(model) {
		const own = schema.models[model].attributes.find(a => a.type === 'key' && !a.properties.name);
		return own ? own.properties.fields : ['id'];
	}
	function one(type, v) {
		if (v === undefined || v === null)
			return null;
		if (type === 'AWSJSON' && typeof v === 'string') {
			try {
				return JSON.parse(v);
			} catch {
				return v;
			}
		}
		if (type.nonModel) {
			const out = {};
			for (const f of Object.values(schema.nonModels[type.nonModel].fields))
				out[f.name] = plain(f, v[f.name]);
			return out;
		}
		return v;
	}
	function plain(f, v) {
		return f.isArray && Array.isArray(v) ? v.map(x => one(f.type, x)) : one(f.type, v);
	}
	function record(model, r) {
		const out = {};
		for (const f of fieldsOf(model))
			if (!f.association)
				out[f.name] = plain(f, r[f.name]);
		out._version = r._version ?? null;
		out._lastChangedAt = r._lastChangedAt ?? null;
		out._deleted = r._deleted === true;
		return out;
	}
	function keyText(model, r) {
		return JSON.stringify(key(model).map(k => r[k]));
	}
	return { columns, key, record, keyText };
}

// JSON with sorted keys: equal values, equal text
function canonical(v) {
	if (Array.isArray(v))
		return `[${v.map(canonical).join(',')}]`;
	if (v && typeof v === 'object')
		return `{${Object.keys(v).sort().map(k => `${JSON.stringify(k)}:${canonical(v[k])}`).join(',')}}`;
	return JSON.stringify(v);
}

// The differences of two lists of records of one model, as lines of text; none when equal.
function differences(convert, model, nameA, a, nameB, b) {
	const out = [];
	const side = list => new Map(list.map(r => [convert.keyText(model, r), convert.record(model, r)]));
	const [left, right] = [side(a), side(b)];
	for (const [k, r] of left) {
		const s = right.get(k);
		if (!s) {
			out.push(`${model} ${k}: in ${nameA} (version ${r._version}), not in ${nameB}`);
			continue;
		}
		for (const f of [...convert.columns(model), ...META])
			if (canonical(r[f]) !== canonical(s[f]))
				out.push(`${model} ${k} ${f}: ${nameA} ${canonical(r[f])}, ${nameB} ${canonical(s[f])}`);
	}
	for (const [k, s] of right)
		if (!left.has(k))
			out.push(`${model} ${k}: in ${nameB} (version ${s._version}), not in ${nameA}`);
	return out;
}

module.exports = { converters, canonical, differences };
