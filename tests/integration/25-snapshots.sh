#!/bin/sh
# Snapshots: what is not listed any more, what is listed though its row is not
# taken, and when nothing is ended; the limits; what is older; what was cut off.
. "$(dirname "$0")/lib.sh"

head=credential_type,number,holder_ref,family,birth_date,issued_on,expires_on
head=$head,status

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

hours_ago()
{
    minutes=$(echo "$1" | awk '{ printf "%d", $1 * 60 }')
    date -u -d "$minutes minutes ago" +%Y-%m-%dT%H:%M:%SZ
}

# row NUMBER FAMILY [STATUS]
row()
{
    echo "ascp-pbt,$1,,$2,1980-02-29,2019-05-06,,${3:-ACTIVE}"
}

upload()
{
    wanted=$1
    shift
    as association
    expect "$wanted" vouch publish "$@" --association ascp-boc
}

# snapshot CODE HOURS FILE [FLAG...]: of ascp-pbt, as it was so long ago.
snapshot()
{
    wanted=$1
    at=$(hours_ago "$2")
    shift 2
    upload "$wanted" "$@" --mode snapshot --types ascp-pbt \
        --extracted-at "$at"
}

# The last output lacks each text.
lacks()
{
    for text in "$@"; do
        ! grep -qF -e "$text" "$work/out" || fail "the output has '$text'"
    done
}

# verify CODE NUMBER FAMILY [FLAG...]
verify()
{
    wanted=$1 number=$2 family=$3
    shift 3
    as employer
    ask "$wanted" --type ascp-pbt --number "$number" --family "$family" \
        --birth-date 1980 "$@"
}

start_daemon

step "what the flags must say"
rows "$work/all.csv" "$(row 501 Anders)" "$(row 502 Berg)" "$(row 503 Chen)" \
    "$(row 504 Diaz)"
upload 2 "$work/all.csv" --mode snapshot --types ascp-pbt
complains "needs --extracted-at"
upload 2 "$work/all.csv" --mode snapshot --extracted-at "$(hours_ago 9)"
complains "needs --types"
upload 2 "$work/all.csv" --types ascp-pbt
complains "--mode snapshot only"
upload 2 "$work/all.csv" --expect-endings 1
snapshot 2 9 "$work/all.csv" --expect-endings many
upload 2 "$work/all.csv" --mode whole
upload 7 "$work/all.csv" --mode snapshot --types ascp-pbt,rn \
    --extracted-at "$(hours_ago 9)"
complains "snapshot_type_ids[1]"

step "a first snapshot lists, and ends nothing"
snapshot 0 9 "$work/all.csv"
says "new          4" "not listed   0" "mode         SNAPSHOT" ascp-pbt
verify 0 501 Anders
snapshot 0 9 "$work/all.csv"
says "unchanged    4"

step "what is not listed any more is NOT_LISTED, never EXPIRED"
rows "$work/less.csv" "$(row 501 Anders)" "$(row 502 Berg)" "$(row 503 Chen)"
snapshot 7 8 "$work/less.csv"
complains TOO_MANY_ENDINGS "1 credentials" "25.0 %"
verify 0 504 Diaz
snapshot 7 8 "$work/less.csv" --expect-endings 2
complains ENDING_COUNT_DIFFERS
verify 0 504 Diaz
snapshot 0 8 "$work/less.csv" --expect-endings 1
says "not listed   1" "unchanged    3"
verify 3 504 Diaz
says "REVIEW  NOT_CURRENT" "no longer lists"
lacks EXPIRED
verify 0 501 Anders

step "it is ended once, and said again it changes nothing"
snapshot 0 7 "$work/less.csv"
says "not listed   0"
verify 3 504 Diaz

step "of another type nothing is ended"
rows "$work/other.csv" ascp-mlt,900,,Eriksen,1980,2019-05-06,,ACTIVE
upload 0 "$work/other.csv" --quiet
snapshot 0 6 "$work/less.csv"
says "not listed   0"
rows "$work/mixed.csv" "$(row 501 Anders)" "$(row 502 Berg)" \
    "$(row 503 Chen)" ascp-mlt,901,,Falk,1980,2019-05-06,,ACTIVE
snapshot 6 5 "$work/mixed.csv" --rejects "$work/rejects"
grep -q TYPE_NOT_IN_SNAPSHOT "$work/rejects" || fail "another reason"
as employer
ask 0 --type ascp-mlt --number 900 --family Eriksen --birth-date 1980

step "a row that is not taken lists its record: by the server, and here"
rows "$work/bad.csv" "$(row 501 Anders)" "$(row 502 Berg NONSENSE)" \
    "ascp-pbt,503,,Chen,1980-02-30,2019-05-06,,ACTIVE"
snapshot 6 4.5 "$work/bad.csv"
says "rejected     2" "not listed   0"
verify 0 502 Berg
verify 0 503 Chen

step "a row that collides lists whoever is there"
rows "$work/collides.csv" "$(row 501 Anders)" "$(row 502 Berg)" \
    "$(row 50-3 Zimmer)"
snapshot 6 4.4 "$work/collides.csv" --rejects "$work/rejects"
says "not listed   0"
grep -q NUMBER_COLLISION "$work/rejects" || fail "another reason"
verify 0 503 Chen

step "a row whose key cannot be read: nothing is ended"
for bad in "$(row '' Chen)" "$(row 'é' Chen)" "$(row - Chen)" \
    "ascp-pbx,503,,Chen,1980,2019-05-06,,ACTIVE" "ascp-pbt,503,Chen"; do
    rows "$work/unread.csv" "$(row 501 Anders)" "$bad"
    snapshot 6 4 "$work/unread.csv"
    says "nothing was ended" "not listed   0"
done
verify 0 502 Berg
verify 0 503 Chen

step "a record that is listed again is as its row says"
snapshot 0 3.5 "$work/all.csv"
says "changed      1" "unchanged    3"
verify 0 504 Diaz
says "YES  CONFIRMED"

step "one of two holders of one number goes: the other stays"
rows "$work/two.csv" "$(row 501 Anders)" "$(row 502 Berg)" "$(row 503 Chen)" \
    "$(row 504 Diaz)" "ascp-pbt,501,,Zoller,1975,2020-01-02,,ACTIVE"
snapshot 0 3.4 "$work/two.csv"
says "new          1"
snapshot 0 3.3 "$work/all.csv" --expect-endings 1
says "not listed   1"
verify 0 501 Anders
as employer
ask 3 --type ascp-pbt --number 501 --family Zoller --birth-date 1975
says "no longer lists"

step "what is older is refused, and so is other content of the same time"
snapshot 7 5 "$work/all.csv"
complains SNAPSHOT_OLDER
rows "$work/newer.csv" "$(row 501 Anders EXPIRED)"
upload 0 "$work/newer.csv" --extracted-at "$(hours_ago 2)" --quiet
snapshot 7 2.5 "$work/less.csv"
complains SNAPSHOT_OLDER
at=$(hours_ago 1)
upload 0 "$work/all.csv" --mode snapshot --types ascp-pbt --extracted-at "$at"
upload 0 "$work/all.csv" --mode snapshot --types ascp-pbt --extracted-at "$at"
upload 7 "$work/less.csv" --mode snapshot --types ascp-pbt --extracted-at "$at"
complains SNAPSHOT_OLDER

step "unless the count is expected; a later word is kept even then"
rows "$work/later.csv" "$(row 505 Evans)"
upload 0 "$work/later.csv" --quiet
rows "$work/three.csv" "$(row 501 Anders)" "$(row 502 Berg)" \
    "$(row 503 Chen)"
snapshot 7 0.5 "$work/three.csv" --expect-endings 2
complains ENDING_COUNT_DIFFERS "1 credentials"
snapshot 0 0.5 "$work/three.csv" --expect-endings 1
verify 3 504 Diaz
verify 0 505 Evans

step "the same request id is carried out once"
id=0195f0c4-1111-7abc-8def-0000000000aa
rows "$work/whole.csv" "$(row 501 Anders)" "$(row 502 Berg)" \
    "$(row 503 Chen)" "$(row 505 Evans)"
sleep 1
at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
for again in first second; do
    upload 0 "$work/whole.csv" --mode snapshot --types ascp-pbt \
        --extracted-at "$at" --request-id "$id"
done
complains "carried out before"
as association
expect 0 vouch publication show "$id"
says "mode         SNAPSHOT" "not listed   0"

step "half of a file, and no file at all"
i=0
while [ $i -lt 200 ]; do
    row $((1000 + i)) Person
    i=$((i + 1))
done > "$work/many"
{ echo "$head"; cat "$work/many" "$work/whole.csv" | grep ^ascp; } \
    > "$work/full.csv"
sleep 1
at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
upload 0 "$work/full.csv" --mode snapshot --types all --extracted-at "$at" \
    --expect-endings 1
says "not listed   1"    # of the other type
head -n 100 "$work/full.csv" > "$work/half.csv"
sleep 1
at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
upload 7 "$work/half.csv" --mode snapshot --types ascp-pbt --extracted-at "$at"
complains TOO_MANY_ENDINGS "--expect-endings"
rows "$work/none.csv"
upload 7 "$work/none.csv" --mode snapshot --types ascp-pbt --extracted-at "$at"
complains TOO_MANY_ENDINGS
verify 0 505 Evans

step "all types at once"
verify 0 1199 Person

step "a type of which the file has nothing at all, though it is small"
{
    cat "$work/full.csv"
    echo ascp-mlt,950,,Gomez,1980,2019-05-06,,ACTIVE
    echo ascp-mlt,951,,Haas,1980,2019-05-06,,ACTIVE
} > "$work/both.csv"
# everything FILE CODE [FLAG...]: a snapshot of all types, of now.
everything()
{
    file=$1 wanted=$2
    shift 2
    sleep 1
    upload "$wanted" "$file" --mode snapshot --types all \
        --extracted-at "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$@"
}
everything "$work/both.csv" 0
everything "$work/full.csv" 7
complains TOO_MANY_ENDINGS "2 credentials, 2 of them active" \
    "all of one type"
everything "$work/full.csv" 7 --dry-run
says "it would be refused" "all of one type"
sed /Gomez/d "$work/both.csv" > "$work/most.csv"
everything "$work/most.csv" 0
says "not listed   1"
everything "$work/full.csv" 7
everything "$work/full.csv" 0 --expect-endings 1
everything "$work/full.csv" 0
stop_daemon

step "the index is what the log says, and the same after a restart"
expect 0 vouchd --dev "$dev" --check-index
start_daemon
verify 3 504 Diaz
says "no longer lists"
stop_daemon
