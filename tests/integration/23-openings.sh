#!/bin/sh
# The file of openings that an association keeps: added to and never changed,
# healed after an upload that was cut off, and checked against the register.
. "$(dirname "$0")/lib.sh"

roster 1200 "$work/all.csv"
{ sed 1q "$work/all.csv"; sed -n 2,401p "$work/all.csv"; } > "$work/1.csv"
{ sed 1q "$work/all.csv"; sed -n 402,801p "$work/all.csv"; } > "$work/2.csv"
{ sed 1q "$work/all.csv"; sed -n 802,1201p "$work/all.csv"; } > "$work/3.csv"
kept=$work/openings.jsonl
start_daemon
as association

# upload FILE [FLAG...]
upload()
{
    expect 0 vouch publish --association ascp-boc --quiet "$@"
}

# check CODE [FLAG...]
check()
{
    wanted=$1
    shift
    expect "$wanted" vouch publication check-openings "$kept" \
        --association ascp-boc "$@"
}

lines()
{
    [ "$(wc -l < "$kept")" -eq "$1" ] || fail "not $1 lines"
}

step "each upload adds to it, for its owner's eyes only"
umask 022
upload "$work/1.csv" --openings "$kept"
lines 400
[ "$(stat -c %a "$kept")" = 600 ] || fail "its mode is $(stat -c %a "$kept")"
cp "$kept" "$work/before"
upload "$work/2.csv" --openings "$kept"
lines 800
head -n 400 "$kept" | cmp -s - "$work/before" || fail "a line was changed"
upload "$work/2.csv" --openings "$kept"
lines 800
check 0
says "openings checked 800, missing 0, added 0"
check 0 -o json
says '"checked": "800"'
check 0 -o csv
says "checked,missing,added,from_index,last_index" "800,0,0,"

step "a repeated request is there twice, which is no fault"
id=6f1c1d5e-93c7-4a55-8a44-0f6a5f0d9a01
upload "$work/3.csv" --request-id $id
check 6
complains "lacks 400 of your events" "--complete"
upload "$work/3.csv" --request-id $id --openings "$kept"
lines 1200
upload "$work/3.csv" --request-id $id --openings "$kept"
lines 1600
check 0
says "openings checked 1600, missing 0"

step "lines in another order are as good"
shuf --random-source="$work/all.csv" "$kept" > "$work/shuffled"
cp "$work/shuffled" "$kept"
check 0
says "openings checked 1600"
sort -u "$work/shuffled" | shuf --random-source="$work/all.csv" \
    | sed '17d;500d;1000d' > "$kept"
check 9
complains "lacks 3 of your events"
check 0 --complete
says "checked 1197, missing 0, added 3"
lines 1200
check 0

step "what was lost is added again"
head -n 300 "$work/before" > "$kept"
printf '%s' "$(sed -n 301p "$work/before" | cut -c1-100)" >> "$kept"
check 6
complains "ends in half a line" "lacks 900"
check 0 --complete
says "checked 300, missing 0, added 900"
lines 1200
head -n 400 "$kept" | cmp -s - "$work/before" || fail "other lines"
: > "$kept"
check 6
check 0 --complete
lines 1200
tail -n 500 "$kept" > "$work/tail" && cp "$work/tail" "$kept"
check 0
says "checked 500, missing 0"
check 9 --from-index 0
complains "lacks 700"
check 0 --from-index 0 --complete
says "added 700"
rm "$kept"
check 2
complains "No such file"
check 0 --complete
lines 1200
[ "$(stat -c %a "$kept")" = 600 ] || fail "its mode is $(stat -c %a "$kept")"
check 0

step "an opening that differs, or that nobody has, is named"
cp "$kept" "$work/whole"
for change in '7s/\("salt":"..\)./\1x/' '7s/"event":"0a/"event":"0A/' \
    '7s/}$/} /' '7s/logIndex":"/logIndex":"0/' '7s/.*//'; do
    sed "$change" "$work/whole" > "$kept"
    check 9
    complains "$kept: line 7 is not an opening"
done
# Another digit in the salt.
sed '7s/"salt":"0/"salt":"1/;t;7s/"salt":"./"salt":"0/' "$work/whole" \
    > "$kept"
cmp -s "$kept" "$work/whole" && fail "nothing was changed"
check 9
complains "$kept:7: log entry" "is not what the server has"
check 9 --complete
lines 1200
sed '1200s/logIndex":"/logIndex":"1/' "$work/whole" > "$kept"
check 9
complains "$kept:1200: the server has no event of yours at log entry 1"
cp "$work/whole" "$kept"

step "it takes no file for its own that is not, and keeps others out"
cp "$work/1.csv" "$work/other"
expect 2 vouch publish "$work/1.csv" --association ascp-boc \
    --openings "$work/other"
complains "its end is not that of a file of openings"
cmp -s "$work/1.csv" "$work/other" || fail "another file was changed"
chmod 644 "$kept"
upload "$work/1.csv" --openings "$kept"
[ "$(stat -c %a "$kept")" = 600 ] || fail "others may read it"
exec 8>> "$kept"
flock 8 || fail "flock"
expect 2 vouch publish "$work/1.csv" --association ascp-boc --openings "$kept"
complains "another vouch is at work on it"
check 2
complains "another vouch is writing to it"
exec 8>&-
check 0

step "only its own association may check it"
for role in employer auditor admin; do
    as $role
    check 4
done
as association
expect 4 vouch publication check-openings "$kept" --association amt
expect 2 vouch publication check-openings "$kept"
complains "--association is needed"

step "what a snapshot ended is among them"
{ sed 1q "$work/all.csv"; grep '^ascp-pbt,' "$work/all.csv"; } \
    > "$work/types.csv"
n=$(grep -c '^ascp-pbt,' "$work/types.csv")
sed '5,7d' "$work/types.csv" > "$work/snapshot.csv"
upload "$work/snapshot.csv" --mode snapshot --types ascp-pbt \
    --extracted-at "$(date -u +%Y-%m-%dT%H:%M:%SZ)" --expect-endings 3 \
    --openings "$kept"
says "not listed   3"
id=$(sed -n 's/^publication *//p' "$work/out")
lines 1203
check 0
says "openings checked 1203, missing 0"
expect 0 vouch event list --publication "$id" -o csv
[ "$(tail -n +2 "$work/out" | cut -d, -f8 | sort -u)" = NOT_LISTED ] ||
    fail "not the endings"
expect 0 vouch publication list -o csv
[ "$(sed -n 2p "$work/out" | cut -d, -f1,3,7,9,10)" = \
    "$id,SNAPSHOT,$((n - 3)),3,3" ] || fail "the snapshot"

step "the disk is full: what is missing can be added later"
sed 's/^\(ascp-pbt,10482,.*\),ACTIVE,/\1,REVOKED,/' "$work/all.csv" \
    > "$work/changed.csv"
expect 6 vouch publish "$work/changed.csv" --association ascp-boc --quiet \
    --openings /dev/full
complains "could not write all of /dev/full" "check-openings --complete"
says "changed      4"
check 0 --complete
says "added 4"

stop_daemon
