#!/usr/bin/python3
"""Connections that were idle or there for long enough are told to come anew,
twice, and close when their calls are over; no call of stock clients fails."""

import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon  # noqa: E402
import raw_h2 as h2  # noqa: E402
from many_calls import ManyCalls  # noqa: E402

CHECK = "/grpc.health.v1.Health/Check"
WATCH = "/grpc.health.v1.Health/Watch"
REFLECT = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"

ALL = 0x7fffffff        # the last stream of the first GOAWAY


class EndWire(h2.Wire):
    """A connection that notes, in order, the frames by which it ends."""

    def __init__(self, *arguments, **more):
        self.began, self.ends, self.opaque = time.monotonic(), [], None
        super().__init__(*arguments, **more)

    def arrived(self, kind, flags, number, payload):
        super().arrived(kind, flags, number, payload)
        if kind == h2.GOAWAY:
            self.ends.append(self.goaway)
        elif kind == h2.PING and not flags & h2.ACK:
            self.ends.append("ping")
            self.opaque = payload

    def acknowledge(self):
        self.send(h2.frame(h2.PING, h2.ACK, 0, self.opaque))


class Ages(unittest.TestCase):
    def serve(self, **settings):
        arguments = ["--set", "workers=2"]
        for name, value in settings.items():
            arguments += ["--set", "%s=%s" % (name.replace("__", "."), value)]
        served = daemon.Daemon(*arguments).start()
        self.addCleanup(served.stop)
        return served

    def wire(self, served, **more):
        wire = EndWire(served, **more)
        self.addCleanup(wire.close)
        return wire

    def assert_notice(self, wire, why):
        self.assertTrue(wire.until(lambda: len(wire.ends) >= 2, 20))
        self.assertEqual(wire.ends, [(ALL, h2.NO_ERROR, why), "ping"])

    def test_an_old_connection_ends_when_its_calls_are_over(self):
        served = self.serve(http2__max_connection_age_ms=1000)
        wire = self.wire(served)
        wire.send(h2.opening(1, REFLECT))
        self.assert_notice(wire, b"max_age")
        age = time.monotonic() - wire.began

        # What crosses the notice is answered.
        wire.send(h2.call(3, CHECK, b""))
        self.assertTrue(wire.until(lambda: wire.over(3)))
        self.assertEqual(wire.streams[3].status(), 0)
        self.assertEqual(len(wire.ends), 2)
        wire.acknowledge()
        self.assertTrue(wire.until(lambda: len(wire.ends) == 3))
        self.assertEqual(wire.ends[2], (3, h2.NO_ERROR, b"max_age"))

        # What comes after the last word is not; the call before it goes on.
        wire.send(h2.call(5, CHECK, b""))
        wire.until(lambda: wire.closed, 0.5)
        self.assertFalse(wire.closed)
        self.assertFalse(5 in wire.streams and wire.streams[5].blocks)
        wire.send(h2.frame(h2.DATA, h2.END_STREAM, 1))
        self.assertTrue(wire.until(lambda: wire.over(1)))
        self.assertEqual(wire.streams[1].status(), 0)
        self.assertTrue(wire.until(lambda: wire.closed))
        print("old after %.2f s" % age)
        self.assertGreater(age, 0.85)

    def test_ages_differ(self):
        served = self.serve(http2__max_connection_age_ms=2000)
        wires = [self.wire(served) for _ in range(16)]
        ages = []
        waiting = list(wires)
        while waiting and time.monotonic() < wires[-1].began + 20:
            for wire in list(waiting):
                wire.take()
                if wire.ends:
                    ages.append(time.monotonic() - wire.began)
                    waiting.remove(wire)
            time.sleep(0.005)
        self.assertEqual(waiting, [])
        print("16 connections were old after %.2f to %.2f s" %
              (min(ages), max(ages)))
        self.assertGreater(min(ages), 1.8)
        self.assertGreater(max(ages) - min(ages), 0.05)

    def test_the_grace_of_old_calls_is_limited(self):
        served = self.serve(http2__max_connection_age_ms=500,
                            http2__max_connection_age_grace_ms=1000)
        wire = self.wire(served)
        wire.send(h2.call(1, WATCH, b""))
        self.assert_notice(wire, b"max_age")
        old = time.monotonic()
        self.assertTrue(wire.until(lambda: wire.closed))
        # That the PING was not answered changes nothing.
        self.assertEqual(wire.ends[2:], [(1, h2.NO_ERROR, b"max_age")])
        print("cut %.2f s after it was old" % (time.monotonic() - old))
        self.assertGreater(time.monotonic() - old, 0.9)

    def test_an_idle_connection_ends(self):
        served = self.serve(http2__max_connection_idle_ms=700)
        busy = self.wire(served)
        busy.send(h2.opening(1, REFLECT))
        wire = self.wire(served)
        for stream in range(1, 9, 2):       # calls put it off
            wire.until(lambda: wire.closed, 0.3)
            wire.send(h2.call(stream, CHECK, b""))
            self.assertTrue(wire.until(lambda s=stream: wire.over(s)))
        last = time.monotonic()
        while not wire.ends:                # PINGs do not
            self.assertLess(time.monotonic(), last + 20)
            wire.until(lambda: wire.ends, 0.2)
            if not wire.ends and wire.counts.get(h2.PING, 0) < 3:
                wire.send(h2.frame(h2.PING, 0, 0, b"12345678"))
        idle = time.monotonic() - last
        self.assert_notice(wire, b"max_idle")
        wire.acknowledge()
        self.assertTrue(wire.until(lambda: wire.closed))
        self.assertEqual(wire.ends[2:], [(7, h2.NO_ERROR, b"max_idle")])
        print("idle after %.2f s" % idle)
        self.assertGreater(idle, 0.6)
        # A call without a word in it is one.
        busy.take()
        self.assertEqual(busy.ends, [])

    def test_the_last_word_does_not_wait_for_ever(self):
        served = self.serve(http2__max_connection_age_ms=300)
        wire = self.wire(served)
        self.assert_notice(wire, b"max_age")
        began = time.monotonic()
        self.assertTrue(wire.until(lambda: wire.closed, 20))
        self.assertEqual(wire.ends[2:], [(0, h2.NO_ERROR, b"max_age")])
        print("closed %.2f s after a PING without an answer" %
              (time.monotonic() - began))

    def test_age_fails_no_call_of_stock_clients(self):
        served = self.serve(http2__max_connection_age_ms=500,
                            log__level="debug")
        with ManyCalls(served) as calls:
            time.sleep(5)
            calls.wait_for(100)
        opened = served.log_text().count("event=opened")
        print("%d calls on %d connections, %d failed, the slowest %.2f s" %
              (calls.done, opened, len(calls.faults), calls.slowest))
        self.assertEqual(calls.faults, [])
        self.assertGreater(opened, 12)
        self.assertNotIn("time ran out", served.log_text())


if __name__ == "__main__":
    unittest.main()
