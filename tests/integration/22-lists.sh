#!/bin/sh
# What an association published, and what became of it in the log, it can list
# at any time; nobody else sees its events.
. "$(dirname "$0")/lib.sh"

roster 300 "$work/roster.csv"
sed 's/^\(ascp-pbt,10482,.*\),ACTIVE,/\1,REVOKED,/' "$work/roster.csv" \
    > "$work/changed.csv"
start_daemon
as association

step "nothing yet"
expect 0 vouch publication list
says PUBLICATION
expect 0 vouch publication list -o json
[ "$(cat "$work/out")" = "[]" ] || fail "not an empty array"
expect 0 vouch event list -o csv
says "log_index,recorded_at,event"
expect 0 vouch event list -o jsonl
[ -s "$work/out" ] && fail "there is nothing to be listed"

step "three uploads, of which the second says nothing new"
publish "$work/roster.csv"
first=$(sed -n 's/^publication *//p' "$work/out")
publish "$work/roster.csv"
sleep 1.1
between=$(date -u +%Y-%m-%dT%H:%M:%SZ)
publish "$work/changed.csv"
last=$(sed -n 's/^publication *//p' "$work/out")
expect 0 vouch publication list -o csv
[ "$(wc -l < "$work/out")" -eq 4 ] || fail "not three"
[ "$(sed -n 2p "$work/out" | cut -d, -f1)" = "$last" ] || fail "the newest"
[ "$(sed -n 4p "$work/out" | cut -d, -f1,5,10)" = "$first,300,300" ] ||
    fail "the oldest"
expect 0 vouch publication list --since "$between" -o csv
[ "$(cut -d, -f1 "$work/out" | tail -n +2)" = "$last" ] || fail "since"
expect 0 vouch publication list --before "$between" -o jsonl
[ "$(wc -l < "$work/out")" -eq 2 ] || fail "before"
expect 0 vouch publication list
says "$first  ascp-boc" DELTA
expect 2 vouch publication list --since yesterday
complains "--since takes a time"

step "events: of all, of one upload, of one number, from an index on"
expect 0 vouch event list -o csv
cp "$work/out" "$work/all.csv"
[ "$(wc -l < "$work/out")" -eq 302 ] || fail "not 301 events"
tail -n +2 "$work/out" | cut -d, -f1 > "$work/indexes"
sort -n -u "$work/indexes" | cmp -s - "$work/indexes" || fail "the order"
expect 0 vouch event list --publication "$first" -o csv
head -n 301 "$work/all.csv" | cmp -s - "$work/out" || fail "of one upload"
expect 0 vouch event list --number "10-482" -o csv
[ "$(cut -d, -f3,5,8 "$work/out")" = "event,number,standing
ISSUED,10482,ACTIVE
STATUS_CHANGED,10482,REVOKED" ] || fail "of one number"
expect 0 vouch event list --number 10482
says STATUS_CHANGED REVOKED Garcia
index=$(sed -n 101p "$work/indexes")
expect 0 vouch event list --from-index "$index" -o csv
[ "$(wc -l < "$work/out")" -eq 202 ] || fail "from an index on"
expect 0 vouch event list --from-index "$index" -o jsonl
python3 - "$work/out" << 'END' || fail "an opening does not open its leaf"
import base64, hashlib, json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert len(lines) == 201, len(lines)
for line in lines:
    opening = line["opening"]
    salt, event = (base64.b64decode(opening[f]) for f in ("salt", "event"))
    assert len(salt) == 16
    leaf = hashlib.sha256(b"vouch/event/v1\0" + salt + event).digest()
    assert leaf == base64.b64decode(line["leafData"])
    assert line["event"]["associationId"] == "ascp-boc"
    assert line["event"]["record"]["number"].encode() in event
END
expect 2 vouch event list --publication "$first" --number 1
complains "do not go together"
expect 2 vouch event list --from-index -1
complains "--from-index takes a whole number"
expect 7 vouch event list --publication xyz
complains publication_id
expect 8 vouch event list --publication 00000000000000000000000000000000
complains PUBLICATION_NOT_FOUND

step "who may list what"
for role in employer admin admin2 auditor; do
    as $role
    expect 4 vouch event list
    complains PERMISSION_DENIED
    [ -s "$work/out" ] && fail "$role saw something"
done
for role in employer admin admin2; do
    as $role
    expect 4 vouch publication list
done
as auditor
expect 0 vouch publication list -o csv
[ "$(wc -l < "$work/out")" -eq 4 ] || fail "an auditor sees all"
expect 0 vouch publication list --association amt -o csv
[ "$(wc -l < "$work/out")" -eq 1 ] || fail "of another association"
expect 8 vouch publication list --association nobody
"$source_dir/certs/make-dev-certs.sh" "$dev/certs" --client association amt \
    amt > "$work/out" || fail "no certificate"
VOUCH_CERT=$dev/certs/amt.pem VOUCH_KEY=$dev/certs/amt.key
expect 0 vouch event list -o jsonl
[ -s "$work/out" ] && fail "another association saw an event"
expect 0 vouch event list --number 10482 -o jsonl
[ -s "$work/out" ] && fail "another association saw an event"
expect 8 vouch event list --publication "$first"
expect 0 vouch publication list -o jsonl
[ -s "$work/out" ] && fail "another association saw a publication"
expect 4 vouch publication list --association ascp-boc
complains NOT_YOUR_ASSOCIATION

stop_daemon
