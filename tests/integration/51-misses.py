#!/usr/bin/python3
"""Through the front door, "no such number" and "wrong person" are the same
bytes but for ids and times, of the same length; a claim that lacks what the
policy asks for, or is at fault otherwise, is refused in words that repeat
nothing of it; and nothing of any of this gets into the log.

VOUCH_BIN names the folder of vouchd.
"""

import importlib
import os
import subprocess
import sys
import unittest
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon  # noqa: E402
import grpc  # noqa: E402

METHOD = "/vouch.v1.VerificationService/VerifyCredential"
PLAIN = {"number": "10482", "family": "Garcia", "birth": (1990, 4, 30)}
# Each is a claim on somebody who is on file, with one thing wrong.
WRONG = (
    {"family": "Garzia"},
    {"birth": (1991, 0, 0)},
    {"birth": (1990, 4, 29)},
    {"given": "Wilhelmina"},
    {"suffix": "III", "number": "10490", "family": "Takamori",
     "birth": (1984, 0, 0)},
    {"number": "10487", "family": "Nguyen", "birth": (1987, 0, 0)},
    {"number": "10486", "family": "O'Brien", "birth": (1993, 0, 0),
     "as_of": (2020, 1, 1)},
    {"number": "10485", "family": "Haddad", "birth": (1976, 0, 0),
     "type": "ascp-mls", "issued": (2001, 1, 1)},
    {"number": "10486", "family": "Garcia"},            # two, crossed
    {"family": "Ana", "given": "Garcia"},               # swapped
)


class Misses(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = daemon.Daemon("--set", "log.level=debug").start()
        cls.addClassCleanup(cls.daemon.stop)
        stubs = os.path.join(cls.daemon.directory, "stubs")
        os.mkdir(stubs)
        daemon.generate_stubs(stubs)
        cls.messages = importlib.import_module(
            "vouch.v1.verification_service_pb2")
        cls.receipts = importlib.import_module("vouch.v1.receipt_pb2")
        roster = os.path.join(cls.daemon.directory, "roster.csv")
        daemon.make_roster(roster, 300)
        subprocess.run(
            [daemon.program("vouch"), "publish", roster, "--association",
             "ascp-boc", "--quiet"], check=True, stdout=subprocess.DEVNULL,
            env=cls.daemon.environment("association"))
        cls.channel = cls.daemon.channel("employer")
        cls.addClassCleanup(cls.channel.close)
        # The bytes as they come.
        cls.ask = cls.channel.unary_unary(
            METHOD, request_serializer=lambda m: m.SerializeToString(),
            response_deserializer=lambda b: b)

    def request(self, **what):
        claim = dict(PLAIN, **what)
        m = self.messages.VerifyCredentialRequest(
            request_id=claim.get("request_id", str(uuid.uuid4())))
        m.claim.association_id = claim.get("association", "ascp-boc")
        m.claim.credential_type_id = claim.get("type", "")
        m.claim.number = claim["number"]
        m.claim.name.family = claim["family"]
        m.claim.name.given = claim.get("given", "")
        m.claim.name.suffix = claim.get("suffix", "")
        m.claim.last4 = claim.get("last4", "")
        m.claim.nonce = claim.get("nonce", os.urandom(16))
        m.claim.on_behalf_of = claim.get("on_behalf_of", "")
        m.claim.recognized_by.extend(claim.get("recognized_by", ()))
        for field, key in (("birth_date", "birth"), ("issued_on", "issued"),
                           ("as_of", "as_of")):
            if claim.get(key):
                date = getattr(m.claim, field)
                date.year, date.month, date.day = claim[key]
        return m

    def answer(self, number, **what):
        """The bytes of an answer as they came, and without ids and times,
        and what of the seal is random or a hash; of the question everything
        but what was asked remains."""
        raw = self.ask(self.request(**dict(what, number=number)), timeout=20)
        m = self.messages.VerifyCredentialResponse.FromString(raw)
        self.assertEqual(m.SerializeToString(), raw)    # nothing unknown
        self.assertEqual(m.question.claim.number, number)
        m.question.claim.number = ""
        m.question.claim.nonce = b""
        m.question.request_id = ""
        m.answer.answered_at_us = 0
        batch = self.receipts.SealBatch.FromString(m.seal.batch)
        batch.sealed_at_us, batch.root = 0, bytes(len(batch.root))
        m.seal.batch = batch.SerializeToString()
        for part in "question_salt", "answer_salt", "signature":
            setattr(m.seal, part, bytes(len(getattr(m.seal, part))))
        return raw, m

    def test_two_misses_are_the_same_bytes(self):
        for what in WRONG:
            number = what.get("number", PLAIN["number"])
            with self.subTest(what=what):
                wrong, a = self.answer(**dict(what, number=number))
                none, b = self.answer(**dict(what, number="77777"))
                self.assertEqual(a.answer.verdict, 2)
                self.assertEqual(len(wrong), len(none))
                self.assertEqual(a.SerializeToString(), b.SerializeToString())

    def test_an_answer_tells_no_more_than_the_claim(self):
        # Right but for the type: neither the right one nor any of the rest.
        for what in ({"type": "ascp-mlt"}, {"issued": (2001, 2, 3)}):
            _, m = self.answer(PLAIN["number"], **what)
            self.assertEqual(m.answer.verdict, 4)
            told = {field.name for field, _ in m.answer.ListFields()}
            self.assertFalse(told & {"status", "periods", "recognitions",
                                     "credential_type_id", "recognition"})
            self.assertNotIn(b"ascp-pbt", m.SerializeToString())
        _, m = self.answer("10487", family="Nguyen", birth=(1988, 0, 0))
        self.assertEqual(m.answer.verdict, 3)
        told = {field.name for field, _ in m.answer.ListFields()}
        self.assertFalse(told & {"status", "periods", "recognitions",
                                 "credential_type_id", "recognition"})

    FAULTS = (
        {"birth": None},
        {"birth": (1961, 2, 31)},
        {"birth": (1961, 0, 7)},
        {"number": "Xq7\u00e4Kennzahl"},
        {"number": "Kennzahl" * 9},
        {"family": "Geheimer\u202ename"},
        {"family": "Geheimername" * 30},
        {"given": "Geheimer\x07name"},
        {"last4": "98x7"},
        {"type": "geheimer-typ"},
        {"type": "amt-rpt"},
        {"as_of": (2023, 2, 30)},
        {"as_of": (2023, 2, 0)},
        {"issued": (2019, 13, 1)},
        {"nonce": b"Geheimername" * 20},
        {"on_behalf_of": "Geheimername" * 40},
        {"recognized_by": ("geheimername",)},
        {"request_id": "Geheimername"},
    )

    def test_what_is_refused_is_not_repeated(self):
        for what in self.FAULTS:
            with self.subTest(what=what):
                with self.assertRaises(grpc.RpcError) as raised:
                    self.ask(self.request(**what), timeout=20)
                self.assertEqual(raised.exception.code(),
                                 grpc.StatusCode.INVALID_ARGUMENT)
                said = raised.exception.details() + " ".join(
                    str(value) for _, value
                    in raised.exception.trailing_metadata())
                for word in ("eheimer", "Kennzahl", "1961", "98x7", "Garcia",
                             "10482", "2023", "2019", "amt-rpt"):
                    self.assertNotIn(word, said)

    def test_refusal_does_not_depend_on_what_is_on_file(self):
        said = []
        for number in ("10482", "77777"):
            with self.assertRaises(grpc.RpcError) as raised:
                self.ask(self.request(number=number, birth=None), timeout=20)
            said.append((raised.exception.details(), [
                value for key, value in raised.exception.trailing_metadata()
                if key == "grpc-status-details-bin"]))
        self.assertEqual(said[0], said[1])

    def test_z_nothing_of_it_is_in_the_log(self):
        log = self.daemon.log_text()
        self.assertGreater(log.count("event=call"), 40)
        for word in ("arcia", "10482", "77777", "eheimer", "Kennzahl",
                     "1990-", "98x7", "Haddad", "Wilhelmina"):
            self.assertNotIn(word, log)


if __name__ == "__main__":
    unittest.main()
