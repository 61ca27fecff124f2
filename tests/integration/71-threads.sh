#!/bin/sh
# Everything that a daemon's threads do, all at once: calls of every kind on
# every worker, uploads for the writer, connections that come and go for the
# acceptor, SIGHUP, and at the end a drain in the midst of it.  Meant for a
# vouchd with the thread sanitizer, which ends it at the first data race.
#
# usage: 71-threads.sh [SECONDS]

. "$(dirname "$0")/lib.sh"

seconds=${1:-60}
TSAN_OPTIONS="halt_on_error=1 exitcode=66 second_deadlock_stack=1"
export TSAN_OPTIONS

step "load for $seconds s"
start_daemon --set workers=4 --set store.group=8 --set drain_ms=3000
timeout "$((seconds + 120))" \
    "$source_dir/tests/support/load.py" "$dev" "$daemon" "$seconds" \
    > "$work/out" 2> "$work/err"
loaded=$?
cat "$work/out"

step "a good end"
within 60 gone "$daemon" || fail "the daemon does not end"
if grep -q 'WARNING: ThreadSanitizer' "$log"; then
    grep -A 60 'WARNING: ThreadSanitizer' "$log" | head -n 120 >&2
    fail "a data race"
fi
await_daemon
[ "$loaded" -eq 0 ] || fail "the load ended with status $loaded"
grep -q 'event=ended' "$log" || fail "the daemon did not say that it ended"
