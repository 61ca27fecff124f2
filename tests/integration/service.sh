# What the scenarios of a daemon in production share; to be sourced after
# lib.sh.  Everything of it lies in ${etc} and ${state}.

etc=$work/etc
state=$work/state
conf=$etc/vouchd.conf
domain=vouch.example.org

make_installation()
{
    mkdir -p "$etc" "$state/keys" || fail "no folders"
    "$source_dir/certs/make-dev-certs.sh" "$etc" --trust-domain "$domain" \
        --association ascp-boc > "$work/out" 2> "$work/err" ||
        fail "no certificates"
    cat > "$conf" << END
workers = 2
listen {
    port = 0
}
tls {
    certificate = "$etc/server.pem"
    key = "$etc/server.key"
    root_ca = "$etc/root.pem"
    employer_ca = "$etc/ca-employer.pem"
    association_ca = "$etc/ca-association.pem"
    auditor_ca = "$etc/ca-auditor.pem"
    admin_ca = "$etc/ca-admin.pem"
    trust_domain = "$domain"
}
store {
    dsn = "sqlite:$state/vouch.db"
}
keys {
    dir = "$state/keys"
}
seal {
    trust = "$state/trust.json"
    key_dir = "$state/seal"
}
catalog {
    dir = "$source_dir/catalog"
}
END
    vouchd init --origin "$domain" --root-key "$work/root.key" \
        --config "$conf" > "$work/out" 2> "$work/err" || fail "no seal keys"
}

# The port from the last line that tells of it, in either form of the log.
port_of()
{
    sed -n 's/.*event[=":]*serving.*port[=":]*\([0-9]*\).*/\1/p' "$1" |
        tail -n 1
}

serving_or_gone()
{
    [ -n "$(port_of "$work/start.log")" ] || gone "$daemon"
}

# start_service [ARGUMENT...]: with ${conf}, and wait until it serves.
start_service()
{
    : > "$work/start.log"
    vouchd --config "$conf" "$@" > "$work/daemon.out" \
        2>> "$work/start.log" < /dev/null &
    daemon=$!
    within 60 serving_or_gone || fail "the daemon does not serve after 60 s"
    log=$work/start.log
    port=$(port_of "$log")
    [ -n "$port" ] || fail "the daemon ended at its start"
}

# client ROLE: employer, association, ...
client()
{
    export VOUCH_SERVER="127.0.0.1:$port" VOUCH_CA="$etc/root.pem" \
        VOUCH_CERT="$etc/$1.pem" VOUCH_KEY="$etc/$1.key"
}
