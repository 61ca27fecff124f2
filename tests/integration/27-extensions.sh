#!/bin/sh
# A regulator's order, in the catalog: what ended within its days counts as in
# force until another, and the answer shows the order.
. "$(dirname "$0")/lib.sh"

day()
{
    date -u -d "$1 days" +%Y-%m-%d
}

cp -r "$source_dir/catalog" "$work/catalog" || fail "no copy of the catalog"
cat >> "$work/catalog/extensions.csv" << END
storm,ascp-boc,ascp-pbt,$(day -90),$(day -60),$(day 30),"Order 2026-7, section 2",a test,official,2026-01-01
past,ascp-boc,,$(day -400),$(day -300),$(day -200),Order 2025-1,a test,official,2026-01-01
rumor,ascp-boc,ascp-mlt,$(day -90),$(day -60),$(day 30),Order unseen,a test,unverified,2026-01-01
END
expect 0 vouch catalog check "$work/catalog"
start_daemon --set "catalog.dir=$work/catalog"

head=credential_type,number,family,birth_date,issued_on,expires_on,status
{
    echo "$head"
    echo "ascp-pbt,801,Anders,1980,2019-05-06,$(day -70),ACTIVE"
    echo "ascp-pbt,802,Berg,1980,2019-05-06,$(day -70),EXPIRED"
    echo "ascp-pbt,803,Chen,1980,2019-05-06,$(day -50),ACTIVE"
    echo "ascp-pbt,804,Diaz,1980,2019-05-06,$(day -350),ACTIVE"
    echo "ascp-mlt,805,Evans,1980,2019-05-06,$(day -70),ACTIVE"
    echo "ascp-pbt,806,Falk,1980,2019-05-06,$(day -70),REVOKED"
    echo "ascp-mls,807,Gray,1980,2019-05-06,$(day -70),ACTIVE"
} > "$work/rows.csv"
as association
expect 0 vouch publish "$work/rows.csv" --association ascp-boc --quiet
as employer

# verify CODE TYPE NUMBER FAMILY [FLAG...]
verify()
{
    wanted=$1 type=$2 number=$3 family=$4
    shift 4
    ask "$wanted" --type "$type" --number "$number" --family "$family" \
        --birth-date 1980 "$@"
}

step "what ended within the days counts, and the answer says why"
verify 0 ascp-pbt 801 Anders
says "YES  CONFIRMED" "Order 2026-7, section 2" "until $(day -70)" "$(day 30)"
verify 0 ascp-pbt 801 Anders -o json
says '"extension"' '"order": "Order 2026-7, section 2"' STANDING_ACTIVE
verify 0 ascp-pbt 801 Anders --as-of "$(day -80)"
grep -q Order "$work/out" && fail "an order where the date had not passed"

step "the issuer's EXPIRED gives way, and its word is shown"
# Today at the association, where it is six hours earlier.
verify 0 ascp-pbt 802 Berg --as-of "$(TZ=UTC+6 date +%Y-%m-%d)"
says "YES  CONFIRMED" '"EXPIRED"' "standing active" "Order 2026-7"

step "what ended on another day, and what nothing covers, has ended"
verify 1 ascp-pbt 803 Chen
says "NO  NOT_CURRENT"
verify 1 ascp-pbt 804 Diaz
verify 1 ascp-mls 807 Gray
verify 1 ascp-pbt 806 Falk

step "after the order, too; and what nobody checked is a REVIEW"
verify 3 ascp-pbt 801 Anders --as-of "$(day 31)"
says "REVIEW  NOT_CURRENT"
verify 3 ascp-mlt 805 Evans
says "REVIEW  NOT_CURRENT"

stop_daemon
