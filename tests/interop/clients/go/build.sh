#!/bin/sh
# Build the clients in Go: build.sh BUILD_FOLDER.  Of Debian's packages alone:
# the libraries are golang-google-grpc-dev and what it needs, by GOPATH, so
# that nothing is asked of a network.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../../.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
grpc_proto=/usr/share/grpc-proto

# generate PROTO_FOLDER GO_PACKAGE PROTO...: one package of those protos, which
# name none themselves.
generate()
{
    folder=$1 package=$2 map=''
    shift 2
    for proto; do
        map="${map}M$proto=$package,"
    done
    map="plugins=grpc,paths=source_relative,${map}import_path=$package"
    protoc -I "$folder" --go_out="$map:$gen" "$@"
    mkdir -p "$out/src/$package"
    for proto; do
        cp "$gen/${proto%.proto}.pb.go" "$out/src/$package/"
    done
}

gen=$(mktemp -d)
trap 'rm -rf "$gen"' EXIT
generate "$grpc_proto" testingpb \
    grpc/testing/empty.proto grpc/testing/messages.proto \
    grpc/testing/test.proto
verification='vouch/v1/catalog.proto vouch/v1/receipt.proto
    vouch/v1/types.proto vouch/v1/verification.proto
    vouch/v1/verification_service.proto'
# shellcheck disable=SC2086  # words are meant to be split
generate "$top/proto" vouchpb $verification \
    vouch/v1/catalog_service.proto vouch/v1/publishing_service.proto
# The messages as they were years ago, in a place of their own.
"$top/tests/support/old_protos.py" "$gen/old"
new=$out out=$out/old
# shellcheck disable=SC2086
generate "$gen/old" vouchpb $verification
out=$new
mkdir -p "$out/src/client"
cp "$here/client/client.go" "$out/src/client/"

export GO111MODULE=off GOFLAGS=-buildvcs=false GOENV=off GOPROXY=off
export GOPATH="$out:/usr/share/gocode" GOCACHE="$out/cache" CGO_ENABLED=0
cd "$here"
unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || {
    echo "not as gofmt has it: $unformatted" >&2
    exit 1
}
for client in interop vouch receipt; do
    go vet "./$client"
    go build -o "$out/$client" "./$client"
done
GOPATH="$out/old:$GOPATH" go build -o "$out/receipt_old" ./receipt
