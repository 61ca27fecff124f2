#!/bin/sh
# An upload may be repeated, broken off, and partly wrong.
. "$(dirname "$0")/lib.sh"

roster 3000 "$work/roster.csv"
start_daemon
as association

step "an upload that is killed in the middle publishes nothing"
mkfifo "$work/pipe"
vouch publish - --association ascp-boc --quiet < "$work/pipe" \
    > "$work/killed.out" 2> "$work/err" &
client=$!
exec 9> "$work/pipe"
head -n 2500 "$work/roster.csv" >&9
sleep 1
kill -KILL "$client" || fail "the client ended before its file did"
wait "$client" 2> /dev/null
exec 9>&-
[ -s "$work/killed.out" ] && fail "there must be no summary"
as employer
ask 3 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990
says "has published nothing here yet"

step "run again, everything is new"
publish "$work/roster.csv"
says "new          3000" "changed      0" "unchanged    0" "rejected     0"
as employer
ask 0 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990

step "the same file again changes nothing"
publish "$work/roster.csv"
says "new          0" "changed      0" "unchanged    3000" "no event"

step "one row that changed"
sed 's/^\(ascp-pbt,10482,.*\),ACTIVE,/\1,REVOKED,/' "$work/roster.csv" \
    > "$work/changed.csv"
publish "$work/changed.csv"
says "new          0" "changed      1" "unchanged    2999"
as employer
ask 1 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990
says "NOT_CURRENT"

step "the same request id: the first outcome; other rows: refused"
as association
id=6f1c1d5e-93c7-4a55-8a44-0f6a5f0d9a01
expect 0 vouch publish "$work/roster.csv" --association ascp-boc \
    --request-id $id
says "changed      1" "unchanged    2999" "$id"
grep '^publication' "$work/out" > "$work/first"
expect 0 vouch publish "$work/roster.csv" --association ascp-boc \
    --request-id $id
says "changed      1"
complains "carried out before"
grep '^publication' "$work/out" | diff - "$work/first" ||
    fail "it is not the first publication"
expect 7 vouch publish "$work/changed.csv" --association ascp-boc \
    --request-id $id
complains ALREADY_EXISTS
expect 0 vouch publication show $id
says "changed      1"
expect 0 vouch publication show "$(sed 's/.* //' "$work/first")"
expect 8 vouch publication show 00000000000000000000000000000000

step "rows that are not taken"
cat > "$work/faulty.csv" << 'END'
credential_type,number,family,given,birth_date,issued_on,expires_on,status
ascp-pbt,30001,Bellweather,Una,1980-02-03,2020-01-01,2098-12-31,active
ascp-pbt,30002,Corvane,Ivo,1980-02-31,2020-01-01,2098-12-31,ACTIVE
no-such,30003,Daxley,Mia,1980-02-03,2020-01-01,2098-12-31,ACTIVE
amt-mlt,30004,Emberton,Leo,1980-02-03,2020-01-01,2098-12-31,ACTIVE
ascp-pbt,,Farrow,Eve,1980-02-03,2020-01-01,2098-12-31,ACTIVE
ascp-pbt,30006,Gantry,Max,1980-02-03,2020-01-01,2019-12-31,ACTIVE
ascp-pbt,30007,Hollis,Ada,1980-02-03,2020-01-01,2098-12-31,Certified
ascp-pbt,30008,Ingram,Sam,1980-02-03
ascp-pbt,30009,Jessop,Kit,1980-02-03,2020-01-01,2098-12-31,Active
END
expect 6 vouch publish "$work/faulty.csv" --association ascp-boc \
    --rejects "$work/rejects.csv"
says "new          2" "rejected     7"
cut -d , -f 1-3 "$work/rejects.csv" | sort -n > "$work/rejected"
diff - "$work/rejected" << 'END' || fail "other rejects were expected"
line,field,reason
3,birth_date,BAD_DATE
4,credential_type,UNKNOWN_CREDENTIAL_TYPE
5,credential_type,FOREIGN_CREDENTIAL_TYPE
6,number,FIELD_MISSING
7,expires_on,PERIOD_REVERSED
8,status,STATUS_WORD_UNKNOWN
9,,WRONG_FIELD_COUNT
END
expect 6 vouch publish "$work/faulty.csv" --association ascp-boc
complains "faulty.csv:3: birth_date" "faulty.csv:8: status"
{ sed 1q "$work/faulty.csv"; sed -n 4p "$work/faulty.csv"; } > "$work/bad.csv"
expect 7 vouch publish "$work/bad.csv" --association ascp-boc
as employer
ask 0 --type ascp-pbt --number 30009 --family Jessop --birth-date 1980

step "files that cannot be read at all"
as association
expect 7 vouch publish /dev/null --association ascp-boc
complains "is empty"
echo 'credential_type,number,familiy' > "$work/header.csv"
expect 7 vouch publish "$work/header.csv" --association ascp-boc
complains "header.csv:1" "familiy" "did you mean 'family'"
expect 2 vouch publish "$work/no-such.csv" --association ascp-boc
complains "no-such.csv"

step "openings"
expect 0 vouch publish "$work/changed.csv" --association ascp-boc \
    --openings "$work/openings"
says "changed      1"
/usr/bin/python3 - "$work/openings" << 'END' || fail "the opening is wrong"
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert len(lines) == 1 and len(lines[0]["salt"]) == 32
assert b"10482" in bytes.fromhex(lines[0]["event"])
END

stop_daemon
