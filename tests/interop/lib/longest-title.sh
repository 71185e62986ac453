#!/bin/sh
# A conflict handler for `--strategy lambda:`: the record with the longer title wins as a whole.
# JSON of the conflict on stdin, the decision on stdout (spec/server.md 2.6).
exec node -e '
const c = JSON.parse(require("fs").readFileSync(0, "utf8"));
const longer = c.newItem.title.length > c.existingItem.title.length ? c.newItem : c.existingItem;
console.log(JSON.stringify({ action: "RESOLVE", item: longer }));
'
