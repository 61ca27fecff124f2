#!/usr/bin/python3
"""Compression, message by message: gRPC's four interop cases about it, which
need the flag of each message that no stock client shows, against the server of
grpc.testing.TestService; and what vouchd itself compresses, takes and
refuses."""

import gzip
import os
import struct
import sys
import tempfile
import unittest
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon as support  # noqa: E402
import raw_h2 as h2  # noqa: E402
from interop import Calls, Interop  # noqa: E402

STUBS = tempfile.TemporaryDirectory()
support.generate_stubs(STUBS.name)
Interop.generate(STUBS.name)

# pylint: disable=wrong-import-position
from grpc.reflection.v1 import reflection_pb2  # noqa: E402
from grpc.testing import messages_pb2 as messages  # noqa: E402
from vouch.v1 import (  # noqa: E402
    catalog_service_pb2, verification_service_pb2)

OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = \
    0, 3, 8, 12, 13

UNARY = "/grpc.testing.TestService/UnaryCall"
INPUT = "/grpc.testing.TestService/StreamingInputCall"
OUTPUT = "/grpc.testing.TestService/StreamingOutputCall"
REQUEST_SIZE, RESPONSE_SIZE = 271828, 314159

CHECK = "/grpc.health.v1.Health/Check"
REFLECT = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
TYPES = "/vouch.v1.CatalogService/ListCredentialTypes"
VERIFY = "/vouch.v1.VerificationService/VerifyCredential"
WHO_AM_I = "/vouch.v1.AccessService/WhoAmI"
MESSAGE_MAX = 65536             # limits.message_bytes

SENDS = ("grpc-encoding", "gzip")
TAKES = ("grpc-accept-encoding", "identity,deflate,gzip")


def flagged(message, flag):
    """A framed message, compressed or as it is."""
    payload = message if isinstance(message, bytes) else \
        message.SerializeToString()
    return h2.message(gzip.compress(payload) if flag else payload,
                      flag=int(flag))


def answers(stream):
    """Of each message its flag and its bytes, inflated."""
    rest, found = stream.data, []
    while rest:
        flag, n = struct.unpack(">BI", rest[:5])
        assert flag in (0, 1) and len(rest) >= 5 + n
        body = rest[5:5 + n]
        found.append((flag, gzip.decompress(body) if flag else body))
        rest = rest[5 + n:]
    return found


class InteropCases(Calls):
    """As grpc/doc/interop-test-descriptions.md tells them."""

    @classmethod
    def setUpClass(cls):
        cls.server = Interop()
        cls.addClassCleanup(cls.server.stop)

    @staticmethod
    def simple(**fields):
        return messages.SimpleRequest(
            response_size=RESPONSE_SIZE,
            payload=messages.Payload(body=bytes(REQUEST_SIZE)), **fields)

    def simple_answer(self, stream, flag):
        (got, body), = answers(stream)
        self.assertEqual(got, flag)
        self.assertEqual(messages.SimpleResponse.FromString(body).payload.body,
                         bytes(RESPONSE_SIZE))

    def test_client_compressed_unary(self):
        yes = self.simple(expect_compressed=messages.BoolValue(value=True))
        no = self.simple(expect_compressed=messages.BoolValue(value=False))
        # The probe: is the flag looked at?
        self.refused(INVALID_ARGUMENT, UNARY, flagged(yes, 0))
        self.refused(INVALID_ARGUMENT, UNARY, flagged(yes, 0), (SENDS,))
        self.simple_answer(self.answered(UNARY, flagged(yes, 1), (SENDS,)), 0)
        self.simple_answer(self.answered(UNARY, flagged(no, 0), (SENDS,)), 0)
        self.simple_answer(self.answered(UNARY, flagged(no, 0)), 0)
        self.refused(INVALID_ARGUMENT, UNARY, flagged(no, 1), (SENDS,))

    def test_server_compressed_unary(self):
        for value, more, flag in ((True, (TAKES,), 1), (False, (TAKES,), 0),
                                  (True, (), 0), (False, (), 0)):
            with self.subTest(value=value, more=more):
                stream = self.answered(UNARY, flagged(self.simple(
                    response_compressed=messages.BoolValue(value=value)), 0),
                    more)
                self.simple_answer(stream, flag)
                self.assertEqual(stream.header("grpc-encoding"),
                                 "gzip" if flag else None)

    @staticmethod
    def part(size, expected):
        return messages.StreamingInputCallRequest(
            payload=messages.Payload(body=bytes(size)),
            expect_compressed=messages.BoolValue(value=expected))

    def test_client_compressed_streaming(self):
        # The probe ends the call while the client could still send.
        self.refused(INVALID_ARGUMENT, INPUT,
                     flagged(self.part(27182, True), 0), (SENDS,), end=False)
        self.refused(INVALID_ARGUMENT, INPUT,
                     flagged(self.part(27182, True), 0))
        stream = self.answered(
            INPUT, flagged(self.part(27182, True), 1) +
            flagged(self.part(45904, False), 0), (SENDS,))
        (_, body), = answers(stream)
        self.assertEqual(messages.StreamingInputCallResponse.FromString(
            body).aggregated_payload_size, 73086)
        # One right and one wrong: it is the wrong one that counts.
        self.refused(INVALID_ARGUMENT, INPUT,
                     flagged(self.part(27182, True), 1) +
                     flagged(self.part(45904, True), 0), (SENDS,))

    def test_server_compressed_streaming(self):
        wanted = ((True, 31415), (False, 92653))
        request = flagged(messages.StreamingOutputCallRequest(
            response_parameters=[messages.ResponseParameters(
                size=size, compressed=messages.BoolValue(value=value))
                for value, size in wanted]), 0)
        for more in ((TAKES,), ()):
            stream = self.answered(OUTPUT, request, more)
            self.assertEqual(stream.header("grpc-encoding"),
                             "gzip" if more else None)
            got = answers(stream)
            self.assertEqual([flag for flag, _ in got],
                             [1, 0] if more else [0, 0])
            for (_, body), (_, size) in zip(got, wanted):
                self.assertEqual(
                    messages.StreamingOutputCallResponse.FromString(
                        body).payload.body, bytes(size))


class Vouchd(Calls):
    @classmethod
    def setUpClass(cls):
        cls.server = support.Daemon(
            "--set", "log.level=warn", "--set", "workers=1").start()
        cls.addClassCleanup(cls.server.stop)

    # -- answers

    def listed(self, more, path=TYPES):
        request = catalog_service_pb2.ListCredentialTypesRequest(
            association_id="ascp-boc")
        (flag, body), = answers(self.answered(path, flagged(request, 0),
                                              more))
        self.assertGreater(len(body), 1024)
        return flag, body

    def test_a_catalog_list_is_compressed_for_who_takes_it(self):
        plain = self.listed(())
        packed = self.listed((TAKES,))
        self.assertEqual(plain, (0, packed[1]))
        self.assertEqual(packed[0], 1)
        for text, flag in (("gzip", 1), ("deflate, gzip", 1), ("", 0),
                           ("identity", 0), ("x-gzip", 0), ("br,zstd", 0)):
            more = (("grpc-accept-encoding", text),)
            self.assertEqual(self.listed(more), (flag, plain[1]), text)

    def test_reflection_is_compressed_answer_by_answer(self):
        asked = [reflection_pb2.ServerReflectionRequest(list_services=""),
                 reflection_pb2.ServerReflectionRequest(
                     file_containing_symbol="vouch.v1.CatalogService")]
        body = b"".join(flagged(one, 0) for one in asked)
        plain = answers(self.answered(REFLECT, body))
        packed = answers(self.answered(REFLECT, body, (TAKES,)))
        self.assertEqual([flag for flag, _ in plain], [0, 0])
        self.assertEqual([flag for flag, _ in packed],
                         [int(len(body) > 1024) for _, body in plain])
        self.assertIn(1, [flag for flag, _ in packed])
        self.assertEqual([body for _, body in plain],
                         [body for _, body in packed])

    def test_nothing_else_is_compressed(self):
        request = verification_service_pb2.VerifyCredentialRequest(
            request_id="5b6f9a3e-0000-4000-8000-000000000001")
        request.claim.association_id = "ascp-boc"
        request.claim.credential_type_id = "ascp-pbt"
        request.claim.number = "10482"
        request.claim.name.family = "A" * 200
        request.claim.birth_date.year = 1990
        for path, body in ((VERIFY, request), (WHO_AM_I, b""), (CHECK, b"")):
            stream = self.answered(path, flagged(body, 0), (TAKES,))
            self.assertIsNone(stream.header("grpc-encoding"))
            self.assertEqual([flag for flag, _ in answers(stream)], [0])

    # -- requests

    def test_a_compressed_request_is_understood(self):
        wire = self.wire()
        for level in (0, 1, 9):
            body = h2.message(gzip.compress(b"\x0a\x00", level), flag=1)
            stream = self.answered(CHECK, body, (SENDS,), wire=wire)
            self.assertEqual(len(answers(stream)), 1)

    def test_a_flag_needs_an_encoding(self):
        body = flagged(b"", 1)
        for more in ((), (("grpc-encoding", "identity"),)):
            self.refused(INTERNAL, CHECK, body, more)
        for flag in (2, 3, 128, 255):
            self.refused(INTERNAL, CHECK, h2.message(b"", flag=flag),
                         (SENDS,))

    def test_an_unknown_encoding_is_told_which_are_known(self):
        stream = self.refused(UNIMPLEMENTED, CHECK, flagged(b"", 1),
                              (("grpc-encoding", "zstd"),))
        self.assertEqual(stream.header("grpc-accept-encoding"),
                         "identity,gzip")

    def test_what_is_not_one_member_of_gzip_is_refused(self):
        good = gzip.compress(b"\x0a\x00")
        damaged = good[:-8] + bytes([good[-8] ^ 1]) + good[-7:]
        for what, bad in (
            ("nothing", b""), ("text", b"\x0a\x00"), ("cut", good[:-1]),
            ("only a header", good[:10]), ("checksum", damaged),
            ("length", good[:-1] + b"\1"), ("one byte more", good + b"\0"),
            ("two members", good + good), ("zlib", zlib.compress(b"")),
            ("method", good[:2] + b"\7" + good[3:]),
            ("reserved flag", good[:3] + b"\xe0" + good[4:]),
        ):
            with self.subTest(what=what):
                self.refused(INTERNAL, CHECK, h2.message(bad, flag=1),
                             (SENDS,))

    def memory(self):
        path = "/proc/%d/statm" % self.server.process.pid
        with open(path, encoding="ascii") as lines:
            return int(lines.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def test_a_bomb_is_defused(self):
        # A field of no meaning, so that only its size is wrong.
        bomb = gzip.compress(b"\xa2\x06" + bytes(60 << 20), 9)
        self.assertLess(len(bomb), MESSAGE_MAX)
        wire, before = self.wire(), self.memory()
        for _ in range(20):
            stream = self.call(CHECK, h2.message(bomb, flag=1), (SENDS,),
                               wire=wire)
            self.assertEqual(stream.status(), RESOURCE_EXHAUSTED)
        # One that went off would have taken all of its 60 MiB.
        self.assertLess(self.memory() - before, 32 << 20)

    def test_the_limit_counts_what_comes_out(self):
        for size, code in ((MESSAGE_MAX, OK),
                           (MESSAGE_MAX + 1, RESOURCE_EXHAUSTED)):
            # One unknown field, which is passed over.
            head = b"\xa2\x06" + h2_varint(size - 5)
            body = head + bytes(size - len(head))
            self.assertEqual(len(body), size)
            stream = self.call(CHECK, flagged(body, 1), (SENDS,))
            self.assertEqual(stream.status(), code)

    def test_each_call_is_on_its_own(self):
        wire = self.wire()
        for _ in range(3):
            self.answered(CHECK, flagged(b"", 1), (SENDS,), wire=wire)
            stream = self.call(CHECK, flagged(b"", 1), wire=wire)
            self.assertEqual(stream.status(), INTERNAL)
            stream = self.call(CHECK, h2.message(b"no", flag=1), (SENDS,),
                               wire=wire)
            self.assertEqual(stream.status(), INTERNAL)


class Off(Calls):
    @classmethod
    def setUpClass(cls):
        cls.server = support.Daemon(
            "--set", "log.level=warn", "--set", "workers=1", "--set",
            "limits.compress_above_bytes=0").start()
        cls.addClassCleanup(cls.server.stop)

    def test_a_setting_turns_answers_off_and_not_requests(self):
        request = catalog_service_pb2.ListCredentialTypesRequest(
            association_id="ascp-boc")
        stream = self.answered(TYPES, flagged(request, 1), (SENDS, TAKES))
        self.assertEqual([flag for flag, _ in answers(stream)], [0])
        self.assertIsNone(stream.header("grpc-encoding"))


def h2_varint(value):
    """A number of protobuf's, in three bytes."""
    return bytes([value & 127 | 128, value >> 7 & 127 | 128, value >> 14])


if __name__ == "__main__":
    unittest.main()
