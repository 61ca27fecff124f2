#!/bin/sh
# The units: that systemd understands every line of them, and how much of the
# machine is open to what they run.
#
#   lint_systemd.sh VOUCHD VOUCH
set -eu
vouchd=$1
vouch=$2
units=$(cd "$(dirname "$0")/../../systemd" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/vouch-lint.XXXXXX")
trap 'rm -rf "$work"' EXIT

# verify FOLDER: prints what it does not understand, and succeeds for much.
verify()
{
    for unit in "$1"/*.service "$1"/*.socket "$1"/*.timer; do
        systemd-analyze verify --man=no "$unit" 2>&1 || echo "status $?"
    done
}

# With the programs where they are now: verify looks for them.
mkdir "$work/good" "$work/bad"
cp "$units/"*.socket "$units/"*.timer "$work/good"
cp "$units/"*.socket "$units/"*.timer "$work/bad"
for unit in vouchd vouch-declare-current@; do
    sed "s|/usr/sbin/vouchd|$vouchd|;s|/usr/bin/vouch|$vouch|" \
        "$units/$unit.service" > "$work/good/$unit.service"
    sed 's/^ProtectHome=/ProtectHouse=/' "$work/good/$unit.service" \
        > "$work/bad/$unit.service"
done

verify "$work/good" > "$work/said"
if [ -s "$work/said" ]; then
    echo "systemd-analyze verify:" && cat "$work/said" && exit 1
fi
verify "$work/bad" > "$work/said"
for unit in vouchd vouch-declare-current@; do
    grep "$unit.*service" "$work/said" | grep -q "ProtectHouse" ||
        { echo "a misspelled line in $unit.service goes unnoticed" && exit 1; }
done

for unit in vouchd vouch-declare-current@; do
    systemd-analyze security --offline=true --no-pager --threshold=15 \
        "$units/$unit.service" > "$work/said" ||
        { cat "$work/said" && exit 1; }
    tail -n 1 "$work/said"
done

# When the timer comes next, it comes once a day.
calendar=$(sed -n 's/^OnCalendar=//p' "$units/vouch-declare-current@.timer")
systemd-analyze calendar --iterations=2 "$calendar" > "$work/said" ||
    { echo "OnCalendar=$calendar" && exit 1; }
grep -q 'Normalized form: \*-\*-\* 00:00:00' "$work/said" ||
    { cat "$work/said" && exit 1; }

# The user that the service runs as is the one that is made.
name=$(sed -n 's/^User=//p' "$units/vouchd.service")
systemd-sysusers --dry-run "$units/vouchd.sysusers.conf" > "$work/said" \
    2>&1 || { cat "$work/said" && exit 1; }
grep -q "^u $name " "$units/vouchd.sysusers.conf" ||
    { echo "nobody makes the user $name" && exit 1; }
