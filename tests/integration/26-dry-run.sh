#!/bin/sh
# A dry run shows what an upload would change and changes nothing; after each
# upload it is said how many records no claim can ever confirm, and why.
. "$(dirname "$0")/lib.sh"

head=credential_type,number,holder_ref,family,given,birth_date,last4
head=$head,issued_on,expires_on,status

rows()
{
    file=$1
    shift
    echo "$head" > "$file"
    for line in "$@"; do
        echo "$line" >> "$file"
    done
}

upload()
{
    wanted=$1
    shift
    as association
    expect "$wanted" vouch publish "$@" --association ascp-boc
}

# Everything that the store holds, as text.
store_text()
{
    /usr/bin/python3 - "$dev" << 'END'
import sqlite3, sys
for line in sqlite3.connect("file:" + sys.argv[1] + "/vouch.db?mode=ro",
                            uri=True).iterdump():
    print(line)
END
}

start_daemon
rows "$work/first.csv" \
    ascp-pbt,601,r1,Anders,Ann,1980-02-29,1111,2019-05-06,2097-12-31,ACTIVE \
    ascp-pbt,602,r2,Berg,Bo,1981-02-28,2222,2019-05-06,2097-12-31,ACTIVE \
    ascp-pbt,603,r3,Chen,Cy,1982-02-28,3333,2019-05-06,2097-12-31,ACTIVE \
    ascp-pbt,604,r4,Diaz,Di,1983-02-28,4444,2019-05-06,2097-12-31,ACTIVE \
    ascp-pbt,605,r5,Evans,Ed,1984-02-28,5555,2019-05-06,2097-12-31,ACTIVE

step "a dry run of what is new"
store_text > "$work/before"
grep -q 'INSERT INTO "log"' "$work/before" || fail "the store was not found"
upload 0 "$work/first.csv" --dry-run
says "DRY RUN: nothing was changed" "new          5" \
    "Anders, Ann; ACTIVE; until 2097-12-31"
store_text > "$work/after"
cmp -s "$work/before" "$work/after" || fail "the store has changed"
as employer
ask 3 --type ascp-pbt --number 601 --family Anders --birth-date 1980
says NO_MATCH NEVER

upload 0 "$work/first.csv"
says "on file      5 records"

step "each kind of change, and what surprises"
rows "$work/second.csv" \
    ascp-pbt,601,r1,Anders,Ann,1980-02-29,1111,2019-05-06,2097-12-31,ACTIVE \
    ascp-pbt,602,r2,Berg,Bo,1981-02-28,2222,2019-05-06,2099-12-31,ACTIVE \
    ascp-pbt,603,r3,Chang,Cy,1982-02-28,3333,2019-05-06,2097-12-31,ACTIVE \
    ascp-pbt,604,r4,Diaz,Di,1983-02-27,4444,2018-05-06,2096-12-31,ACTIVE \
    ascp-pbt,605,r5,Evans,Ed,1984-02-28,5555,2019-05-06,2097-12-31,REVOKED \
    ascp-pbt,606,r6,Falk,Flo,1985-02-28,6666,2019-05-06,2097-12-31,ACTIVE \
    ascp-pbt,607,r7,Gray,Gus,1985-02-28,6666,2019-05-06,2097-12-31,NONSENSE
store_text > "$work/before"
upload 6 "$work/second.csv" --dry-run
says "status changed           1  ACTIVE -> REVOKED" \
    "rejected                 1  STATUS_WORD_UNKNOWN" \
    "2097-12-31 -> 2099-12-31" "Chen, Cy -> Chang, Cy" \
    "issued_on: 2019-05-06 -> 2018-05-06" "on file -> another" \
    "dates moved back: 1 of 5 on file (20.0 %)" "endings: 1 of 5" \
    "name changes: 1 of 5" "factors changed: 1 of 5"
store_text > "$work/after"
cmp -s "$work/before" "$work/after" || fail "the store has changed"

step "it does not touch the file of openings"
printf '{"logIndex":' > "$work/openings"
upload 6 "$work/second.csv" --dry-run --openings "$work/openings"
[ "$(cat "$work/openings")" = '{"logIndex":' ] || fail "it was changed"
rm "$work/openings"
upload 6 "$work/second.csv" --dry-run --openings "$work/openings"
[ ! -e "$work/openings" ] || fail "it was made"

step "the same as JSON lines, and as one document"
upload 6 "$work/second.csv" --dry-run -o jsonl
/usr/bin/python3 - "$work/out" << 'END' || fail "these are other lines"
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
of = lambda kind: [l for l in lines if l["type"] == kind]
counts = {(c["kind"], c.get("from", ""), c.get("to", "")): int(c["count"])
          for c in of("count")}
K = "CHANGE_KIND_"
assert counts == {
    (K + "UNCHANGED", "", ""): 1, (K + "RENEWED", "", ""): 1,
    (K + "NAME_CHANGED", "", ""): 1, (K + "CORRECTED", "", ""): 1,
    (K + "STATUS_CHANGED", "ACTIVE", "REVOKED"): 1, (K + "NEW", "", ""): 1,
    (K + "REJECTED", "STATUS_WORD_UNKNOWN", ""): 1}, counts
assert len(of("surprise")) == 4
assert len(of("readiness")) == len(of("publication")) == 1
assert {c["line"] for c in of("change") if "surprise" not in c} == \
    {"3", "4", "5", "6", "7"}
assert "publicationId" not in of("publication")[0]
END
upload 6 "$work/second.csv" --dry-run -o json
/usr/bin/python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
assert d["dryRun"] is True and len(d["diff"]["samples"]) == 5
assert d["readiness"]["recordCount"] == "6"
' "$work/out" || fail "another document"

step "a dry run of a snapshot that would be refused says so"
rows "$work/half.csv" \
    ascp-pbt,601,r1,Anders,Ann,1980-02-29,1111,2019-05-06,2097-12-31,ACTIVE
sleep 1
at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
upload 7 "$work/half.csv" --dry-run --mode snapshot --types ascp-pbt \
    --extracted-at "$at"
says "it would be refused" TOO_MANY_ENDINGS "ACTIVE -> NOT_LISTED" \
    "endings: 4 of 5 on file (80.0 %)" "not listed   4"
upload 0 "$work/half.csv" --dry-run --mode snapshot --types ascp-pbt \
    --extracted-at "$at" --expect-endings 4
store_text > "$work/after"
cmp -s "$work/before" "$work/after" || fail "the store has changed"

step "then in earnest; of what was carried out a dry run says so"
id=0195f0c4-1111-7abc-8def-0000000000bb
upload 6 "$work/second.csv" --request-id "$id"
says "changed      4" "on file      6 records"
upload 6 "$work/second.csv" --request-id "$id" --dry-run
complains "carried out before"

step "who was in good standing and is not any more, by whatever it goes"
rows "$work/ends.csv" \
    ascp-pbt,801,,Amin,Al,1980,,2009-05-06,,ACTIVE \
    ascp-pbt,802,,Bell,Bo,1980,,2009-05-06,2097-12-31,ACTIVE \
    ascp-pbt,803,,Cruz,Cy,1980,,2009-05-06,2010-12-31,ACTIVE \
    ascp-pbt,804,,Dean,Di,1980,,2009-05-06,2010-12-31,ACTIVE \
    ascp-pbt,805,,Egan,Ed,1980,,2009-05-06,,SUSPENDED \
    ascp-pbt,806,,Ford,Fe,1980,,2009-05-06,,ACTIVE \
    ascp-pbt,807,,Gill,Gu,1980,,2009-05-06,2010-12-31,ACTIVE
upload 0 "$work/ends.csv"
rows "$work/ended.csv" \
    ascp-pbt,801,,Amin,Al,1980,,2009-05-06,2011-12-31,ACTIVE \
    ascp-pbt,802,,Bell,Bo,1980,,2009-05-06,2012-12-31,ACTIVE \
    ascp-pbt,803,,Cruz,Cy,1980,,2009-05-06,2010-12-31,EXPIRED \
    ascp-pbt,804,,Dean,Di,1980,,2009-05-06,2010-12-31,REVOKED \
    ascp-pbt,805,,Egan,Ed,1980,,2009-05-06,,REVOKED \
    ascp-pbt,806,,Ford,Fe,1980,,2009-05-06,,SUSPENDED \
    ascp-pbt,807,,Gill,Gu,1980,,2009-05-06,2010-12-31,SURRENDERED
upload 0 "$work/ended.csv" --dry-run
says "endings: 3 of 7 on file (42.9 %)" \
    "line 2: ascp-pbt 801: periods: no end -> 2011-12-31" \
    "line 3: ascp-pbt 802: periods: 2097-12-31 -> 2012-12-31" \
    "line 7: ascp-pbt 806: raw_status: ACTIVE -> ACTIVE/SUSPENDED" \
    "dates moved back: 1 of 7"

step "what vouch itself finds wrong counts as what the server does"
cat > "$work/m.yaml" << 'END'
format: csv
encoding: utf-8
constants: {credential_type: ascp-pbt}
columns: {number: No, family: Name, birth_date: Born, status: State}
status: {words: [{word: Good, standing: ACTIVE}]}
END
cat > "$work/mapped.csv" << 'END'
No,Name,Born,State
,Holt,1990,Good
,Ives,1990,Good
703,,1990,Good
704,Jung,1990-02-30,Good
705,Kerr,1990,Odd
706,Lang,2990,Good
601,Anders,1980-02-29,Good
END
check_whole()
{
    says "rejected     6" "2 rows were not taken for want of a number" \
        "1 rows were not taken for want of a family name" \
        "rejected                 3  FIELD_MISSING" \
        "rejected                 2  DATE_INVALID" \
        "rejected                 1  STATUS_UNMAPPED"
}
upload 6 "$work/mapped.csv" --mapping "$work/m.yaml" --dry-run
check_whole
upload 6 "$work/mapped.csv" --mapping "$work/m.yaml" --dry-run -o jsonl
/usr/bin/python3 - "$work/out" << 'END' || fail "these are other lines"
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert {l["from"]: l["count"] for l in lines
        if l.get("kind") == "CHANGE_KIND_REJECTED"} == {
    "FIELD_MISSING": "3", "DATE_INVALID": "2", "STATUS_UNMAPPED": "1"}, lines
assert lines[-1]["rejectedCount"] == "6", lines[-1]
assert lines[-2]["rowsWithoutNumber"] == "2", lines[-2]
assert lines[-2]["rowsWithoutFamilyName"] == "1", lines[-2]
END
sleep 1
at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
upload 6 "$work/mapped.csv" --mapping "$work/m.yaml" --dry-run \
    --mode snapshot --types ascp-pbt --extracted-at "$at"
check_whole

step "of two rows that contradict each other none is taken"
rows "$work/twice.csv" \
    ascp-pbt,851,,Ives,Ian,1990,,2019-05-06,,ACTIVE \
    ascp-pbt,851,,Ives,Ian,1990,,2019-05-06,,SUSPENDED \
    ascp-pbt,852,,Judd,Jo,1990,,2019-05-06,,ACTIVE
upload 6 "$work/twice.csv" --dry-run
complains DUPLICATE_ROW "none is taken" "by a mapping"
upload 6 "$work/twice.csv" --dry-run --quiet
! grep -q "note:" "$work/err" || fail "a note, though it was to be quiet"

step "what no claim can ever confirm"
rows "$work/bare.csv" \
    ascp-pbt,701,,Holt,Hal,,,2019-05-06,2097-12-31,ACTIVE \
    ascp-pbt,702,,Ives,Ida,,7777,2019-05-06,2097-12-31,ACTIVE \
    ascp-pbt,703,,Jung,Jo,1990,,2019-05-06,2097-12-31,ACTIVE \
    ascp-pbt,,,Kerr,Kit,1990,,2019-05-06,2097-12-31,ACTIVE \
    ascp-pbt,705,,,Lou,1990,,2019-05-06,2097-12-31,ACTIVE
upload 6 "$work/bare.csv" --dry-run
says "16 records, 2 of which no claim can ever confirm" \
    "2  have no birth year"
upload 6 "$work/bare.csv"
says "on file      16 records, 2 of which no claim can ever confirm" \
    "2  have no birth year" \
    "1 rows were not taken for want of a number" \
    "1 rows were not taken for want of a family name"
rows "$work/mended.csv" \
    ascp-pbt,701,,Holt,Hal,1991,,2019-05-06,2097-12-31,ACTIVE
upload 0 "$work/mended.csv" -o json
/usr/bin/python3 -c '
import json, sys
r = json.load(open(sys.argv[1]))["readiness"]
assert r["recordCount"] == "16" and r["unconfirmableCount"] == "1"
assert {x["factor"]: x["count"] for x in r["reasons"]} == {
    "FACTOR_BIRTH_YEAR": "1"}
' "$work/out" || fail "another readiness"

stop_daemon
expect 0 vouchd --dev "$dev" --check-index
