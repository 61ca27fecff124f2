#!/bin/sh
# The disk of the store is full: publishing says so, verifying goes on, and once
# there is room the next upload is taken, without a restart; whether the room
# ends in the midst of an upload, of its folding into the database, or at a
# start.
. "$(dirname "$0")/own_mounts.sh"
. "$(dirname "$0")/lib.sh"

small=$work/small
ballast=$small/ballast
asking=''

leave()
{
    status=$?
    [ -z "$asking" ] || kill "$asking" 2> /dev/null
    umount -l "$small" 2> /dev/null
    (exit "$status")
    clean
}
trap leave EXIT
mkdir "$small"
mount -t tmpfs -o size=32m,mode=700 vouch-test "$small" ||
    fail "no small file system can be made here"

start()
{
    start_daemon --set "store.dsn=sqlite:$small/vouch.db"
    as association
}

# fill KIB: leave that much room.
fill()
{
    rm -f "$ballast"
    room=$(df --output=avail -k "$small" | tail -n 1)
    [ "$room" -gt "$1" ] || fail "there are only $room KiB"
    fallocate -l "$((room - $1))KiB" "$ballast" || fail "no ballast"
    [ "$(df --output=avail -k "$small" | tail -n 1)" -eq "$1" ] ||
        fail "another amount of room"
}

id_of()
{
    printf '6f1c1d5e-93c7-4a55-8a44-%012d\n' "$1"
}

# piece I N: N rows of their own.
piece()
{
    { sed 1q "$work/all.csv" &&
        sed -n "$(($1 * 1000 + 2)),$(($1 * 1000 + 1 + $2))p" "$work/all.csv"
    } > "$work/$1.csv"
}

# upload I: under a request id of its own; what became of it is in ${code}.
upload()
{
    timeout 120 vouch publish "$work/$1.csv" --association ascp-boc --quiet \
        --request-id "$(id_of "$1")" > "$work/out" 2> "$work/err" < /dev/null
    code=$?
}

taken()
{
    upload "$1"
    [ "$code" -eq 0 ] || fail "upload $1 ended with $code"
}

# It was told that the disk is full, and nothing of it is there.
refused()
{
    [ "$code" -eq 5 ] || fail "the upload ended with $code"
    complains RESOURCE_EXHAUSTED STORAGE_FULL "disk is full"
    expect 8 vouch publication show "$(id_of "$1")"
}

# Ask about somebody of the first upload, again and again, until told to stop.
keep_asking()
{
    . "$dev/employer.env"
    while [ ! -e "$work/enough" ]; do
        vouch verify --association ascp-boc --number 10482 --family Garcia \
            --birth-date 1990 > /dev/null 2>> "$work/asked.err" ||
            echo "$?" >> "$work/asked.bad"
        echo >> "$work/asked"
    done
}

begin_asking()
{
    rm -f "$work/enough"
    (trap - EXIT && keep_asking) &
    asking=$!
}

stop_asking()
{
    : > "$work/enough"
    wait "$asking"
    asking=''
    [ ! -e "$work/asked.bad" ] ||
        fail "not answered: $(sort "$work/asked.bad" | uniq -c)"
}

roster 40000 "$work/all.csv"
start
piece 0 300
taken 0
begin_asking

step "no room at all"
fill 0
piece 1 300
upload 1
refused 1
expect 0 vouch health
says SERVING
expect 5 vouch declare-current --association ascp-boc
complains STORAGE_FULL
as employer
ask 3 --number 10782 --family Nobody --birth-date 1990
as association
grep -q 'event=store_full' "$log" || fail "the log does not say so"

step "no room for the deny list: it stays as it is"
as admin
expect 5 vouch access deny --serial 0A --role auditor
complains STORAGE_FULL
[ -z "$(find "$small" -name 'deny.list*')" ] || fail "something is left of it"
grep -q 'event=deny_list err=FULL' "$log" || fail "the log does not say so"
as association

step "room again"
rm "$ballast"
as admin
expect 0 vouch access deny --serial 0A --role auditor
as association
taken 1
within 10 grep -q 'event=store_room' "$log" || fail "the log does not say so"

step "the room ends at some point of an upload or behind it"
i=2
for kib in 0 64 256 512 768 1024 1300; do
    piece $i 1000
    fill "$kib"
    upload $i
    case $code in
    0) echo "$kib KiB: taken" ;;
    *) refused $i
        echo "$kib KiB: refused" ;;
    esac
    rm "$ballast"
    taken $i
    i=$((i + 1))
done

step "there is room in the log of the database, but not behind it"
piece $i 4000           # long enough for what follows
taken $i
i=$((i + 4))
until grep -q 'event=store_full step=tidy' "$log"; do
    [ $i -lt 20 ] || fail "it was never folded without room"
    piece $i 1000
    fill 0
    taken $i
    i=$((i + 1))
done
stop_asking
asked=$(wc -l < "$work/asked")
[ "$asked" -ge 10 ] || fail "asked $asked times only"

step "a start without room to fold what is there"
kill -KILL "$daemon"
wait "$daemon" 2> /dev/null
fill 48
start
begin_asking
piece $i 1000
upload $i
refused $i
rm "$ballast"
taken $i
stop_asking
stop_daemon

step "a start without any room"
fill 0
expect 1 vouchd --dev "$dev" --set "store.dsn=sqlite:$small/vouch.db"
complains "part=store err=FULL"
rm "$ballast"
start
for file in "$work"/[0-9]*.csv; do
    name=${file##*/}
    expect 0 vouch publication show "$(id_of "${name%.csv}")"
done
i=$((i + 1))
piece $i 300
taken $i
stop_daemon

step "the index agrees with the log"
expect 0 vouchd --dev "$dev" --set "store.dsn=sqlite:$small/vouch.db" \
    --check-index
echo "asked $asked times meanwhile, answered each time;" \
    "$(grep -c 'event=store_full' "$log") times full:" \
    "$(sed -n 's/.*event=store_full //p' "$log" | sort | uniq -c |
        tr -s ' \n' '  ')"
for step in commit tidy open; do
    grep -q "event=store_full step=$step" "$log" ||
        fail "the disk was never full at: $step"
done
