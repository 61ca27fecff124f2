#!/usr/bin/python3
"""Run the cases of RFC 9113 and RFC 7541 against one `vouchd --dev`.

Usage: run.py [-v] [AREA...]        (all areas)
       run.py --list [AREA...]      (what must happen, case by case)

The environment variable VOUCH_BIN names the folder of vouch and vouchd.
"""

import argparse
import collections
import importlib
import pathlib
import sys
import time
import traceback

import conformance

AREAS = sorted(path.stem.removeprefix("cases_") for path in
               pathlib.Path(__file__).parent.glob("cases_*.py"))


def by_number(section):
    """RFC 9113, which is meant where none is named, comes first."""
    document, numbers = 9113, section
    if section.startswith("RFC "):
        document, numbers = section.split()[1:]
    return int(document) != 9113, [int(n) for n in numbers.split(".")]


def list_cases(cases):
    for case in sorted(cases, key=lambda c: by_number(c.section)):
        print("%-16s %s" % (case.section, case.must))


def run_case(case, server):
    """Return None, or what went wrong."""
    client = conformance.Client(server)
    try:
        case.run(client)
        return None
    except conformance.Wrong as wrong:
        return "%s\n%s" % (wrong, client.seen())
    except Exception:       # pylint: disable=broad-except
        return "%s\n%s" % (traceback.format_exc(), client.seen())
    finally:
        client.close()


def run(cases, verbose):
    good, bad = collections.Counter(), collections.Counter()
    with conformance.server() as server:
        for case in cases:
            began = time.monotonic()
            wrong = run_case(case, server)
            if verbose:
                print("%6.3f s  %-16s %s" % (time.monotonic() - began,
                                             case.section, case.must))
            if wrong is None:
                good[case.section] += 1
                continue
            bad[case.section] += 1
            conformance.Patience.failures += 1
            print("FAILED %s (%s)\n  must: %s\n  %s\n" % (
                case.section, case.name, case.must,
                wrong.replace("\n", "\n  ")), flush=True)
            if server.process.poll() is not None:
                raise RuntimeError("the daemon is gone:\n" +
                                   server.log_text())
    for section in sorted(set(good) | set(bad), key=by_number):
        print("%-16s %3d of %3d" % (section, good[section],
                                    good[section] + bad[section]))
    print("%d cases, %d failed" % (len(cases), sum(bad.values())))
    return 1 if bad or not cases else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("areas", nargs="*", metavar="AREA")
    options = parser.parse_args()
    for area in options.areas or AREAS:
        if area not in AREAS:
            parser.error("no such area: %s (%s)" % (area, ", ".join(AREAS)))
        importlib.import_module("cases_" + area)
    if options.list:
        list_cases(conformance.CASES)
        return 0
    return run(conformance.CASES, options.verbose)


if __name__ == "__main__":
    sys.exit(main())
