// tests/interop/lib/program.js - the program under test and the schema in the form Amplify reads.
'use strict';

const { execFileSync } = require('child_process');
const crypto = require('crypto');
const path = require('path');

const PROGRAM = process.env.SYNCDECK || path.join(__dirname, '../../../build/syncdeck');
const schemaFile = name => path.join(__dirname, '..', `${name}.graphql`);

// What `syncdeck codegen` writes, with the two keys that codegen's schema.js has besides.
function amplifySchema(name) {
	const text = execFileSync(PROGRAM, ['-s', schemaFile(name), 'codegen'], { encoding: 'utf8' });
	const version = crypto.createHash('md5').update(text).digest('hex');
	return { ...JSON.parse(text), version, codegenVersion: '3.4.4' };
}

// The first line of a program, or an error with what it said when it ends before.
function first(lines, child, said) {
	return new Promise((resolve, reject) => {
		lines.once('line', resolve);
		child.once('error', reject);
		child.once('close', code => reject(new Error(`${child.spawnargs.join(' ')} ended with ${code}: ${Buffer.concat(said)}`)));
	});
}

// Does what makes a program end; its exit code, or the signal that ended it.
function ended(child, stop) {
	return new Promise(resolve => {
		child.once('close', (code, signal) => resolve(code ?? signal));
		stop();
	});
}

// With INTEROP_PAUSE=MS a program is stopped again and again for up to MS ms, as on a machine with too
// much to do: what takes turns by luck only, shows.
function pauses(child) {
	const most = Number(process.env.INTEROP_PAUSE || 0);
	const pause = () => {
		if (child.exitCode !== null || child.signalCode !== null)
			return;
		child.kill('SIGSTOP');
		setTimeout(() => {
			child.kill('SIGCONT');
			setTimeout(pause, Math.random() * most).unref();
		}, Math.random() * most);
	};
	if (most > 0)
		setTimeout(pause, Math.random() * most).unref();
}

module.exports = { PROGRAM, pauses, schemaFile, amplifySchema, ended, first };
