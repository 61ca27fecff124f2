#!/usr/bin/python3
"""The verifier in Python as a program: what it prints, how it ends, and that
it needs no network.  What it says of bytes is the matter of check_receipts.py.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parent / "vectors"
sys.path.insert(0, str(VECTORS))

import make_receipts as made  # noqa: E402
import receipt_maker as maker  # noqa: E402

PROGRAM = HERE / "receipt_verifier.py"
LONG = {"issued_at": "2020-01-01T00:00:00Z",
        "expires_at": "2120-01-01T00:00:00Z"}
OVER = {"issued_at": "2020-01-01T00:00:00Z",
        "expires_at": "2021-01-01T00:00:00Z"}


class Program(unittest.TestCase):
    def setUp(self):
        # pylint: disable=consider-using-with
        directory = tempfile.TemporaryDirectory(prefix="vouch-test.")
        self.addCleanup(directory.cleanup)
        self.folder = pathlib.Path(directory.name)
        with open(VECTORS / "receipts.json", encoding="ascii") as file:
            self.vectors = {vector["name"]: vector for vector
                            in json.load(file)["receipts"]}

    def receipt(self, path, name="confirmed", form="bytes"):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes.fromhex(self.vectors[name][form]))
        return path

    def trust(self, *keys, root=maker.ROOT, **members):
        path = self.folder / "trust.json"
        path.write_text(made.laid_out(made.trust_file(made.content(
            *(keys or made.BOTH), **{**LONG, **members}), root)))
        return path

    def run_it(self, *words, before=()):
        done = subprocess.run([*before, sys.executable, PROGRAM, *words],
                              capture_output=True, text=True, timeout=60,
                              check=False)
        return done.returncode, done.stdout, done.stderr

    def verify(self, trust, *words, **more):
        return self.run_it("--trust", trust, "--root-key",
                           maker.ROOT.id.hex(), *words, **more)

    def test_a_line_for_each_file(self):
        whole = self.receipt("a.receipt")
        part = self.receipt("b", form="without_answer")
        none = self.receipt("c", form="without_both")
        self.assertEqual(self.verify(self.trust(), whole, part, none), (
            0, "VERIFIED {0}: {3}\nVERIFIED {1}: {3}, RESULT WITHHELD\n"
            "VERIFIED {2}: {3}, RESULT WITHHELD, QUESTION WITHHELD\n".format(
                whole, part, none, self.vectors["confirmed"]["leaf"]), ""))

    def test_a_directory_is_searched(self):
        self.receipt("r/b.receipt")
        self.receipt("r/a.receipt", "no match")
        self.receipt("r/deep/c.receipt")
        (self.folder / "r" / "notes").write_text("no receipt")
        (self.folder / "r" / "link.receipt").symlink_to("notes")
        status, out, err = self.verify(self.trust(), self.folder / "r")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual([line.split(":")[0].rsplit("/", 1)[-1]
                          for line in out.splitlines()],
                         ["a.receipt", "b.receipt", "c.receipt"])

    def test_what_cannot_be_read_is_told_and_the_others_are_judged(self):
        self.receipt("r/z.receipt")
        os.mkfifo(self.folder / "r" / "pipe.receipt")
        status, out, err = self.verify(self.trust(), "/proc/self/mem",
                                       self.folder / "r")
        self.assertEqual((status, err), (9, ""))
        self.assertEqual([line.split(":")[0].rsplit("/", 1)
                          for line in out.splitlines()],
                         [["UNREADABLE /proc/self", "mem"],
                          ["VERIFIED %s/r" % self.folder, "z.receipt"]])

    def test_one_that_does_not_verify_is_told_from_the_others(self):
        good = self.receipt("good.receipt")
        bad = self.receipt("bad.receipt")
        data = bytearray(bad.read_bytes())
        data[-1] ^= 1             # of the signature
        bad.write_bytes(data)
        status, out, _ = self.verify(self.trust(), good, bad)
        self.assertEqual(status, 9)
        self.assertEqual([line.split()[0] for line in out.splitlines()],
                         ["VERIFIED", "SEAL_BROKEN"])

    def test_each_state_of_a_key(self):
        path = self.receipt("a.receipt")
        for state, keys, members in (
                ("KEY_UNKNOWN", made.BOTH[1:], {}),
                ("KEY_COMPROMISED", [made.listed(
                    maker.SEAL, state="compromised",
                    since="2026-12-01T00:00:00Z")], {}),
                ("KEY_NOT_VALID", made.BOTH, {"origin": "other"}),
                ("TRUST_TOO_OLD", made.BOTH, OVER)):
            with self.subTest(state):
                status, out, _ = self.verify(self.trust(*keys, **members),
                                             path)
                self.assertEqual((status, out.split()[0]), (9, state))

    def test_an_expired_trust_file_may_be_accepted(self):
        status, out, _ = self.verify(self.trust(**OVER),
                                     "--accept-expired-trust",
                                     self.receipt("a.receipt"))
        self.assertEqual((status, out.split()[0]), (0, "VERIFIED"))

    def test_nothing_is_judged_by_a_trust_file_that_is_not_right(self):
        path, trust = self.receipt("a.receipt"), self.trust()
        text = trust.read_text()
        self.assertEqual(self.verify(self.trust(root=maker.OTHER_ROOT),
                                     path)[:2], (9, ""))
        self.assertEqual(self.verify(self.trust(), "--seen-version", "4",
                                     path)[:2], (9, ""))
        self.assertEqual(self.verify(self.trust(), "--seen-version", "3",
                                     path)[0], 0)
        for status, changed in (
                (9, text.replace('"version": 3', '"version": 4')),
                (2, text[:-3]), (2, text + " " * (256 * 1024))):
            trust.write_text(changed)
            self.assertEqual(self.verify(trust, path)[:2], (status, ""))

    def test_so_many_keys_and_no_more(self):
        path = self.receipt("a.receipt")
        keys = [made.listed(maker.Key(f"one of many {i}"))
                for i in range(255)]
        trust = self.trust(*keys, made.BOTH[0])
        self.assertEqual(self.verify(trust, path)[0], 0)
        trust = self.trust(*keys, *made.BOTH)
        self.assertEqual(self.verify(trust, path)[:2], (2, ""))

    def test_a_root_key_that_nobody_asked_for_is_named(self):
        status, _, err = self.run_it("--trust", self.trust(),
                                     self.receipt("a.receipt"))
        self.assertEqual(status, 0)
        self.assertIn(maker.ROOT.id.hex(), err)

    def test_the_longest_receipt_and_a_longer_one(self):
        # An unknown field of the answer makes it as long as is wanted.
        def of(length):
            more = length - len(made.wrong_answer(
                made.SMALL_ANSWER + maker.raw(30, bytes(length))))
            path = self.folder / "long.receipt"
            path.write_bytes(made.wrong_answer(
                made.SMALL_ANSWER + maker.raw(30, bytes(length + more))))
            self.assertEqual(path.stat().st_size, length)
            return self.verify(self.trust(), path)[1].split()[0]

        self.assertEqual(of(1 << 20), "VERIFIED")
        self.assertEqual(of((1 << 20) + 1), "MALFORMED")

    def test_what_is_called_wrongly(self):
        path, trust = self.receipt("a.receipt"), self.trust()
        (self.folder / "empty").mkdir()
        for words in ((), ("--trust", trust), (path,),
                      ("--trust", trust, "--root-key", "abc", path),
                      ("--trust", self.folder / "none.json", path),
                      ("--trust", trust, self.folder / "none.receipt"),
                      ("--trust", trust, self.folder / "empty")):
            with self.subTest(words):
                status, _, err = self.run_it(*words)
                self.assertEqual(status, 2)
                self.assertNotIn("Traceback", err)

    def test_no_network_is_needed(self):
        for before in (("unshare", "-n"), ("unshare", "-r", "-n")):
            if subprocess.run((*before, "true"), check=False,
                              capture_output=True).returncode == 0:
                break
        else:
            self.fail("no network namespace may be made here: run this as "
                      "root, or allow user namespaces")
        self.assertEqual(self.verify(
            self.trust(), self.receipt("a.receipt"), before=before)[0], 0)


if __name__ == "__main__":
    unittest.main()
