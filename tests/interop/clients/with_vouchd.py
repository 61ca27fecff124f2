#!/usr/bin/python3
"""Run a client against a `vouchd --dev` of its own: with_vouchd.py PROGRAM...

PROGRAM is told by the environment where the daemon is, VOUCH_ADDRESS, in which
folder the certificates are, VOUCH_CERTS, and where the service config is that
clients are advised to have, VOUCH_SERVICE_CONFIG.  Fails if it fails, or if
the daemon does not end well."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "support"))
import daemon as support  # noqa: E402

SECONDS = 150


def main(command):
    with support.Daemon() as daemon:
        variables = dict(
            os.environ, VOUCH_ADDRESS=daemon.address(),
            VOUCH_CERTS=daemon.certificates(),
            VOUCH_SERVICE_CONFIG=os.path.join(
                support.SOURCE, "examples", "service-config.json"))
        try:
            status = subprocess.run(
                command, env=variables, stdin=subprocess.DEVNULL,
                timeout=SECONDS, check=False).returncode
        except subprocess.TimeoutExpired:
            status = "no end in %d s" % SECONDS
        if status != 0:
            print("%s: %s; the end of the daemon's log:\n%s" %
                  (command[0], status, daemon.log_text()[-8000:]))
    return 0 if status == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
