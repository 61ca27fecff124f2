#!/bin/sh
# libvouch as others use it: installed somewhere, found by pkg-config, linked
# by a small program in C; the header in C++ too; and nothing is shown but
# what vouch.h says.
#
#   libvouch.sh BUILD_DIR
. "$(dirname "$0")/lib.sh"

build=$1
root=$work/root
: "${CC:=cc}" "${CXX:=c++}" "${CFLAGS:=}"

step "install, and move it elsewhere"
expect 0 cmake --install "$build" --prefix "$work/first"
mv "$work/first" "$root"
pc=$(find "$root" -name vouch.pc)
[ -n "$pc" ] || fail "no vouch.pc was installed"
libdir=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH="$libdir/pkgconfig"
flags=$(pkg-config --cflags --libs vouch) || fail "pkg-config finds no vouch"

step "nothing is exported but vouch_*"
so=$(find "$root" -name 'libvouch.so.*.*')
[ -n "$so" ] || fail "no shared library was installed"
nm -D --defined-only "$so" | awk '{print $3}' > "$work/out"
grep -qx vouch_open "$work/out" || fail "vouch_open is not exported"
grep -v '^vouch_' "$work/out" > "$work/err"
[ -s "$work/err" ] && fail "other names are exported"
for name in $(sed -n 's/.*\b\(vouch_[a-z_]*\)(.*/\1/p' \
    "$source_dir/client/vouch.h" | sort -u); do
    grep -qx "$name" "$work/out" || fail "$name is not exported"
done

step "a program in C, with nothing else of ours"
# shellcheck disable=SC2086
expect 0 $CC -std=c11 -Wall -Wextra -Wpedantic -Werror $CFLAGS \
    "$source_dir/examples/ask.c" -o "$work/ask" $flags
grep -q "examples/ask.c" "$source_dir/client/vouch.h" ||
    fail "vouch.h does not name its example"

step "and one that gives dates without a day, month or year"
sed 's/claim.birth_date = &born;/& claim.as_of = claim.issued_on = \&none;/
    s/Vouch__V1__Claim claim = .*/& Vouch__V1__Date none = VOUCH__V1__DATE__INIT;/' \
    "$source_dir/examples/ask.c" > "$work/none.c"
# shellcheck disable=SC2086
expect 0 $CC -std=c11 -Wall -Wextra -Wpedantic -Werror $CFLAGS \
    "$work/none.c" -o "$work/none" $flags

step "the header in C++ and in C, on its own"
printf '#include <vouch.h>\nint main(void) { return vouch_open == 0; }\n' \
    > "$work/header.cc"
cp "$work/header.cc" "$work/header.c"
# shellcheck disable=SC2086
expect 0 $CXX -std=c++11 -Wall -Wextra -Wno-address $CFLAGS \
    "$work/header.cc" -o "$work/header" $flags
# shellcheck disable=SC2086
expect 0 $CC -std=c99 -Wall -Wextra -Wno-address $CFLAGS "$work/header.c" \
    -o "$work/header" $flags

step "it asks a daemon"
LD_LIBRARY_PATH=$libdir
export LD_LIBRARY_PATH
start_daemon
roster 60 "$work/roster.csv"
publish "$work/roster.csv"
as employer
expect 0 "$work/ask" ascp-boc 10482 Garcia 1990
says YES
expect 0 "$work/none" ascp-boc 10482 Garcia 1990
says YES
expect 1 "$work/ask" ascp-boc 10484 Novak 1978
says NO
expect 3 "$work/ask" ascp-boc 77777 Garcia 1990
says "REVIEW: ask "

step "what it files is a receipt, and what is not sealed it does not believe"
expect 0 "$work/ask" ascp-boc 10482 Garcia 1990 "$work/garcia.receipt"
expect 0 vouch receipt verify "$work/garcia.receipt"
expect 9 "$work/ask" ascp-boc 10482 Garcia 1990 "$work/garcia.receipt"
expect 9 env VOUCH_ROOT_KEY=00 "$work/ask" ascp-boc 10482 Garcia 1990
complains "signed by the root key" "->"
cp -r "$dev" "$work/other"
rm -r "$work/other/seal" "$work/other/trust.json" "$work/other/root.key"
stop_daemon
first=$dev
dev=$work/other
start_daemon
stop_daemon
dev=$first
start_daemon
as employer
expect 9 env VOUCH_TRUST="$work/other/trust.json" "$work/ask" ascp-boc 10482 \
    Garcia 1990
complains "not to be believed: KEY_UNKNOWN"

step "what it cannot ask"
expect 5 "$work/ask" ascp-boc '' Garcia 1990
complains "claim.number"
expect 5 env VOUCH_SERVER=127.0.0.1:1 "$work/ask" ascp-boc 10482 Garcia 1990
complains "127.0.0.1:1" "->"
expect 5 env -u VOUCH_CERT "$work/ask" ascp-boc 10482 Garcia 1990
complains "all needed"
stop_daemon
