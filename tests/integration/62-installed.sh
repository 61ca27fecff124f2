#!/bin/sh
# An installation by cmake --install: what lies where, and that the installed
# programs find what they need, wherever it was put.
. "$(dirname "$0")/lib.sh"

build=$(cd "$VOUCH_BIN/.." && pwd)

step "staged as a package would: under /usr of another root"
expect 0 env DESTDIR="$work/root" cmake --install "$build" --prefix /usr
root=$work/root/usr
for file in sbin/vouchd bin/vouch share/vouch/catalog/associations.csv \
    share/vouch/catalog/mappings/co_dora_vet.yaml \
    share/doc/vouch/mapping.md share/vouch/certs/make-dev-certs.sh \
    share/vouch/proto/vouch/v1/verification_service.proto \
    lib/systemd/system/vouchd.service lib/systemd/system/vouchd.socket \
    lib/systemd/system/vouch-declare-current@.service \
    lib/systemd/system/vouch-declare-current@.timer \
    lib/sysusers.d/vouchd.conf share/doc/vouch/operations.md \
    share/doc/vouch/examples/vouchd.conf \
    share/doc/vouch/examples/service-config.json share/man/man8/vouchd.8 \
    share/man/man5/vouchd.conf.5 share/man/man1/vouch.1 include/vouch.h; do
    [ -f "$root/$file" ] || fail "$file is not installed"
done
[ -e "$work/root/etc" ] && fail "something was put into /etc"
find "$root" -perm /022 ! -type l > "$work/out"
[ -s "$work/out" ] && fail "others may write to what was installed"
grep -qx "ExecStart=/usr/sbin/vouchd --config /etc/vouch/vouchd.conf" \
    "$root/lib/systemd/system/vouchd.service" || fail "ExecStart"
for service in vouchd vouch-declare-current@; do
    cmp -s "$root/lib/systemd/system/$service.service" \
        "$source_dir/systemd/$service.service" ||
        fail "$service.service was changed"
done

step "the sample is what the program reads, and each option is in the manual"
expect 0 "$root/sbin/vouchd" --config "$root/share/doc/vouch/examples/vouchd.conf" \
    --print-config
says "port = 8443    # default"
sed 's/^\( *\)# \([a-z0-9_]* = \)/\1\2/' \
    "$root/share/doc/vouch/examples/vouchd.conf" > "$work/all.conf"
expect 0 "$root/sbin/vouchd" --config "$work/all.conf" --print-config
says "port = 8443    # $work/all.conf:"
grep -q "# default" "$work/out" && fail "an option is not in the sample"
for name in listen.port drain_ms publish.rejects; do
    grep -q "^.It Ic $name" "$root/share/man/man5/vouchd.conf.5" ||
        fail "$name is not in vouchd.conf(5)"
done

step "installed elsewhere, and moved: it serves, and is asked"
expect 0 cmake --install "$build" --prefix "$work/first"
grep -qx "ExecStart=$work/first/sbin/vouchd --config .*" \
    "$work/first/lib/systemd/system/vouchd.service" ||
    fail "the service names another daemon"
grep -qx "ExecStart=$work/first/bin/vouch declare-current --association %i" \
    "$work/first/lib/systemd/system/vouch-declare-current@.service" ||
    fail "the timer's service names another program"
mv "$work/first" "$work/moved"
PATH=$work/moved/bin:$work/moved/sbin:$PATH
[ "$(command -v vouchd)" = "$work/moved/sbin/vouchd" ] || fail "PATH"
[ "$(command -v vouch)" = "$work/moved/bin/vouch" ] || fail "PATH"
cd / || fail "no /"
start_daemon
expect 0 vouchd --dev "$dev" --print-config
says "dir = \"$work/moved/sbin/../share/vouch/catalog\""
roster 60 "$work/roster.csv"
publish "$work/roster.csv"
as employer
ask 0 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990
says YES
stop_daemon

step "incomplete, it says so"
rm "$work/moved/share/vouch/certs/make-dev-certs.sh"
expect 1 vouchd --dev "$work/dev2"
complains "make-dev-certs.sh" "is the installation complete?"
