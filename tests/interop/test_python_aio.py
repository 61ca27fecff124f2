#!/usr/bin/python3
"""vouchd as Python's other way of calling sees it: grpc.aio; and as a client
whose channel compresses whatever it sends."""

import asyncio
import logging
import os
import sys
import tempfile
import unittest
import uuid

import grpc

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon as support  # noqa: E402

STUBS = tempfile.TemporaryDirectory()
support.generate_stubs(STUBS.name)

# pylint: disable=wrong-import-position
from grpc.health.v1 import health_pb2, health_pb2_grpc  # noqa: E402
from vouch.v1 import (  # noqa: E402
    publishing_service_pb2 as publishing_pb2,
    publishing_service_pb2_grpc as publishing_pb2_grpc, types_pb2,
    verification_pb2, verification_service_pb2,
    verification_service_pb2_grpc)

logging.getLogger("asyncio").setLevel(logging.ERROR)    # none of slow calls
TIMEOUT = 30
ASSOCIATION, TYPE = "ascp-boc", "ascp-pbt"
Code = grpc.StatusCode
SERVING = health_pb2.HealthCheckResponse.SERVING


def request(number):
    return verification_service_pb2.VerifyCredentialRequest(
        request_id=str(uuid.uuid4()), claim=verification_pb2.Claim(
            association_id=ASSOCIATION, credential_type_id=TYPE,
            number=number, name=types_pb2.HumanName(family="Interop"),
            birth_date=types_pb2.Date(year=1981)))


def header():
    return publishing_pb2.PublishCredentialsRequest(
        header=publishing_pb2.PublicationHeader(
            request_id=str(uuid.uuid4()), association_id=ASSOCIATION,
            mode=publishing_pb2.PUBLICATION_MODE_DELTA))


def rows(prefix, lines):
    return publishing_pb2.PublishCredentialsRequest(rows=[
        publishing_pb2.CredentialRow(
            line=line, number="%s-%d" % (prefix, line),
            credential_type_id=TYPE,
            name=types_pb2.HumanName(family="Interop", given="Pat"),
            birth_date=types_pb2.Date(year=1981), raw_status="ACTIVE",
            issued_on=types_pb2.Date(year=2020, month=1, day=2))
        for line in lines])


class Case(unittest.IsolatedAsyncioTestCase):
    compression = None

    @classmethod
    def setUpClass(cls):
        cls.daemon = support.Daemon().start()
        cls.addClassCleanup(cls.daemon.stop)

    async def asyncSetUp(self):
        self.employer = self.channel("employer")
        self.association = self.channel("association")
        self.verification = \
            verification_service_pb2_grpc.VerificationServiceStub(
                self.employer)
        self.publishing = publishing_pb2_grpc.PublishingServiceStub(
            self.association)

    async def asyncTearDown(self):
        await self.employer.close()
        await self.association.close()

    def channel(self, name):
        certificates = self.daemon.certificates()
        return grpc.aio.secure_channel(
            self.daemon.address(), grpc.ssl_channel_credentials(
                root_certificates=support.read(certificates, "root.pem"),
                private_key=support.read(certificates, name + ".key"),
                certificate_chain=support.read(certificates, name + ".pem")),
            options=(("grpc.use_local_subchannel_pool", 1),),
            compression=self.compression)

    def verify(self, number):
        return self.verification.VerifyCredential(request(number),
                                                  timeout=TIMEOUT)

    async def is_confirmed(self, number):
        response = await self.verify(number)
        self.assertEqual(response.answer.verdict,
                         verification_pb2.VERDICT_CONFIRMED)
        self.assertEqual(response.question.claim.number, number)

    async def publish(self, prefix, count):
        """Publish that many rows, 500 in a message."""
        async def messages():
            yield header()
            for first in range(2, count + 2, 500):
                yield rows(prefix, range(first,
                                         min(first + 500, count + 2)))

        accepted = []
        async for response in self.publishing.PublishCredentials(
                messages(), timeout=TIMEOUT):
            self.assertEqual(list(response.rejects), [])
            for lines in response.accepted:
                accepted += range(lines.first, lines.last + 1)
        self.assertEqual(sorted(accepted), list(range(2, count + 2)))
        self.assertEqual(response.summary.new_count, count)


class TestAsyncio(Case):
    async def test_an_upload_and_as_many_questions_at_a_time(self):
        await self.publish("A", 200)
        await asyncio.gather(*(self.is_confirmed("A-%d" % line)
                               for line in range(2, 202)))

    async def test_answers_come_while_the_upload_lasts(self):
        call = self.publishing.PublishCredentials(timeout=TIMEOUT)
        await call.write(header())
        for line in range(2, 12):
            await call.write(rows("B", [line]))
            response = await call.read()
            self.assertEqual(
                [(lines.first, lines.last) for lines in response.accepted],
                [(line, line)])
        await call.done_writing()
        response = await call.read()
        self.assertEqual(response.summary.new_count, 10)
        self.assertIs(await call.read(), grpc.aio.EOF)
        self.assertEqual(await call.code(), Code.OK)

    async def test_a_watch_until_its_deadline_or_a_cancel(self):
        stub = health_pb2_grpc.HealthStub(self.employer)
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=0.3)
        self.assertEqual((await watch.read()).status, SERVING)
        with self.assertRaises(grpc.aio.AioRpcError) as failed:
            await watch.read()
        self.assertEqual(failed.exception.code(), Code.DEADLINE_EXCEEDED)
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=TIMEOUT)
        self.assertEqual((await watch.read()).status, SERVING)
        self.assertTrue(watch.cancel())
        with self.assertRaises(asyncio.CancelledError):
            await watch.read()
        self.assertEqual(await watch.code(), Code.CANCELLED)

    async def test_a_failure_is_one(self):
        with self.assertRaises(grpc.aio.AioRpcError) as failed:
            await self.verification.VerifyCredential(
                verification_service_pb2.VerifyCredentialRequest(),
                timeout=TIMEOUT)
        self.assertEqual(failed.exception.code(), Code.INVALID_ARGUMENT)


class TestGzip(Case):
    compression = grpc.Compression.Gzip

    async def test_an_upload_and_questions(self):
        await self.publish("A", 2000)
        await asyncio.gather(*(self.is_confirmed("A-%d" % line)
                               for line in range(2, 52)))

    async def test_a_message_is_not_larger_for_being_compressed(self):
        call = self.publishing.PublishCredentials(
            iter([header(), rows("B", range(2, 5002))]), timeout=TIMEOUT)
        with self.assertRaises(grpc.aio.AioRpcError) as failed:
            async for response in call:
                self.assertFalse(response.HasField("summary"))
        self.assertEqual(failed.exception.code(), Code.RESOURCE_EXHAUSTED)


if __name__ == "__main__":
    unittest.main()
