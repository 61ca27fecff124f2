#!/bin/sh
# An fsync fails, once, as the kernel tells of it once: the daemon acknowledges
# nothing more and ends with status 3.  After the next start what was
# acknowledged is there, and the upload in question whole or not at all.
#
# VOUCH_FAILING_SYNC names the library made of tests/support/failing_sync.c.
. "$(dirname "$0")/lib.sh"

: "${VOUCH_FAILING_SYNC:?must name the library of failing_sync.c}"
export VOUCH_FAIL_SYNC="$work/fail"
roster 9000 "$work/all.csv"

# piece NAME FROM TO: rows of the roster, as a file.
piece()
{
    sed 1q "$work/all.csv" > "$work/$1.csv"
    sed -n "$(($2 + 1)),$(($3 + 1))p" "$work/all.csv" >> "$work/$1.csv"
}

# With the library; what else is started meanwhile syncs nothing.
start_failing()
{
    ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS:-}
    LD_PRELOAD=$VOUCH_FAILING_SYNC
    export LD_PRELOAD ASAN_OPTIONS
    start_daemon "$@"
    unset LD_PRELOAD
    as association
}

# The daemon must end by itself with status ${1}, and say why.
ended_with()
{
    within 40 gone "$daemon" || fail "the daemon goes on"
    wait "$daemon"
    code=$?
    daemon=''
    [ "$code" -eq "$1" ] || fail "the daemon ended with status $code"
    [ ! -e "$VOUCH_FAIL_SYNC" ] || fail "no fsync has failed"
}

# upload NAME CODE: under a request id of its own.
upload()
{
    expect "$2" timeout 60 vouch publish "$work/$1.csv" \
        --association ascp-boc --request-id "$(id_of "$1")"
}

id_of()
{
    printf '6f1c1d5e-93c7-4a55-8a44-%012x\n' "'$1"
}

# holds LINE: the person of that line of the roster is confirmed.
holds()
{
    row=$(sed -n "$(($1 + 1))p" "$work/all.csv")
    as employer
    ask 0 --number "$(field number)" --family "$(field family)" \
        --birth-date "$(field birth_date)"
    as association
}

field()
{
    printf '%s\n%s\n' "$(sed 1q "$work/all.csv")" "$row" |
        /usr/bin/python3 -c '
import csv, sys
print(next(csv.DictReader(sys.stdin))[sys.argv[1]])' "$1"
}

piece a 1 300
piece b 301 600
piece c 601 900
piece d 901 9000

# denied HEX TIMES: the list has so many lines of it.
denied()
{
    [ "$(grep -c "^serial auditor $1 " "$dev/deny.list")" -eq "$2" ] ||
        fail "the list does not have $1 $2 times"
}

step "the fsync of the deny list fails: it stays as it is, until asked again"
start_failing
as admin
expect 0 vouch access deny --serial 0A --role auditor
echo 'deny.list.new keep' > "$VOUCH_FAIL_SYNC"
expect 0 vouch access deny --serial 0B --role auditor -o csv
says "serial auditor 0B,true,0"         # vouch tries it again, once
[ ! -e "$VOUCH_FAIL_SYNC" ] || fail "no fsync has failed"
grep -q 'event=deny_list err=IO' "$log" || fail "the log does not say so"
denied 0A 1
denied 0B 1

step "the fsync of its folder fails: it is in force, and perhaps not on disk"
echo '/dev keep' > "$VOUCH_FAIL_SYNC"
expect 5 vouch access deny --serial 0C --role auditor
complains OUTCOME_UNKNOWN
[ ! -e "$VOUCH_FAIL_SYNC" ] || fail "no fsync has failed"
expect 0 vouch access deny --serial 0C --role auditor
says "(as before)"
as association

step "the log's fsync fails, and what it was for is gone"
upload a 0
echo '-wal drop' > "$VOUCH_FAIL_SYNC"
upload b 5
complains "not known whether this was published"
ended_with 3
grep -q 'event=store_lost step=commit' "$log" || fail "the log does not say so"
[ "$(grep -c 'event=publication ' "$log")" -eq 1 ] || fail "acknowledged"
start_failing
holds 1
as association
expect 8 vouch publication show "$(id_of b)"
upload b 0
says "new          300"

step "it fails, and what it was for is there after all"
echo '-wal keep' > "$VOUCH_FAIL_SYNC"
upload c 5
ended_with 3
start_failing
expect 0 vouch publication show "$(id_of c)"
says "new          300"
upload c 0
complains "was carried out before"
holds 301

step "the fsync of the database fails when the log is folded into it"
echo '.db drop' > "$VOUCH_FAIL_SYNC"
upload d 0
ended_with 3
grep -q 'event=store_lost step=tidy' "$log" || fail "the log does not say so"

step "the fsync at the start fails"
echo '.db keep' > "$VOUCH_FAIL_SYNC"
LD_PRELOAD=$VOUCH_FAILING_SYNC
export LD_PRELOAD
expect 1 vouchd --dev "$dev"
unset LD_PRELOAD
complains 'part=store err=IO'
[ ! -e "$VOUCH_FAIL_SYNC" ] || fail "no fsync has failed"

step "after all of it everything is there, once"
start_daemon
for line in 1 301 601 901; do
    holds "$line"
done
for name in a b c d; do
    expect 0 vouch publication show "$(id_of "$name")"
done
stop_daemon
expect 0 vouchd --dev "$dev" --check-index
says "the index agrees with the log"
