#!/bin/sh
# In production: what is wrong is refused before anything listens, in one line
# that says what; and what is right is served from a vouchd.conf.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/service.sh"

make_installation
cp "$conf" "$work/good.conf"

# refused [ARGUMENT...] -- TEXT...: start with ${conf}; it must end by itself,
# with a failure, before it serves, and one line must say each text.
refused()
{
    arguments=''
    while [ "$1" != -- ]; do
        arguments="$arguments $1"
        shift
    done
    shift
    # shellcheck disable=SC2086
    timeout 30 vouchd --config "$conf" $arguments > "$work/out" \
        2> "$work/err" < /dev/null
    code=$?
    [ "$code" -eq 1 ] || fail "exit code $code, not 1"
    grep -v -e 'event=certificate' -e 'event=seal_key' -e 'event=ended' \
        "$work/err" \
        > "$work/lines"
    [ "$(wc -l < "$work/lines")" -eq 1 ] || fail "not one line"
    for text in "$@"; do
        grep -qF -e "$text" "$work/lines" || fail "it does not say '$text'"
    done
    grep -q 'event=serving' "$work/err" && fail "it was listening"
    [ -s "$work/out" ] && fail "standard output is not for this"
    cp "$work/good.conf" "$conf"
}

# with OLD NEW: the configuration with another word.
with()
{
    sed "s|$1|$2|" "$work/good.conf" > "$conf"
    cmp -s "$work/good.conf" "$conf" && fail "'$1' is not in the settings"
}

step "settings"
with 'port = 0' 'prot = 0'
refused -- "$conf:3: " "no option 'prot'" "did you mean 'port'"
with 'port = 0' 'port = 70000'
refused -- "$conf:3: " "listen.port must be" "70000"
with 'workers = 2' 'workers = two'
refused -- "$conf:1: " "workers must be"
with "    dir = \"$state/keys\"" ''
refused -- "part=conf" "keys.dir is not set"
with 'listen {' 'listen'
refused -- "$conf:3: "
mv "$conf" "$conf.away"
refused -- "$conf" "No such file"

step "certificates and keys"
chmod 644 "$etc/server.key"
refused -- "part=tls" "$etc/server.key" "only its owner may read"
chmod 600 "$etc/server.key"
with ca-auditor ca-nobody
refused -- "part=tls" "$etc/ca-nobody.pem" "No such file"
with ca-auditor ca-employer
refused -- "part=tls" "another role's CA"
with server.key employer.key
refused -- "part=tls" "employer.key" "does not belong to the certificate"
openssl req -new -key "$etc/server.key" -subj /CN=localhost \
    -out "$work/server.csr" 2> "$work/err" || fail "no request"
openssl x509 -req -in "$work/server.csr" -CA "$etc/root.pem" \
    -CAkey "$etc/root.key" -days -1 -out "$etc/old.pem" 2> "$work/err" ||
    fail "no expired certificate"
with server.pem old.pem
refused -- "part=tls" "$etc/old.pem" "has expired"
[ -e "$state/vouch.db" ] && fail "a store was made before the refusal"

step "folders"
with "$source_dir/catalog" "$work/nowhere"
refused -- "part=service" "$work/nowhere"
with "$state/keys" "$state/nowhere"
refused -- "part=service" "$state/nowhere" "No such file"

step "--check-config says the same, and makes nothing"
with ca-auditor ca-nobody
expect 1 vouchd --config "$conf" --check-config
complains "ca-nobody.pem"
cp "$work/good.conf" "$conf"
expect 0 vouchd --config "$conf" --check-config
says "the configuration is good"
expect 2 vouchd --config "$conf" --no-such-option
expect 2 vouchd --config "$conf" --set listen.prot=1
complains "listen.port"

step "it serves"
roster 300 "$work/roster.csv"
begun=$(date +%s%N)
start_service --set log.format=json --set log.level=debug
echo "serving after $((($(date +%s%N) - begun) / 1000000)) ms"
client association
expect 0 vouch publish "$work/roster.csv" --association ascp-boc --quiet
client employer
ask 0 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990
says YES
ask 3 --type ascp-pbt --number 10482 --family Garcya --birth-date 1990
ask 7 --number 10482 --family Garcia
expect 0 vouch whoami
says "spiffe://$domain/employer/dev-employer"
expect 0 vouch health

step "a second daemon on the same store, or the same port, is refused"
refused -- "part=store" "$state/vouch.db" "another process has it open"
refused --set "store.dsn=sqlite:$work/other.db" --set "listen.port=$port" \
    --set "keys.dir=$work" -- "part=listener" "port $port: bind"
ask 0 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990

step "SIGTERM: it drains and ends well"
log=$work/start.log
begun=$(date +%s%N)
stop_daemon
echo "drained after $((($(date +%s%N) - begun) / 1000000)) ms"

step "each line of the log is JSON, and tells of nobody"
/usr/bin/python3 - "$log" "$work/roster.csv" << 'END' || fail "the log"
import csv, json, re, sys
text = open(sys.argv[1], encoding="ascii").read()
lines = [json.loads(line) for line in text.splitlines()]
events = {line["event"] for line in lines}
for wanted in ("certificate", "serving", "opened", "call", "publication",
               "drain", "ended"):
    assert wanted in events, f"no {wanted} in {events}"
assert all(re.match(r"^\d{4}-\d\d-\d\dT[\d:.]+Z$", line["ts"]) and
           line["level"] in ("error", "warn", "info", "debug")
           for line in lines)
calls = [line for line in lines if line["event"] == "call"]
assert [line["code"] for line in calls].count("OK") >= 5, calls
assert lines[-1]["event"] == "ended" and lines[-1]["err"] == "OK"
words = {"garcya"}
for row in csv.DictReader(open(sys.argv[2], encoding="utf-8")):
    words |= {row["number"], row["family"].lower(), row["birth_date"]}
said = set(re.split(r"[^\w-]+", text.lower()))
# What stands in a time or a counter by accident is not looked for.
found = {word for word in words if len(word) > 4} & said
assert not found, found
assert len(words) > 500
END

step "a store of a newer version is refused, and left as it is"
cp "$state/vouch.db" "$work/kept.db"
sqlite3 "$state/vouch.db" "PRAGMA user_version = 99" || fail "sqlite3"
refused -- "part=store" "$state/vouch.db" "newer version" "99"
[ "$(sqlite3 "$state/vouch.db" 'PRAGMA user_version')" = 99 ] ||
    fail "the store was changed"
cp "$work/kept.db" "$state/vouch.db"

step "a key that is gone is not made anew"
mv "$state/keys/factor-ascp-boc.key" "$work/factor.key"
refused -- "part=service" "factor-ascp-boc.key" "bring it back"
[ -e "$state/keys/factor-ascp-boc.key" ] && fail "it was made anew"
cp "$work/factor.key" "$state/keys/factor-ascp-boc.key"
chmod 640 "$state/keys/factor-ascp-boc.key"
refused -- "part=service" "factor-ascp-boc.key"
chmod 600 "$state/keys/factor-ascp-boc.key"

step "a copy made while it runs is a store"
start_service
client association
expect 0 vouch publish "$work/roster.csv" --association ascp-boc --quiet
says "unchanged    300"
expect 0 sqlite3 "$state/vouch.db" ".backup '$work/copy1.db'"
expect 0 sqlite3 "$state/vouch.db" "VACUUM INTO '$work/copy2.db'"
stop_daemon
for copy in "$work/copy1.db" "$work/copy2.db"; do
    chmod 600 "$copy"
    expect 0 vouchd --config "$conf" --set "store.dsn=sqlite:$copy" \
        --check-index
    start_service --set "store.dsn=sqlite:$copy"
    client employer
    ask 0 --type ascp-pbt --number 10482 --family Garcia --birth-date 1990
    stop_daemon
done
