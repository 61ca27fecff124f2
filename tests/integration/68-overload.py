#!/usr/bin/python3
"""More calls than a worker takes: they are refused by REFUSED_STREAM before
anything is made of them, so that stock clients try again by themselves."""

import json
import os
import re
import select
import socket
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon  # noqa: E402
import raw_h2 as h2  # noqa: E402

CHECK = "/grpc.health.v1.Health/Check"
REFLECT = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"

CALLS = 20              # limits.calls
STREAMS = 10            # http2.streams
REFUSED = 3000          # calls of a flood


class Between:
    """A proxy in front of the daemon.  Once ${hold} is set, the first bytes
    that come back wait until ${release}() has been called and is over."""

    def __init__(self, address, release):
        host, port = address.rsplit(":", 1)
        self.target, self.release = (host, int(port)), release
        self.hold, self.released = threading.Event(), 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listening.getsockname()[1]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        self.listening.settimeout(20)
        client = self.listening.accept()[0]
        server = socket.create_connection(self.target, 10)
        with client, server:
            other = {client: server, server: client}
            while not self.over.is_set():
                for ready in select.select(list(other), [], [], 0.05)[0]:
                    piece = ready.recv(65536)
                    if not piece:
                        return
                    if ready is server and self.hold.is_set():
                        self.hold.clear()
                        self.released += 1
                        self.release()
                    other[ready].sendall(piece)

    def close(self):
        self.over.set()
        self.thread.join()
        self.listening.close()


class Overload(unittest.TestCase):
    def serve(self, *arguments):
        served = daemon.Daemon(
            "--set", "workers=1", "--set", "http2.streams=%d" % STREAMS,
            "--set", "limits.calls=%d" % CALLS, *arguments).start()
        self.addCleanup(served.stop)
        return served

    def wire(self, served):
        wire = h2.Wire(served)
        self.addCleanup(wire.close)
        return wire

    def fill(self, served):
        """All calls that the worker takes, by calls that hang."""
        wires = [self.wire(served) for _ in range(CALLS // STREAMS)]
        for wire in wires:
            wire.send(b"".join(h2.opening(2 * i + 1, REFLECT)
                               for i in range(STREAMS)))
            self.settle(wire)
            self.assertEqual(wire.streams, {})
        return wires

    def settle(self, wire):
        """Wait until the daemon has seen what was sent."""
        before = wire.counts.get(h2.PING, 0)
        wire.send(h2.frame(h2.PING, 0, 0, b"12345678"))
        self.assertTrue(wire.until(
            lambda: wire.counts.get(h2.PING, 0) > before))

    def refusals(self, served):
        """Lines about it, and how many calls they tell of."""
        told = re.findall(r"event=refused reason=.too many calls. calls=(\d+) "
                          r"refused=(\d+)", served.log_text())
        return len(told), sum(int(n) for _, n in told)

    def test_calls_too_many_are_refused_unseen(self):
        served = self.serve()
        wires = self.fill(served)
        wire = self.wire(served)
        # Not even the headers are looked at: these are wrong.
        wire.send(h2.opening(1, "nonsense") + h2.call(3, CHECK, b""))
        self.assertTrue(wire.until(lambda: wire.over(1, 3)))
        for stream in (1, 3):
            self.assertEqual(wire.streams[stream].reset, h2.REFUSED_STREAM)
            self.assertEqual(wire.streams[stream].blocks, [])
        wires[0].send(h2.frame(h2.DATA, h2.END_STREAM, 1))
        self.assertTrue(wires[0].until(lambda: wires[0].over(1)))
        wire.send(h2.call(5, CHECK, b""))
        self.assertTrue(wire.until(lambda: wire.over(5)))
        self.assertEqual(wire.streams[5].status(), 0)
        self.assertEqual(wires[0].streams[1].status(), 0)

    def test_a_connection_that_is_lost_makes_room(self):
        served = self.serve()
        wires = self.fill(served)
        wires[0].close()
        wire, stream, end = self.wire(served), 1, time.monotonic() + 20
        while True:
            wire.send(h2.call(stream, CHECK, b""))
            self.assertTrue(wire.until(lambda: wire.over(stream)))
            if wire.streams[stream].reset is None or time.monotonic() > end:
                break
            stream += 2
        self.assertEqual(wire.streams[stream].status(), 0)

    def test_a_flood_of_refusals_is_one_line(self):
        served = self.serve()
        self.fill(served)
        wire = self.wire(served)
        ids = range(1, 2 * REFUSED, 2)
        began = time.monotonic()
        for at in range(0, REFUSED, 100):
            wire.send(b"".join(h2.call(i, CHECK, b"")
                               for i in ids[at:at + 100]))
        self.assertTrue(wire.until(lambda: wire.over(*ids), 30))
        took = time.monotonic() - began
        self.assertEqual({wire.streams[i].reset for i in ids},
                         {h2.REFUSED_STREAM})
        self.assertIsNone(wire.goaway)      # nobody could know
        lines, _ = self.refusals(served)
        print("%d calls refused in %.2f s, %d line(s) in the log" %
              (REFUSED, took, lines))
        self.assertLessEqual(lines, 1 + took / 10)
        self.assertGreaterEqual(lines, 1)

    def test_streams_too_many_are_refused(self):
        served = self.serve()
        wire = self.wire(served)
        self.settle(wire)
        wire.send(h2.frame(h2.SETTINGS, h2.ACK))
        ids = range(1, 2 * STREAMS + 20, 2)
        wire.send(b"".join(h2.opening(i, REFLECT) for i in ids))
        self.assertTrue(wire.until(lambda: wire.over(*ids[STREAMS:])))
        for i in ids[STREAMS:]:
            self.assertEqual(wire.streams[i].reset, h2.REFUSED_STREAM)
        self.assertFalse(any(i in wire.streams for i in ids[:STREAMS]))

    def test_a_stock_client_tries_again_by_itself(self):
        """grpc-js, as grpc-java and grpc-go, tries a refused call again, once
        and at once: what comes back is held up until there is room."""
        served = self.serve()
        wires = self.fill(served)

        streams = iter(range(1, 2 * STREAMS, 2))

        def make_room():
            wires[0].send(h2.frame(h2.RST_STREAM, 0, next(streams),
                                   h2.CANCEL.to_bytes(4, "big")))
            self.settle(wires[0])

        make_room()
        between = Between(served.address(), make_room)
        self.addCleanup(between.close)
        node = subprocess.Popen(
            ["node", os.path.join(daemon.SUPPORT, "check_by_line.js"),
             between.address, served.certificates()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(node.communicate)

        def check():
            node.stdin.write(b"\n")
            node.stdin.flush()
            return node.stdout.readline()

        self.assertEqual(check(), b"0\n")
        wires[0].send(h2.opening(101, REFLECT))     # the room is gone
        self.settle(wires[0])
        self.assertEqual(self.refusals(served), (0, 0))
        between.hold.set()
        self.assertEqual(check(), b"0\n")
        self.assertEqual(between.released, 1)
        self.assertEqual(self.refusals(served), (1, 1))
        print("refused, tried again by grpc-js, and answered")

    def test_a_stock_client_tries_again_if_told_to(self):
        """grpcio does so by a policy of the application's."""
        served = self.serve()
        wires = self.fill(served)
        policy = {"methodConfig": [{"name": [{}], "retryPolicy": {
            "maxAttempts": 5, "initialBackoff": "0.5s", "maxBackoff": "2s",
            "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]}}]}
        with served.channel("employer", (
                ("grpc.service_config", json.dumps(policy)),)) as channel:
            future = channel.unary_unary(CHECK).future(b"", timeout=60)
            end = time.monotonic() + 30
            while self.refusals(served)[0] == 0:
                self.assertLess(time.monotonic(), end)
                time.sleep(0.01)
            wires[0].close()
            future.result()
        print("refused, tried again by grpcio, and answered")


if __name__ == "__main__":
    unittest.main()
