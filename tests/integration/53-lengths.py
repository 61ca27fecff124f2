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
    """Claims of a kind where most is to be told, and again with all that an
    asker may add, each for somebody and for nobody."""
    with open(roster, encoding="utf-8") as lines:
        row = next(row for row in csv.DictReader(lines)
                   if row["credential_type"] == LONGEST
                   and row["status"] == "ACTIVE" and not row["last4"])
    found = {"number": row["number"], "family": row["family"],
             "birth": (int(row["birth_date"][:4]), 0, 0), "type": LONGEST}
    stated = dict(found, on_behalf_of="b" * 200, authorization_ref="r" * 200,
                  requested_by="q" * 200)
    return tuple((verdict, dict(claim, number=number))
                 for claim in (found, stated)
                 for verdict, number in (("CONFIRMED", row["number"]),
                                         ("NO_MATCH", "99999")))


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
        """Of each claim its verdict and the lengths of the answer's record."""
        self.load(made)
        claims = CLAIMS + long_claims(os.path.join(made.directory,
                                                   "roster.csv"))
        relay = Relay(made.address())
        self.addCleanup(relay.close)
        channel = daemon.channel(
            relay.address(), made.certificates(), made.certificates(),
            "employer", (("grpc.ssl_target_name_override", "localhost"),))
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
            answer = ask(self.request(claim), timeout=20).answer
            self.assertEqual(answer.verdict,
                             self.verdicts.Value("VERDICT_" + verdict))
            seen.append(max(relay.records[before:]))
        return [(verdict, set(seen[i::len(claims)]))
                for i, (verdict, _) in enumerate(claims)]

    def test_every_verdict_is_as_long(self):
        made = ready()
        self.addCleanup(made.stop)
        lengths = self.lengths(made)
        for verdict, each in lengths:
            print("padded   %-16s %s bytes" % (verdict, sorted(each)))
        self.assertEqual(len({n for _, each in lengths for n in each}), 1)

    def test_without_padding_the_relay_sees_them_apart(self):
        made = ready(0)
        self.addCleanup(made.stop)
        lengths = self.lengths(made)
        for verdict, each in lengths:
            print("unpadded %-16s %s bytes" % (verdict, sorted(each)))
        self.assertGreater(len({n for _, each in lengths for n in each}), 6)


if __name__ == "__main__":
    unittest.main()
