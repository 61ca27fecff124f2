#!/bin/sh
# Each verdict: its exit code, and what a person is told.
. "$(dirname "$0")/lib.sh"

roster 200 "$work/roster.csv"
start_daemon

step "before anything was published"
as employer
ask 3 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990
says "REVIEW" "NO_MATCH" "has published nothing here yet" NEVER

publish "$work/roster.csv"
says "new          200" "rejected     0"
as employer

step "CONFIRMED"
ask 0 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990-04-30 \
    --given Ana --issued-on 2019-02-04 --purpose hiring \
    --on-behalf-of "Clinic 7" --requested-by "J. Doe"
says "YES  CONFIRMED" "all that was claimed is so" "standing active" \
    "until 2098-12-31" "by anab" FRESH \
    "on behalf of Clinic 7 (as stated by the asker)"
ask 0 --number 10-482 --family GARCIA --birth-date 1990

step "CONFIRMED, under a former name"
ask 0 --type ascp-pbt --number 10489 --family Sandoval --birth-date 1994
says "YES  CONFIRMED" "the family name matched is a former one"

step "CONFIRMED, the year alone on file"
ask 0 --type ascp-pbt --number 10490 --family Takamori --birth-date 1983
says "YES  CONFIRMED"

step "CONFIRMED, with conditions"
ask 3 --type ascp-pbt --number 10488 --family "Mueller Brandt" \
    --birth-date 1969
says "REVIEW  CONFIRMED" "conditions limit the holder's practice"

step "CONFIRMED, not recognized as required"
ask 1 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990 \
    --recognized-by us-fl
says "NO  CONFIRMED" "nobody whom you accept recognizes it"
ask 3 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990 \
    --recognized-by us-ca
says "REVIEW  CONFIRMED"

step "CONFIRMED, on a day to come"
ask 3 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990 \
    --as-of 2090-01-01
says "REVIEW  CONFIRMED" PROJECTION

step "NOT_CURRENT: ended, revoked, suspended, before its issue"
ask 1 --type ascp-pbt --number 10484 --family Novak --birth-date 1978
says "NO  NOT_CURRENT" "outside a validity period" "standing expired"
ask 0 --type ascp-pbt --number 10484 --family Novak --birth-date 1978 \
    --as-of 2021-06-30
says "YES  CONFIRMED"
ask 1 --type ascp-pbt --number 10484 --family Novak --birth-date 1978 \
    --as-of 2021-07-01
ask 1 --type ascp-pbt --number 10485 --family Haddad --birth-date 1975
says "NO  NOT_CURRENT" "it does not stand" '"REVOKED"' "disciplinary order"
ask 1 --type ascp-pbt --number 10486 --family "O'Brien" --birth-date 1992
says "NO  NOT_CURRENT" "the credential is suspended"
ask 1 --type ascp-pbt --number 10486 --family "OBrien" --birth-date 1992

step "MISMATCH"
ask 1 --type ascp-mlt --number 10483 --family Okafor --birth-date 1985
says "NO  MISMATCH" "credential type: mismatch"
grep -q ascp-pbt "$work/out" && fail "the right type was volunteered"

step "AMBIGUOUS"
ask 3 --number 10487 --family Nguyen --birth-date 1988
says "REVIEW  AMBIGUOUS" "name the type"
ask 0 --type ascp-mlt --number 10487 --family Nguyen --birth-date 1988
says "YES  CONFIRMED"

step "NO_MATCH: no such number and the wrong person are the same answer"
ask 3 --type ascp-pbt --number 99999999 --family Garcia --birth-date 1990
says "REVIEW  NO_MATCH" "does not mean that the person is not certified" \
    "perhaps" "https://www.ascp.org/boc"
grep -v -e '^claim' -e '^answered' -e '^freshness' -e '^asked by' \
    -e '^seal' "$work/out" > "$work/no-number"
ask 3 --type ascp-pbt --number 10482 --family Garcia --birth-date 1991
sed 's/1991/1990/' "$work/out" | grep -v -e '^claim' -e '^answered' \
    -e '^freshness' -e '^asked by' -e '^seal' > "$work/wrong-person"
diff "$work/no-number" "$work/wrong-person" || fail "the two answers differ"
ask 3 --type ascp-pbt --number 10482 --family Gomez --birth-date 1990

step "UNKNOWN_ISSUER"
expect 3 vouch verify --association no-such --number 1 --family X
says "REVIEW  UNKNOWN_ISSUER" "not covered here"

step "a claim that lacks what the identity policy asks for"
ask 7 --number 10482 --family Garcia
complains "claim.birth_date" "year of birth"

step "other forms of output"
ask 0 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990 \
    -o json
/usr/bin/python3 - "$work/out" << 'END' || fail "the JSON is not as expected"
import json, sys
answer = json.load(open(sys.argv[1]))
assert answer["answer"]["verdict"] == "VERDICT_CONFIRMED"
assert answer["answer"]["conclusion"] == "CONCLUSION_YES"
assert answer["answer"]["reasons"] == ["REASON_IN_GOOD_STANDING"]
assert answer["question"]["claim"]["number"] == "10482"
assert answer["question"]["asker"].startswith("spiffe://")
END
ask 1 --type ascp-mlt --number 10483 --family Okafor --birth-date 1985 \
    -o jsonl
[ "$(wc -l < "$work/out")" -eq 1 ] || fail "jsonl is one line"
ask 3 --number 10487 --family Nguyen --birth-date 1988 -o csv
says "association,number,conclusion,verdict" "ascp-boc,10487,REVIEW,AMBIGUOUS"

stop_daemon
