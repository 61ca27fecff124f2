#!/bin/sh
# The manuals, written and generated.
#
#   lint_man.sh VOUCHD VOUCH
set -eu
docs=$(cd "$(dirname "$0")/../../docs" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/vouch-lint.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$1" --manual > "$work/vouchd.conf.5"
"$2" help man > "$work/vouch.1"
mandoc -Tlint -Wwarning "$docs/vouchd.8" "$work/vouchd.conf.5" "$work/vouch.1"

# Without the backspaces of bold and underlined text.
plain()
{
    mandoc -Tutf8 "$1" | sed "s/.$(printf '\010')//g"
}

# What is rendered has what it was made from.
plain "$work/vouch.1" | grep -q -- "--birth-date DATE" ||
    { echo "vouch(1) lacks a flag of vouch verify" && exit 1; }
plain "$work/vouchd.conf.5" | grep -q "listen.port" ||
    { echo "vouchd.conf(5) lacks listen.port" && exit 1; }

# vouchd(8) has every option of vouchd and its subcommands, and no other.
for words in '' init key trust; do
    # shellcheck disable=SC2086
    "$1" $words --help
done | grep -oE -e '--[a-z][a-z-]+' | sort -u > "$work/has"
plain "$docs/vouchd.8" | grep -oE -e '--[a-z][a-z-]+' |
    sort -u > "$work/told"
diff "$work/has" "$work/told" ||
    { echo "vouchd(8) and vouchd --help differ" && exit 1; }
echo "manuals: three, no warning"
