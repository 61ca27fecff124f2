#!/usr/bin/python3
"""A restart under load: stock clients, each with many calls in flight, and the
socket that systemd would pass on.  Not one call may fail, and it is soon over;
what hangs is cut."""

import os
import socket
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon  # noqa: E402
import raw_h2 as h2  # noqa: E402
from many_calls import ManyCalls  # noqa: E402

CHECK = "/grpc.health.v1.Health/Check"
REFLECT = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"

RESTARTS = 3
END_SECONDS = 8         # of a drain without a call that hangs: 10 is the limit
DRAIN_SECONDS = 2


class Restart(unittest.TestCase):
    def serve(self, *arguments):
        listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.addCleanup(listening.close)
        served = daemon.Daemon("--set", "workers=2", *arguments,
                               listen=listening)
        self.addCleanup(served.stop)
        return served.start()

    def test_a_restart_fails_no_call(self):
        served, longest = self.serve(), 0
        with ManyCalls(served, channels=4) as calls:
            for _ in range(RESTARTS):
                calls.wait_for(200)
                began = time.monotonic()
                served.terminate()
                served.wait()
                longest = max(longest, time.monotonic() - began)
                served.start()
            calls.wait_for(200)
        print("%d calls over %d restarts, %d failed, the slowest %.2f s; "
              "the longest drain %.2f s" % (calls.done, RESTARTS,
                                            len(calls.faults), calls.slowest,
                                            longest))
        self.assertEqual(calls.faults, [])
        self.assertLess(longest, END_SECONDS)
        log = served.log_text()
        self.assertEqual(log.count("event=ended err=OK"), RESTARTS)
        self.assertNotIn("cut=", log)
        if "event=log " not in log:         # no line was dropped
            self.assertEqual(log.count("event=call "), calls.done)

    def test_who_was_just_let_in_is_told_too(self):
        """Connections that begin while the drain does lose nothing: each is
        answered or told that its call was not seen."""
        served = self.serve()
        wires = []
        for i in range(40):
            wire = h2.Wire(served)
            self.addCleanup(wire.close)
            wire.send(h2.call(1, CHECK, b""))
            wires.append(wire)
            if i == 39:
                served.terminate()
        answered = 0
        for wire in wires:
            self.assertTrue(wire.until(lambda w=wire: w.over(1) or w.goaway))
            if wire.over(1):
                answered += wire.streams[1].status() == 0
            else:
                wire.until(lambda w=wire: w.closed)
                self.assertLess(wire.goaway[0], 1)
            wire.close()
        print("%d of %d answered" % (answered, len(wires)))
        served.wait()
        self.assertEqual(answered, len(wires))

    def test_calls_that_hang_are_cut(self):
        served = self.serve("--set", "drain_ms=%d" % (DRAIN_SECONDS * 1000))
        wire = h2.Wire(served)
        self.addCleanup(wire.close)
        wire.send(h2.opening(1, REFLECT))
        self.assertTrue(wire.until(lambda: wire.settled))
        began = time.monotonic()
        served.terminate()
        self.assertTrue(wire.until(lambda: wire.goaway))
        self.assertEqual(wire.goaway, (0x7fffffff, h2.NO_ERROR, b"shutdown"))
        served.wait()
        took = time.monotonic() - began
        print("a drain with a call that hangs took %.2f s" % took)
        self.assertTrue(wire.until(lambda: wire.closed))
        self.assertEqual(wire.goaway, (1, h2.NO_ERROR, b"shutdown"))
        self.assertGreater(took, DRAIN_SECONDS * 0.9)
        self.assertRegex(served.log_text(), "cut=1|time ran out")


if __name__ == "__main__":
    unittest.main()
