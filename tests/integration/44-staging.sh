#!/bin/sh
# Rows of an upload that do not fit in memory wait in a file: one without a
# name, that tells nothing, and that is gone with the upload.  Its disk is full:
# that upload ends, and nothing else suffers.
. "$(dirname "$0")/own_mounts.sh"
. "$(dirname "$0")/lib.sh"

small=$work/small
rows=16000

leave()
{
    status=$?
    umount -l "$small" 2> /dev/null
    (exit "$status")
    clean
}
trap leave EXIT
mkdir "$small"
mount -t tmpfs -o size=1m,mode=700 vouch-test "$small" ||
    fail "no small file system can be made here"
roster $rows "$work/roster.csv"
mkfifo "$work/pipe"

# begin FLAG...: an upload of all rows but the last, which stays open.
begin()
{
    as association
    vouch publish - --association ascp-boc --quiet "$@" < "$work/pipe" \
        > "$work/out" 2> "$work/err" &
    upload=$!
    exec 9> "$work/pipe"
    head -n $rows "$work/roster.csv" >&9
}

# end CODE: the last row.
end()
{
    tail -n +$((rows + 1)) "$work/roster.csv" >&9
    exec 9>&-
    wait "$upload"
    code=$?
    [ $code -eq "$1" ] || fail "the upload ended with $code, not $1"
}

# The descriptors of files in FOLDER that have no name.
files_in()
{
    for fd in /proc/"$daemon"/fd/*; do
        case $(readlink "$fd") in
        "$1"/*" (deleted)") echo "$fd" ;;
        esac
    done
}

has_file()
{
    file=$(files_in "$1")
    [ -n "$file" ] && [ "$(stat -L -c %s "$file")" -gt 1000000 ]
}

step "rows wait in the folder of the store, in a file without a name"
start_daemon --set publish.upload_memory_bytes=65536
begin
within 60 has_file "$dev" || fail "there is no such file"
[ "$(stat -L -c '%a %h' "$file")" = "600 0" ] ||
    fail "it is not for the daemon alone: $(stat -L -c '%a %h' "$file")"
cat "$file" > "$work/seen" || fail "it cannot be read"

step "none of the rows' names, numbers and types can be found in it"
sed 1d "$work/roster.csv" | head -n 10000 | tr ',' '\n' |
    grep -E '^.{6,}$' | sort -u > "$work/words"
[ "$(wc -l < "$work/words")" -gt 1000 ] || fail "too few words to look for"
grep -a -o -F -f "$work/words" "$work/seen" | head -n 3 > "$work/found"
[ ! -s "$work/found" ] || fail "there is $(cat "$work/found")"
tr -d '\000' < "$work/seen" | gzip -c > "$work/packed"
[ "$(stat -c %s "$work/packed")" -gt \
    $(($(stat -c %s "$work/seen") * 95 / 100)) ] ||
    fail "it can be packed: it is not random"

step "all of them are published, and the file is gone"
end 0
says "rejected     0"
[ -z "$(files_in "$dev")" ] || fail "there is still a file"

step "an upload that is cut off leaves none either"
begin
within 60 has_file "$dev" || fail "there is no such file"
kill -KILL "$upload"
exec 9>&-
wait "$upload"
no_file()
{
    [ -z "$(files_in "$dev")" ]
}
within 20 no_file || fail "there is still a file"
stop_daemon

step "a folder of its own, whose disk is too small: that upload alone ends"
start_daemon --set publish.upload_memory_bytes=65536 \
    --set "publish.staging_dir=$small"
as association
expect 5 vouch publish "$work/roster.csv" --association ascp-boc --quiet
complains "no room on its disk"
grep -q 'event=staging_failed step=write errno=28' "$log" ||
    fail "the log does not say so"
[ "$(df --output=used -k "$small" | tail -n 1)" -eq 0 ] ||
    fail "its file is still there"
head -n 200 "$work/roster.csv" > "$work/few.csv"
publish "$work/few.csv"
says "unchanged    199"
as employer
ask 3 --number 1 --family Nobody --birth-date 1990

step "and once there is room it is taken"
mount -o remount,size=64m "$small" || fail "no more room can be made"
publish "$work/roster.csv"
says "unchanged    $rows"
stop_daemon

step "a folder that is not there is refused at the start"
expect 1 vouchd --dev "$dev" --set publish.staging_dir=/nonexistent
complains "/nonexistent"
