# What the scripts of this folder share; to be sourced, with $0 naming the
# script.  Afterwards the working directory is the top of the source tree.

me=${0##*/}
cd "$(dirname "$0")/.." || exit 1

die()
{
    echo "$me: $*" >&2
    exit 1
}

# part WHAT COMMAND...: run it and say how long it took; on failure, end.
part()
{
    part_name=$1
    part_begun=$(date +%s.%N)
    shift
    printf '\n== %s\n\n' "$part_name"
    "$@" || die "$part_name: failed"
    awk -v what="$part_name" -v a="$part_begun" -v b="$(date +%s.%N)" \
        'BEGIN { printf "\n== %s: %.1f s\n", what, b - a }'
}

cores()
{
    nproc 2> /dev/null || echo 2
}
