#!/usr/bin/python3
"""What who watches the network sees of an answer is its length.  A relay
between a stock client and vouchd notes the TLS records that go by: the one that
bears the answer is as long whatever the verdict.  Without the padding it is
not, which shows that the relay would see it.

VOUCH_BIN names the folder of vouchd.
"""

import csv
import importlib
import os
import socket
import struct
import subprocess
import sys
import threading
import unittest
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon  # noqa: E402

METHOD = "/vouch.v1.VerificationService/VerifyCredential"
AGAIN = 4       # times that each is asked
UNSTATED, STATED = 120, 720     # bytes of a request

# One claim for each verdict, and for what changes an answer's length besides.
CLAIMS = (
    ("CONFIRMED", {"number": "10482", "family": "Garcia",
                   "birth": (1990, 4, 30), "type": "ascp-pbt"}),
    ("CONFIRMED", {"number": "10482", "family": "Garcia",
                   "birth": (1990, 4, 30), "given": "Ana",
                   "on_behalf_of": "Clinic 7", "issued": (2019, 2, 4)}),
    ("CONFIRMED", {"number": "10482", "family": "Garcia",
                   "birth": (1990, 0, 0), "recognized_by": ["us-fl"]}),
    ("CONFIRMED", {"number": "10487", "family": "Nguyen",
                   "birth": (1988, 0, 0), "type": "ascp-mlt"}),
    ("NOT_CURRENT", {"number": "10484", "family": "Novak",
                     "birth": (1978, 0, 0), "type": "ascp-pbt"}),
    ("NOT_CURRENT", {"number": "10485", "family": "Haddad",
                     "birth": (1975, 0, 0), "type": "ascp-pbt"}),
    ("MISMATCH", {"number": "10483", "family": "Okafor",
                  "birth": (1985, 0, 0), "type": "ascp-mlt"}),
    ("AMBIGUOUS", {"number": "10487", "family": "Nguyen",
                   "birth": (1988, 0, 0)}),
    ("NO_MATCH", {"number": "99999", "family": "Garcia",
                  "birth": (1990, 0, 0), "type": "ascp-pbt"}),
    ("UNKNOWN_ISSUER", {"number": "10482", "family": "Garcia",
                        "birth": (1990, 0, 0), "association": "nobody"}),
)

# The type whose answers are the longest: twelve recognize it.
LONGEST = "ascp-mls"


def long_claims(roster):
    """Claims of the type with the longest answers, and of none, so that they
    might be as long; both again with all that an asker may add; for somebody
    and for nobody."""
    with open(roster, encoding="utf-8") as lines:
        row = next(row for row in csv.DictReader(lines)
                   if row["credential_type"] == LONGEST
                   and row["status"] == "ACTIVE" and not row["last4"])
    found = {"number": row["number"], "family": row["family"],
             "birth": (int(row["birth_date"][:4]), 0, 0)}
    stated = {"on_behalf_of": "b" * 200, "authorization_ref": "r" * 200,
              "requested_by": "q" * 200}
    return tuple((verdict, dict(found, number=number, type=name, **more))
                 for name in (LONGEST, "") for more in ({}, stated)
                 for verdict, number in (("CONFIRMED", row["number"]),
                                         ("NO_MATCH", "99999")))


def kind(claim):
    """What a claim asks for, but not about whom: all that its answer's length
    may tell."""
    return (claim.get("type") or "any type" if "association" not in claim
            else "no issuer") + (
        ", by some" if "recognized_by" in claim else "") + (
        ", stated" if "requested_by" in claim else "")


class Relay:
    """A port that leads to ${address}; notes the records that come back."""

    def __init__(self, address):
        self.to = address
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.records = []
        self.sockets = []
        threading.Thread(target=self.accept, daemon=True).start()

    def address(self):
        return "127.0.0.1:%d" % self.listener.getsockname()[1]

    def accept(self):
        try:
            near, _ = self.listener.accept()
        except OSError:
            return
        host, port = self.to.rsplit(":", 1)
        far = socket.create_connection((host, int(port)), 10)
        self.sockets = [near, far]
        threading.Thread(target=self.move, args=(near, far, None),
                         daemon=True).start()
        self.move(far, near, self.records)

    @staticmethod
    def move(source, sink, records):
        rest = b""
        try:
            while chunk := source.recv(65536):
                # Noted before the client can have seen the last of it.
                rest += chunk
                while records is not None and len(rest) >= 5:
                    n = 5 + struct.unpack(">H", rest[3:5])[0]
                    if len(rest) < n:
                        break
                    records.append(n)
                    rest = rest[n:]
                sink.sendall(chunk)
        except OSError:
            pass        # it is over

    def close(self):
        for each in [self.listener] + self.sockets:
            each.close()


def ready(step=None):
    """A daemon with a roster, which pads as it does by itself if ${step} is
    None."""
    more = () if step is None else ("--set", "http2.pad_step_bytes=%d" % step)
    made = daemon.Daemon(*more).start()
    roster = os.path.join(made.directory, "roster.csv")
    daemon.make_roster(roster, 100)
    subprocess.run(
        [daemon.program("vouch"), "publish", roster, "--association",
         "ascp-boc", "--quiet"], check=True, stdout=subprocess.DEVNULL,
        env=made.environment("association"))
    return made


class Lengths(unittest.TestCase):
    messages = verdicts = None

    def request(self, claim):
        m = self.messages.VerifyCredentialRequest(request_id=str(uuid.uuid4()))
        m.claim.association_id = claim.get("association", "ascp-boc")
        m.claim.credential_type_id = claim.get("type", "")
        m.claim.number = claim["number"]
        m.claim.name.family = claim["family"]
        m.claim.name.given = claim.get("given", "")
        for field in ("on_behalf_of", "authorization_ref", "requested_by"):
            setattr(m.claim, field, claim.get(field, ""))
        m.claim.recognized_by.extend(claim.get("recognized_by", ()))
        for field, key in (("birth_date", "birth"), ("issued_on", "issued")):
            if claim.get(key):
                date = getattr(m.claim, field)
                date.year, date.month, date.day = claim[key]
        # A longer question may have a longer answer: all are as long.
        m.claim.nonce = b"n"
        m.claim.nonce = b"n" * (1 + (STATED if "requested_by" in claim else
                                     UNSTATED) - m.ByteSize())
        return m

    def load(self, made):
        if Lengths.messages is None:
            stubs = os.path.join(made.directory, "stubs")
            os.mkdir(stubs)
            daemon.generate_stubs(stubs)
            Lengths.messages = importlib.import_module(
                "vouch.v1.verification_service_pb2")
            Lengths.verdicts = importlib.import_module(
                "vouch.v1.verification_pb2").Verdict

    def lengths(self, made):
        """Of each claim its kind, verdict and the lengths of the record."""
        self.load(made)
        claims = CLAIMS + long_claims(os.path.join(made.directory,
                                                   "roster.csv"))
        relay = Relay(made.address())
        self.addCleanup(relay.close)
        channel = daemon.channel(
            relay.address(), made.certificates(), made.certificates(),
            "employer", (("grpc.ssl_target_name_override", "localhost"),
                         # A probe's PING is answered in the record of the
                         # answer, or in one of its own, as it comes.
                         ("grpc.http2.bdp_probe", 0)))
        self.addCleanup(channel.close)
        ask = channel.unary_unary(
            METHOD,
            request_serializer=lambda m: m.SerializeToString(),
            response_deserializer=self.messages.VerifyCredentialResponse
            .FromString)
        for _ in range(2):      # what is said but once goes by
            ask(self.request(CLAIMS[0][1]), timeout=20)
        seen = []
        for verdict, claim in claims * AGAIN:
            before = len(relay.records)
            request = self.request(claim)
            self.assertIn(request.ByteSize(), (UNSTATED, STATED))
            answer = ask(request, timeout=20).answer
            self.assertEqual(answer.verdict,
                             self.verdicts.Value("VERDICT_" + verdict))
            seen.append(max(relay.records[before:]))
        found = [(kind(claim), verdict, set(seen[i::len(claims)]))
                 for i, (verdict, claim) in enumerate(claims)]
        for row in sorted(found, key=lambda row: row[0]):
            print("%-20s %-16s %s" % row)
        return found

    def test_every_verdict_is_as_long(self):
        made = ready()
        self.addCleanup(made.stop)
        by_kind = {}
        for name, verdict, each in self.lengths(made):
            found = by_kind.setdefault(name, (set(), set()))
            found[0].add(verdict)
            found[1].update(each)
        for name, (verdicts, each) in by_kind.items():
            self.assertEqual(len(each), 1, name)
            self.assertEqual(len(verdicts) > 1,
                             name not in ("no issuer", "any type, by some"))

    def test_without_padding_the_relay_sees_them_apart(self):
        made = ready(0)
        self.addCleanup(made.stop)
        self.assertGreater(len({n for _, _, each in self.lengths(made)
                                for n in each}), 6)


if __name__ == "__main__":
    unittest.main()
