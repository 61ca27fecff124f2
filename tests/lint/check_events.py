#!/usr/bin/python3
"""Hold the list of the log's events in docs/operations.md to the sources.

Usage: check_events.py SOURCE_ROOT

Every word that a log_line() or log_begin() of the daemon can begin with has
a row in the table under "## The log", and every row such a call.
"""
import pathlib
import re
import sys

CALL = re.compile(r"\b(log_line|log_begin|begin)\((?P<arguments>[^;{]*)\)",
                  re.S)
WORD = re.compile(r'"([a-z_]+)"')
ROW = re.compile(r"^\| `([a-z_]+)` \|", re.M)


def events_of_sources(root):
    events = {}
    for path in sorted((root / "daemon").rglob("*.c")):
        text = path.read_text()
        for match in CALL.finditer(text):
            if re.match(r"(enum|struct) ", match["arguments"]):
                continue                # its definition
            words = WORD.findall(match["arguments"])
            where = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
            if not words and match[1] == "log_line":
                sys.exit(f"{where}: no event can be found in this")
            for word in words:
                events.setdefault(word, where)
    return events


def main(root):
    told = set(ROW.findall((root / "docs/operations.md").read_text()
                           .partition("## The log")[2].partition("\n## ")[0]))
    events = events_of_sources(root)
    errors = [f"{events[word]}: docs/operations.md does not tell of '{word}'"
              for word in sorted(set(events) - told)]
    errors += [f"docs/operations.md: nothing logs '{word}'"
               for word in sorted(told - set(events))]
    print("\n".join(errors) or f"events: {len(events)}, all told")
    return 1 if errors or not events else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
