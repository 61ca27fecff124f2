#!/bin/sh
# What may be uploaded: line ends, marks, pipes; and files that cannot be
# right, of which nothing is published.
. "$(dirname "$0")/lib.sh"

start_daemon
as association
columns='credential_type,number,family,birth_date,status'

# upload CODE FILE [FLAG...]
upload()
{
    wanted=$1
    shift
    expect "$wanted" vouch publish --association ascp-boc --quiet "$@"
}

step "marks and line ends, standard input"
printf '\357\273\277%s\r\nascp-pbt,1,Ray,1990,ACTIVE\r\n' "$columns" \
    > "$work/crlf.csv"
upload 0 "$work/crlf.csv" -o csv
grep -q ',1,0,0,0$' "$work/out" || fail "not one new record"
printf '%s\nascp-pbt,2,Ray,1990,ACTIVE' "$columns" > "$work/unended.csv"
vouch publish - --association ascp-boc --quiet -o csv \
    < "$work/unended.csv" > "$work/out" 2> "$work/err" ||
    fail "standard input was not taken"
grep -q ',1,0,0,0$' "$work/out" || fail "not one new record"
printf '%s\n' "$columns" > "$work/header.csv"
upload 0 "$work/header.csv" -o csv
grep -q ',0,0,0,0$' "$work/out" || fail "a header alone is not nothing"

step "files that cannot be right"
: > "$work/empty.csv"
upload 7 "$work/empty.csv"
complains "it is empty" "nothing was published"
printf 'number,family\n1,Ray\n' > "$work/f.csv"
upload 7 "$work/f.csv"
complains "f.csv:1: the column 'credential_type' is missing"
printf 'credential_type,nu\033[2Jmber,family\n' > "$work/f.csv"
upload 7 "$work/f.csv"
complains "no column 'nu?[2Jmber'; did you mean 'number'?"
printf '%s\nascp-pbt,3,"Ray,1990,ACTIVE\n' "$columns" > "$work/f.csv"
upload 7 "$work/f.csv"
complains "$work/f.csv:2: " quote
upload 2 "$work"
complains "Is a directory"
upload 2 /no/such.csv
complains "/no/such.csv: No such file"

step "a line of 200 MB ends quickly, and in little memory"
/usr/bin/python3 - "$columns" << 'END' | (ulimit -t 20; exec \
    vouch publish - --association ascp-boc --quiet) > "$work/out" \
    2> "$work/err"
import signal, sys
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
sys.stdout.write(sys.argv[1] + "\nascp-pbt,9,")
for _ in range(200):
    sys.stdout.write("x" * 1000000)
END
[ $? -eq 7 ] || fail "it was not refused"
complains "standard input:2: " "65536"

step "rejected lines: on the screen, in a file, not over the upload"
printf '%s\nascp-pbt,4,Ray,30.4.1990,ACTIVE\nascp-pbt,5,Ray,1990,ODD\n' \
    "$columns" > "$work/some.csv"
printf 'ascp-pbt,6,Ray,1990,ACTIVE,\nascp-pbt,7,Ray,1990,ACTIVE\n' \
    >> "$work/some.csv"
expect 6 vouch publish --association ascp-boc "$work/some.csv"
complains "some.csv:2: birth_date: " "(BAD_DATE)" "some.csv:3: status: " \
    "some.csv:4: the line has 6 fields, the header 5" "were not sent"
upload 6 "$work/some.csv" --rejects "$work/rejects.csv"
[ "$(cut -d, -f1,2 "$work/rejects.csv" | sort | tr '\n' ' ')" = \
    "2,birth_date 3,status 4, line,field " ] || fail "other rejects"
cp "$work/some.csv" "$work/before.csv"
upload 2 "$work/some.csv" --rejects "$work/some.csv"
complains "would overwrite the upload itself"
cmp -s "$work/some.csv" "$work/before.csv" || fail "the upload is gone"
ln "$work/some.csv" "$work/link.csv"
upload 2 "$work/some.csv" --openings "$work/link.csv"
cmp -s "$work/some.csv" "$work/before.csv" || fail "the upload is gone"
upload 2 "$work/some.csv" --rejects /no/such/folder/f
complains "cannot write /no/such/folder/f" "--rejects"
upload 6 "$work/some.csv" --rejects /dev/full
complains "could not write all of /dev/full"
upload 2 "$work/some.csv" --rejects "$work/untouched" --request-id 17
[ -e "$work/untouched" ] && fail "a file was made for nothing"

step "rows near the limit of a message, and beyond"
/usr/bin/python3 - "$columns" > "$work/long.csv" << 'END'
import sys
print(sys.argv[1] + ",status_reason")
for i in range(40):
    print("ascp-pbt,%d,Ray,1990,ACTIVE,%s" % (100 + i, "r" * 20000))
print("ascp-pbt,140,Ray,1990,ACTIVE," + "r" * 60000)
print("ascp-pbt,141,Ray,1990,ACTIVE,renewed")
END
upload 6 "$work/long.csv" --rejects "$work/rejects.csv" -o csv
grep -q ',1,0,0,41$' "$work/out" || fail "the good row is not published"
grep -q '^42,.*TOO_LONG' "$work/rejects.csv" || fail "line 42 is not told"

step "more rejected lines than memory for a message"
/usr/bin/python3 - "$columns" > "$work/bad.csv" << 'END'
import sys
print(sys.argv[1] + ",status_reason")
print("ascp-pbt,50,Ray,1990,ACTIVE,renewed")
for i in range(1000):
    print("ascp-pbt,%d,Ray,30.4.90,ACTIVE,%s" % (i, "r" * 20000))
print("ascp-pbt,51,Ray,1990,ACTIVE,renewed")
END
upload 6 "$work/bad.csv" -o csv
grep -q ',2,0,0,1000$' "$work/out" || fail "the good rows are not published"

step "every line rejected"
sed 2d "$work/bad.csv" | head -n 3 > "$work/none.csv"
upload 7 "$work/none.csv"

step "interrupted, on a terminal and not"
/usr/bin/python3 "$here/../support/interrupt.py" "$work/stream" ||
    fail "an interruption"
stop_daemon
