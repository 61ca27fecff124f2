#!/bin/sh
# Make the certificates that a development daemon and its clients need.
#
#   make-dev-certs.sh OUTDIR [--association ID] [--trust-domain TD]
#   make-dev-certs.sh OUTDIR --client ROLE ID NAME
#
# README.md beside this file says what they are.  Not for production: the keys
# of the CAs lie beside the certificates, and nothing revokes anything.

set -eu
umask 077

ROLES="employer association auditor admin"
CA_DAYS=3650
LEAF_DAYS=397
work=''

die()
{
    echo "make-dev-certs: $*" >&2
    exit 1
}

usage()
{
    echo "usage: make-dev-certs.sh OUTDIR [--association ID]" \
        "[--trust-domain TD]" >&2
    echo "       make-dev-certs.sh OUTDIR --client ROLE ID NAME" >&2
    exit 2
}

clean()
{
    if [ -n "$work" ]; then
        rm -rf "$work"
    fi
}

# check_word WHAT VALUE MAX: lower-case letters, digits and hyphens.
check_word()
{
    case $2 in
    "" | -* | *[!a-z0-9-]*)
        die "$1 must be of a-z, 0-9 and -, and not begin with -: '$2'" ;;
    esac
    [ "${#2}" -le "$3" ] || die "$1 has more than $3 characters"
}

check_domain()
{
    case $1 in
    "" | -* | .* | *[!a-z0-9._-]*) die "not a trust domain: '$1'" ;;
    esac
    [ "${#1}" -le 100 ] || die "the trust domain has more than 100 characters"
}

# The configuration of one request: what it is, and no file of the system's.
config()
{
    printf '[req]\ndistinguished_name = dn\nprompt = no\n'
    printf '[dn]\nO = Vouch development\nCN = %s\n' "$1"
    printf '[ext]\nsubjectKeyIdentifier = hash\n'
    shift
    printf '%s\n' "$@"
}

# issue NAME DAYS ISSUER CN EXTENSION...: a new key, and the certificate that
# ISSUER (empty: itself) makes of it.
issue()
{
    name=$1 days=$2 issuer=$3
    shift 3
    config "$@" > "$work/req.cnf"
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
        -out "$work/$name.key" 2> "$work/log" ||
        die "no key for $name: $(cat "$work/log")"
    # A random serial: nothing has to be remembered between two runs.
    set -- -set_serial "0x4$(openssl rand -hex 16 | cut -c 2-)"
    if [ -n "$issuer" ]; then
        set -- "$@" -CA "$issuer.pem" -CAkey "$issuer.key"
    fi
    openssl req -x509 -new -sha256 -config "$work/req.cnf" -extensions ext \
        -key "$work/$name.key" -days "$days" -out "$work/$name.pem" "$@" \
        2> "$work/log" || die "no certificate for $name: $(cat "$work/log")"
}

make_ca()
{
    issue "ca-$1" $CA_DAYS "$work/root" "Vouch development CA: $1" \
        "authorityKeyIdentifier = keyid:always" \
        "basicConstraints = critical, CA:true, pathlen:0" \
        "keyUsage = critical, keyCertSign, cRLSign"
}

# make_client CA_DIR NAME ROLE ID
make_client()
{
    issue "$2" $LEAF_DAYS "$1/ca-$3" "Vouch development $3" \
        "authorityKeyIdentifier = keyid:always" \
        "basicConstraints = critical, CA:false" \
        "keyUsage = critical, digitalSignature" \
        "extendedKeyUsage = clientAuth" \
        "subjectAltName = URI:spiffe://$domain/$3/$4"
    cat "$1/ca-$3.pem" >> "$work/$2.pem"
}

make_all()
{
    issue root $CA_DAYS "" "Vouch development root" \
        "basicConstraints = critical, CA:true, pathlen:1" \
        "keyUsage = critical, keyCertSign, cRLSign"
    for role in $ROLES; do
        make_ca "$role"
    done
    issue server $LEAF_DAYS "$work/root" "localhost" \
        "authorityKeyIdentifier = keyid:always" \
        "basicConstraints = critical, CA:false" \
        "keyUsage = critical, digitalSignature" \
        "extendedKeyUsage = serverAuth" \
        "subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1"
    make_client "$work" employer employer dev-employer
    make_client "$work" association association "$association"
    make_client "$work" auditor auditor dev-auditor
    make_client "$work" admin admin dev-admin
    make_client "$work" admin2 admin dev-admin-2
}

# The note that is written last says that the folder is whole, and for what.
read_note()
{
    domain=$(sed -n 's/^trust_domain=//p' "$out/pki")
    made_for=$(sed -n 's/^association=//p' "$out/pki")
}

check_same()
{
    asked=$domain
    read_note
    [ -z "$asked" ] || [ "$asked" = "$domain" ] ||
        die "$out is of trust domain $domain; take another folder"
    [ -z "$association" ] || [ "$association" = "$made_for" ] ||
        die "$out was made for association $made_for; for one more, use" \
            "--client association $association NAME"
    for name in $NAMES; do
        if ! [ -f "$out/$name.pem" ] || ! [ -f "$out/$name.key" ]; then
            die "$out lacks $name.pem or $name.key; remove it and run again"
        fi
        openssl x509 -in "$out/$name.pem" -noout -checkend 0 > /dev/null ||
            die "$out/$name.pem has expired; remove $out and run again"
    done
    echo "$out: unchanged (trust domain $domain, association $made_for)"
}

publish()
{
    for file in "$work"/*.pem "$work"/*.key; do
        mv "$file" "$out/"
    done
}

[ $# -ge 1 ] || usage
case $1 in
-*) usage ;;
esac
out=$1
shift
association=''
domain=''
client=''
while [ $# -gt 0 ]; do
    case $1 in
    --association) [ $# -ge 2 ] || usage
        association=$2; check_word "an association's id" "$2" 63; shift 2 ;;
    --trust-domain) [ $# -ge 2 ] || usage
        domain=$2; check_domain "$2"; shift 2 ;;
    --client) [ $# -eq 4 ] || usage
        client=yes; role=$2 id=$3 who=$4; shift 4 ;;
    *) usage ;;
    esac
done
NAMES="root"
for r in $ROLES; do
    NAMES="$NAMES ca-$r"
done
NAMES="$NAMES server $ROLES admin2"

command -v openssl > /dev/null || die "the openssl command is needed"

if [ -n "$client" ]; then
    [ -z "$association$domain" ] || usage
    case " $ROLES " in
    *" $role "*) ;;
    *) die "a role is one of: $ROLES" ;;
    esac
    check_word "an id" "$id" 63
    check_word "a name" "$who" 63
    [ -f "$out/pki" ] || die "$out holds no certificates yet"
    read_note
    if [ -e "$out/$who.pem" ] || [ -e "$out/$who.key" ]; then
        die "$out/$who.pem or $who.key is there already"
    fi
elif [ -f "$out/pki" ]; then
    check_same
    exit 0
else
    for name in $NAMES; do
        if [ -e "$out/$name.pem" ] || [ -e "$out/$name.key" ]; then
            die "$out holds part of a set; remove it and run again"
        fi
    done
fi

mkdir -p "$out"
trap clean EXIT
trap 'exit 1' HUP INT TERM
work=$(mktemp -d "$out/.making.XXXXXX")

if [ -n "$client" ]; then
    make_client "$out" "$who" "$role" "$id"
    publish
    echo "$out: $who.pem is spiffe://$domain/$role/$id"
else
    : "${association:=ascp-boc}" "${domain:=dev.vouch.invalid}"
    make_all
    publish
    printf 'trust_domain=%s\nassociation=%s\n' "$domain" "$association" \
        > "$out/pki"
    echo "$out: made (trust domain $domain, association $association)"
fi
