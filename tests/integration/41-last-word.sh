#!/bin/sh
# What counts as an association's last word, and how old it is: uploads of
# nothing, of nothing but rejects, of before, and corrections of the day since
# when something is so.
. "$(dirname "$0")/lib.sh"

head=credential_type,number,family,birth_date,issued_on,expires_on,status
head=$head,effective_on

# rows FILE LINE...: a file of those rows.
rows()
{
    file=$1
    shift
    echo "$head" > "$file"
    for line in "$@"; do
        echo "$line" >> "$file"
    done
}

days_ago()
{
    date -u -d "$1 days ago" +%Y-%m-%dT%H:%M:%SZ
}

anna()
{
    wanted=$1
    shift
    as employer
    ask "$wanted" --type ascp-pbt --number 500 --family Anders \
        --birth-date 1980 "$@"
}

upload()
{
    wanted=$1
    shift
    as association
    expect "$wanted" vouch publish "$@" --association ascp-boc --quiet
}

start_daemon

step "an upload of nothing but rejects is no word, whoever rejects them"
rows "$work/bad.csv" ascp-pbt,500,Anders,1980-02-30,2019-05-06,,ACTIVE,
upload 7 "$work/bad.csv"
says "rejected     1"
rows "$work/late.csv" ascp-pbt,500,Anders,2980-02-28,2019-05-06,,ACTIVE,
upload 7 "$work/late.csv"
says "rejected     1"
anna 3
says NEVER NO_MATCH

step "a word of 40 days ago is too old, though it arrives today"
rows "$work/one.csv" ascp-pbt,500,Anders,1980-02-29,2019-05-06,,ACTIVE,
upload 0 "$work/one.csv" --extracted-at "$(days_ago 40)"
anna 3
says "REVIEW  CONFIRMED" STALE
as employer
ask 3 --type ascp-mls --number 500 --family Anders --birth-date 1980
says "REVIEW  MISMATCH" STALE
upload 7 "$work/bad.csv"
upload 7 "$work/late.csv"
anna 3
says STALE

step "an upload of nothing is no word either; a declaration is"
rows "$work/none.csv"
upload 0 "$work/none.csv"
anna 3
says STALE
as association
expect 0 vouch declare-current --association ascp-boc
anna 0
says "YES  CONFIRMED" FRESH

step "an older file does not undo a later word"
rows "$work/revoked.csv" ascp-pbt,500,Anders,1980-02-29,2019-05-06,,REVOKED,
upload 0 "$work/revoked.csv"
says "changed      1"
anna 1
says "NO  NOT_CURRENT"
upload 7 "$work/one.csv" --extracted-at "$(days_ago 3)" \
    --rejects "$work/rejects"
says "rejected     1"
grep -q LATER_WORD_ON_FILE "$work/rejects" || fail "another reason"
anna 1

step "nobody said since when: a day between is a REVIEW"
anna 3 --as-of "$(date -u -d '10 days ago' +%Y-%m-%d)"
says "REVIEW  NOT_CURRENT"
anna 0 --as-of 2024-02-29

step "then somebody says: it holds for every day since"
rows "$work/since.csv" \
    ascp-pbt,500,Anders,1980-02-29,2019-05-06,,REVOKED,2024-02-29
upload 0 "$work/since.csv"
says "changed      1"
anna 1 --as-of 2024-02-29
anna 1 --as-of "$(date -u -d '10 days ago' +%Y-%m-%d)"
anna 0 --as-of 2024-02-28
upload 0 "$work/since.csv"
says "unchanged    1"

step "reinstated from a day on"
rows "$work/again.csv" \
    ascp-pbt,500,Anders,1980-02-29,2019-05-06,,ACTIVE,2025-01-01
upload 0 "$work/again.csv"
anna 0
anna 0 --as-of 2025-01-01
anna 1 --as-of 2024-12-31
anna 0 --as-of 2024-02-28

step "a row that leaves out the birth takes it off the file"
rows "$work/bare.csv" ascp-pbt,500,Anders,,2019-05-06,,ACTIVE,
upload 0 "$work/bare.csv"
anna 3
says NO_MATCH "does not hold the fact"

stop_daemon
