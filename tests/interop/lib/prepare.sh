# tests/interop/lib/prepare.sh - what the scripts need before they start: node, the program, the
# packages of package-lock.json in node_modules.  Sourced, in the directory of that lock file.
#
# Scripts run side by side and `npm ci` takes away what is there: one installs, the others wait.
# npm writes node_modules/.package-lock.json when all is there, so half an install is made again.
broken() {
	echo "cannot run: $1"
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
}
command -v node >/dev/null || broken "node is missing (20 or newer)"
[ -x "${SYNCDECK:-$top/build/syncdeck}" ] || broken "build/syncdeck is missing: run make"
log=$(flock package-lock.json sh -c '
	[ -f node_modules/.package-lock.json ] && exit
	for i in 1 2 3; do # a registry that does not answer at once
		npm ci --no-audit --no-fund --loglevel=error --prefer-offline --fetch-retries=5 2>&1 && exit
	done
	exit 1') || broken "npm ci failed: $log"
