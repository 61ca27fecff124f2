"""A server of grpc.testing.TestService of a test's own, and calls by frames
made by hand, to it or to vouchd.

The environment variable VOUCH_BIN names the folder of interop_server.
"""

import os
import shlex
import signal
import struct
import subprocess
import tempfile
import unittest

import daemon as support
import raw_h2 as h2

GRPC_PROTO = "/usr/share/grpc-proto"
END_SECONDS = 40
FRAME = 16384
WINDOW = (1 << 31) - 1


class Interop:
    """The server of grpc.testing.TestService."""

    def __init__(self, *arguments):
        # pylint: disable=consider-using-with
        self.directory = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            [support.program("interop_server"), self.directory.name,
             *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.variables = {}
        for line in self.process.stdout:
            if line == "ready\n":
                break
            name, value = shlex.split(line)[0].split("=", 1)
            self.variables[name] = value
        else:
            self.process.wait()
            raise RuntimeError("the server does not serve")

    @staticmethod
    def generate(directory):
        """Generate the messages' Python for protobuf, as grpc.testing."""
        subprocess.run(
            ["protoc", "-I", GRPC_PROTO, "--python_out", directory] +
            ["grpc/testing/%s.proto" % name for name in ("empty", "messages")],
            check=True)

    def stop(self):
        try:
            self.process.send_signal(signal.SIGTERM)
            if self.process.wait(END_SECONDS) != 0:
                raise RuntimeError("the server did not end well")
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.directory.cleanup()

    # What raw_h2.Wire asks for.

    def address(self):
        return "127.0.0.1:" + self.variables["INTEROP_PORT"]

    def certificates(self):
        return os.path.dirname(self.variables["INTEROP_CA"])


class Calls(unittest.TestCase):
    """To ${server}, an Interop or a daemon."""

    server = None
    who = "employer"

    def wire(self):
        """A connection on which either side may send all it has."""
        wire = h2.Wire(self.server, self.who,
                       first=((h2.INITIAL_WINDOW_SIZE, WINDOW),))
        self.addCleanup(wire.close)
        wire.send(h2.frame(h2.WINDOW_UPDATE, 0, 0,
                           struct.pack(">I", WINDOW - 65535)))
        self.assertTrue(wire.until(lambda: wire.settled))
        wire.send(h2.frame(h2.SETTINGS, h2.ACK))    # its windows are in force
        return wire

    def call(self, path, body, more=(), end=True, wire=None):
        """Make a call and wait for its end; ${end}: half-close behind the
        body."""
        wire = wire or self.wire()
        stream = max([number for number in wire.streams if number] +
                     [-1]) + 2
        wire.send(h2.opening(stream, path, more))
        for at in range(0, len(body), FRAME):
            wire.send(h2.frame(h2.DATA, 0, stream, body[at:at + FRAME]))
        if end:
            wire.send(h2.frame(h2.DATA, h2.END_STREAM, stream))
        self.assertTrue(wire.until(lambda: wire.over(stream), 30))
        return wire.streams[stream]

    def refused(self, code, *arguments, **more):
        """A call that fails before an answer, on a connection that lives."""
        wire = self.wire()
        stream = self.call(*arguments, wire=wire, **more)
        self.assertEqual(stream.status(), code)
        self.assertEqual(stream.data, b"")
        self.assertEqual(len(stream.blocks), 1)
        self.assertIsNone(stream.header("grpc-encoding"))
        return stream

    def answered(self, *arguments, **more):
        stream = self.call(*arguments, **more)
        self.assertEqual(stream.status(), 0, (stream.reset, stream.blocks))
        return stream
