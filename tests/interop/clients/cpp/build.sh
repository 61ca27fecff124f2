#!/bin/sh
# Build the clients in C++: build.sh BUILD_FOLDER.

set -eu
mkdir -p "$(dirname "$1")"
cmake -G Ninja -S "$(dirname "$0")" -B "$1" > "$1.log" 2>&1 || {
    cat "$1.log" >&2
    exit 1
}
cmake --build "$1"
