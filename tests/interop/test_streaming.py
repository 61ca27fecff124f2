#!/usr/bin/python3
"""What the calling styles of gRPC promise, by frames made by hand: when an
answer comes and when it does not, how a stream ends, what is kept of one that
is not read, and what metadata go which way."""

import os
import struct
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import raw_h2 as h2  # noqa: E402
from interop import Calls, Interop  # noqa: E402

STUBS = tempfile.TemporaryDirectory()
Interop.generate(STUBS.name)
sys.path.insert(0, STUBS.name)
import grpc  # noqa: E402
grpc.__path__.append(os.path.join(STUBS.name, "grpc"))

# pylint: disable=wrong-import-position
from grpc.testing import messages_pb2 as messages  # noqa: E402

OK, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, ABORTED = \
    0, 2, 3, 4, 5, 10

SERVICE = "/grpc.testing.TestService/"
UNARY, INPUT, OUTPUT, FULL, HALF = (SERVICE + name for name in (
    "UnaryCall", "StreamingInputCall", "StreamingOutputCall",
    "FullDuplexCall", "HalfDuplexCall"))
MILLISECOND = 1000


def asked(*sizes, interval_us=0, code=0, text=""):
    """A request for answers of these sizes, and perhaps an error."""
    request = messages.StreamingOutputCallRequest(response_parameters=[
        messages.ResponseParameters(size=size, interval_us=interval_us)
        for size in sizes])
    if code:
        request.response_status.code = code
        request.response_status.message = text
    return h2.message(request.SerializeToString())


def sizes_of(stream):
    """Of the payloads of the answers that are whole."""
    rest, found = stream.data, []
    while len(rest) >= 5:
        n = struct.unpack(">I", rest[1:5])[0]
        if len(rest) < 5 + n:
            break
        found.append(len(messages.StreamingOutputCallResponse.FromString(
            rest[5:5 + n]).payload.body))
        rest = rest[5 + n:]
    return found


class Streaming(Calls):
    @classmethod
    def setUpClass(cls):
        cls.server = Interop("--set", "workers=1")
        cls.addClassCleanup(cls.server.stop)

    def got(self, wire, number, count, seconds=10):
        """Wait until so many answers have come."""
        self.assertTrue(wire.until(
            lambda: number in wire.streams and
            len(sizes_of(wire.streams[number])) >= count, seconds))

    def serves(self, wire, number):
        """The connection lives, and whatever was sent before was handled."""
        wire.send(h2.call(number, UNARY, b""))
        self.assertTrue(wire.until(lambda: wire.over(number)))
        self.assertEqual(wire.streams[number].status(), OK)

    # -- when answers come

    def test_answers_come_in_their_time_and_order(self):
        began = time.monotonic()
        stream = self.answered(OUTPUT, asked(
            3, 1, 2, interval_us=50 * MILLISECOND))
        self.assertEqual(sizes_of(stream), [3, 1, 2])
        self.assertGreaterEqual(time.monotonic() - began, 0.15)

    def test_each_question_is_answered_before_the_next(self):
        wire = self.wire()
        wire.send(h2.opening(1, FULL))
        self.serves(wire, 3)
        self.assertNotIn(1, wire.streams)       # no headers before an answer
        for i, size in enumerate((31415, 9, 2653, 58979)):
            wire.send(h2.frame(h2.DATA, 0, 1, asked(size)))
            self.got(wire, 1, i + 1)
            self.assertEqual(len(sizes_of(wire.streams[1])), i + 1)
        wire.send(h2.frame(h2.DATA, h2.END_STREAM, 1))
        self.assertTrue(wire.until(lambda: wire.over(1)))
        self.assertEqual(sizes_of(wire.streams[1]), [31415, 9, 2653, 58979])
        self.assertEqual(wire.streams[1].status(), OK)

    def test_half_duplex_waits_for_the_last_question(self):
        wire = self.wire()
        wire.send(h2.opening(1, HALF))
        for size in (7, 5):
            wire.send(h2.frame(h2.DATA, 0, 1, asked(size, size + 1)))
        self.serves(wire, 3)
        self.assertNotIn(1, wire.streams)
        wire.send(h2.frame(h2.DATA, h2.END_STREAM, 1))
        self.assertTrue(wire.until(lambda: wire.over(1)))
        self.assertEqual(sizes_of(wire.streams[1]), [7, 8, 5, 6])

    def test_what_is_due_is_answered_behind_the_last_question(self):
        stream = self.answered(FULL, asked(1, 2, interval_us=30 * MILLISECOND)
                               + asked(3))
        self.assertEqual(sizes_of(stream), [1, 2, 3])

    def test_an_empty_stream_is_headers_and_trailers(self):
        for path in (FULL, HALF):
            stream = self.answered(path, b"")
            self.assertEqual(stream.data, b"")
        stream = self.answered(INPUT, b"")
        self.assertEqual(len(stream.messages()), 1)

    def test_questions_may_be_cut_anywhere(self):
        body = asked(4) + asked(5) + asked(6)
        wire, number = self.wire(), 1
        for at in range(1, len(body)):
            wire.send(h2.opening(number, FULL) +
                      h2.frame(h2.DATA, 0, number, body[:at]) +
                      h2.frame(h2.DATA, h2.END_STREAM, number, body[at:]))
            number += 2
        for i in range(1, number, 2):
            self.assertTrue(wire.until(lambda i=i: wire.over(i)))
            self.assertEqual(sizes_of(wire.streams[i]), [4, 5, 6])

    # -- how streams end

    def test_an_error_comes_behind_the_answers_before_it(self):
        wire = self.wire()
        wire.send(h2.opening(1, FULL) +
                  h2.frame(h2.DATA, 0, 1, asked(10, code=ABORTED, text="so")))
        self.assertTrue(wire.until(lambda: wire.streams.get(1) and
                                   wire.streams[1].status() is not None))
        self.assertEqual(sizes_of(wire.streams[1]), [10])
        self.assertEqual(wire.streams[1].status(), ABORTED)
        self.assertEqual(wire.streams[1].header("grpc-message"), "so")
        # The client had not ended: it is told to stop, without blame.
        self.assertTrue(wire.until(
            lambda: wire.streams[1].reset is not None))
        self.assertEqual(wire.streams[1].reset, h2.NO_ERROR)
        self.serves(wire, 3)

    def test_an_error_at_once_is_one_header_list(self):
        for path in (OUTPUT, FULL, HALF):
            stream = self.refused(NOT_FOUND, path,
                                  asked(code=NOT_FOUND, text="not here"))
            self.assertEqual(stream.header("grpc-message"), "not here")
        self.refused(UNKNOWN, OUTPUT, asked(code=99))
        self.refused(INVALID_ARGUMENT, OUTPUT, asked(-1))
        self.refused(INVALID_ARGUMENT, FULL, asked(1, interval_us=-1))

    def test_a_deadline_ends_a_stream_that_waits(self):
        stream = self.call(
            OUTPUT, asked(5, 5, interval_us=400 * MILLISECOND),
            (("grpc-timeout", "600m"),))
        self.assertEqual(stream.status(), DEADLINE_EXCEEDED)
        self.assertLessEqual(len(sizes_of(stream)), 1)

    def test_streams_that_are_reset_are_forgotten(self):
        wire = self.wire()
        cancel = struct.pack(">I", h2.CANCEL)
        for number in range(1, 101, 2):
            wire.send(h2.opening(number, FULL) + h2.frame(
                h2.DATA, 0, number,
                asked(1, 70000, 2, interval_us=5 * MILLISECOND)))
            if number % 4 == 1:
                self.got(wire, number, 1)
            wire.send(h2.frame(h2.RST_STREAM, 0, number, cancel))
        self.serves(wire, 101)
        time.sleep(0.05)        # what was due is due now, and nobody's
        self.serves(wire, 103)
        self.assertFalse(any(wire.streams[i].ended for i in range(1, 101, 2)
                             if i in wire.streams))

    # -- who does not read

    def test_a_stream_that_is_not_read_waits_and_goes_on(self):
        sizes = [100000] * 60           # twenty times what may wait
        wire = h2.Wire(self.server, first=((h2.INITIAL_WINDOW_SIZE, 1000),))
        self.addCleanup(wire.close)
        wire.send(h2.frame(h2.WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 30)))
        wire.send(h2.opening(1, OUTPUT) +
                  h2.frame(h2.DATA, h2.END_STREAM, 1, asked(*sizes)))
        self.assertTrue(wire.until(lambda: wire.streams.get(1) and
                                   len(wire.streams[1].data) == 1000))
        while not wire.over(1):
            before = len(wire.streams[1].data)
            wire.send(h2.frame(h2.WINDOW_UPDATE, 0, 1,
                               struct.pack(">I", 500000)))
            self.assertTrue(wire.until(lambda b=before: wire.over(1) or
                                       len(wire.streams[1].data) > b))
        self.assertEqual(sizes_of(wire.streams[1]), sizes)
        self.assertEqual(wire.streams[1].status(), OK)

    # -- metadata

    def echoed(self, path, body, *more):
        return self.answered(path, body, more)

    def test_metadata_come_back_before_and_behind(self):
        simple = h2.message(messages.SimpleRequest(
            response_size=10).SerializeToString())
        for path, body in ((UNARY, simple), (FULL, asked(10))):
            stream = self.echoed(
                path, body, ("x-grpc-test-echo-initial", "test_value"),
                ("x-grpc-test-echo-trailing-bin", "q6ur"))
            first, last = (dict(block) for block in stream.blocks)
            self.assertEqual(first.get("x-grpc-test-echo-initial"),
                             "test_value")
            self.assertEqual(last.get("x-grpc-test-echo-trailing-bin"),
                             "q6ur")
            self.assertNotIn("x-grpc-test-echo-initial", last)
            self.assertNotIn("x-grpc-test-echo-trailing-bin", first)

    def test_base64_is_taken_padded_or_not_and_sent_without(self):
        for value, back in (("AA==", "AA"), ("AA", "AA"), ("AAE=", "AAE"),
                            ("AAE", "AAE"), ("AAEC", "AAEC")):
            stream = self.echoed(UNARY, h2.message(b""), (
                "x-grpc-test-echo-trailing-bin", value))
            self.assertEqual(stream.header("x-grpc-test-echo-trailing-bin"),
                             back)
        stream = self.echoed(UNARY, h2.message(b""), (
            "x-grpc-test-echo-trailing-bin", "AA==,AAE,AAEC"))
        self.assertEqual([value for name, value in stream.blocks[-1]
                          if name == "x-grpc-test-echo-trailing-bin"],
                         ["AA", "AAE", "AAEC"])


if __name__ == "__main__":
    unittest.main()
