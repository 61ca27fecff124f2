#!/bin/sh
# What goes wrong before any answer: cause, next step and exit code.
. "$(dirname "$0")/lib.sh"

start_daemon
as employer

step "nothing was set"
expect 2 env -u VOUCH_SERVER vouch whoami
complains "VOUCH_SERVER is not set" --server "vouch help environment"
expect 2 env -u VOUCH_CERT vouch whoami
complains "VOUCH_CERT is not set"
expect 2 vouch whoami --context clinic
complains "clinic" "$XDG_CONFIG_HOME/vouch/config"

step "the configuration file, and what goes over it"
mkdir -p "$XDG_CONFIG_HOME/vouch"
cat > "$XDG_CONFIG_HOME/vouch/config" << END
current = "clinic"
context clinic {
    server = "$VOUCH_SERVER"
    ca = "$VOUCH_CA"
    cert = "$VOUCH_CERT"
    key = "$VOUCH_KEY"
}
context elsewhere {
    server = "127.0.0.1:1"
    ca = "$VOUCH_CA"
    cert = "$VOUCH_CERT"
    key = "$VOUCH_KEY"
}
END
bare()
{
    env -u VOUCH_SERVER -u VOUCH_CA -u VOUCH_CERT -u VOUCH_KEY "$@"
}
expect 0 bare vouch whoami
says "dev-employer"
expect 5 bare vouch whoami --context elsewhere
complains "127.0.0.1:1"
expect 0 bare vouch whoami --context elsewhere --server "$VOUCH_SERVER"
expect 2 bare vouch whoami --context no-such
complains "no-such"
echo 'stroe = "x"' > "$XDG_CONFIG_HOME/vouch/config"
expect 2 bare vouch whoami
complains "line 1" stroe
rm "$XDG_CONFIG_HOME/vouch/config"

step "a command line that is wrong"
expect 2 vouch verify --asociation ascp-boc
complains "--asociation" "did you mean '--association'"
expect 2 vouch verfy
complains "did you mean 'vouch verify'"
expect 2 vouch verify --association ascp-boc --family X
complains "--number is needed"
expect 2 vouch whoami -o yaml
complains "table, json, jsonl or csv"
expect 2 vouch verify --association ascp-boc --number 1 --family X \
    --birth-date 30.4.1990
complains "--birth-date"
expect 2 vouch
says "vouch verify"
expect 0 vouch help exit-codes
says "REVIEW"

step "a key that others may read"
cp "$VOUCH_KEY" "$work/open.key"
chmod 644 "$work/open.key"
expect 2 vouch whoami --key "$work/open.key"
complains "$work/open.key" 0644 "chmod 600"
expect 2 vouch whoami --key "$work/none.key"
complains "$work/none.key"

step "a server of another CA, and a client of another CA"
"$source_dir/certs/make-dev-certs.sh" "$work/other" > "$work/out" ||
    fail "no certificates"
expect 4 vouch whoami --ca "$work/other/root.pem"
complains "$VOUCH_SERVER" "certificate" "VOUCH_CA"
expect 4 vouch whoami --cert "$work/other/employer.pem" \
    --key "$work/other/employer.key"
complains "$VOUCH_SERVER" "certificate"
expect 2 vouch whoami --key "$work/other/employer.key"
complains "$work/other/employer.key"

step "a role's certificate from another role's CA"
mkdir "$work/forged"
cp "$dev"/certs/* "$work/forged/"
cp "$work/forged/ca-employer.pem" "$work/forged/ca-association.pem"
cp "$work/forged/ca-employer.key" "$work/forged/ca-association.key"
"$source_dir/certs/make-dev-certs.sh" "$work/forged" --client association \
    ascp-boc forged > "$work/out" || fail "no certificate"
expect 4 vouch whoami --cert "$work/forged/forged.pem" \
    --key "$work/forged/forged.key"
complains "certificate"

step "an address at which nobody speaks, or nobody listens"
expect 5 vouch whoami --server no-such-host.invalid:8443
complains "no-such-host.invalid" "->"
expect 2 vouch whoami --server localhost
complains "HOST:PORT"
stop_daemon
expect 5 vouch whoami
complains "cannot reach $VOUCH_SERVER" "->" "vouchd"
expect 5 vouch health
