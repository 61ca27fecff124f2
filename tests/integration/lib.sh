# What the scenarios share; to be sourced with VOUCH_BIN naming the folder of
# vouch and vouchd.  Each scenario has a folder of its own, ${work}, and as
# many daemons as it starts, one after another; both are gone when it ends.

set -u
: "${VOUCH_BIN:?must name the folder of vouch and vouchd}"
here=$(cd "$(dirname "$0")" && pwd)
source_dir=$(cd "$here/../.." && pwd)
PATH=$VOUCH_BIN:$PATH
# Nothing of whoever runs the tests.
unset VOUCH_SERVER VOUCH_CA VOUCH_CERT VOUCH_KEY VOUCH_CONTEXT VOUCH_OUTPUT
unset VOUCH_TRUST VOUCH_ROOT_KEY
export LC_ALL=C.UTF-8 NO_COLOR=1 PATH

# Without a folder of its own, ${dev} would be /dev.
work=$(mktemp -d "${TMPDIR:-/tmp}/vouch-test.XXXXXX") && [ -d "$work" ] ||
    exit 1
export XDG_CONFIG_HOME="$work/config" XDG_STATE_HOME="$work/state"
dev=$work/dev
log=$work/log
daemon=''

clean()
{
    status=$?
    trap - EXIT
    if [ -n "$daemon" ]; then
        kill -KILL "$daemon" 2> /dev/null
        wait "$daemon" 2> /dev/null
    fi
    rm -rf "$work"
    exit "$status"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

fail()
{
    echo "FAILED: $*" >&2
    for file in "$work/out" "$work/err"; do
        [ -s "$file" ] && sed "s|^|  ${file##*/}: |" "$file" | head -n 60 >&2
    done
    [ -s "$log" ] && tail -n 25 "$log" | sed 's/^/  log: /' >&2
    exit 1
}

# A heading, so that a failure shows where it happened.
step()
{
    printf -- '-- %s\n' "$*"
}

# within SECONDS COMMAND...: try again and again until it succeeds.
within()
{
    tries=$(($1 * 20))
    shift
    while ! "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.05
    done
}

gone()
{
    ! kill -0 "$1" 2> /dev/null
}

ready_or_gone()
{
    grep -qx ready "$work/daemon.out" || gone "$daemon"
}

# start_daemon [ARGUMENT...]: in ${dev}, and wait until it serves.
start_daemon()
{
    : > "$work/daemon.out"
    vouchd --dev "$dev" "$@" > "$work/daemon.out" 2>> "$log" < /dev/null &
    daemon=$!
    within 60 ready_or_gone || fail "the daemon is not ready after 60 s"
    grep -qx ready "$work/daemon.out" || fail "the daemon ended at its start"
}

# The daemon must end by itself, with status 0, after SIGTERM.
await_daemon()
{
    within 40 gone "$daemon" || fail "the daemon does not end"
    wait "$daemon"
    code=$?
    daemon=''
    [ "$code" -eq 0 ] || fail "the daemon ended with status $code"
}

stop_daemon()
{
    kill -TERM "$daemon" || fail "the daemon was gone already"
    await_daemon
}

# as ROLE: employer, association, auditor, admin or admin2.
as()
{
    . "$dev/$1.env" || fail "there is no $dev/$1.env"
}

# expect CODE COMMAND...: run it; its output is in ${work}/out and err.  What
# hangs ends with code 124, and the daemon's log is shown.
expect()
{
    wanted=$1
    shift
    case $(command -v "$1") in
    /*) set -- timeout 120 "$@" ;;      # not what is a function here
    esac
    "$@" > "$work/out" 2> "$work/err" < /dev/null
    code=$?
    [ "$code" -eq "$wanted" ] || fail "exit code $code, not $wanted, of: $*"
}

# says TEXT..., complains TEXT...: each text stands in the last output.
says()
{
    for text in "$@"; do
        grep -qF -e "$text" "$work/out" || fail "the output lacks '$text'"
    done
}

complains()
{
    for text in "$@"; do
        grep -qF -e "$text" "$work/err" ||
            fail "standard error lacks '$text'"
    done
}

roster()
{
    "$source_dir/tests/support/make_roster.py" --rows "$1" --seed 7 \
        --out "$2" || fail "no roster"
}

publish()
{
    as association
    expect 0 vouch publish "$1" --association ascp-boc --quiet
}

# ask CODE FLAG...: verify a claim on ascp-boc.
ask()
{
    wanted=$1
    shift
    expect "$wanted" vouch verify --association ascp-boc "$@"
}

# An answer without what differs from one asking to the next.
same_part()
{
    sed '/^ *"seal": {/,/^ *}/d' "$1" |
        grep -v -e '"answeredAtUs"' -e '"requestId"'
}
