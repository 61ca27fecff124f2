#!/bin/sh
# SIGHUP: the certificates are read anew while uploads and questions go on;
# whatever is wrong with them, the old ones stay.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/service.sh"

# The serial number of the certificate that a new connection is shown.
serial_shown()
{
    openssl s_client -connect "127.0.0.1:$port" -alpn h2 \
        -CAfile "$etc/root.pem" -verify_return_error \
        -cert "$etc/employer.pem" -key "$etc/employer.key" \
        < /dev/null 2> /dev/null | openssl x509 -noout -serial
}

serial_of()
{
    openssl x509 -in "$1" -noout -serial
}

fingerprint_of()
{
    openssl x509 -in "$1" -outform DER | sha256sum | cut -d ' ' -f 1
}

# issue FILE: one more certificate for the server's key, by the same CA.
issue()
{
    openssl req -new -key "$etc/server.key" -subj /CN=localhost \
        -out "$work/server.csr" 2> "$work/err" &&
    printf '%s\n' extendedKeyUsage=serverAuth \
        subjectAltName=DNS:localhost,IP:127.0.0.1 > "$work/ext" &&
    openssl x509 -req -in "$work/server.csr" -CA "$etc/root.pem" \
        -CAkey "$etc/root.key" -days 90 -extfile "$work/ext" \
        -set_serial "0x$(openssl rand -hex 16)" -out "$1" 2> "$work/err" ||
        fail "no certificate"
}

reloads()
{
    grep -c 'event=reload' "$log"
}

more_reloads()
{
    [ "$(reloads)" -gt "$1" ]
}

# reload RESULT TEXT...: SIGHUP, and what the log must then say of it.
reload()
{
    before=$(reloads)
    result=$1
    shift
    kill -HUP "$daemon" || fail "the daemon is gone"
    within 10 more_reloads "$before" || fail "nothing was reloaded"
    grep 'event=reload' "$log" | tail -n 1 > "$work/reload"
    grep -q "err=$result " "$work/reload" || fail "not $result"
    for text in "$@"; do
        grep -qF -e "$text" "$work/reload" ||
            fail "the log does not say '$text': $(cat "$work/reload")"
    done
}

# Ask until told to stop; a line with each exit code.
ask_on()
{
    while [ ! -e "$work/stop" ]; do
        vouch verify --association ascp-boc --type ascp-pbt --number 10482 \
            --family Garcia --birth-date 1990 > "$work/call.$1" 2>&1 \
            < /dev/null
        echo $? >> "$work/calls.$1"
    done
}

make_installation
roster 3000 "$work/roster.csv"
start_service
client association
expect 0 vouch publish "$work/roster.csv" --association ascp-boc --quiet
first=$(serial_of "$etc/server.pem")
[ "$(serial_shown)" = "$first" ] || fail "the first certificate is not shown"

step "questions one after another, and an upload that is half way"
mkfifo "$work/pipe"
sed 's/,ACTIVE,/,PROVISIONAL,/' "$work/roster.csv" > "$work/other.csv"
vouch publish - --association ascp-boc --quiet < "$work/pipe" \
    > "$work/upload" 2> "$work/err" &
upload=$!
exec 9> "$work/pipe"
head -n 1500 "$work/other.csv" >&9
client employer
askers=''
for i in 1 2; do
    (exec 9>&- && ask_on $i) &
    askers="$askers $!"
done
sleep 1

step "a new certificate of the same CA"
issue "$work/second.pem"
old=$(fingerprint_of "$etc/server.pem")
mv "$work/second.pem" "$etc/server.pem"
second=$(serial_of "$etc/server.pem")
[ "$first" != "$second" ] || fail "it is the same certificate"
[ "$(serial_shown)" = "$first" ] || fail "it was read without SIGHUP"
new=$(fingerprint_of "$etc/server.pem")
reload OK "old_sha256=$old" " sha256=$new" "old_not_after=2" " not_after=2"
[ "$(serial_shown)" = "$second" ] || fail "the new one is not shown"
echo "reloaded in $(sed 's/.*duration_us=\([0-9]*\).*/\1/' "$work/reload") us"

step "whatever is wrong, the old one stays"
cp "$etc/server.pem" "$work/good.pem"
kept()
{
    reload "$@" "kept=$new"
    [ "$(serial_shown)" = "$second" ] || fail "the old one is not shown"
}
head -n 3 "$work/good.pem" > "$etc/server.pem"
kept CRYPTO "$etc/server.pem" "holds no PEM certificate"
rm "$etc/server.pem"
kept IO "$etc/server.pem" "No such file"
cp "$etc/employer.pem" "$etc/server.pem"
kept CRYPTO "does not belong to the certificate"
cp "$work/good.pem" "$etc/server.pem"
chmod 644 "$etc/server.key"
kept DENIED "$etc/server.key" "only its owner may read"
chmod 600 "$etc/server.key"
mv "$etc/ca-admin.pem" "$work/ca-admin.pem"
kept IO "$etc/ca-admin.pem" "No such file"
mv "$work/ca-admin.pem" "$etc/ca-admin.pem"

step "and a good one after that is taken"
issue "$work/third.pem"
mv "$work/third.pem" "$etc/server.pem"
reload OK
[ "$(serial_shown)" = "$(serial_of "$etc/server.pem")" ] ||
    fail "the third one is not shown"
for i in 1 2 3 4 5 6 7 8 9 10; do
    reload OK
done

step "nobody was disturbed"
tail -n +1501 "$work/other.csv" >&9
exec 9>&-
wait "$upload"
code=$?
cp "$work/upload" "$work/out"
[ $code -eq 0 ] || fail "the upload ended with $code"
says "rejected     0"
touch "$work/stop"
for asker in $askers; do
    wait "$asker"
done
for i in 1 2; do
    [ "$(wc -l < "$work/calls.$i")" -ge 5 ] || fail "too few questions"
    grep -vx 0 "$work/calls.$i" > "$work/out" &&
        fail "a question failed: $(cat "$work/call.$i")"
done
client association
expect 0 vouch publish "$work/other.csv" --association ascp-boc --quiet
says "changed      0" "unchanged    3000"

step "another CA for a role: its people get in, and those of the old do not"
mv "$etc" "$work/etc.old"
"$source_dir/certs/make-dev-certs.sh" "$etc" --trust-domain "$domain" \
    > "$work/out" 2>&1 || fail "no certificates"
reload OK
client employer
expect 0 vouch whoami
expect 4 env VOUCH_CA="$work/etc.old/root.pem" vouch whoami
complains "must name the root of this very server"
expect 4 env VOUCH_CERT="$work/etc.old/employer.pem" \
    VOUCH_KEY="$work/etc.old/employer.key" vouch whoami
stop_daemon
