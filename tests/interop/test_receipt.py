#!/usr/bin/python3
"""A response is a receipt, and stays one in the hands of a stock client: what
Python, C++ and Go serialize again is byte for byte what was sent, also where
their .proto files are older than the daemon; and what the sample for
JavaScript in docs/receipt.md files is what was sent.

Usage: test_receipt.py python|node|cpp|go [FOLDER]
FOLDER is that of the clients that have to be built.  The client asks, and
leaves what came in files; see clients/receipt.py.
"""

import os
import pathlib
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

LANGUAGE = sys.argv.pop(1)
BUILT = sys.argv.pop(1) if len(sys.argv) > 1 else None
CLIENTS = os.path.join(HERE, "clients")
CLIENT_SECONDS = 120


def command(protos, is_old, folder):
    if LANGUAGE == "python":
        return [sys.executable, os.path.join(CLIENTS, "receipt.py"), protos,
                folder]
    if LANGUAGE == "node":
        return ["node", os.path.join(CLIENTS, "receipt.js"), protos, folder]
    return [os.path.join(BUILT, "receipt_old" if is_old else "receipt"),
            folder]


class Receipts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = daemon.Daemon().start()
        cls.addClassCleanup(cls.daemon.stop)
        cls.messages = receipts.prepare(cls.daemon)
        cls.trust = verifier.Trust(daemon.read(receipts.trust(cls.daemon)))

    def asked(self, is_old):
        """Name, what was sent, and what was made of it, of each request."""
        # pylint: disable=consider-using-with
        directory = tempfile.TemporaryDirectory(prefix="vouch-test.")
        self.addCleanup(directory.cleanup)
        folder = pathlib.Path(directory.name)
        protos = daemon.PROTO
        if is_old:
            protos = os.path.join(directory.name, "protos")
            subprocess.run([receipts.OLD_PROTOS, protos], check=True)
        requests = {}
        for number, verdict in enumerate(receipts.CLAIMS):
            requests[verdict] = receipts.request(self.messages, verdict,
                                                 number + 1)
            (folder / (verdict + ".request")).write_bytes(
                requests[verdict].SerializeToString())
        subprocess.run(
            command(protos, is_old, directory.name), check=True,
            stdin=subprocess.DEVNULL, timeout=CLIENT_SECONDS,
            env=dict(os.environ, VOUCH_ADDRESS=self.daemon.address(),
                     VOUCH_CERTS=self.daemon.certificates()))
        for verdict, request in requests.items():
            sent = (folder / (verdict + ".sent")).read_bytes()
            response = self.messages.VerifyCredentialResponse.FromString(sent)
            self.assertEqual(response.question.claim, request.claim)
            yield verdict, sent, (folder / (verdict + ".again")).read_bytes()

    def verified(self, verdict, data):
        state, remark, receipt = verifier.judge(data, self.trust,
                                                time.time_ns() // 1000)
        self.assertEqual((state, verdict), ("VERIFIED", verdict), remark)
        answer = verifier.read_message(verifier.ANSWER, receipt.answer, "")
        self.assertEqual(list(receipts.CLAIMS).index(verdict) + 1, answer[1])

    def by_vouch(self, parts):
        """All of them at once, by `vouch receipt verify`."""
        with tempfile.TemporaryDirectory(prefix="vouch-test.") as folder:
            for verdict, data in parts.items():
                pathlib.Path(folder, verdict + ".receipt").write_bytes(data)
            done = subprocess.run(
                [daemon.program("vouch"), "receipt", "verify", folder,
                 "--trust", receipts.trust(self.daemon), "--root-key",
                 self.trust.root_key_id.hex()], env=dict(
                     os.environ, XDG_STATE_HOME=folder),
                capture_output=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done)

    def test_with_messages_as_they_are(self):
        filed = {}
        for verdict, sent, again in self.asked(is_old=False):
            with self.subTest(verdict):
                self.assertEqual(sent, again)
                self.verified(verdict, sent)
            filed[verdict] = sent
        self.by_vouch(filed)

    def test_with_messages_as_they_were_years_ago(self):
        filed = {}
        for verdict, sent, again in self.asked(is_old=True):
            with self.subTest(verdict):
                self.verified(verdict, sent)
                if LANGUAGE == "node":
                    # That is why the bytes are filed that came.
                    self.assertNotEqual(sent, again)
                else:
                    self.assertEqual(sent, again)
            filed[verdict] = sent
        self.by_vouch(filed)


if __name__ == "__main__":
    unittest.main()
