#!/usr/bin/python3
"""Once a publication is acknowledged, every worker answers by it: publish one
changed row, then ask on several fresh connections at once, over and over."""

import os
import sys
import tempfile
import unittest
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon  # noqa: E402
import raw_h2  # noqa: E402

ROUNDS = 200
ASKERS = 4          # two for each worker
WORKERS = 2
VERIFY = "/vouch.v1.VerificationService/VerifyCredential"


class AcknowledgedIsSeen(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stubs = tempfile.TemporaryDirectory()
        cls.addClassCleanup(stubs.cleanup)
        daemon.generate_stubs(stubs.name)
        cls.daemon = daemon.Daemon(
            "--set", "workers=%d" % WORKERS, "--set", "log.level=warn",
            "--set", "publish.upload_bytes=1048576").start()
        cls.addClassCleanup(cls.daemon.stop)

    def publish(self, stub, standing):
        from vouch.v1 import publishing_service_pb2 as messages
        header = messages.PublishCredentialsRequest()
        header.header.request_id = str(uuid.uuid4())
        header.header.association_id = "ascp-boc"
        header.header.mode = messages.PUBLICATION_MODE_DELTA
        rows = messages.PublishCredentialsRequest()
        row = rows.rows.add(line=1, credential_type_id="ascp-pbt",
                            number="4711", standing=standing)
        row.name.family = "Hammer"
        row.birth_date.year = 1990
        last = None
        for last in stub.PublishCredentials(iter([header, rows]), timeout=30):
            self.assertFalse(last.rejects)
        self.assertEqual(last.summary.event_count, 1)

    def test_whoever_asks_after_the_acknowledgment_is_told(self):
        from vouch.v1 import publishing_service_pb2_grpc as publishing
        from vouch.v1 import types_pb2 as types
        from vouch.v1 import verification_pb2 as verification
        from vouch.v1 import verification_service_pb2 as messages
        question = messages.VerifyCredentialRequest(
            request_id=str(uuid.uuid4()))
        claim = question.claim
        claim.association_id = "ascp-boc"
        claim.credential_type_id = "ascp-pbt"
        claim.number = "4711"
        claim.name.family = "Hammer"
        claim.birth_date.year = 1990
        asked = raw_h2.call(1, VERIFY, question.SerializeToString())
        states = ((types.STANDING_ACTIVE, verification.VERDICT_CONFIRMED),
                  (types.STANDING_REVOKED, verification.VERDICT_NOT_CURRENT))
        with self.daemon.channel("association") as channel:
            stub = publishing.PublishingServiceStub(channel)
            for i in range(ROUNDS):
                standing, verdict = states[i % 2]
                wires = [raw_h2.Wire(self.daemon) for _ in range(ASKERS)]
                self.publish(stub, standing)
                for wire in wires:
                    wire.send(asked)
                for wire in wires:
                    self.assertTrue(wire.until(lambda w=wire: w.over(1)))
                    self.assertEqual(wire.streams[1].status(), 0)
                    response = messages.VerifyCredentialResponse.FromString(
                        wire.streams[1].messages()[0])
                    self.assertEqual(response.answer.verdict, verdict,
                                     "round %d" % i)
                    wire.close()


if __name__ == "__main__":
    unittest.main()
