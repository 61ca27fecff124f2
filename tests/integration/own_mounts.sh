# Sourced first of all: runs the script again, in a mount namespace of its own.

if [ -z "${VOUCH_MOUNTS:-}" ]; then
    VOUCH_MOUNTS=own
    export VOUCH_MOUNTS
    set -- --mount
    [ "$(id -u)" -eq 0 ] || set -- "$@" --map-root-user
    # In a chroot "/" is no mount, whose propagation could be changed.
    unshare "$@" true 2> /dev/null || set -- "$@" --propagation unchanged
    exec unshare "$@" "$0"
fi
