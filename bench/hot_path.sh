#!/bin/sh
# How many instructions one verification takes, from the first byte read to the
# last byte written, as callgrind counts them: the figure that tells a change
# for the worse when the clock of a busy machine does not.
#
#   bench/hot_path.sh BIN             measure; fail if it grew by more than 5 %
#   bench/hot_path.sh BIN --record    measure, and write bench/hot_path.txt
#   bench/hot_path.sh BIN --profile   measure, and say where they are spent
#
# BIN is the folder of a release build's vouchd, vouch, vouch_load and
# make_records.

set -eu
bin=$(cd "${1:?which folder has the programs?}" && pwd)
do=${2:---check}
here=$(cd "$(dirname "$0")" && pwd)
recorded=$here/hot_path.txt

RECORDS=20000
GROWTH=5            # per cent
TOP=${TOP:-25}

unset VOUCH_SERVER VOUCH_CA VOUCH_CERT VOUCH_KEY VOUCH_CONTEXT VOUCH_OUTPUT
export LC_ALL=C
work=$(mktemp -d "${TMPDIR:-/tmp}/vouch-hot-path.XXXXXX")
export XDG_CONFIG_HOME="$work/config"
daemon='' load='' grew=0

clean()
{
    status=$?
    trap - EXIT
    for pid in $load $daemon; do
        kill -KILL "$pid" 2> /dev/null || true
        wait "$pid" 2> /dev/null || true
    done
    if [ "$status" -ne 0 ] && [ "$grew" -eq 0 ]; then
        for file in "$work/log" "$work/load.err" "$work/control"; do
            [ ! -s "$file" ] || tail -n 5 "$file" | sed "s|^|${file##*/}: |" >&2
        done
    fi
    rm -rf "$work"
    exit "$status"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

die()
{
    echo "hot_path: $*" >&2
    exit 1
}

need()
{
    command -v "$1" > /dev/null 2>&1 ||
        die "the command $1 is missing: Debian's package valgrind has it"
}

# start COMMAND...: a daemon, and wait until it serves.
start()
{
    : > "$work/out"
    "$@" --dev "$work/dev" --set workers=1 > "$work/out" 2> "$work/log" \
        < /dev/null &
    daemon=$!
    tries=600
    until grep -qx ready "$work/out"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] && kill -0 "$daemon" 2> /dev/null ||
            die "the daemon does not get ready"
        sleep 0.05
    done
}

stop()
{
    kill -TERM "$daemon"
    wait "$daemon" || die "the daemon did not end well"
    daemon=''
}

publish()
{
    "$bin/make_records" "$RECORDS" > "$work/records.csv"
    (
        . "$work/dev/association.env"
        "$bin/vouch" publish "$work/records.csv" --association ascp-boc \
            --quiet > "$work/published"
    ) || die "cannot publish"
}

control()
{
    timeout 20 callgrind_control "$@" "$daemon" > "$work/control" 2>&1 ||
        die "callgrind_control $1 failed"
    grep -q '^ *OK\.' "$work/control" || die "callgrind_control $1 was not heard"
}

await()
{
    read -r word <&3 || die "the load generator ended early"
    [ "$word" = "$1" ] || die "the load generator said '$word', not '$1'"
}

# instructions STREAMS REQUESTS: ask over one connection, count what those
# requests alone took, and set ${each}; the profile is ${dump}.
instructions()
{
    rm -f "$work/to" "$work/from"
    mkfifo "$work/to" "$work/from"
    (
        . "$work/dev/employer.env"
        exec timeout 60 "$bin/vouch_load" --server "$VOUCH_SERVER" \
            --ca "$VOUCH_CA" --cert "$VOUCH_CERT" --key "$VOUCH_KEY" \
            --records "$RECORDS" --seed 7 --streams "$1" \
            --warm-requests "$(($2 / 4))" --requests "$2" --hold 1
    ) < "$work/to" > "$work/from" 2> "$work/load.err" &
    load=$!
    exec 4> "$work/to" 3< "$work/from"
    await warm
    control --zero
    echo go >&4
    await "done"
    control --dump=hot
    echo go >&4
    exec 4>&-
    cat <&3 > "$work/load.out"
    exec 3<&-
    wait "$load" || die "not every answer was right"
    load=''
    dump=$(ls -t "$work"/callgrind.*.[0-9]* | head -n 1)
    total=$(sed -n 's/^totals: \([0-9]*\).*/\1/p' "$dump")
    [ -n "$total" ] || die "there is no total in $dump"
    each=$((total / $2))
}

# listing yes|no REQUESTS: "per-request function [library]" lines, the dearest
# first.  A thread's first functions began before we did: callgrind takes all
# beneath them for their own.
listing()
{
    callgrind_annotate --auto=no --inclusive="$1" --threshold=100 "$dump" 2> /dev/null |
        awk -v n="$2" '
            /^ *[0-9,]+ \( *[0-9.]+%\)/ && !/PROGRAM TOTALS/ &&
                !/:(clone|start_thread) / {
                gsub(",", "", $1)
                count = $1 / n
                sub(/^[^)]*\) */, ""); sub(/^[^ ]*:/, ""); sub(/\[.*\//, "[")
                printf "%.1f %s\n", count, $0
            }'
}

table()
{
    printf '\n%s\n\n' "$1"
    head -n "$TOP" | awk -v total="$each" '{
        count = $1; $1 = ""
        printf "%8.0f  %5.1f %% %s\n", count, 100 * count / total, $0 }'
}

profile()
{
    printf '\nstreams=%s: %s instructions a verification\n' "$1" "$each"
    listing no "$2" > "$work/self"
    # What the compiler inlined from another file is listed without a library.
    awk '$NF ~ /^\[/ { library[$2] = $NF }
        { sum[$2] += $1 }
        END {
            for (f in sum) of[f in library ? library[f] : "[other]"] += sum[f]
            for (l in of) printf "%.1f %s\n", of[l], l
        }' "$work/self" | sort -rn | table "by library"
    table "by function" < "$work/self"
    listing yes "$2" | table "by function, with all that it calls"
}

# check NAME FIGURE
check()
{
    old=$(sed -n "s/^$1 //p" "$recorded")
    [ -n "$old" ] || die "$recorded has no line '$1'; --record makes it"
    change=$(awk -v a="$old" -v b="$2" 'BEGIN { printf "%+.1f", 100*(b-a)/a }')
    echo "$1: $2 instructions a verification, $old recorded ($change %)"
    if [ "$2" -gt $((old + old * GROWTH / 100)) ]; then
        grew=1
    fi
}

case $do in --check | --record | --profile) ;; *) die "what is this: $do" ;; esac
need valgrind
need callgrind_control
for program in vouchd vouch vouch_load make_records; do
    [ -x "$bin/$program" ] || die "there is no $bin/$program"
done

start "$bin/vouchd"
publish
stop
start valgrind --tool=callgrind --callgrind-out-file="$work/callgrind.%p" \
    "$bin/vouchd"
figures=''
for streams in 1 32; do
    requests=$((streams == 1 ? 400 : 1600))
    instructions "$streams" "$requests"
    figures="$figures
streams_$streams $each"
    case $do in
    --check) check "streams_$streams" "$each" ;;
    --profile) profile "$streams" "$requests" ;;
    *) echo "streams_$streams: $each instructions a verification" ;;
    esac
done
stop

if [ "$do" = --record ]; then
    cat > "$recorded" << END
# Instructions that one verification takes in vouchd, of $RECORDS records, over
# one connection with so many requests at a time.  Written by
# bench/hot_path.sh BIN --record; the commit that changes it says why.$figures
END
fi
if [ "$grew" -ne 0 ]; then
    cat >&2 << END
hot_path: FAILED: a verification takes over $GROWTH % more instructions than
bench/hot_path.txt says.  To see where they go:

    bench/hot_path.sh $bin --profile

If the growth is meant, record it, and say why in the commit:

    bench/hot_path.sh $bin --record
END
    exit 1
fi
