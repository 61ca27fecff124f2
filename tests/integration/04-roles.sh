#!/bin/sh
# Who one is, and what one may do, is what the certificate says.
. "$(dirname "$0")/lib.sh"

roster 20 "$work/roster.csv"
start_daemon

step "whoami"
for role in employer association auditor admin admin2; do
    as $role
    expect 0 vouch whoami -o json
    says "spiffe://dev.vouch.invalid/${role%2}/" "\"role\": \"${role%2}\""
done
as association
expect 0 vouch whoami
says "spiffe://dev.vouch.invalid/association/ascp-boc" \
    PublishCredentials

step "only an association publishes"
for role in employer auditor admin; do
    as $role
    expect 4 vouch publish "$work/roster.csv" --association ascp-boc
    complains PERMISSION_DENIED "vouch whoami"
    expect 4 vouch declare-current --association ascp-boc
done

step "and for itself only"
as association
expect 4 vouch publish "$work/roster.csv" --association amt
complains PERMISSION_DENIED
expect 4 vouch declare-current --association amt
publish "$work/roster.csv"
id=$(sed -n 's/^publication *//p' "$work/out")

step "another association sees nothing of it"
"$source_dir/certs/make-dev-certs.sh" "$dev/certs" --client association amt \
    amt > "$work/out" || fail "no certificate"
VOUCH_CERT=$dev/certs/amt.pem VOUCH_KEY=$dev/certs/amt.key
expect 0 vouch whoami
says "association/amt"
expect 8 vouch publication show "$id"
expect 4 vouch publish "$work/roster.csv" --association ascp-boc

step "who may ask"
for role in employer auditor; do
    as $role
    ask 0 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990
done
for role in association admin; do
    as $role
    ask 4 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990
    complains PERMISSION_DENIED
done

stop_daemon
