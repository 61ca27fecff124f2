#!/bin/sh
# The shipped catalog has no fault, and a planted one is named by its place.
. "$(dirname "$0")/lib.sh"

expect 0 vouch catalog check "$source_dir/catalog"
says "associations" "credential types" "no fault"

# plant FILE LINE COLUMN VALUE: put VALUE there, in a fresh copy.
plant()
{
    rm -rf "$work/catalog"
    cp -r "$source_dir/catalog" "$work/catalog"
    /usr/bin/python3 - "$work/catalog/$1" "$2" "$3" "$4" << 'END' ||
import csv, sys
path, line, column, value = sys.argv[1:]
rows = list(csv.reader(open(path, encoding="utf-8", newline="")))
rows[int(line) - 1][rows[0].index(column)] = value
with open(path, "w", encoding="utf-8", newline="") as out:
    csv.writer(out, lineterminator="\n").writerows(rows)
END
        fail "could not plant a fault"
    step "$1, line $2, $3: '$4'"
    expect 7 vouch catalog check "$work/catalog"
    complains "$work/catalog/$1:$2: $3:"
}

plant associations.csv 3 confidence certain
plant associations.csv 4 utc_offset_minutes 10000
plant associations.csv 2 identity_policy shoe_size
plant associations.csv 5 successor_id no-such
plant associations.csv 3 id ascp-boc
plant associations.csv 3 checked_on 2026-02-30
plant credential_types.csv 6 association_id no-such
plant credential_types.csv 3 role manager
plant credential_types.csv 4 source ''
plant recognitions.csv 2 valid_until 1066-13-01
plant recognitions.csv 3 credential_type_id no-such

step "a file that is not there"
rm "$work/catalog/recognitions.csv"
expect 7 vouch catalog check "$work/catalog"
complains "recognitions.csv"

step "a daemon does not start on a faulty catalog"
plant associations.csv 3 confidence certain
vouchd --dev "$dev" --set "catalog.dir=$work/catalog" > "$work/out" \
    2> "$work/err" < /dev/null && fail "it started"
complains "confidence"

step "the same catalog through the daemon"
start_daemon
as employer
expect 0 vouch association list -o csv
[ "$(wc -l < "$work/out")" -eq \
    "$(wc -l < "$source_dir/catalog/associations.csv")" ] ||
    fail "other associations than in the file"
expect 0 vouch credential-type list --association ascp-boc -o csv
says ascp-pbt
grep -q amt-mlt "$work/out" && fail "a type of another association"
expect 0 vouch association show ascp-boc
says "American Society for Clinical Pathology" anab "birth year" never
expect 8 vouch association show no-such
stop_daemon
