#!/bin/sh
# vouch-declare-current@.service as systemd runs it: this test is the service
# manager, and hands it its credentials and its environment.
. "$(dirname "$0")/lib.sh"

unit="$source_dir/systemd/vouch-declare-current@.service"
etc=$work/etc/ascp-boc
credentials=$work/credentials
mkdir -p "$etc" "$credentials"

roster 50 "$work/roster.csv"
start_daemon

# setting NAME: the values that the unit gives it, %i and %d filled in.
setting()
{
    sed -n "s/^$1=//p" "$unit" | sed "s|%i|ascp-boc|g;s|%d|$credentials|g"
}

# What operations.md has an association put there.
as association
cp "$VOUCH_CA" "$etc/root.pem"
cp "$VOUCH_CERT" "$etc/client.pem"
cp "$VOUCH_KEY" "$etc/client.key"
echo "VOUCH_SERVER=$VOUCH_SERVER" > "$etc/server.env"

# run_unit CODE: as systemd does, with nothing else in the environment.
run_unit()
{
    wanted=$1
    set -- "PATH=$VOUCH_BIN:/usr/bin:/bin" "XDG_CONFIG_HOME=$work/nothing" \
        "LC_ALL=C.UTF-8"
    for line in $(setting LoadCredential); do
        install -m 400 "$work${line#*:}" "$credentials/${line%%:*}" ||
            fail "no credential ${line#*:}"
    done
    for line in $(setting Environment); do
        set -- "$@" "$line"
    done
    for file in $(setting EnvironmentFile); do
        while read -r line; do
            set -- "$@" "$line"
        done < "$work$file"
    done
    command=$(setting ExecStart | sed 's|^/usr/bin/||')
    [ -n "$command" ] || fail "no ExecStart"
    # shellcheck disable=SC2086
    expect "$wanted" env -i "$@" $command
}

# May the unit be started again after that exit code?
restarts()
{
    ! setting RestartPreventExitStatus | tr ' ' '\n' | grep -qx "$1"
}
mv "$work/etc" "$work/vouch" && mkdir "$work/etc" &&
    mv "$work/vouch" "$work/etc/vouch"

step "nothing was ever published: refused, and not asked again"
run_unit 7
complains NOTHING_PUBLISHED
restarts 7 && fail "it would be asked again"

step "what was late is fresh again"
expect 0 vouch publish "$work/roster.csv" --association ascp-boc --quiet \
    --extracted-at "$(date -u -d '60 days ago' +%Y-%m-%dT%H:%M:%SZ)"
as employer
ask 3 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990
says STALE
run_unit 0
says "current as of $(date -u +%Y-)"
ask 0 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990
says FRESH
run_unit 0

step "a server that is away is asked again"
stop_daemon
run_unit 5
restarts 5 || fail "it is not asked again"

step "so is nothing that only a person can mend"
for code in 2 4 70; do
    restarts $code && fail "it is asked again after $code"
done
:
