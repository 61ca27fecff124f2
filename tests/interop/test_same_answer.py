#!/usr/bin/python3
"""The same claim gets the same answer whoever carries it: `vouch`, a stock
Python client, and `buf curl`, which learns the messages by reflection."""

import json
import os
import subprocess
import sys
import unittest
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon  # noqa: E402

BUF = os.path.join(HERE, "..", "node_modules", ".bin", "buf")
CLAIMS = (
    ("ascp-pbt", "10482", "Garcia", "1990-04-30", 0),
    ("ascp-mlt", "10483", "Okafor", "1985", 1),
    ("ascp-pbt", "10484", "Novak", "1978-01-19", 1),
    ("ascp-pbt", "10486", "O'Brien", "1992", 1),
    ("", "10487", "Nguyen", "1988", 3),
    ("ascp-pbt", "10488", "Müller-Brandt", "1969", 3),
    ("ascp-pbt", "10489", "Sandoval", "1994", 0),
    ("ascp-pbt", "77777", "Garcia", "1990", 3),
)


def run(command, environment, *statuses):
    done = subprocess.run(command, env=environment, capture_output=True,
                          timeout=60, check=False)
    if done.returncode not in statuses:
        raise AssertionError("%s: status %d\n%s" % (
            command, done.returncode, done.stderr.decode()))
    return json.loads(done.stdout)


def flags(kind, number, family, born):
    words = ["--association", "ascp-boc", "--number", number, "--family",
             family, "--birth-date", born]
    return words + (["--type", kind] if kind else [])


def request(kind, number, family, born):
    parts = zip(("year", "month", "day"), (int(p) for p in born.split("-")))
    return json.dumps({"requestId": str(uuid.uuid4()), "claim": {
        "associationId": "ascp-boc", "credentialTypeId": kind,
        "number": number, "name": {"family": family},
        "birthDate": dict(parts)}})


def answer_of(response):
    """Of the answer all but the time; of the question all but its id; no seal,
    of which no two are the same."""
    response["answer"].pop("answeredAtUs")
    response["question"].pop("requestId")
    assert response.pop("seal")["signature"]
    return response


class SameAnswer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = daemon.Daemon().start()
        cls.addClassCleanup(cls.daemon.stop)
        path = os.path.join(cls.daemon.directory, "roster.csv")
        daemon.make_roster(path, 100)
        subprocess.run(
            [daemon.program("vouch"), "publish", path, "--association",
             "ascp-boc", "--quiet"], check=True, stdout=subprocess.DEVNULL,
            env=cls.daemon.environment("association"))
        cls.employer = cls.daemon.environment("employer")

    def by_vouch(self, claim, status):
        return run([daemon.program("vouch"), "verify", "-o", "json",
                    *flags(*claim)], self.employer, status)

    def by_python(self, claim, status):
        return run(["/usr/bin/python3", os.path.join(HERE, "ask.py"),
                    *flags(*claim)], self.employer, status)

    def by_buf(self, claim):
        e = self.employer
        return run([BUF, "curl", "--protocol", "grpc", "--cacert",
                    e["VOUCH_CA"], "--cert", e["VOUCH_CERT"], "--key",
                    e["VOUCH_KEY"], "--data", request(*claim),
                    "https://" + e["VOUCH_SERVER"] +
                    "/vouch.v1.VerificationService/VerifyCredential"], e, 0)

    def test_three_clients_get_the_same_answer(self):
        self.maxDiff = None
        for *claim, status in CLAIMS:
            with self.subTest(claim=claim):
                ours = answer_of(self.by_vouch(claim, status))
                self.assertIn("verdict", ours["answer"])
                self.assertEqual(ours,
                                 answer_of(self.by_python(claim, status)))
                self.assertEqual(ours, answer_of(self.by_buf(claim)))


if __name__ == "__main__":
    unittest.main()
