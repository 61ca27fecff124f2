#!/usr/bin/python3
"""Files of six registers, published with the mappings that ship.

The files are look-alikes with invented people (support/make_lookalikes.py) and
every fault that the real ones have. Of each line the generator says what must
become of it; here that is compared with what the log holds and with the
rejects. Then mappings and files that cannot be right.

VOUCH_BIN names the folder of vouch and vouchd.
"""

import csv
import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon  # noqa: E402

MAPPINGS = os.path.join(daemon.SOURCE, "catalog", "mappings")
# Real files of the six registers, if they lie beside the checkout: public
# records of real people, of which no row is to be copied from there.
ROSTERS = os.environ.get("VOUCH_ROSTERS", os.path.join(
    daemon.SOURCE, "..", "shared", "domain", "data", "rosters"))
REAL = {    # file: mapping, rows accepted, folded and rejected
    "al_vet.csv": ("al_vet", 2388, 0, 6),
    "co_dora_vet_all_statuses.tsv": ("co_dora_vet", 13076, 341, 0),
    "ct_elicense_vet.tsv": ("ct_elicense_vet", 1916, 0, 1),
    "de_professional_licensing_vet_20251007.csv": ("de_vet", 1834, 1, 24),
    "wa_doh_rn_license_sub_a.csv": ("wa_doh_rn_license", 0, 0, 546),
    "wa_doh_rn_temp_permit_sub_b.csv": ("wa_doh_rn_temp_permit", 0, 0, 339),
}
UNNUMBERED = ("wa_doh_rn_license", "wa_doh_rn_temp_permit")
PARTLY, USAGE, REFUSED = 6, 2, 7
COUNTS = re.compile(r"(\d+) rows read = (\d+) accepted \((\d+) new, (\d+) "
                    r"changed, (\d+) unchanged\) \+ (\d+) folded into another "
                    r"\+ (\d+) rejected")


def day(date):
    """A whole date as the generator writes it; nothing is ''."""
    return "%04d-%02d-%02d" % (date.year, date.month, date.day) \
        if date.year else ""


def word(record, field):
    number = record.DESCRIPTOR.fields_by_name[field].number
    values = record.DESCRIPTOR.fields_by_number[number].enum_type
    name = values.values_by_number[getattr(record, field)].name
    return name.split("_", 1)[1]


def seen(record):
    """A record of the log, as the generator writes what it expects."""
    name = record.names[0].name
    until = record.periods[0].valid_until if record.periods else None
    return {"number": record.number, "family": name.family,
            "given": name.given, "middle": name.middle,
            "suffix": name.suffix,
            "former": [n.name.family for n in record.names if n.former],
            "issued": day(record.issued_on),
            "until": day(until) if until else "",
            "status": record.raw_status, "reason": record.raw_reason,
            "standing": word(record, "standing"),
            "inactive_reason": word(record, "inactive_reason"),
            "restriction": word(record, "restriction"),
            "review": word(record, "review"),
            "good": record.good_past_end_date}


class Mappings(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="vouch-test.")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        daemon.generate_stubs(cls.folder)
        cls.entries = importlib.import_module("vouch.v1.log_entry_pb2")
        subprocess.run([os.path.join(daemon.SUPPORT, "make_lookalikes.py"),
                        "--out", cls.folder], check=True)

    def setUp(self):
        self.daemon = daemon.Daemon().start()
        self.addCleanup(self.daemon.stop)

    def path(self, name):
        return os.path.join(self.daemon.directory, name)

    def upload(self, name):
        for kind in ("csv", "tsv"):
            path = os.path.join(self.folder, "%s.%s" % (name, kind))
            if os.path.exists(path):
                return path
        raise AssertionError("no file " + name)

    def publish(self, upload, mapping, *arguments, stdin=None):
        return subprocess.run(
            [daemon.program("vouch"), "publish", upload, "--association",
             "ascp-boc", "--mapping", mapping, *arguments], timeout=120,
            env=self.daemon.environment("association"), check=False,
            capture_output=True, input=stdin)

    def shipped(self, name, *arguments):
        return self.publish(
            self.upload(name), os.path.join(MAPPINGS, name + ".yaml"),
            "--extracted-at", "2025-06-20T23:00:00-07:00", "--rejects",
            self.path("rejects"), *arguments)

    def rejects(self):
        with open(self.path("rejects"), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        found = {int(row["line"]): row for row in rows}
        self.assertEqual(len(found), len(rows), "a line is listed twice")
        return found

    def records(self):
        found = {}
        with open(self.path("openings"), encoding="utf-8") as file:
            for line in file:
                event = self.entries.Event.FromString(
                    bytes.fromhex(json.loads(line)["event"]))
                one = seen(event.record)
                self.assertEqual(event.record.credential_type_id, "ascp-pbt")
                key = one["number"], one["family"], one["given"]
                self.assertNotIn(key, found)
                found[key] = one
        return found

    def counts(self, done):
        """The sum of the report, which must be one."""
        match = COUNTS.search(done.stderr.decode())
        self.assertIsNotNone(match, done.stderr.decode())
        read, accepted, new, changed, unchanged, folded, rejected = \
            map(int, match.groups())
        self.assertEqual(accepted, new + changed + unchanged)
        self.assertEqual(read, accepted + folded + rejected)
        return {"read": read, "new": new, "unchanged": unchanged,
                "folded": folded, "rejected": rejected}

    def check(self, name):
        with open(os.path.join(self.folder, name + ".json"),
                  encoding="utf-8") as file:
            expect = json.load(file)
        done = self.shipped(name, "--openings", self.path("openings"))
        self.assertEqual(done.returncode, PARTLY, done.stderr.decode())
        rejects, records = self.rejects(), self.records()
        of = {outcome: [e for e in expect if e["outcome"] == outcome]
              for outcome in ("accepted", "folded", "rejected")}
        self.assertTrue(of["accepted"] and of["rejected"])
        for line in of["rejected"]:
            found = rejects.pop(line["line"])
            self.assertEqual((found["reason"], found["field"]),
                             (line["reason"], line["field"]), line)
            self.assertTrue(found["description"])
        self.assertEqual(rejects, {})
        for line in of["accepted"]:
            want = line["record"]
            key = want["number"], want["family"], want["given"]
            self.assertIn(key, records, line)
            self.assertEqual(records.pop(key), want, line)
        self.assertEqual(records, {})
        counts = {"read": len(expect), "new": len(of["accepted"]),
                  "unchanged": 0, "folded": len(of["folded"]),
                  "rejected": len(of["rejected"])}
        self.assertEqual(self.counts(done), counts)
        return counts

    def check_twice(self, name):
        """The second time, nothing has changed."""
        counts = self.check(name)
        counts["unchanged"], counts["new"] = counts["new"], 0
        self.assertEqual(self.counts(self.shipped(name)), counts)

    @unittest.skipUnless(os.path.isdir(ROSTERS), "no real rosters are there: "
                         "VOUCH_ROSTERS may name their folder")
    def test_real_rosters(self):
        """Every row of the real files is accounted for."""
        for name, (mapping, accepted, folded, rejected) in REAL.items():
            with self.subTest(name):
                self.setUp()        # a register each
                done = self.publish(
                    os.path.join(ROSTERS, name),
                    os.path.join(MAPPINGS, mapping + ".yaml"),
                    "--extracted-at", "2025-06-20T23:00:00-07:00",
                    "--rejects", self.path("rejects"))
                counts = self.counts(done)
                self.assertEqual(
                    (counts["new"], counts["folded"], counts["rejected"]),
                    (accepted, folded, rejected))
                rejects = self.rejects()
                self.assertEqual(len(rejects), rejected)
                if mapping in UNNUMBERED:
                    self.assertEqual(
                        {row["reason"] for row in rejects.values()},
                        {"FIELD_MISSING"})

    def test_alabama(self):
        self.check_twice("al_vet")

    def test_colorado(self):
        self.check_twice("co_dora_vet")

    def test_connecticut(self):
        self.check_twice("ct_elicense_vet")

    def test_delaware(self):
        self.check_twice("de_vet")

    def test_without_numbers_every_line_is_rejected_for_that(self):
        for name in UNNUMBERED:
            done = self.shipped(name)
            self.assertEqual(done.returncode, REFUSED, done.stderr.decode())
            counts = self.counts(done)
            self.assertGreater(counts["read"], 100)
            self.assertEqual(counts["rejected"], counts["read"])
            found = self.rejects()
            self.assertEqual(sorted(found), list(range(2, counts["read"] + 2)))
            self.assertEqual({(r["reason"], r["field"])
                              for r in found.values()},
                             {("FIELD_MISSING", "number")})

    def test_what_the_server_rejects_is_told_of_every_folded_line(self):
        mapping, upload = self.path("m.yaml"), self.path("u.csv")
        with open(mapping, "w", encoding="utf-8") as file:
            file.write("format: csv\nencoding: utf-8\ncolumns:\n"
                       "  number: No\n  family: Name\n  issued_on: Since\n"
                       "constants: {credential_type: ascp-pbt}\n"
                       "fold: {key: [number, family]}\n")
        with open(upload, "w", encoding="utf-8") as file:
            file.write("No,Name,Since\n1,Ray,2990-01-01\n2,May,2020\n"
                       "1,RAY,2990\n1,Ray,2990-01-01\n3,Kay,2199-01-01\n"
                       "4,Day,2021\n3,Kay,2199-01-01\n4,Day,2021\n")
        done = self.publish(upload, mapping, "--rejects",
                            self.path("rejects"))
        self.assertEqual(done.returncode, PARTLY)
        self.assertEqual(
            self.counts(done), {"read": 8, "new": 2, "unchanged": 0,
                                "folded": 1, "rejected": 5})
        self.assertEqual(
            {line: (r["field"], r["reason"])
             for line, r in self.rejects().items()},
            {2: ("Since", "DATE_INVALID"), 4: ("Since", "DATE_INVALID"),
             5: ("Since", "DATE_INVALID"), 6: ("Since", "DATE_IN_FUTURE"),
             8: ("Since", "DATE_IN_FUTURE")})

    def test_a_credential_type_may_be_said_on_the_command_line(self):
        done = self.shipped("ct_elicense_vet", "--credential-type", "no-such")
        self.assertEqual(self.counts(done)["new"], 0)
        self.assertEqual({r["field"] for r in self.rejects().values()
                          if r["reason"] == "UNKNOWN_CREDENTIAL_TYPE"},
                         {"credential_type"})
        done = subprocess.run(
            [daemon.program("vouch"), "publish", self.upload("al_vet"),
             "--association", "ascp-boc", "--credential-type", "ascp-pbt"],
            env=self.daemon.environment("association"), check=False,
            capture_output=True, timeout=60)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn(b"goes with --mapping", done.stderr)

    def test_mappings_that_cannot_be_right_are_told_all_at_once(self):
        mapping = self.path("m.yaml")
        with open(mapping, "w", encoding="utf-8") as file:
            file.write("format: cvs\nencoding: latin1\ncolumns:\n"
                       "  numbr: No\n  family: Name\n  family: Other\n"
                       "dates:\n  formats: [MM/DD/YY]\n")
        done = self.publish(self.upload("al_vet"), mapping, "--rejects",
                            mapping)
        self.assertIn(b"--rejects would overwrite the mapping", done.stderr)
        done = self.publish(self.upload("al_vet"), "/no/such.yaml")
        self.assertIn(b"cannot read /no/such.yaml", done.stderr)
        done = self.publish(self.upload("al_vet"), mapping)
        self.assertEqual(done.returncode, USAGE)
        said = done.stderr.decode()
        for fault in ("1:9: 'cvs' is not taken here; did you mean 'csv'?",
                      "2:11: 'latin1' is not taken",
                      "4:3: there is no key 'numbr' here; did you mean "
                      "'number'?", "6:3: the key 'family' stands here twice",
                      "8:13: 'MM/DD/YY' is no format of a date",
                      "3:1: nothing says where 'number' comes from",
                      "3:1: nothing says where 'credential_type' comes"):
            self.assertIn("%s:%s" % (mapping, fault), said)

    def test_files_that_do_not_fit_are_not_published(self):
        mapping = os.path.join(MAPPINGS, "al_vet.yaml")
        done = self.publish("-", mapping, stdin=b"LAST_NAME,FIRST_NAME,"
                            b"LIC_NUMBR,ISSUED_DATE,ISSUED_DATE,"
                            b"EXPIRATION_DATE\n")
        self.assertEqual(done.returncode, USAGE)
        said = done.stderr.decode()
        self.assertIn("al_vet.yaml:15:11: the file has no column "
                      "'LIC_NUMBER'; did you mean 'LIC_NUMBR'?", said)
        self.assertIn("al_vet.yaml:18:14: the file has 2 columns "
                      "'ISSUED_DATE'", said)
        self.assertIn("nothing was published", said)
        header = (b"LAST_NAME,FIRST_NAME,TYPE,LIC_NUMBER,ISSUED_DATE,"
                  b"EXPIRATION_DATE\n")
        done = self.publish("-", mapping, stdin=header +
                            b"RAY,ANN,DVM,1,01/02/2020,01/02/2021\n"
                            b"R\xc1Y,ANN,DVM,2,01/02/2020,01/02/2021\n")
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn("standard input:3: the byte 0xc1 is not of the "
                      "encoding us-ascii", done.stderr.decode())


if __name__ == "__main__":
    unittest.main(verbosity=2)
