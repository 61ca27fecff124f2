#!/bin/sh
# What was published is there after a restart; an index that was damaged is
# noticed, and derived again from the log.
. "$(dirname "$0")/lib.sh"

# The same questions each time, all answers in one file.
ask_all()
{
    as employer
    : > "$1"
    while read -r code number family born type; do
        ask "$code" --number "$number" --family "$family" \
            --birth-date "$born" ${type:+--type "$type"} -o json
        same_part "$work/out" >> "$1"
    done << 'END'
0 10482 Garcia 1990 ascp-pbt
1 10483 Okafor 1985 ascp-mlt
1 10484 Novak 1978 ascp-pbt
1 10485 Haddad 1975 ascp-pbt
3 10487 Nguyen 1988
0 10489 Sandoval 1994
3 10490 Nobody 1983
END
}

roster 500 "$work/roster.csv"
start_daemon
publish "$work/roster.csv"
ask_all "$work/before"
stop_daemon

step "after a restart"
start_daemon
ask_all "$work/after"
diff "$work/before" "$work/after" || fail "the answers changed"
publish "$work/roster.csv"
says "unchanged    500"
stop_daemon

step "after being killed"
start_daemon
kill -KILL "$daemon"
wait "$daemon" 2> /dev/null
daemon=''
start_daemon
ask_all "$work/again"
stop_daemon

step "the index agrees with the log"
expect 0 vouchd --check-index --dev "$dev"
says "agrees"

step "a damaged index is noticed and mended"
sqlite3 "$dev/vouch.db" \
    "DELETE FROM credential_index WHERE number_key = '10482'" ||
    fail "sqlite3 failed"
expect 1 vouchd --check-index --dev "$dev"
expect 0 vouchd --rebuild-index --dev "$dev"
expect 0 vouchd --check-index --dev "$dev"
sqlite3 "$dev/vouch.db" "UPDATE source SET source_time = source_time + 1" ||
    fail "sqlite3 failed"
expect 1 vouchd --check-index --dev "$dev"
expect 0 vouchd --rebuild-index --dev "$dev"
expect 0 vouchd --check-index --dev "$dev"

step "a head that is not the log's is refused"
in_store()
{
    sqlite3 "$dev/vouch.db" "$1" || fail "sqlite3 failed"
}
in_store "UPDATE log_head SET size = size + 1"
for how in --check-index --rebuild-index; do
    expect 1 vouchd $how --dev "$dev"
    complains "the log is damaged"
done
in_store "UPDATE log_head SET size = size - 1"
expect 0 vouchd --check-index --dev "$dev"

step "an entry that was changed is noticed"
in_store "CREATE TABLE kept AS SELECT leaf FROM log WHERE log_index = 7;
    UPDATE log SET leaf = zeroblob(32) WHERE log_index = 7"
expect 1 vouchd --check-index --dev "$dev"
complains "the entries of the log are not those that its head is of"
in_store "UPDATE log SET leaf = (SELECT leaf FROM kept) WHERE log_index = 7"
expect 0 vouchd --check-index --dev "$dev"

step "the head of an older store is made from its entries"
sqlite3 "$dev/vouch.db" "SELECT hex(root) FROM log_head" > "$work/head"
in_store "DROP TABLE kept; DROP TABLE log_head; PRAGMA user_version = 2"
expect 0 vouchd --check-index --dev "$dev"
sqlite3 "$dev/vouch.db" "SELECT hex(root) FROM log_head" > "$work/made"
diff "$work/head" "$work/made" || fail "another head"
start_daemon
ask_all "$work/mended"
diff "$work/again" "$work/mended" || fail "the answers changed"
stop_daemon
