#!/bin/sh
# The keys that seal: how they come to be, what the ceremonies do to the trust
# file, and that the daemon seals with nothing that it does not list.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/service.sh"

make_installation
root=$work/root.key
trust=$state/trust.json
keys=$state/seal
# Nothing of whoever runs the tests is remembered.
export XDG_STATE_HOME="$work/state-home"

# ceremony VERB...: what the trust file says becomes another thing.
ceremony()
{
    expect 0 vouchd trust "$@" --trust "$trust" --root-key "$root"
}

# faulty CODE VERB... -- TEXT...: it does not, and nothing has changed.
faulty()
{
    wanted=$1
    shift
    verb=''
    while [ "$1" != -- ]; do
        verb="$verb $1"
        shift
    done
    shift
    cp "$trust" "$work/before"
    # shellcheck disable=SC2086
    expect "$wanted" vouchd trust $verb
    complains "$@"
    cmp -s "$trust" "$work/before" || fail "the trust file has changed"
}

# refused TEXT...: with the files as they are nothing is served, and why.
refused()
{
    timeout 30 vouchd --config "$conf" > "$work/out" 2> "$work/err" < /dev/null
    [ $? -eq 1 ] || fail "it was not refused"
    grep 'part=seal' "$work/err" > "$work/lines"
    for text in "$@"; do
        grep -qF -e "$text" "$work/lines" || fail "it does not say '$text'"
    done
    expect 1 vouchd --config "$conf" --check-config
    complains "$@"
}

keep()
{
    rm -rf "$work/kept" && cp -a "$state" "$work/kept"
}

bring_back()
{
    rm -rf "$state" && cp -a "$work/kept" "$state"
}

in_use=$(cat "$keys/current")
next=$(basename "$(find "$keys" -name 'seal-*.key' ! -name "*$in_use*")" .key)
next=${next#seal-}

step "init makes all of it, for its owner only, and tells what it was"
says "made $root" "made $trust, version 1" "$in_use" "$next" "to be pinned" \
    "Move $root"
root_id=$(sed -n '/to be pinned/{n;s/ *//p}' "$work/out")
openssl pkey -in "$root" -pubout -outform DER 2> "$work/err" | tail -c 32 |
    sha256sum | grep -q "^$root_id " || fail "the id is not the root key's"
openssl pkey -pubin -in "$keys/seal-$next.pub" -outform DER 2> "$work/err" |
    tail -c 32 | sha256sum | grep -q "^$next " || fail "a key's id"
[ -z "$(find "$root" "$keys" -name '*.key' ! -perm 600)" ] ||
    fail "others may read a key"
[ "$(stat -c %a "$keys" "$trust" | tr '\n' ' ')" = "700 644 " ] || fail "modes"
expect 0 vouchd trust show --trust "$trust"
says "origin      $domain" "root key    $root_id" "version     1" "$in_use"
grep -Eq '^expires .*, in (399|400) days$' "$work/out" || fail "its end"

step "init overwrites nothing"
find "$state" "$root" -type f -exec sha256sum {} + | sort > "$work/sums"
for gone in '' "$root" "$trust"; do
    [ -z "$gone" ] || mv "$gone" "$work/away"
    expect 1 vouchd init --origin "$domain" --root-key "$root" --config "$conf"
    complains "nothing is overwritten"
    [ -z "$gone" ] || mv "$work/away" "$gone"
done
find "$state" "$root" -type f -exec sha256sum {} + | sort |
    cmp -s "$work/sums" - || fail "something has changed"
expect 2 vouchd init --root-key "$root" --config "$conf"
complains "--origin"
expect 2 vouchd init --origin "$domain" --config "$conf"
complains "--root-key"
expect 2 vouchd init --origin 'a"b' --root-key "$work/x.key" \
    --set "seal.trust=$work/x.json" --set "seal.key_dir=$work/x"
complains "the origin"
[ ! -e "$work/x.key" ] && [ ! -e "$work/x" ] || fail "something was left"
expect 1 vouchd init --origin "$domain" --root-key "$work/x.key" \
    --set "seal.trust=$work/x.json" --set "seal.key_dir=$work/none/x"
complains "$work/none/x" "not there"
[ ! -e "$work/x.key" ] || fail "something was left"
expect 0 vouchd init --help
says "example:"

step "without trust file or keys nothing is served, and init is named"
keep
rm "$trust"
refused "$trust" "vouchd init"
bring_back
rm -r "$keys"
refused "$keys" "vouchd init"
bring_back
rm "$keys/current"
refused "$keys/current"
bring_back
rm "$keys/seal-$in_use.key"
refused "$keys/seal-$in_use.key"
bring_back

step "nor with what others could have written, or another key"
chmod 640 "$keys/seal-$in_use.key"
refused "$keys/seal-$in_use.key" "others may read or write it"
bring_back
cp -p "$keys/seal-$next.key" "$keys/seal-$in_use.key"
refused "another key than its name says"
bring_back
sed -i 's/"version": 1/"version": 2/' "$trust"
refused "$trust" "signature"
bring_back
sed -i '3s/^/x/' "$trust"
refused "$trust" "line 3"
bring_back

step "ceremonies: each is a new version, and says what has changed"
expect 0 vouchd key make --config "$conf"
made=$(sed -n 's/^ *seal *//p' "$work/out")
ceremony add --use seal --public-key "$keys/seal-$made.pub" \
    --valid-from 2026-01-01 --valid-until 2036-01-01T12:00:00Z
says "- version     1" "+ version     2" "+ seal        $made" \
    "active, valid from 2026-01-01T00:00:00Z until 2036-01-01T12:00:00Z" \
    "systemctl reload vouchd"
ceremony retire "$(echo "$made" | cut -c1-8)"
says "- seal        $made" "+ seal        $made" "retired"
ceremony compromise "$made" --since 2026-06-01
says "compromised since 2026-06-01T00:00:00Z"
ceremony compromise "$made" --since 2026-05-01
says "compromised since 2026-05-01T00:00:00Z"
ceremony renew --days 30
says "+ expires"
expect 0 vouchd trust show --trust "$trust"
says "version     6" "compromised since 2026-05-01T00:00:00Z"
grep -Eq '^expires .*, in (29|30) days$' "$work/out" || fail "its end"
[ "$(stat -c %a "$trust")" = 644 ] || fail "the mode has changed"

step "what is wrong is told, and changes nothing"
t="--trust $trust --root-key $root"
faulty 1 retire ffffffff "$t" -- "no key ffffffff" "vouchd trust show"
faulty 1 retire abc "$t" -- "at least 8 digits"
faulty 1 retire "$made" "$t" -- "compromised already"
faulty 1 compromise "$made" --since 2026-05-02 "$t" -- "compromised already"
faulty 1 compromise "$next" --since 2099-01-01 "$t" -- "in the future"
faulty 1 compromise "$next" --since yesterday "$t" -- "--since is a time"
faulty 1 add --use seal --public-key "$keys/seal-$made.pub" "$t" -- \
    "listed already"
faulty 1 add --use seals --public-key "$keys/seal-$made.pub" "$t" -- \
    "seal or checkpoint"
faulty 1 add --use seal --public-key "$keys/seal-$made.key" "$t" -- \
    "not a public key"
faulty 1 add --use seal --public-key "$work/nowhere" "$t" -- "No such file"
faulty 2 add --use seal "$t" -- "needs --public-key"
faulty 2 retire "$t" -- "id is missing"
faulty 2 renew "$t" more -- "more"
faulty 2 renew --days 0 "$t" -- "1 to 36500"
faulty 2 renew --use seal "$t" -- "takes no --use"
faulty 2 renew --trust "$trust" -- "needs --root-key"
faulty 2 reknew "$t" -- "reknew"
cp -p "$keys/seal-$next.key" "$work/other.key"
faulty 1 renew --trust "$trust" --root-key "$work/other.key" -- \
    "another key than the root key" "$root_id"
chmod 644 "$work/other.key"
faulty 1 renew --trust "$trust" --root-key "$work/other.key" -- \
    "others may read or write it"
faulty 1 renew --trust "$trust" --root-key "$work/nowhere" -- "$work/nowhere"
faulty 1 renew --trust "$work/nowhere" --root-key "$root" -- "$work/nowhere"

step "what is in force: told at the start, and its end days before"
cp "$trust" "$work/version6.json"
roster 60 "$work/roster.csv"
start_service
grep -q "event=seal_key key=$in_use until=2" "$log" || fail "not told"
grep -q "event=ends file=\"$trust\" .*days=29" "$log" || fail "its end"
client association
expect 0 vouch publish "$work/roster.csv" --association ascp-boc --quiet
client employer

# sealed: an answer, as ${work}/NAME.receipt, that verifies by the trust file.
sealed()
{
    expect 0 vouch verify --association ascp-boc --type ascp-pbt \
        --number 10482 --family Garcia --birth-date 1990 --trust "$trust" \
        --root-key "$root_id" --receipt "$work/$1.receipt"
    says "VERIFIED"
}

# verifies CODE NAME TEXT.
verifies()
{
    expect "$1" vouch receipt verify "$work/$2.receipt" --trust "$trust" \
        --root-key "$root_id"
    says "$3"
}

# reload TEXT...: SIGHUP, and what the log then says of seal keys.
reload()
{
    lines=$(wc -l < "$log")
    kill -HUP "$daemon"
    within 10 reloaded || fail "nothing was reloaded"
    for text in "$@"; do
        tail -n "+$((lines + 1))" "$log" | grep -qF -e "$text" ||
            fail "the log does not say '$text'"
    done
}

reloaded()
{
    tail -n "+$((lines + 1))" "$log" |
        grep -q -e 'event=seal_key' -e 'event=reload part=seal_keys'
}

sealed before

step "SIGHUP: a newer trust file is taken, an older or a bad one is not"
ceremony renew --days 8
reload "event=seal_key key=$in_use" "event=ends file=\"$trust\" " "days=7"
cp "$trust" "$work/version7.json"
cp "$work/version6.json" "$trust"
reload "event=reload part=seal_keys err=DENIED" "version 6, and version 7"
cp "$work/version7.json" "$trust"
echo x >> "$trust"
reload "event=reload part=seal_keys err=INVAL"
cp "$work/version7.json" "$trust"
mv "$keys/current" "$work/current"
reload "err=NOTFOUND" "$keys/current"
mv "$work/current" "$keys/current"
sealed meanwhile
reload "event=seal_key key=$in_use"

step "an older one is refused after a restart, too"
stop_daemon
keep
cp "$work/version6.json" "$trust"
refused "this is version 6, and version 7 was in force before"
bring_back

step "compromised: nothing that the key sealed verifies, and it seals no more"
start_service
client employer
ceremony compromise "$in_use" --since 2026-01-01 --days 100
reload "event=reload part=seal_keys err=DENIED" "is marked compromised" \
    "vouch key rotate"
verifies 9 before KEY_COMPROMISED
client admin
expect 7 vouch key rotate --expect "$next"
complains KEY_NOT_CURRENT "$in_use"
expect 2 vouch key rotate --pending "$root"
expect 0 vouch key rotate --expect "$in_use" --pending "$work/pending.pub"
says "$next" "$in_use"
client employer
sealed after
verifies 9 before KEY_COMPROMISED
grep -q "event=rotated by=spiffe://$domain/admin/.* previous=$in_use current=$next" \
    "$log" || fail "not told"

step "who is no administrator may not, and without a next key nobody can"
expect 4 vouch key rotate
client admin
expect 7 vouch key rotate --pending "$work/not.pub"
complains NO_NEXT_KEY "vouchd trust add"
[ ! -e "$work/not.pub" ] || fail "a file was left"
expect 2 vouch key rotate --expect "$next" extra
ceremony add --use seal --public-key "$work/pending.pub"
cp "$trust" "$work/good.json"
sed -i 's/"version"/"versiom"/' "$trust"
expect 7 vouch key rotate
complains TRUST_FILE_FAULTY "versiom"
cp "$work/version7.json" "$trust"
expect 7 vouch key rotate
complains TRUST_FILE_OLDER
cp "$work/good.json" "$trust"
expect 0 vouch key rotate -o json
pending=$(sed -n 's/.*"currentKeyId": "\(.*\)".*/\1/p' "$work/out")
grep -q "^$pending\$" "$keys/current" || fail "another key is in use"
[ "$(find "$keys" -name 'seal-*.key' | wc -l)" -eq 3 ] ||
    fail "not all that were left are wiped"       # and one was marked

step "it is in use after a restart, and a retired key's receipts verify"
stop_daemon
start_service
client employer
grep -q "event=seal_key key=$pending" "$log" || fail "another key is in use"
sealed later
ceremony retire "$next"
verifies 0 after VERIFIED
verifies 0 later VERIFIED
stop_daemon

step "a new root key, where the old one is lost"
expect 0 vouchd trust new-root --trust "$trust" --root-key "$work/new.key"
says "- root key    $root_id" "+ root key" "id of the new root key"
expect 9 vouch receipt verify "$work/later.receipt" --trust "$trust" \
    --root-key "$root_id"
expect 0 vouchd trust show --trust "$trust"
root_id=$(sed -n 's/^root key *//p' "$work/out")
verifies 0 later VERIFIED

# Whoever is not root has no other user to be.
if [ "$(id -u)" -eq 0 ]; then
    step "made by root, the keys are the daemon's, who is somebody else"
    rm -rf "$state" "$work/new.key"
    mkdir -m 711 "$state" && mkdir "$state/keys" || fail "no folders"
    chown -R 65534:65534 "$state" "$etc" && chmod 711 "$work" || fail "no owner"
    expect 0 vouchd init --origin "$domain" --root-key "$work/new.key" \
        --config "$conf"
    [ -z "$(find "$keys" ! -uid 65534)" ] || fail "not the folder's owner's"
    [ "$(stat -c %u "$work/new.key")" -eq 0 ] || fail "the root key is not ours"
    expect 0 vouchd --config "$conf" --check-config
    chmod 644 "$keys/seal-$(cat "$keys/current").key"
    expect 1 vouchd --config "$conf" --check-config
    complains "others may read or write it"
    chmod 600 "$keys/seal-$(cat "$keys/current").key"
    # The checkout may be where nobody else looks.
    mkdir -m 755 "$work/catalog" && install -m 755 "$(command -v vouchd)" \
        "$work/vouchd" && install -m 644 "$source_dir"/catalog/*.csv \
        "$work/catalog" || fail "no copies"
    log=$work/start.log
    : > "$log"
    setpriv --reuid=65534 --regid=65534 --clear-groups \
        "$work/vouchd" --config "$conf" --set "catalog.dir=$work/catalog" \
        > "$work/daemon.out" 2>> "$log" < /dev/null &
    daemon=$!
    within 60 serving_or_gone || fail "the daemon does not serve after 60 s"
    port=$(port_of "$log")
    [ -n "$port" ] || fail "the daemon ended at its start"
    client admin
    expect 0 vouch key rotate
    [ -z "$(find "$keys" ! -uid 65534)" ] || fail "not the folder's owner's"
    stop_daemon
fi
