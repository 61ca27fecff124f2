#!/bin/sh
# Whatever is done, and however much the daemon is told to log: no number, no
# family name and no date of birth gets into its log.
. "$(dirname "$0")/lib.sh"

roster 400 "$work/roster.csv"
start_daemon --set log.level=debug

step "work of every kind"
publish "$work/roster.csv"
{
    sed 's/,ACTIVE,/,NONSENSE,/' "$work/roster.csv"
    printf 'ascp-pbt,2999999,,Unreadable,,,,,1966-31-31,,,,,ACTIVE,,\n'
} > "$work/faulty.csv"
expect 6 vouch publish "$work/faulty.csv" --association ascp-boc \
    --rejects "$work/rejects.csv"
expect 4 vouch publish "$work/roster.csv" --association amt
as employer
tail -n +2 "$work/roster.csv" | head -n 40 > "$work/some.csv"
while IFS=, read -r type number _ family _ _ _ _ born _; do
    vouch verify --association ascp-boc --type "$type" --number "$number" \
        --family "$family" --birth-date "$born" > "$work/out" 2> "$work/err"
    code=$?
    case $code in
    0 | 1 | 3) ;;
    *) fail "exit code $code for number $number" ;;
    esac
done < "$work/some.csv"
ask 7 --number 10482 --family Garcia
ask 7 --type no-such --number 10482 --family Garcia --birth-date 1990-04-30
ask 3 --number 10482 --family Gracia --birth-date 1990-04-30
as association
ask 4 --number 10482 --family Garcia --birth-date 1990-04-30
stop_daemon

step "what must not be in the log"
/usr/bin/python3 - "$work/roster.csv" > "$work/words" << 'END' || fail "words"
import csv, sys
words = {"Gracia", "Unreadable", "2999999", "1966-31-31"}
for row in csv.DictReader(open(sys.argv[1], encoding="utf-8")):
    words |= {row["number"], row["family"], row["former_family"],
              row["birth_date"], row["last4"]}
    words |= set(row["family"].replace("'", "-").split("-"))
# A year alone, or four digits, is part of any time in the log.
print("\n".join(sorted(word for word in words if len(word) > 4)))
END
[ "$(wc -l < "$work/words")" -gt 1000 ] || fail "there are too few words"
[ "$(grep -c 'event=call' "$log")" -gt 40 ] || fail "the log is too short"
grep -nwFi -f "$work/words" "$log" "$work/daemon.out" > "$work/found" &&
    fail "personal data in the log: $(head -n 5 "$work/found")"
# The same search does find what it looks for.
grep -qwFi -f "$work/words" "$work/roster.csv" || fail "the search is blind"
exit 0
