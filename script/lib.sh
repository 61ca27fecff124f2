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
    what=$1
    shift
    printf '\n== %s\n' "$what"
    begun=$(date +%s.%N)
    "$@" || die "$what failed"
    awk -v what="$what" -v a="$begun" -v b="$(date +%s.%N)" \
        'BEGIN { printf "== %s: %.1f s\n", what, b - a }'
}

cores()
{
    nproc 2> /dev/null || echo 2
}
