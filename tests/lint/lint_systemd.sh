#!/bin/sh
# The units: that systemd understands every line of them, and how much of the
# machine is open to the daemon.
#
#   lint_systemd.sh VOUCHD
set -eu
vouchd=$1
units=$(cd "$(dirname "$0")/../../systemd" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/vouch-lint.XXXXXX")
trap 'rm -rf "$work"' EXIT

# verify FOLDER: prints what it does not understand, and succeeds for much.
verify()
{
    systemd-analyze verify --man=no "$1/vouchd.service" "$1/vouchd.socket" \
        2>&1 || echo "status $?"
}

# With the daemon where it is now: verify looks for it.
mkdir "$work/good" "$work/bad"
cp "$units/vouchd.socket" "$work/good"
cp "$units/vouchd.socket" "$work/bad"
sed "s|/usr/sbin/vouchd|$vouchd|" "$units/vouchd.service" \
    > "$work/good/vouchd.service"
sed 's/^ProtectHome=/ProtectHouse=/' "$work/good/vouchd.service" \
    > "$work/bad/vouchd.service"

verify "$work/good" > "$work/said"
if [ -s "$work/said" ]; then
    echo "systemd-analyze verify:" && cat "$work/said" && exit 1
fi
verify "$work/bad" | grep -q "ProtectHouse" ||
    { echo "a misspelled line goes unnoticed" && exit 1; }

systemd-analyze security --offline=true --no-pager --threshold=15 \
    "$units/vouchd.service" > "$work/said" ||
    { cat "$work/said" && exit 1; }
tail -n 1 "$work/said"

# The user that the service runs as is the one that is made.
name=$(sed -n 's/^User=//p' "$units/vouchd.service")
systemd-sysusers --dry-run "$units/vouchd.sysusers.conf" > "$work/said" \
    2>&1 || { cat "$work/said" && exit 1; }
grep -q "^u $name " "$units/vouchd.sysusers.conf" ||
    { echo "nobody makes the user $name" && exit 1; }
