#!/usr/bin/python3
"""Peers that no stock client would be: whatever they do on the wire, they are
answered as HTTP/2 and gRPC demand or cut off early, and good clients are
served on.  The daemon must end well: the sanitizers have the last word."""

import os
import resource
import socket
import struct
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon  # noqa: E402
import raw_h2 as h2  # noqa: E402

BEGINNING = h2.PREFACE + h2.settings()

CHECK = "/grpc.health.v1.Health/Check"
WATCH = "/grpc.health.v1.Health/Watch"
REFLECT = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
PUBLISH = "/vouch.v1.PublishingService/PublishCredentials"

STREAMS = 128           # http2.streams
STALL_SECONDS = 1
FLOOD = 200000          # frames at most
CPU_SECONDS = 1         # that one flood may cost, with the sanitizers on
STALLED = 2000          # connections


def number(value):
    return struct.pack(">I", value)


class HostileWire(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = STALLED + 200
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard),
                                                        hard))
        cls.daemon = daemon.Daemon(
            "--set", "workers=2", "--set", "log.level=warn", "--set",
            "limits.stall_ms=%d" % (STALL_SECONDS * 1000)).start()
        cls.addClassCleanup(cls.daemon.stop)

    def wire(self, **more):
        wire = h2.Wire(self.daemon, **more)
        self.addCleanup(wire.close)
        return wire

    def process(self, file):
        path = "/proc/%d/%s" % (self.daemon.process.pid, file)
        with open(path, encoding="ascii") as lines:
            return lines.read()

    def cpu(self):
        fields = self.process("stat").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / \
            os.sysconf("SC_CLK_TCK")

    def memory(self):
        return int(self.process("statm").split()[1]) * \
            os.sysconf("SC_PAGE_SIZE")

    def assert_good(self):
        """A good client on a new connection is served."""
        with h2.Wire(self.daemon) as wire:
            self.assert_serves(wire, 1)

    def assert_serves(self, wire, stream):
        wire.send(h2.call(stream, CHECK, b""))
        self.assertTrue(wire.until(lambda: wire.over(stream)))
        self.assertEqual(wire.streams[stream].status(), 0)

    def status(self, wire, stream):
        self.assertTrue(wire.until(lambda: wire.over(stream)),
                        "stream %d is not over" % stream)
        return wire.streams[stream].status()

    # -- floods

    def flood(self, why, make, prepare=None, read=True):
        for _ in range(2):      # one for each worker
            wire, before, at = self.wire(), self.cpu(), 0
            if prepare:
                prepare(wire)
            while at < FLOOD and not wire.closed:
                wire.send(b"".join(make(i) for i in range(at, at + 500)),
                          read=read)
                at += 500
            wire.until(lambda w=wire: w.closed)
            self.assertTrue(wire.closed, "%d frames were taken" % at)
            if why is not None:
                self.assertIsNotNone(wire.goaway)
                self.assertEqual(wire.goaway[1:],
                                 (h2.ENHANCE_YOUR_CALM, why))
            self.assertLess(self.cpu() - before, CPU_SECONDS)
            self.assert_good()

    def be_reset(self, wire):
        """Stream 1 is reset by the daemon, with more to come."""
        wire.send(h2.opening(1, CHECK, [("Upper", "case")]))
        self.assertTrue(wire.until(lambda: wire.over(1)))

    def test_floods_are_cut_off(self):
        reset = number(h2.CANCEL)
        for what, why, make, prepare in (
            ("ping", b"too_many_pings",
             lambda i: h2.frame(h2.PING, 0, 0, b"12345678"), None),
            ("settings", b"too_many_control_frames",
             lambda i: h2.settings((h2.INITIAL_WINDOW_SIZE, 65535)), None),
            ("window update", b"too_many_control_frames",
             lambda i: h2.frame(h2.WINDOW_UPDATE, 0, 0, number(1)), None),
            ("priority", b"too_many_control_frames",
             lambda i: h2.frame(h2.PRIORITY, 0, 2 * i + 1, b"\0\0\0\0\x10"),
             None),
            ("empty data", b"too_many_empty_frames",
             lambda i: h2.frame(h2.DATA, 0, 1),
             lambda w: w.send(h2.opening(1, REFLECT))),
            ("rapid reset", b"too_many_control_frames",
             lambda i: h2.opening(2 * i + 1, CHECK) +
             h2.frame(h2.RST_STREAM, 0, 2 * i + 1, reset), None),
            ("streams", b"too_many_resets",
             lambda i: h2.opening(2 * i + 1, CHECK), None),
            ("headers of a stream that we reset", b"too_many_late_headers",
             lambda i: h2.opening(1, CHECK), self.be_reset),
            ("malformed headers", b"too_many_resets",
             lambda i: h2.frame(h2.HEADERS, 5, 2 * i + 1,
                                h2.literal("Upper", "case")), None),
            ("continuation", None,
             lambda i: (h2.opening(1, CHECK, flags=0) if i == 0 else b"") +
             h2.frame(h2.CONTINUATION, 0, 1, h2.literal("x-a", "b" * 99)),
             None),
            ("empty continuation", None,
             lambda i: (h2.opening(1, CHECK, flags=0) if i == 0 else b"") +
             h2.frame(h2.CONTINUATION, 0, 1), None),
        ):
            with self.subTest(what=what):
                self.flood(why, make, prepare)

    def test_floods_of_who_does_not_read_are_cut_off(self):
        self.flood(None, lambda i: h2.frame(h2.PING, 0, 0, b"12345678"),
                   read=False)
        self.flood(None, lambda i: h2.settings((h2.INITIAL_WINDOW_SIZE, 1)),
                   read=False)

    def test_an_hpack_bomb_is_cut_off(self):
        def make(i):
            block = h2.headers(CHECK)
            if i == 0:          # one large entry for the table ...
                return h2.frame(h2.HEADERS, 5, 1,
                                block + h2.literal("x", "a" * 3900, 0x40))
            return h2.frame(h2.HEADERS, 5, 2 * i + 1,   # ... and its index
                            block + b"\xbe" * 16000)
        wire, before = self.wire(), self.cpu()
        for i in range(2000):
            if not wire.send(make(i)):
                break
        wire.until(lambda: wire.closed)
        self.assertEqual(wire.goaway[1:], (h2.ENHANCE_YOUR_CALM,
                                           b"header_list_too_big"))
        self.assertLess(self.cpu() - before, CPU_SECONDS)
        self.assert_good()

    def test_who_never_pauses_leaves_others_their_turn(self):
        over = threading.Event()

        def talk():
            with h2.Wire(self.daemon) as wire:
                frames = h2.frame(0x42, 0, 0, b"unknown") * 1000
                while not over.is_set() and wire.send(frames):
                    pass
        talkers = [threading.Thread(target=talk) for _ in range(2)]
        for talker in talkers:
            talker.start()
        try:
            began = time.monotonic()
            for _ in range(20):
                self.assert_good()
            self.assertLess(time.monotonic() - began, 15)
        finally:
            over.set()
            for talker in talkers:
                talker.join()

    # -- streams

    def test_one_stream_too_many_is_refused(self):
        for acknowledge in (False, True):
            with self.subTest(acknowledge=acknowledge):
                wire = self.wire()
                self.assertTrue(wire.until(lambda w=wire: w.settled))
                if acknowledge:
                    wire.send(h2.frame(h2.SETTINGS, h2.ACK))
                ids = range(1, 2 * STREAMS + 20, 2)
                wire.send(b"".join(h2.opening(i, REFLECT) for i in ids))
                late = ids[STREAMS:]
                self.assertTrue(wire.until(lambda: wire.over(*late)))
                for i in late:
                    self.assertEqual(wire.streams[i].reset, h2.REFUSED_STREAM)
                self.assertFalse(wire.over(1))
                wire.send(h2.frame(h2.DATA, h2.END_STREAM, 1))
                self.assertEqual(self.status(wire, 1), 0)
                self.assert_serves(wire, 1001)
                self.assertIsNone(wire.goaway)

    def test_ids_that_are_no_clients_end_the_connection(self):
        for stream in (2, 0, 4):
            wire = self.wire()
            wire.send(h2.opening(stream, CHECK))
            self.assertTrue(wire.until(lambda w=wire: w.closed))
            self.assertEqual(wire.goaway[1], h2.PROTOCOL_ERROR)
        self.assert_good()

    def test_what_comes_behind_the_end_is_refused(self):
        # While the answer cannot go out the stream is half closed.
        wire = self.wire(first=[(h2.INITIAL_WINDOW_SIZE, 0)])
        wire.send(h2.call(1, CHECK, b"") +
                  h2.frame(h2.DATA, h2.END_STREAM, 1, h2.message(b"")))
        wire.until(lambda: wire.closed or wire.over(1), 5)
        self.assertTrue((wire.goaway and
                         wire.goaway[1] == h2.STREAM_CLOSED) or
                        wire.streams[1].reset == h2.STREAM_CLOSED)
        for late in (h2.frame(h2.DATA, h2.END_STREAM, 1, h2.message(b"")),
                     h2.opening(1, CHECK)):
            wire = self.wire()
            self.assert_serves(wire, 1)
            wire.send(late)
            self.assertTrue(wire.until(lambda w=wire: w.closed))
            self.assertEqual(wire.goaway[1], h2.STREAM_CLOSED)
            self.assertEqual(len(wire.streams[1].blocks), 2)

    def test_trailers_of_a_client_end_its_request(self):
        wire = self.wire()
        wire.send(h2.opening(1, CHECK) +
                  h2.frame(h2.DATA, 0, 1, h2.message(b"")) +
                  h2.frame(h2.HEADERS, 5, 1, h2.literal("x-end", "now")))
        self.assertEqual(self.status(wire, 1), 0)

    def test_huge_headers_are_refused_and_the_connection_lives(self):
        wire = self.wire()
        more = [("x-large", "a" * 15000)]
        wire.send(h2.call(1, CHECK, b"", more))
        self.assertEqual(self.status(wire, 1), 0)
        block = h2.headers(CHECK, more + [("x-larger", "b" * 15000)])
        wire.send(h2.frame(h2.HEADERS, 0, 3, block[:16000]) +
                  h2.frame(h2.CONTINUATION, h2.END_HEADERS, 3, block[16000:]))
        self.assertEqual(self.status(wire, 3), 8)
        self.assert_serves(wire, 5)

    # -- messages

    def test_a_message_may_be_cut_at_every_byte(self):
        whole = h2.message(b"\x0a\x00")
        wire, stream = self.wire(), 1
        for at in range(len(whole) + 1):
            with self.subTest(at=at):
                wire.send(h2.opening(stream, CHECK) +
                          h2.frame(h2.DATA, 0, stream, whole[:at]))
                wire.take()
                wire.send(h2.frame(h2.DATA, h2.END_STREAM, stream, whole[at:]))
                self.assertEqual(self.status(wire, stream), 0)
                wire.send(h2.opening(stream + 2, CHECK) +
                          h2.frame(h2.DATA, h2.END_STREAM, stream + 2,
                                   whole[:at]))
                self.assertEqual(
                    self.status(wire, stream + 2),
                    12 if at == 0 else 0 if at == len(whole) else 13)
                stream += 4

    def test_prefixes_that_lie_are_answered(self):
        one = h2.message(b"")
        for body, end, status in (
            (h2.message(b"", 0xffffffff), 0, 8),
            (h2.message(b"", 65537), 0, 8),
            (h2.message(b"", 0x7fffffff), h2.END_STREAM, 8),
            (h2.message(b"x", flag=1), 0, 13),
            (h2.message(b"x", flag=2), 0, 13),
            (one + one, h2.END_STREAM, 12),
            (h2.message(b"\xff\xff\xff"), h2.END_STREAM, 13),
        ):
            with self.subTest(body=body):
                wire = self.wire()
                wire.send(h2.opening(1, CHECK) +
                          h2.frame(h2.DATA, end, 1, body))
                self.assertEqual(self.status(wire, 1), status)
                if end == 0:    # who goes on is reset, without blame
                    self.assertTrue(wire.until(
                        lambda w=wire: w.streams[1].reset is not None))
                    self.assertEqual(wire.streams[1].reset, h2.NO_ERROR)
                self.assert_serves(wire, 3)

    # -- peers that go away, or do nothing

    def test_an_upload_may_be_reset_or_cut_anywhere(self):
        header = b"\x0a\x34\x0a\x24" + \
            b"5b6f9a3e-0000-4000-8000-000000000001" + b"\x12\x08ascp-boc" + \
            b"\x18\x01"
        row = b"\x12\x24\x08\x01\x12\x08ascp-pbt\x1a\x054711" + b"0" + \
            b"\x2a\x08\x0a\x06Hammer\x3a\x03\x08\xc6\x0f"
        row = row[:1] + bytes([len(row) - 2]) + row[2:]
        whole = BEGINNING + h2.opening(1, PUBLISH) + \
            h2.frame(h2.DATA, 0, 1, h2.message(header)) + \
            h2.frame(h2.DATA, 0, 1, h2.message(row) * 50)
        for at in list(range(1, len(whole), 61)) + [len(whole)]:
            with h2.Wire(self.daemon, "association", begin=False) as wire:
                wire.send(whole[:at])
                wire.take()
        for reset in (h2.CANCEL, h2.NO_ERROR, h2.INTERNAL_ERROR):
            with h2.Wire(self.daemon, "association", begin=False) as wire:
                wire.send(whole + h2.frame(h2.RST_STREAM, 0, 1,
                                           number(reset)))
                self.assert_serves(wire, 3)
        self.assert_good()

    def test_who_takes_nothing_of_an_answer_is_cut_off(self):
        question = h2.message(b"\x22\x1avouch.v1.PublishingService")
        wire = self.wire(first=[(h2.INITIAL_WINDOW_SIZE, 0)])
        before = self.memory()
        ids = range(1, 2 * STREAMS, 2)
        wire.send(h2.frame(h2.WINDOW_UPDATE, 0, 0, number(1 << 30)))
        for i in ids:
            wire.send(h2.opening(i, REFLECT) +
                      h2.frame(h2.DATA, 0, i, question * 200))
        self.assertTrue(wire.until(lambda: wire.over(*ids),
                                   10 + STALL_SECONDS))
        self.assertEqual({wire.streams[i].reset for i in ids}, {h2.CANCEL})
        # Each may hold 256 KiB and one answer; and buffers double.
        self.assertLess(self.memory() - before, STREAMS * (1 << 20))
        wire.send(h2.call(1001, CHECK, b"") +
                  h2.frame(h2.WINDOW_UPDATE, 0, 1001, number(65535)))
        self.assertEqual(self.status(wire, 1001), 0)

    def test_who_does_not_read_at_all_costs_nothing_and_is_cut_off(self):
        wires = [self.wire() for _ in range(4)]
        for wire in wires:
            wire.send(h2.frame(h2.WINDOW_UPDATE, 0, 0, number(1 << 30)) +
                      h2.settings((h2.INITIAL_WINDOW_SIZE, 1 << 30)))
            question = h2.message(b"\x22\x1avouch.v1.PublishingService")
            for i in range(1, 2 * STREAMS, 2):
                wire.send(h2.opening(i, REFLECT) +
                          h2.frame(h2.DATA, 0, i, question * 150),
                          seconds=0.2, read=False)
        time.sleep(0.5)
        before = self.cpu()
        time.sleep(1)
        self.assertLess(self.cpu() - before, 0.3)
        for wire in wires:
            self.assertTrue(wire.until(lambda w=wire: w.closed, 20))
        self.assert_good()

    def test_connections_that_stall_keep_nobody_out(self):
        host, port = self.daemon.address().rsplit(":", 1)
        starts = (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03",
                  b"\x16\x03\x01\x40\x00\x01\x02\x00\x00\x03\x03" +
                  bytes(16379))
        stalled, before, slowest = [], self.memory(), 0
        try:
            for i in range(STALLED):
                stalled.append(socket.create_connection((host, int(port)), 10))
                stalled[-1].sendall(starts[i % len(starts)])
                if i % 100 == 0:
                    began = time.monotonic()
                    self.assert_good()
                    slowest = max(slowest, time.monotonic() - began)
            self.assertLess(slowest, 3)
            self.assertLess(self.memory() - before, STALLED * 160 * 1024)
        finally:
            for plain in stalled:
                plain.close()
        self.assert_good()

    def test_a_connection_may_go_away_at_every_byte(self):
        whole = BEGINNING + h2.call(1, CHECK, b"\x0a\x00") + \
            h2.opening(3, WATCH) + h2.frame(h2.DATA, h2.END_STREAM, 3,
                                            h2.message(b"")) + \
            h2.opening(5, REFLECT) + h2.frame(h2.DATA, 0, 5,
                                              h2.message(b"\x3a\x00"))
        for at in range(0, len(whole), 11):
            wire = h2.Wire(self.daemon, begin=False)
            wire.send(whole[:at])
            if at % 2:      # by a reset of TCP
                wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack("ii", 1, 0))
            wire.close()
        self.assert_good()


if __name__ == "__main__":
    unittest.main()
