#!/usr/bin/python3
"""Write the .proto files as a client of years ago has them: the same, without
the newer fields.  Fields are only ever added at the end; so of each message
named below those up to a number are kept.

usage: old_protos.py FOLDER
"""

import os
import re
import shutil
import sys

PROTO = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     "..", "..", "proto")

# Message -> the highest number that is kept.
KEPT = {
    "VerifyCredentialResponse": 2, "Answer": 15, "Question": 2, "Claim": 9,
    "Status": 4, "FactorComparison": 1, "ValidityPeriod": 2, "Freshness": 2,
    "Recognition": 6, "Date": 2,
}
FIELD = re.compile(r"^  (repeated )?[\w.]+ \w+ = (\d+);$")


def without_newer(text, dropped):
    """The text of a file; what is left out is counted in ${dropped}."""
    lines, kept = [], None
    for line in text.splitlines():
        if line.startswith("message "):
            kept = KEPT.get(line.split()[1])
            name = line.split()[1]
        elif line == "}":
            kept = None
        field = FIELD.match(line)
        if field and kept is not None and int(field[2]) > kept:
            dropped[name] = dropped.get(name, 0) + 1
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def write(folder):
    dropped = {}
    for where, _, names in os.walk(PROTO):
        for name in names:
            if not name.endswith(".proto"):
                continue
            path = os.path.join(where, name)
            to = os.path.join(folder, os.path.relpath(path, PROTO))
            os.makedirs(os.path.dirname(to), exist_ok=True)
            if os.path.basename(where) != "v1":
                shutil.copyfile(path, to)
                continue
            with open(path, encoding="utf-8") as file:
                text = without_newer(file.read(), dropped)
            with open(to, "w", encoding="utf-8") as file:
                file.write(text)
    if set(dropped) != set(KEPT):
        raise SystemExit("nothing newer in %s" %
                         ", ".join(sorted(set(KEPT) - set(dropped))))


if __name__ == "__main__":
    write(sys.argv[1])
