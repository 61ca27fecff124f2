#!/usr/bin/python3
"""Receipts of every verdict, from a real daemon: filed as they came, they
verify on a machine without a network, by `vouch` and by the verifier in
Python; with any single bit changed, both refuse them, and both say the same
of what is wrong.

usage: 73-receipt-bits.py [RECEIPTS]

RECEIPTS, or VOUCH_RECEIPTS of the environment, is how many, of all verdicts in
turn; one of each if not told.  VOUCH_BIN names the folder of vouch and vouchd.
"""

import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
sys.path.insert(0, os.path.join(HERE, "..", "verifier"))

import daemon  # noqa: E402
import receipt_verifier as verifier  # noqa: E402
import receipts  # noqa: E402

COUNT = len(receipts.CLAIMS)
BATCH = 8192            # files at a time: less than 50 MB
SECONDS = 120           # of one run of vouch
PROGRAM = os.path.join(HERE, "..", "verifier", "receipt_verifier.py")
REFUSED = {"MALFORMED", "SEAL_BROKEN", "KEY_UNKNOWN"}
NO_NETWORK = ("unshare", "--net")


def changed(data):
    """Each bit's number, and ${data} with that bit changed."""
    copy = bytearray(data)
    for bit in range(8 * len(data)):
        copy[bit // 8] ^= 1 << bit % 8
        yield bit, bytes(copy)
        copy[bit // 8] ^= 1 << bit % 8


def in_memory():
    """Where many small files are quick to write."""
    shm = "/dev/shm"
    if os.access(shm, os.W_OK) and shutil.disk_usage(shm).free > 100 << 20:
        return shm
    return None


class Bits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="vouch-test.", dir=in_memory())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.trust_file = os.path.join(cls.folder, "trust.json")
        verdicts = [verdict for _, verdict
                    in zip(range(COUNT), list(receipts.CLAIMS) * COUNT)]
        with daemon.Daemon() as one:
            messages = receipts.prepare(one)
            cls.receipts = receipts.ask(one, [
                receipts.request(messages, verdict, number)
                for number, verdict in enumerate(verdicts)])
            shutil.copy(receipts.trust(one), cls.trust_file)
        cls.trust = verifier.Trust(daemon.read(cls.trust_file))
        for verdict, data in zip(verdicts, cls.receipts):
            response = messages.VerifyCredentialResponse.FromString(data)
            if list(receipts.CLAIMS).index(verdict) + 1 != \
                    response.answer.verdict:
                raise AssertionError("%s: %s" % (verdict, response.answer))

    def file(self, parts):
        """A folder of ${parts}, name and bytes of each."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        for name, data in parts:
            (folder / (name + ".receipt")).write_bytes(data)
        return folder

    def pinned(self):
        return ("--trust", self.trust_file, "--root-key",
                self.trust.root_key_id.hex())

    def by_vouch(self, folder, before=()):
        """Exit code, the state of each by its name, and the complaints."""
        done = subprocess.run(
            [*before, daemon.program("vouch"), "receipt", "verify",
             str(folder), *self.pinned(), "-o", "jsonl"],
            env=dict(os.environ, XDG_STATE_HOME=self.folder),
            capture_output=True, timeout=SECONDS, check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        states = {pathlib.Path(line["file"]).stem: line["state"]
                  for line in lines}
        self.assertEqual(len(states), len(lines))
        return done.returncode, states, done.stderr

    def refused_by_both(self, parts, now_us):
        folder = self.file(parts)
        status, states, err = self.by_vouch(folder)
        self.assertEqual(status, 9, err)
        self.assertEqual(len(states), len(parts), err)
        self.assertLessEqual(set(states.values()), REFUSED)
        for name, data in parts:
            self.assertEqual(
                verifier.judge(data, self.trust, now_us)[0], states[name],
                "%s: %s" % (name, data.hex()))
        shutil.rmtree(folder)

    def test_both_refuse_each_with_any_bit_changed(self):
        now_us = time.time_ns() // 1000
        parts, refused = [], 0
        for number, data in enumerate(self.receipts):
            self.assertEqual(verifier.judge(data, self.trust, now_us)[0],
                             "VERIFIED")
            for bit, copy in changed(data):
                parts.append(("%d-%d" % (number, bit), copy))
                if len(parts) == BATCH:
                    self.refused_by_both(parts, now_us)
                    refused += len(parts)
                    parts = []
        if parts:
            self.refused_by_both(parts, now_us)
        self.assertEqual(refused + len(parts),
                         8 * sum(map(len, self.receipts)))
        print("%d receipts of %d to %d bytes: %d bits" % (
            len(self.receipts), min(map(len, self.receipts)),
            max(map(len, self.receipts)), refused + len(parts)))

    def test_both_verify_all_without_a_network(self):
        folder = self.file([(str(number), data) for number, data
                            in enumerate(self.receipts)])
        before = NO_NETWORK
        if subprocess.run((*before, "true"), check=False,
                          capture_output=True).returncode != 0:
            before = ("unshare", "--net", "--map-root-user")
            if subprocess.run((*before, "true"), check=False,
                              capture_output=True).returncode != 0:
                self.fail("no network namespace may be made here: run this "
                          "as root, or allow user namespaces")
        status, states, err = self.by_vouch(folder, before)
        self.assertEqual((status, collections.Counter(states.values())), (
            0, {"VERIFIED": len(self.receipts)}), err)
        done = subprocess.run(
            [*before, sys.executable, PROGRAM, *self.pinned(), folder],
            capture_output=True, text=True, timeout=SECONDS, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(collections.Counter(
            line.split()[0] for line in done.stdout.splitlines()),
            {"VERIFIED": len(self.receipts)})


if __name__ == "__main__":
    COUNT = int(sys.argv.pop(1) if sys.argv[1:] and sys.argv[1].isdigit() else
                os.environ.get("VOUCH_RECEIPTS", COUNT))
    unittest.main()
