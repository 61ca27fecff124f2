#!/usr/bin/python3
"""Keepalive, frame by frame: who is silent is asked by a PING, and given up if
nothing comes; who asks too often itself is told `too_many_pings`."""

import os
import subprocess
import sys
import time
import unittest

# How often grpcio looks at connections without a call; by itself, 5000.
LOOK_MS = 500
os.environ["GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS"] = str(LOOK_MS)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon  # noqa: E402
import raw_h2 as h2  # noqa: E402

CHECK = "/grpc.health.v1.Health/Check"
WATCH = "/grpc.health.v1.Health/Watch"

SILENCE = 0.6           # http2.keepalive_time_ms
ANSWER = 0.4            # http2.keepalive_timeout_ms
SETTINGS = ("--set", "http2.keepalive_time_ms=%d" % (SILENCE * 1000), "--set",
            "http2.keepalive_timeout_ms=%d" % (ANSWER * 1000))


class PingWire(h2.Wire):
    """A connection that keeps the PINGs that came, and answers them if told
    to."""

    def __init__(self, *arguments, answers=False, **more):
        self.pings, self.acks, self.answers = [], 0, answers
        super().__init__(*arguments, **more)

    def arrived(self, kind, flags, number, payload):
        super().arrived(kind, flags, number, payload)
        if kind == h2.PING and flags & h2.ACK:
            self.acks += 1
        elif kind == h2.PING:
            self.pings.append(time.monotonic())
            if self.answers:
                self.send(h2.frame(h2.PING, h2.ACK, 0, payload), read=False)


def watch(wire):
    wire.send(h2.call(1, WATCH, b""))
    assert wire.until(lambda: 1 in wire.streams and wire.streams[1].data)


class Keepalive(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = daemon.Daemon("--set", "workers=1", *SETTINGS).start()
        cls.addClassCleanup(cls.daemon.stop)

    def wire(self, **more):
        wire = PingWire(self.daemon, **more)
        self.addCleanup(wire.close)
        return wire

    def test_who_does_not_answer_is_given_up(self):
        for calls in (0, 1):
            # Taken before anything is said, as what comes may be seen late:
            # so a busy machine makes each time longer, and none shorter.
            began = time.monotonic()
            wire = self.wire()
            if calls:
                watch(wire)
            self.assertTrue(wire.until(lambda w=wire: w.pings))
            asked = wire.pings[0] - began
            self.assertTrue(wire.until(lambda w=wire: w.closed))
            ended = time.monotonic() - began
            print("with %d calls: asked after %.2f s, given up after %.2f s" %
                  (calls, asked, ended))
            self.assertGreater(asked, SILENCE * 0.9)
            self.assertGreater(ended, (SILENCE + ANSWER) * 0.9)
            self.assertEqual(len(wire.pings), 1)
            self.assertEqual(wire.goaway, (calls, h2.NO_ERROR, b"no_answer"))
        self.assertIn("the peer does not answer", self.daemon.log_text())

    def test_who_answers_stays(self):
        began = time.monotonic()
        wire = self.wire(answers=True)
        self.assertTrue(wire.until(lambda: len(wire.pings) >= 5))
        print("5 PINGs in %.2f s" % (time.monotonic() - began))
        self.assertGreater(time.monotonic() - began, 4.5 * SILENCE)
        wire.send(h2.call(1, CHECK, b""))
        self.assertTrue(wire.until(lambda: wire.over(1)))
        self.assertEqual(wire.streams[1].status(), 0)

    def test_who_says_something_is_not_asked(self):
        wire = self.wire()
        end = time.monotonic() + 3 * SILENCE
        while time.monotonic() < end:
            wire.send(h2.frame(h2.WINDOW_UPDATE, 0, 0, b"\0\0\0\1"))
            wire.until(lambda: False, 0.05)
        # A scheduler that is busy may give one occasion; three it cannot.
        self.assertLess(len(wire.pings), 2)


class Strikes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = daemon.Daemon("--set", "workers=1").start()
        cls.addClassCleanup(cls.daemon.stop)

    def wire(self, **more):
        wire = PingWire(self.daemon, **more)
        self.addCleanup(wire.close)
        return wire

    def ping(self, wire):
        before = wire.acks
        wire.send(h2.frame(h2.PING, 0, 0, b"12345678"))
        wire.until(lambda: wire.acks > before or wire.closed)
        return not wire.closed and wire.goaway is None

    def assert_cut_off(self, wire):
        self.assertTrue(wire.until(lambda: wire.closed))
        self.assertEqual(wire.goaway, (wire.goaway[0], h2.ENHANCE_YOUR_CALM,
                                       b"too_many_pings"))

    def test_five_strikes_are_forgiven(self):
        for calls in (0, 1):
            wire = self.wire()
            if calls:
                watch(wire)
            taken = 0
            while taken < 100 and self.ping(wire):
                taken += 1
            print("with %d calls: %d PINGs answered" % (calls, taken))
            self.assertEqual(taken, 6)
            self.assert_cut_off(wire)
            self.assertEqual(wire.goaway[0], calls)     # the last stream

    def test_an_answer_forgives_all(self):
        wire = self.wire()
        for i in range(20):
            for _ in range(5):
                self.assertTrue(self.ping(wire))
            wire.send(h2.call(2 * i + 1, CHECK, b""))
            self.assertTrue(wire.until(lambda n=2 * i + 1: wire.over(n)))
        self.assertIsNone(wire.goaway)

    def test_the_log_tells_of_it(self):
        wire = self.wire()
        while self.ping(wire):
            pass
        self.assert_cut_off(wire)
        self.assertIn("why=too_many_pings", self.daemon.log_text())


class Stock(unittest.TestCase):
    """A stock client, which looks at an idle connection only now and then."""

    def serve(self, answer_ms):
        served = daemon.Daemon(
            "--set", "workers=1", "--set", "log.level=debug", "--set",
            "http2.keepalive_time_ms=300", "--set",
            "http2.keepalive_timeout_ms=%d" % answer_ms).start()
        self.addCleanup(served.stop)
        return served

    def test_who_looks_in_time_keeps_its_connection(self):
        served = self.serve(10 * LOOK_MS)
        with served.channel("employer") as channel:
            check = channel.unary_unary(CHECK)
            check(b"", timeout=30)
            time.sleep(LOOK_MS * 5 / 1000)
            check(b"", timeout=30)
            self.assertEqual(served.log_text().count("event=opened"), 1)

    def test_who_looks_too_late_loses_no_call(self):
        served = self.serve(100)
        with served.channel("employer") as channel:
            check = channel.unary_unary(CHECK)
            check(b"", timeout=30)
            end = time.monotonic() + 20
            while "does not answer" not in served.log_text() and \
                    time.monotonic() < end:
                time.sleep(0.05)
            check(b"", timeout=30)
            self.assertEqual(served.log_text().count("event=opened"), 2)


class SlowPipe(unittest.TestCase):
    """Our own client answers while it waits for what it is to send."""

    def test_an_upload_may_pause(self):
        with daemon.Daemon("--set", "workers=1", "--set",
                           "http2.keepalive_time_ms=300", "--set",
                           "http2.keepalive_timeout_ms=3000") as served:
            roster = os.path.join(served.directory, "roster.csv")
            daemon.make_roster(roster, 200)
            with open(roster, "rb") as rows:
                text = rows.read()
            # pylint: disable=consider-using-with
            vouch = subprocess.Popen(
                [daemon.program("vouch"), "publish", "-", "--association",
                 "ascp-boc"], env=served.environment("association"),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT)
            vouch.stdin.write(text[:5000])
            vouch.stdin.flush()
            time.sleep(5)
            said = vouch.communicate(text[5000:], 60)[0].decode()
            self.assertEqual(vouch.returncode, 0, said)
            self.assertIn("200 rows read = 200 accepted", said)


if __name__ == "__main__":
    unittest.main()
