#!/bin/sh
# `vouch publish --openings` is killed after the commit and before the summary:
# nothing is lost, later uploads add to the file, and what is missing is added.
. "$(dirname "$0")/lib.sh"

rows=6000
roster $((3 * rows)) "$work/all.csv"
kept=$work/openings.jsonl
start_daemon
as association

check()
{
    wanted=$1
    shift
    expect "$wanted" vouch publication check-openings "$kept" \
        --association ascp-boc "$@"
}

# piece I: the I-th third of the rows, as a file.
piece()
{
    sed 1q "$work/all.csv"
    sed -n "$(($1 * rows + 2)),$((($1 + 1) * rows + 1))p" "$work/all.csv"
}

# killed I: upload that, and kill the client once the first openings are in
# the file.  Fails if it was through before.
killed()
{
    piece "$1" > "$work/$1.csv"
    size=$(stat -c %s "$kept" 2> /dev/null || echo 0)
    vouch publish "$work/$1.csv" --association ascp-boc --quiet \
        --request-id "6f1c1d5e-93c7-4a55-8a44-0f6a5f0d9a0$1" \
        --openings "$kept" > "$work/killed.out" 2> "$work/err" &
    client=$!
    tries=0
    while [ "$(stat -c %s "$kept" 2> /dev/null || echo 0)" -le "$size" ]; do
        tries=$((tries + 1))
        [ $tries -lt 20000 ] || fail "no opening was written"
    done
    kill -KILL "$client" 2> /dev/null
    wait "$client" 2> /dev/null
    [ ! -s "$work/killed.out" ] || return 1
}

step "killed among the openings: it is published, and the file is short"
killed 0 || fail "the upload was through before it could be killed"
expect 0 vouch publication show 6f1c1d5e-93c7-4a55-8a44-0f6a5f0d9a00
says "new          $rows"
cp "$kept" "$work/short"
[ "$(wc -l < "$kept")" -lt $rows ] || fail "the file is not short"
check 6
complains "your events, the first at log entry"

step "the next upload adds to it"
piece 1 > "$work/1.csv"
expect 0 vouch publish "$work/1.csv" --association ascp-boc --quiet \
    --openings "$kept"
check 9
complains "your events, the first at log entry"

step "killed again, and healed"
killed 2 || fail "the upload was through before it could be killed"
check 0 --complete
says "missing 0"
check 0
says "openings checked $((3 * rows)), missing 0"
[ "$(wc -l < "$kept")" -eq $((3 * rows)) ] || fail "not every opening is there"
[ "$(sort -u "$kept" | wc -l)" -eq $((3 * rows)) ] || fail "one is there twice"
n=$(wc -l < "$work/short")
head -n "$n" "$work/short" > "$work/whole"
head -n "$n" "$kept" | cmp -s - "$work/whole" || fail "a line was changed"

step "the completion itself is killed"
: > "$kept"
vouch publication check-openings "$kept" --association ascp-boc --complete \
    > "$work/killed.out" 2> "$work/err" &
client=$!
tries=0
while [ ! -s "$kept" ]; do
    tries=$((tries + 1))
    [ $tries -lt 2000000 ] || fail "nothing was added"
done
kill -KILL "$client" 2> /dev/null
wait "$client" 2> /dev/null
check 0 --complete
check 0
[ "$(sort -u "$kept" | wc -l)" -eq $((3 * rows)) ] || fail "not every opening"

step "run again under its request id it gives the same openings"
expect 0 vouch publish "$work/0.csv" --association ascp-boc --quiet \
    --request-id 6f1c1d5e-93c7-4a55-8a44-0f6a5f0d9a00 --openings "$kept"
check 0
says "openings checked $((4 * rows))"

stop_daemon
