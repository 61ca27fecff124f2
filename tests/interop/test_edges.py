#!/usr/bin/python3
"""gRPC at its edges, frame by frame: where the servers of others disagree,
and what no stock client would send.  Each answer is judged by the same rules,
whatever the case: see Edges.answer()."""

import base64
import json
import os
import sys
import tempfile
import time
import unittest
import urllib.parse
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon as support  # noqa: E402
import raw_h2 as h2  # noqa: E402

STUBS = tempfile.TemporaryDirectory()
support.generate_stubs(STUBS.name)

# pylint: disable=wrong-import-position
from google.protobuf import descriptor, message_factory  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from vouch.v1 import (  # noqa: E402
    access_service_pb2, catalog_service_pb2, publishing_service_pb2,
    verification_service_pb2)

OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, \
    ALREADY_EXISTS, PERMISSION_DENIED, RESOURCE_EXHAUSTED, \
    FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE, UNIMPLEMENTED, INTERNAL, \
    UNAVAILABLE, DATA_LOSS, UNAUTHENTICATED = range(17)

CHECK = "/grpc.health.v1.Health/Check"
WATCH = "/grpc.health.v1.Health/Watch"
REFLECT = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
VERIFY = "/vouch.v1.VerificationService/VerifyCredential"
PUBLISH = "/vouch.v1.PublishingService/PublishCredentials"
WHO_AM_I = "/vouch.v1.AccessService/WhoAmI"

MESSAGE_MAX = 65536             # limits.message_bytes
HEADERS_MAX = 16384             # http2.header_list_bytes
DEADLINE_MS = 800               # limits.unary_deadline_ms, as set here
FRAME_MAX = 16384
TRAILERS_MAX = 4096
TEXT_MAX = 1024                 # grpc-message

LIST_SERVICES = b"\x3a\x00"     # of reflection
DRAIN_PING = b"vdrain\0\1"      # behind the first GOAWAY
BAD = b"\xff\xff"               # no message at all

# What needs three bytes for one, at every place that can be wrong.
HOSTILE = ["%" * 3000, "\u00e9" * 1500, "\u263a" * 1000, "x" * 3000,
           "\u007f" * 3000, "%E2%98" * 500]


def decode(text):
    """Base64 as gRPC sends it, without padding."""
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def request(path, more=(), without=(), method="POST", flags=h2.END_HEADERS,
            stream=1):
    """HEADERS of a call, but for those named in ${without}; what is in
    ${more} goes in the place of the usual ones of its name."""
    usual = [(":method", method), (":scheme", "https"), (":path", path),
             (":authority", "localhost"), ("te", "trailers"),
             ("content-type", "application/grpc")]
    others = [name for name, _ in more]
    block = b"".join(h2.literal(*pair) for pair in usual
                     if pair[0] not in without and pair[0] not in others)
    block += b"".join(h2.literal(*pair) for pair in more)
    if len(block) <= FRAME_MAX:
        return h2.frame(h2.HEADERS, flags, stream, block)
    out = h2.frame(h2.HEADERS, flags & ~h2.END_HEADERS, stream,
                   block[:FRAME_MAX])
    for at in range(FRAME_MAX, len(block), FRAME_MAX):
        out += h2.frame(h2.CONTINUATION,
                        flags & h2.END_HEADERS
                        if at + FRAME_MAX >= len(block) else 0,
                        stream, block[at:at + FRAME_MAX])
    return out


def gzip(payload):
    maker = zlib.compressobj(wbits=31)
    return maker.compress(payload) + maker.flush()


def data(payload, stream=1, flags=h2.END_STREAM):
    out = b""
    while len(payload) > FRAME_MAX:
        out += h2.frame(h2.DATA, 0, stream, payload[:FRAME_MAX])
        payload = payload[FRAME_MAX:]
    return out + h2.frame(h2.DATA, flags, stream, payload)


class Edges(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = support.Daemon(
            "--set", "limits.unary_deadline_ms=%d" % DEADLINE_MS,
            "--set", "http2.window_bytes=1048576").start()
        cls.addClassCleanup(cls.daemon.stop)

    def wire(self, who="employer"):
        wire = h2.Wire(self.daemon, who)
        self.addCleanup(wire.close)
        return wire

    def over(self, wire, stream=1, seconds=10):
        self.assertTrue(wire.until(lambda: wire.over(stream), seconds),
                        "stream %d is not over; closed: %s" %
                        (stream, wire.closed))
        return wire.streams[stream]

    def synced(self, wire):
        """All that was sent has been seen, and what it leads to has come."""
        before = wire.counts.get(h2.PING, 0)
        wire.send(h2.frame(h2.PING, 0, 0, b"in order"))
        self.assertTrue(wire.until(
            lambda: wire.counts.get(h2.PING, 0) > before))

    def assert_lives(self, wire, stream):
        """The connection lives: a good call is answered."""
        wire.send(h2.call(stream, CHECK, b""))
        self.assertEqual(self.answer(self.over(wire, stream)).code, OK)

    def asked(self, *frames, who="employer"):
        """The answer to one call on a connection of its own, which lives."""
        wire = self.wire(who)
        wire.send(b"".join(frames))
        answer = self.answer(self.over(wire))
        self.assert_lives(wire, 3)
        wire.close()
        return answer

    # -- what every answer must be

    def answer(self, stream):
        """Judge an answer of gRPC by what holds for all, and return
        google.rpc.Status."""
        end, kinds = stream.blocks[-1], [f[0] for f in stream.frames
                                         if f[0] != h2.WINDOW_UPDATE]
        names = [name for name, _ in end]
        self.assertTrue(stream.ended)
        self.assertEqual(stream.header(":status"), "200")
        self.assertEqual(stream.header("content-type"), "application/grpc")
        self.assertEqual(len(names), len(set(names)), "twice: %r" % names)
        for block in stream.blocks:
            self.assertLess(sum(len(n.encode()) + len(v.encode()) + 32
                                for n, v in block), TRAILERS_MAX)

        # The last HEADERS end the stream; no empty DATA is before them.
        headers = [f for f in stream.frames if f[0] == h2.HEADERS]
        self.assertTrue(headers[-1][1] & h2.END_STREAM)
        self.assertNotIn(h2.CONTINUATION, kinds)
        for kind, flags, length in stream.frames:
            if kind == h2.DATA:
                self.assertGreater(length, 0)
                self.assertFalse(flags & h2.END_STREAM)
        if h2.DATA in kinds:
            self.assertEqual(len(stream.blocks), 2)
            self.assertNotIn("grpc-status", dict(stream.blocks[0]))
            self.assertNotIn(":status", names)
        else:
            self.assertEqual(len(stream.blocks), 2 if stream.status() == OK
                             else 1, "not Trailers-Only")
        return self.status(stream)

    def status(self, stream):
        code, trailers = stream.status(), dict(stream.blocks[-1])
        details = trailers.get("grpc-status-details-bin")
        text = trailers.get("grpc-message", "")
        self.assertIn(code, range(17))
        self.assertNotIn("=", details or "")
        if code == OK:
            self.assertIsNone(details)
            self.assertEqual(text, "")
            return status_pb2.Status()
        self.assertLessEqual(len(text), TEXT_MAX)
        self.assertRegex(text, r"\A([ -$&-~]|%[0-9A-F]{2})+\Z")
        status = status_pb2.Status.FromString(decode(details))
        self.assertEqual(status.code, code)
        self.assertEqual(status.message, urllib.parse.unquote(
            text, errors="strict"))
        info = self.info(status)
        self.assertEqual(info.domain, "vouch")
        self.assertRegex(info.reason, r"\A[A-Z][A-Z0-9_]+\Z")
        self.assert_hint(status, trailers.get("grpc-retry-pushback-ms"))
        return status

    def assert_hint(self, status, pushback):
        """Codes that clients may be set up to try again always say whether
        to, in both ways, and no other code does."""
        retry = error_details_pb2.RetryInfo()
        hint = any(d.Unpack(retry) for d in status.details)
        if status.code not in (RESOURCE_EXHAUSTED, UNAVAILABLE):
            self.assertEqual((pushback, hint), (None, False))
        elif pushback == "-1":
            self.assertFalse(hint)
        else:
            self.assertRegex(pushback, r"\A[1-9][0-9]{0,9}\Z")
            self.assertEqual(retry.retry_delay.ToMilliseconds(),
                             int(pushback))

    def info(self, status):
        for detail in status.details:
            info = error_details_pb2.ErrorInfo()
            if detail.Unpack(info):
                return info
        return self.fail("no ErrorInfo")

    def assert_status(self, status, code, reason=None, text=None):
        self.assertEqual((status.code, code), (code, code), status)
        if reason is not None:
            self.assertEqual(self.info(status).reason, reason)
        if text is not None:
            self.assertIn(text, status.message)

    # -- where the servers of others disagree

    def assert_http(self, stream, code, *headers):
        self.assertTrue(stream.ended)
        self.assertEqual(stream.header(":status"), str(code))
        for name, value in headers:
            self.assertEqual(stream.header(name), value)
        self.assertIsNone(stream.status())

    def plain(self, *frames):
        wire = self.wire()
        wire.send(b"".join(frames))
        stream = self.over(wire)
        self.assert_lives(wire, 3)
        wire.close()
        return stream

    def test_content_type_that_is_not_grpc(self):
        for kind in ("application/json", "application/grpc-web",
                     "application/grpc-web+proto", "application/grpc+json",
                     "application/grpcx", "text/plain", "application/proto",
                     "", None):
            with self.subTest(kind):
                more = () if kind is None else (("content-type", kind),)
                stream = self.plain(
                    request(VERIFY, more, () if more else ("content-type",)),
                    data(h2.message(b"")))
                self.assert_http(stream, 415,
                                 ("content-type", "application/json"))
                body = json.loads(stream.data)
                self.assertEqual(body["code"], "unsupported_media_type")
                self.assertIn("application/grpc", body["message"])

    def test_get(self):
        for method in ("GET", "HEAD", "PUT", "OPTIONS", "DELETE", "post"):
            with self.subTest(method):
                stream = self.plain(request(
                    VERIFY, method=method,
                    flags=h2.END_HEADERS | h2.END_STREAM))
                self.assert_http(stream, 405, ("allow", "POST"))
                self.assertEqual(stream.data, b"")

    def test_zero_messages(self):
        for path in (CHECK, WATCH, VERIFY):
            with self.subTest(path):
                for end in (request(path, flags=h2.END_HEADERS |
                                    h2.END_STREAM),
                            request(path) + data(b"")):
                    self.assert_status(self.asked(end), UNIMPLEMENTED,
                                       "CARDINALITY", "no message")

    def test_two_messages(self):
        for path in (CHECK, WATCH, VERIFY):
            with self.subTest(path):
                self.assert_status(
                    self.asked(request(path), data(h2.message(b"") * 2)),
                    UNIMPLEMENTED, "CARDINALITY", "more than one")

    def test_truncated_frame(self):
        for path in (CHECK, REFLECT):
            for cut in (1, 4, 5, 6, 11):
                with self.subTest("%s: %d" % (path, cut)):
                    self.assert_status(
                        self.asked(request(path),
                                   data(h2.message(b"\x0a\x05large")[:cut])),
                        INTERNAL, "TRUNCATED", "truncated message")

    def test_bad_protobuf(self):
        for path in (CHECK, REFLECT, VERIFY):
            for bad in (BAD, b"\x0a", b"\x0a\x05x", b"\x0b", b"\x0f\x00",
                        b"\x80" * 11):
                with self.subTest("%s: %r" % (path, bad)):
                    self.assert_status(
                        self.asked(request(path), data(h2.message(bad))),
                        INTERNAL, "PARSE_ERROR", "Error parsing request")

    def test_our_own_rules_are_another_matter(self):
        status = self.asked(request(VERIFY), data(h2.message(b"")))
        self.assert_status(status, INVALID_ARGUMENT, "INVALID_FIELD")
        bad = error_details_pb2.BadRequest()
        self.assertTrue(any(d.Unpack(bad) for d in status.details))
        self.assertLessEqual({"request_id", "claim"}, {
            v.field for v in bad.field_violations})

    def test_flag_without_encoding(self):
        for more in ((), (("grpc-encoding", "identity"),)):
            self.assert_status(
                self.asked(request(CHECK, more),
                           data(h2.message(b"", flag=1))),
                INTERNAL, "BAD_FRAME", "compressed")

    def test_flag_that_does_not_exist(self):
        for flag in (2, 3, 128, 255):
            for path in (CHECK, REFLECT):
                self.assert_status(
                    self.asked(request(path),
                               data(h2.message(b"", flag=flag))),
                    INTERNAL, "BAD_FRAME", "flag")

    def test_unknown_encoding(self):
        for name in ("zstd", "deflate", "snappy", "", "gzip, gzip", "x" * 3000):
            with self.subTest(name[:20]):
                wire = self.wire()
                wire.send(request(CHECK, (("grpc-encoding", name),)) +
                          data(h2.message(b"", flag=1)))
                stream = self.over(wire)
                self.assert_status(self.answer(stream), UNIMPLEMENTED,
                                   "UNKNOWN_ENCODING")
                self.assertEqual(stream.header("grpc-accept-encoding"),
                                 "identity,gzip")
                self.assert_lives(wire, 3)

    def test_corrupt_gzip(self):
        good = gzip(b"\x0a\x00" * 99)
        for bad in (b"\x1f\x8b nothing like it", b"", good[:-1],
                    good[:-4] + b"size", good[:20] + b"\0" + good[21:],
                    good + b"more", good[2:], zlib.compress(b"")):
            for path in (CHECK, REFLECT):
                self.assert_status(
                    self.asked(request(path, (("grpc-encoding", "gzip"),)),
                               data(h2.message(bad, flag=1))),
                    INTERNAL, text="gzip")

    def test_gzip(self):
        for flag, payload in ((1, gzip(b"")), (0, b"")):
            self.assert_status(
                self.asked(request(CHECK, (("grpc-encoding", "gzip"),)),
                           data(h2.message(payload, flag=flag))), OK)

    def test_gzip_of_more_than_a_message(self):
        payload = gzip(b"\0" * (5 << 20))
        self.assertLess(len(payload), MESSAGE_MAX)
        self.assert_status(
            self.asked(request(CHECK, (("grpc-encoding", "gzip"),)),
                       data(h2.message(payload, flag=1))),
            RESOURCE_EXHAUSTED, "MESSAGE_TOO_BIG", str(MESSAGE_MAX))

    def test_bad_timeout(self):
        for value in ("abc", "", "S", "1", "1s", "-1S", "+1S", "1.5S",
                      "123456789S", "000000001S", "99999999999999999999n",
                      "1SS", "0x1S", "1 S", "\u0661S", "9" * 3000):
            with self.subTest(value[:20]):
                self.assert_status(
                    self.asked(request(CHECK, (("grpc-timeout", value),)),
                               data(h2.message(b""))),
                    INTERNAL, "BAD_TIMEOUT", "grpc-timeout")

    def test_bad_base64(self):
        for value in ("!", "A", "A===", "AA=A", "AAEC,!", "AA EC", "AAECA",
                      "=", "AAEC====", "\u00e9\u00e9", "A" * 4001):
            with self.subTest(value[:20]):
                wire = self.wire()
                wire.send(request(CHECK, (("x-trace-bin", value),)) +
                          data(h2.message(b"")))
                self.assert_status(self.answer(self.over(wire)), INTERNAL,
                                   "BAD_BASE64", "x-trace-bin")
                self.assert_lives(wire, 3)
                wire.close()

    def test_4_gib_length_prefix(self):
        for path in (CHECK, REFLECT):
            wire = self.wire()
            # At once: nothing but the prefix is there, and no end.
            wire.send(request(path) + data(
                h2.message(b"", length=2 ** 32 - 1), flags=0))
            self.assertTrue(wire.until(
                lambda w=wire: 1 in w.streams and w.streams[1].ended))
            self.assert_status(
                self.answer(wire.streams[1]), RESOURCE_EXHAUSTED,
                "MESSAGE_TOO_BIG", "4294967295 bytes is above the limit of "
                "%d" % MESSAGE_MAX)
            self.assert_lives(wire, 3)

    def test_length_at_the_limit(self):
        # A field of health.Check that it does not know, as long as it takes.
        filler = b"\x12\xfb\xff\x03"
        most = filler + b"\0" * (MESSAGE_MAX - len(filler) - 1)
        for size, code in ((MESSAGE_MAX - 1, OK), (MESSAGE_MAX, INTERNAL),
                           (MESSAGE_MAX + 1, RESOURCE_EXHAUSTED)):
            payload = most + b"\0" * (size - len(most))
            self.assert_status(
                self.asked(request(CHECK), data(h2.message(payload))), code)

    def test_5_mib_message(self):
        """Its sender goes on, as a client may that has not looked yet: it
        gets its status, and then is told that there is no need."""
        for path in (CHECK, REFLECT):
            wire, rest = self.wire(), h2.message(b"\0" * (5 << 20))
            wire.send(request(path))
            sent = 0
            while rest and not wire.over(1):
                wire.send(data(rest[:16384], flags=0))
                rest, sent = rest[16384:], sent + 16384
                self.synced(wire)   # keep within the window
            wire.until(lambda w=wire: w.streams[1].reset is not None)
            stream = wire.streams[1]
            self.assert_status(self.answer(stream), RESOURCE_EXHAUSTED,
                               "MESSAGE_TOO_BIG", "5242880 bytes")
            self.assertEqual(stream.reset, h2.NO_ERROR)
            self.assertEqual(stream.frames[-1][0], h2.RST_STREAM)
            self.assertLess(sent, 1 << 20)
            self.assert_lives(wire, 3)

    def test_malformed_path(self):
        for path in ("/", "//", "/a", "/a/", "/a/b/c", "/Check",
                     "/grpc.health.v1.Health", "/grpc.health.v1.Health/",
                     CHECK + "/", CHECK.lower(), CHECK + "?a=b", "/%",
                     "/" + "a" * 8000):
            with self.subTest(path[:60]):
                self.assert_status(
                    self.asked(request(path), data(h2.message(b""))),
                    UNIMPLEMENTED, "UNKNOWN_METHOD")

    # -- headers

    def test_content_types_of_grpc(self):
        for kind in ("application/grpc", "application/grpc+proto",
                     "application/grpc;charset=utf-8", "Application/GRPC",
                     "application/grpc+proto; a=b", "application/grpc ;a"):
            with self.subTest(kind):
                self.assert_status(
                    self.asked(request(CHECK, (("content-type", kind),)),
                               data(h2.message(b""))), OK)

    def test_te_may_be_missing(self):
        self.assert_status(self.asked(request(CHECK, without=("te",)),
                                      data(h2.message(b""))), OK)

    def test_unknown_headers_are_passed_over(self):
        self.assert_status(self.asked(request(CHECK, (
            ("user-agent", "by hand"), ("x-anything", "\u00e9 %"),
            ("grpc-tags-bin", "AAEC"), ("grpc-accept-encoding", "br, zstd"),
            ("grpc-previous-rpc-attempts", "many"), ("x-empty", ""),
            ("x-twice", "1"), ("x-twice", "2"))), data(h2.message(b""))), OK)

    def test_timeout_units(self):
        for value in ("1H", "1M", "9S", "9000m", "9000000u", "99999999n",
                      "99999999H", "99999999S", "00000001H", "1999999u"):
            with self.subTest(value):
                self.assert_status(
                    self.asked(request(CHECK, (("grpc-timeout", value),)),
                               data(h2.message(b""))), OK)

    def test_timeout_of_nothing(self):
        for unit in "HMSmun":
            for zero in ("0", "00000000"):
                self.assert_status(
                    self.asked(request(CHECK, (("grpc-timeout",
                                                zero + unit),)),
                               data(h2.message(b""))),
                    DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")

    def expire(self, path, value, least, most, who="employer"):
        wire, begun = self.wire(who), time.monotonic()
        more = () if value is None else (("grpc-timeout", value),)
        wire.send(request(path, more))
        self.assertTrue(wire.until(
            lambda: 1 in wire.streams and wire.streams[1].ended))
        took = time.monotonic() - begun
        self.assert_status(self.answer(wire.streams[1]), DEADLINE_EXCEEDED,
                           "DEADLINE_EXCEEDED")
        self.assertGreaterEqual(took, least)
        self.assertLess(took, most)
        return wire

    def test_timeout_that_passes(self):
        for value in ("300m", "300000u"):
            wire = self.expire(CHECK, value, 0.3, 5)
            # The client says nothing more: its stream is reset.
            self.assertTrue(wire.until(
                lambda w=wire: w.streams[1].reset is not None))
            self.assertEqual(wire.streams[1].reset, h2.NO_ERROR)
            self.assert_lives(wire, 3)
        self.expire(REFLECT, "300m", 0.3, 5)

    def test_timeout_above_ours(self):
        for value in (None, "1H", "99999999S"):
            self.expire(CHECK, value, DEADLINE_MS / 1000, 9)

    def test_a_stream_has_no_deadline_of_ours(self):
        wire = self.wire()
        wire.send(request(REFLECT))
        wire.until(lambda: 1 in wire.streams, DEADLINE_MS / 1000 + 0.5)
        self.assertNotIn(1, wire.streams)
        wire.send(data(b""))
        self.assertEqual(self.answer(self.over(wire)).code, OK)

    def test_header_that_comes_twice(self):
        for name, value in (("grpc-timeout", "1S"),
                            ("grpc-encoding", "identity")):
            self.assert_status(
                self.asked(request(CHECK, ((name, value), (name, value))),
                           data(h2.message(b""))), INTERNAL, "HEADER_TWICE",
                name)

    def test_binary_metadata(self):
        for value in ("", "AA", "AA==", "AAE", "AAE=", "AAEC", "AAEC,AAE=",
                      "AA==, AAEC ,AAE", "-_-_", "+/+/", ",", "A" * 4000):
            with self.subTest(value[:20]):
                self.assert_status(
                    self.asked(request(CHECK, (("x-trace-bin", value),)),
                               data(h2.message(b""))), OK)

    def filled(self, size, path=CHECK, more=(), **other):
        """Headers that count ${size} by RFC 9113 section 6.5.2."""
        block = request(path, list(more) + [("x-filler", "")], **other)
        pairs = dict(h2.hpack.Decoder().decode(block[9:]))
        rest = size - sum(len(n) + len(v) + 32 for n, v in pairs.items())
        return request(path, list(more) + [("x-filler", "f" * rest)],
                       **other)

    def test_header_list_limit(self):
        for size, code in ((8192, OK), (HEADERS_MAX, OK),
                           (HEADERS_MAX + 1, RESOURCE_EXHAUSTED)):
            status = self.asked(self.filled(size), data(h2.message(b"")))
            self.assert_status(status, code)
            if code != OK:
                self.assert_status(status, code, "HEADERS_TOO_BIG", "limit")

    def test_header_list_far_above_the_limit(self):
        self.assert_status(
            self.asked(self.filled(3 * HEADERS_MAX), data(h2.message(b""))),
            RESOURCE_EXHAUSTED, "HEADERS_TOO_BIG")

    def test_header_list_above_the_limit_without_grpc(self):
        size = HEADERS_MAX + 1
        for frame in (
                self.filled(size, method="GET",
                            without=("te", "content-type")),
                self.filled(size, more=(("content-type", "text/plain"),)),
                self.filled(size, "/healthz", method="HEAD",
                            without=("te", "content-type"))):
            stream = self.plain(frame, data(b""))
            self.assert_http(stream, 431)
            if stream.data:
                self.assertIn("limit", json.loads(stream.data)["message"])

    # -- trailers

    def test_trailers_only_is_one_frame(self):
        for path, payload in ((CHECK, BAD), (REFLECT, BAD), (WATCH, BAD),
                              ("/none", b""), (VERIFY, b"")):
            wire = self.wire()
            wire.send(h2.call(1, path, payload))
            stream = self.over(wire)
            self.assertNotEqual(self.answer(stream).code, OK)
            self.assertEqual(
                [f[:2] for f in stream.frames],
                [(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM)])
            self.assertEqual(
                {n for n, _ in stream.blocks[0]},
                {":status", "content-type", "grpc-status", "grpc-message",
                 "grpc-status-details-bin"})

    def test_a_good_answer_is_three_frames(self):
        for path in (CHECK, WHO_AM_I):
            wire = self.wire()
            wire.send(h2.call(1, path, b""))
            stream = self.over(wire)
            self.assertEqual(self.answer(stream).code, OK)
            self.assertEqual([f[0] for f in stream.frames],
                             [h2.HEADERS, h2.DATA, h2.HEADERS])
            self.assertEqual(stream.blocks[1], [("grpc-status", "0")])

    def test_headers_wait_for_the_first_message(self):
        wire = self.wire()
        wire.send(request(REFLECT) + request(WATCH, stream=3) +
                  request(PUBLISH, stream=5))
        self.synced(wire)
        for stream in (1, 3):
            self.assertNotIn(stream, wire.streams)
        # The one that no employer may call is answered at once.
        self.assert_status(self.answer(wire.streams[5]), PERMISSION_DENIED,
                           "ROLE_NOT_ALLOWED")
        wire.send(data(h2.message(LIST_SERVICES), flags=0))
        self.assertTrue(wire.until(
            lambda: 1 in wire.streams and wire.streams[1].messages()))
        self.assertEqual(wire.streams[1].frames[0][0], h2.HEADERS)
        self.assertFalse(wire.streams[1].ended)

    def test_error_after_a_message(self):
        wire = self.wire()
        wire.send(request(REFLECT) +
                  data(h2.message(LIST_SERVICES), flags=0))
        self.assertTrue(wire.until(
            lambda: 1 in wire.streams and wire.streams[1].messages()))
        wire.send(data(h2.message(BAD)))
        stream = self.over(wire)
        self.assert_status(self.answer(stream), INTERNAL, "PARSE_ERROR")
        self.assertEqual(len(stream.blocks), 2)
        self.assertIsNone(stream.reset)

    def test_a_stream_without_messages_ends_well(self):
        wire = self.wire()
        wire.send(request(REFLECT, flags=h2.END_HEADERS | h2.END_STREAM))
        stream = self.over(wire)
        self.assertEqual(stream.status(), OK)
        self.assertFalse([f for f in stream.frames if f[0] == h2.DATA])
        self.assertTrue(stream.frames[-1][1] & h2.END_STREAM)

    def test_message_is_percent_encoded(self):
        path = "/grpc.health.v1.Health/100%Check"
        wire = self.wire()
        wire.send(h2.call(1, path, b""))
        stream = self.over(wire)
        self.assertIn(path, self.answer(stream).message)
        self.assertIn(path.replace("%", "%25"),
                      stream.header("grpc-message"))

    def test_unknown_method_is_told_the_nearest(self):
        for path, nearest in (
                ("/vouch.v1.VerificationService/VerifyCredentials", VERIFY),
                ("/vouch.v1.VerificationService/verifycredential", VERIFY),
                ("/VerificationService/VerifyCredential", VERIFY),
                ("/grpc.health.v1.Health/check", CHECK),
                ("/grpc.health.v1.Health/Wach", WATCH),
                ("/vouch.v2.AccessService/WhoAmI", WHO_AM_I)):
            status = self.asked(request(path), data(h2.message(b"")))
            self.assert_status(status, UNIMPLEMENTED, "UNKNOWN_METHOD",
                               "no method %s; the nearest is %s" %
                               (path, nearest))
            self.assertEqual(self.info(status).metadata["nearest"], nearest)

    def test_do_not_try_again(self):
        for frames in (request(CHECK) + data(h2.message(b"", length=99999)),
                       self.filled(HEADERS_MAX + 1) + data(b"")):
            wire = self.wire()
            wire.send(frames)
            stream = self.over(wire)
            self.assert_status(self.answer(stream), RESOURCE_EXHAUSTED)
            self.assertEqual(stream.header("grpc-retry-pushback-ms"), "-1")

    def test_attempts_are_in_the_log(self):
        for value, line in (("3", " attempts=3\n"), ("9999", "=9999\n"),
                            ("0", None), ("-1", None), ("x", None),
                            ("", None), ("12345", None)):
            begun = len(self.daemon.log_text())
            self.asked(request(CHECK, (("grpc-previous-rpc-attempts",
                                        value),)), data(h2.message(b"")))
            text = self.daemon.log_text()[begun:]
            if line is None:
                self.assertNotIn("attempts", text)
            else:
                self.assertIn(line, text)

    def test_early_finish(self):
        """A client that has its answer and says no more gets a moment, and
        then RST_STREAM(NO_ERROR)."""
        wire = self.wire()
        wire.send(request("/none"))
        self.assertTrue(wire.until(
            lambda: 1 in wire.streams and wire.streams[1].ended))
        self.assert_status(self.answer(wire.streams[1]), UNIMPLEMENTED)
        self.assertTrue(wire.until(
            lambda: wire.streams[1].reset is not None))
        self.assertEqual(wire.streams[1].reset, h2.NO_ERROR)
        self.assert_lives(wire, 3)

    def test_early_finish_of_a_client_that_ends_in_time(self):
        wire = self.wire()
        wire.send(request("/none"))
        self.assertTrue(wire.until(
            lambda: 1 in wire.streams and wire.streams[1].ended))
        wire.send(data(h2.message(b"late")))
        wire.until(lambda: wire.streams[1].reset is not None, 1.5)
        self.assertIsNone(wire.streams[1].reset)
        self.assert_lives(wire, 3)

    def test_early_finish_of_a_client_that_goes_on(self):
        wire, sent = self.wire(), 0
        wire.send(request("/none"))
        while sent < 1 << 20 and (1 not in wire.streams or
                                  wire.streams[1].reset is None):
            wire.send(data(b"\0" * 16384, flags=0))
            self.synced(wire)
            sent += 16384
        self.assert_status(self.answer(wire.streams[1]), UNIMPLEMENTED)
        self.assertEqual(wire.streams[1].reset, h2.NO_ERROR)
        self.assertLess(sent, 256 << 10)
        self.assert_lives(wire, 3)

    # -- trailers stay small, whatever the error

    def test_hostile_headers(self):
        wire, stream, codes = self.wire(), 1, set()
        for text in HOSTILE:
            plain = text.encode("ascii", "replace").decode()
            for path, more in (
                    ("/" + plain, ()),
                    ("/" + text, ()),
                    (CHECK + plain, ()),
                    (CHECK, (("grpc-encoding", text),)),
                    (CHECK, (("grpc-timeout", text),)),
                    (CHECK, (("x-" + "y" * 3000 + "-bin", text),)),
                    (CHECK, (("x-bin", text),)),
                    (CHECK, (("x-filler", text * 6),))):
                wire.send(request(path, more, stream=stream) +
                          data(h2.message(b""), stream))
                got = self.over(wire, stream)
                if got.reset is None:
                    codes.add(self.answer(got).code)
                else:   # a path that HTTP itself does not know
                    self.assertEqual(got.reset, h2.PROTOCOL_ERROR)
                stream += 2
        self.assertLessEqual({UNIMPLEMENTED, INTERNAL, RESOURCE_EXHAUSTED},
                             codes)

    def hostile(self, kind, text, depth=0):
        """A message of ${kind} with ${text} wherever a text can be."""
        message = message_factory.MessageFactory().GetPrototype(kind)()
        for field in kind.fields:
            if field.type == descriptor.FieldDescriptor.TYPE_STRING:
                value = text
            elif field.type == descriptor.FieldDescriptor.TYPE_BYTES:
                value = text.encode()
            elif field.type == descriptor.FieldDescriptor.TYPE_MESSAGE:
                if depth > 3:
                    continue
                value = self.hostile(field.message_type, text, depth + 1)
            elif field.type == descriptor.FieldDescriptor.TYPE_BOOL:
                value = True
            elif field.type == descriptor.FieldDescriptor.TYPE_ENUM:
                value = 77
            else:
                value = 2 ** 31 - 1
            if field.label == field.LABEL_REPEATED:
                self.extend(getattr(message, field.name), field, value)
            elif field.type == descriptor.FieldDescriptor.TYPE_MESSAGE:
                getattr(message, field.name).CopyFrom(value)
            else:
                setattr(message, field.name, value)
        return message

    def extend(self, place, field, value):
        if field.message_type and field.message_type.GetOptions().map_entry:
            return
        place.extend([value] * 2)

    def methods(self):
        for module in (access_service_pb2, catalog_service_pb2,
                       publishing_service_pb2, verification_service_pb2):
            for service in module.DESCRIPTOR.services_by_name.values():
                for method in service.methods:
                    yield ("/%s/%s" % (service.full_name, method.name),
                           method.input_type)

    def test_hostile_messages(self):
        """Every method, by every role, with every text of its request as bad
        as it can be, and short enough for the message to be read at all."""
        codes = {}
        for who in ("employer", "association", "auditor", "admin"):
            wire, stream = self.wire(who), 1
            for path, kind in self.methods():
                for text in [h[:n] for h in HOSTILE for n in (60, 600)]:
                    payload = self.hostile(kind, text).SerializeToString()
                    wire.send(request(path, stream=stream) +
                              data(h2.message(payload), stream))
                    # Not all methods refuse: an answer is an answer.
                    code = self.answer(self.over(wire, stream)).code
                    codes.setdefault(code, set()).add(path)
                    stream += 2
            wire.close()
        self.assertIn(VERIFY, codes[INVALID_ARGUMENT])
        self.assertIn(PUBLISH, codes[INVALID_ARGUMENT])
        self.assertIn(VERIFY, codes[PERMISSION_DENIED])

    def test_hostile_messages_without_texts_that_are_texts(self):
        """UTF-8 that is none, a NUL, fields that do not exist."""
        for payload in (b"\x0a\x02\xc3\x28", b"\x0a\x03a\0b",
                        b"\xfa\xff\xff\xff\x0f\x00", b"\xf8\x07\x01"):
            for path in (VERIFY, WHO_AM_I):
                self.assert_status(
                    self.asked(request(path), data(h2.message(payload))),
                    INVALID_ARGUMENT, "INVALID_FIELD")

    # -- without gRPC

    def health(self, method="GET", who="employer", path="/healthz"):
        wire = self.wire(who)
        wire.send(request(path, method=method,
                          without=("te", "content-type"),
                          flags=h2.END_HEADERS | h2.END_STREAM))
        stream = self.over(wire)
        wire.close()
        return stream

    def test_healthz(self):
        for who in ("employer", "association", "auditor", "admin"):
            stream = self.health(who=who)
            self.assert_http(stream, 200, ("content-type", "text/plain"),
                             ("content-length", "3"),
                             ("cache-control", "no-store"))
            self.assertEqual(stream.data, b"ok\n")
        stream = self.health("HEAD")
        self.assert_http(stream, 200, ("content-length", "3"))
        self.assertEqual(stream.data, b"")
        for method in ("POST", "PUT", "DELETE"):
            self.assert_http(self.health(method), 405,
                             ("allow", "GET, HEAD"))
        self.assertIn("method=/healthz role=auditor peer=dev-auditor "
                      "code=HTTP_200", self.daemon.log_text())

    def test_healthz_while_it_drains(self):
        with support.Daemon() as other:
            wire = h2.Wire(other)
            self.addCleanup(wire.close)
            # A call in progress keeps the connection.
            wire.send(request(REFLECT) + request(WATCH, stream=3) +
                      data(h2.message(b""), stream=3))
            self.assertTrue(wire.until(lambda: 3 in wire.streams and
                                       wire.streams[3].messages()))
            other.terminate()
            # Its last word is NOT_SERVING: the next answer is of that time.
            self.assertTrue(wire.until(lambda: wire.over(3)))
            self.assertEqual(wire.streams[3].messages(),
                             [b"\x08\x01", b"\x08\x02"])
            self.assert_status(self.status(wire.streams[3]), UNAVAILABLE,
                               "DRAINING")
            self.assertIn(int(wire.streams[3].header(
                "grpc-retry-pushback-ms")), range(1000, 1501))
            wire.send(request("/healthz", method="GET", stream=5,
                              flags=h2.END_HEADERS | h2.END_STREAM))
            stream = self.over(wire, 5)
            if stream.reset is None:
                self.assert_http(stream, 503, ("content-length", "12"))
                self.assertEqual(stream.data, b"not serving\n")
            else:       # the final GOAWAY was faster
                self.assertEqual(stream.reset, h2.REFUSED_STREAM)
            wire.send(h2.frame(h2.PING, h2.ACK, 0, DRAIN_PING) + data(b""))
            wire.until(lambda: wire.closed)
            other.wait()


if __name__ == "__main__":
    unittest.main()
