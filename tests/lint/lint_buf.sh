#!/bin/sh
# buf lint over proto/, cut off from the network where that is allowed.

top=$(cd "$(dirname "$0")/../.." && pwd)
buf=$top/tests/node_modules/.bin/buf

if ! [ -x "$buf" ]; then
    echo "lint_buf: $buf is missing: run script/bootstrap" >&2
    exit 1
fi
if unshare -rn true 2> /dev/null; then
    exec unshare -rn "$buf" lint "$top/proto"
fi
exec "$buf" lint "$top/proto"
