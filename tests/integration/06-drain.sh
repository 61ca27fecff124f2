#!/bin/sh
# SIGTERM with calls in flight: whatever was accepted gets its answer, and the
# daemon ends with status 0.
. "$(dirname "$0")/lib.sh"

roster 4000 "$work/roster.csv"
start_daemon
publish "$work/roster.csv"

# Ask again and again until the daemon cannot be reached: a line with the exit
# code of each call, and what was printed.
ask_on()
{
    n=0
    while [ $n -lt 2000 ]; do
        n=$((n + 1))
        vouch verify --association ascp-boc --type ascp-pbt --number 10482 \
            --family Garcia --birth-date 1990 -o csv > "$work/call.$1" \
            2> "$work/err.$1" < /dev/null
        code=$?
        echo "$code $(tail -n 1 "$work/call.$1")" >> "$work/calls.$1"
        [ $code -eq 0 ] || break
    done
}

step "an upload that is half way, and verifications one after another"
mkfifo "$work/pipe"
sed 's/,ACTIVE,/,PROVISIONAL,/' "$work/roster.csv" > "$work/other.csv"
as association
vouch publish - --association ascp-boc --quiet < "$work/pipe" \
    > "$work/out" 2> "$work/err" &
upload=$!
exec 9> "$work/pipe"
head -n 2000 "$work/other.csv" >&9
as employer
askers=''
for i in 1 2 3 4 5 6; do
    ask_on $i 9>&- &
    askers="$askers $!"
done
sleep 2

step "SIGTERM"
kill -TERM "$daemon" || fail "the daemon was gone already"
sleep 0.3
tail -n +2001 "$work/other.csv" >&9
exec 9>&-
wait "$upload"
code=$?
[ $code -eq 0 ] || fail "the upload ended with $code"
says "rejected     0"
changed=$(sed -n 's/^changed  *//p' "$work/out")
[ "$changed" -gt 3000 ] || fail "the upload changed $changed records only"
for asker in $askers; do
    wait "$asker"
done
await_daemon
grep -q 'event=ended err=OK' "$log" || fail "the log does not say so"

step "each call was answered, until one could not reach the daemon"
for i in 1 2 3 4 5 6; do
    [ "$(grep -c '^0 ascp-boc,10482,YES,CONFIRMED' "$work/calls.$i")" -ge 1 ] ||
        fail "asker $i got no answer at all"
    last=$(tail -n 1 "$work/calls.$i")
    [ "$last" = "5 " ] || fail "asker $i ended with '$last'," \
        "$(cat "$work/err.$i")"
    grep -q -e 'cannot reach' -e 'the connection to .* broke' \
        -e 'takes no more calls' "$work/err.$i" ||
        fail "asker $i: $(cat "$work/err.$i")"
    bad=$(sed '$d' "$work/calls.$i" | grep -cv '^0 ascp-boc,10482,YES')
    [ "$bad" -eq 0 ] || fail "asker $i lost $bad answers"
done

step "and the daemon's log knows of no other call"
answered=$(cat "$work"/calls.* | grep -c '^0 ')
carried_out=$(grep -c 'event=call .*VerifyCredential .* code=OK ' "$log")
[ "$carried_out" -eq "$answered" ] ||
    fail "$carried_out calls carried out, $answered answers"
grep 'event=call .*VerifyCredential' "$log" | grep -v ' code=OK ' &&
    fail "an accepted call was not answered"

step "what was acknowledged is there"
start_daemon
publish "$work/other.csv"
says "changed      0" "unchanged    4000"

step "an upload that never ends does not hold the daemon up"
stop_daemon
start_daemon --set drain_ms=1000
as association
vouch publish - --association ascp-boc --quiet < "$work/pipe" \
    > "$work/out" 2> "$work/err" &
upload=$!
exec 9> "$work/pipe"
head -n 2000 "$work/roster.csv" >&9
sleep 0.5
begun=$(date +%s)
stop_daemon
[ $(($(date +%s) - begun)) -le 10 ] || fail "the drain took too long"
exec 9>&-
wait "$upload"
code=$?
[ $code -eq 5 ] || fail "an upload that was cut off must exit 5, not $code"
start_daemon
publish "$work/other.csv"
says "changed      0" "unchanged    4000"
stop_daemon
