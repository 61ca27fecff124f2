#!/bin/sh
# An old publication is STALE until the association says that nothing changed.
. "$(dirname "$0")/lib.sh"

roster 50 "$work/roster.csv"
start_daemon

step "a roster that was taken long ago"
as association
expect 0 vouch publish "$work/roster.csv" --association ascp-boc --quiet \
    --extracted-at "$(date -u -d '60 days ago' +%Y-%m-%dT%H:%M:%SZ)"
as employer
ask 3 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990
says "REVIEW  CONFIRMED" "freshness    STALE" \
    "older than it promised" "the association's publication is late"
ask 3 --type ascp-pbt --number 10485 --family Haddad --birth-date 1975
says "REVIEW  NOT_CURRENT" "does not stand"

step "declared current as of a day that is still too long ago"
as association
expect 0 vouch declare-current --association ascp-boc \
    --as-of "$(date -u -d '40 days ago' +%Y-%m-%dT%H:%M:%SZ)"
as employer
ask 3 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990
says "STALE"

step "declared current now"
as association
expect 0 vouch declare-current --association ascp-boc
says "current as of $(date -u +%Y-)"
as employer
ask 0 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990
says "YES  CONFIRMED" "freshness    FRESH"
ask 1 --type ascp-pbt --number 10485 --family Haddad --birth-date 1975
says "NO  NOT_CURRENT"

step "never backwards, and never in the future"
as association
expect 7 vouch declare-current --association ascp-boc \
    --as-of "$(date -u -d '40 days ago' +%Y-%m-%dT%H:%M:%SZ)"
complains "as_of"
expect 7 vouch declare-current --association ascp-boc \
    --as-of "$(date -u -d 'next week' +%Y-%m-%dT%H:%M:%SZ)"
complains "as_of"
expect 7 vouch publish "$work/roster.csv" --association ascp-boc \
    --extracted-at "$(date -u -d 'next week' +%Y-%m-%dT%H:%M:%SZ)"
complains "extracted_at"

step "it lasts"
stop_daemon
start_daemon
as employer
ask 0 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990
says "freshness    FRESH"
stop_daemon
