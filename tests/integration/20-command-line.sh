#!/bin/sh
# The command line itself: where flags may stand, every format of every
# command, and what is said when something is wrong.
. "$(dirname "$0")/lib.sh"

start_daemon
as association

step "flags before, between and behind the words"
for words in "-o json whoami" "whoami -ojson" "whoami --output=json" \
    "--quiet whoami -o json --" "-o=json whoami"; do
    # shellcheck disable=SC2086
    expect 0 vouch $words
    says '"role": "association"'
done
expect 0 vouch association -o csv list
says "ID,SHORT NAME"
expect 0 vouch association show -- ascp-boc
says "UTC-06:00"
expect 8 vouch association show -- -o

step "flags that are wrong"
expect 2 vouch whoami --quiet=yes
complains "--quiet takes no value"
expect 2 vouch whoami --server
complains "--server takes HOST:PORT"
expect 2 vouch verify --family --number 5
complains "--family takes NAME" "equal sign"
expect 2 vouch whoami -o json -o csv
complains "stands there twice"
expect 2 vouch whoami -x
complains "no flag '-x'"
expect 2 vouch --number 5 verify
complains "stand behind it"
expect 2 vouch whoami now
complains "one word too many"
expect 2 vouch whoami --timeout soon
complains "--timeout takes seconds"
expect 2 env VOUCH_OUTPUT=yaml vouch whoami
complains VOUCH_OUTPUT yaml
expect 0 env VOUCH_OUTPUT=yaml vouch help environment
expect 0 env VOUCH_OUTPUT=csv vouch health
says status SERVING
expect 0 env VOUCH_OUTPUT= vouch health

step "commands that are wrong or not whole"
expect 2 vouch
says "commands:"
expect 2 vouch --quiet
complains "which command?"
expect 2 vouch association
complains "'vouch association list' or 'vouch association show'"
expect 2 vouch association shwo
complains "no command 'association shwo'" "association show"
expect 2 vouch help association shwo
complains "no help on 'association shwo'"

step "help, in every way to ask for it"
for words in "help publish" "publish --help" "publish -h" "--help publish"; do
    # shellcheck disable=SC2086
    expect 0 vouch $words
    says "usage:" "example:" "flags:" credential_type --rejects
done
expect 0 vouch association --help
says "vouch association list" "vouch association show"
expect 0 vouch -h
says "commands:"
vouch help | sed -n 's/^  \([a-z][a-z -]*[a-z]\)   *.*/\1/p' > "$work/commands"
[ "$(wc -l < "$work/commands")" -ge 11 ] || fail "the help lacks commands"
while read -r words; do
    # shellcheck disable=SC2086
    expect 0 vouch help $words
    says "usage:" "example:" "flags of every command:"
    awk 'length > 80 { exit 1 }' "$work/out" || fail "help beyond 80 columns"
done < "$work/commands"
for code in 0 1 2 3 4 5 6 7 8 9 70 130; do
    expect 0 vouch help exit-codes
    grep -q "^  $code " "$work/out" || fail "no word on exit code $code"
done

step "every command in every format"
roster 60 "$work/roster.csv"
expect 0 vouch publish "$work/roster.csv" --association ascp-boc -o json
id=$(sed -n 's/.*"publicationId": "\(.*\)",/\1/p' "$work/out")
[ -n "$id" ] || fail "no id"

# formats CODE COMMAND...: one JSON text, one per line, CSV with a header.
formats()
{
    code=$1
    shift
    for format in json jsonl csv; do
        expect "$code" "$@" -o "$format"
        /usr/bin/python3 - "$format" "$work/out" << 'END' ||
import csv, json, sys
form, text = sys.argv[1], open(sys.argv[2], encoding="utf-8").read()
if form == "json":
    json.loads(text)
elif form == "jsonl":
    assert [json.loads(line) for line in text.splitlines()]
else:
    rows = list(csv.reader(text.splitlines(), strict=True))
    assert len(rows) > 1 and len({len(row) for row in rows}) == 1, rows
END
            fail "not $format: $*"
    done
    expect "$code" "$@" -o table
}

formats 0 vouch whoami
formats 0 vouch health
formats 0 vouch association list
formats 0 vouch association show ascp-boc
formats 0 vouch credential-type list
formats 0 vouch declare-current --association ascp-boc
formats 0 vouch publication show "$id"
formats 0 vouch publish "$work/roster.csv" --association ascp-boc --quiet
cp -r "$source_dir/catalog" "$work/catalog"
rm "$work/catalog/recognitions.csv"
formats 7 vouch catalog check "$work/catalog"
as employer
formats 0 vouch verify --association ascp-boc --number 10482 \
    --family Garcia --birth-date 1990

step "output that nobody reads, or that has no room"
for format in table json jsonl csv; do
    vouch association list -o "$format" 2> "$work/err" | head -n 1 \
        > "$work/out"
    [ -s "$work/out" ] || fail "no output as $format"
    [ -s "$work/err" ] && fail "noise as $format"
done
vouch whoami > /dev/full 2> "$work/err"
[ $? -eq 6 ] || fail "a full disk went unnoticed"
complains "standard output: No space"

step "the configuration file"
mkdir -p "$XDG_CONFIG_HOME/vouch"
config=$XDG_CONFIG_HOME/vouch/config
here()
{
    printf 'context %s {\n    server = "%s"\n    ca = "%s"\n' "$1" \
        "$VOUCH_SERVER" "$VOUCH_CA"
    printf '    cert = "%s"\n    key = "%s"\n}\n' "$VOUCH_CERT" "$VOUCH_KEY"
}
bare()
{
    env -u VOUCH_SERVER -u VOUCH_CA -u VOUCH_CERT -u VOUCH_KEY "$@"
}
here clinic > "$config"
expect 2 bare vouch whoami
complains "VOUCH_SERVER is not set" --context
expect 0 bare env VOUCH_CONTEXT=clinic vouch whoami
expect 0 bare vouch --context clinic whoami
expect 2 bare vouch whoami --context hospital
complains "has no context 'hospital'; it has: clinic"
{ echo 'current = "lab"'; cat "$config"; here lab; } > "$work/two"
mv "$work/two" "$config"
expect 0 bare vouch whoami
expect 0 env VOUCH_CONTEXT= vouch whoami
printf 'context clinic {\n    sevrer = "x"\n}\n' > "$config"
expect 2 vouch whoami
complains "$config line 2" sevrer
printf 'context clinic {\n    server = "x\n}\n' > "$config"
expect 2 vouch whoami
complains "$config line"
{ here clinic; here clinic; } > "$config"
expect 2 vouch whoami
complains "$config line" clinic
rm "$config"
mkdir "$config"
expect 2 vouch whoami
complains "cannot read $config: it is not a file"
rmdir "$config"

step "a server, or files, that cannot be right"
expect 2 vouch whoami --server localhost
complains "HOST:PORT" "->"
expect 2 vouch whoami --server localhost:84430
complains "HOST:PORT"
expect 2 vouch whoami --ca /no/such/file
complains "/no/such/file: No such file" "VOUCH_CA"
expect 2 vouch whoami --cert "$VOUCH_KEY"
complains "cannot use the certificate" "VOUCH_CERT"
cp "$VOUCH_KEY" "$work/open.key"
chmod 644 "$work/open.key"
expect 2 vouch whoami --key "$work/open.key"
complains "others may read" "chmod 600"
openssl ec -in "$VOUCH_KEY" -aes128 -passout pass:word \
    -out "$work/locked.key" 2> /dev/null || fail "no locked key"
chmod 600 "$work/locked.key"
expect 2 vouch whoami --key "$work/locked.key"
complains "cannot use the private key" "without a passphrase"
stop_daemon
