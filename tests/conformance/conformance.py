"""What the cases of conformance are made of.

A case is a function with a section of RFC 9113 ("6.9.1") or of another
document ("RFC 7541 2.3.3"), one sentence that says what must happen, and a
client of its own.  It raises Wrong if something else happens.

An error of a stream may be treated as one of the connection (RFC 9113 section
5.4.1).  Where we do, the case says stream_or_connection_error(); where a case
says stream_error(), the connection must live on.
"""

import os
import select
import socket
import ssl
import struct
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon  # noqa: E402
import raw_h2 as h2  # noqa: E402

CASES = []

CHECK = "/grpc.health.v1.Health/Check"
WATCH = "/grpc.health.v1.Health/Watch"
REFLECT = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
NOWHERE = "/grpc.health.v1.Health/Nowhere"
HEALTHZ = "/healthz"

MOST = (1 << 31) - 1        # a window may grow to it, and a stream's number
PATIENCE = {True: 20, False: 2}     # seconds, while all is well and after

CODES = ("NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR",
         "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
         "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR",
         "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED")
KINDS = ("DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS",
         "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE", "CONTINUATION")


class Patience:     # pylint: disable=too-few-public-methods
    """How long a case waits for anything.  What does not come never comes: a
    run with many failures need not take an hour."""
    failures = 0

    @classmethod
    def seconds(cls):
        return PATIENCE[cls.failures < 5]


class Wrong(Exception):
    """Something else happened than what must."""


class Case:     # pylint: disable=too-few-public-methods
    def __init__(self, section, must, function, arguments):
        self.section, self.must = section, must
        self.name = "%s.%s" % (function.__module__, function.__name__)
        self.function, self.arguments = function, arguments

    def run(self, client):
        self.function(client, *self.arguments)


def case(section, must, *arguments):
    """Make a function a case; more than once if it takes ${arguments}."""
    def register(function):
        CASES.append(Case(section, must, function, arguments))
        return function
    return register


def cases(section, must, rows):
    """One case for each row, a tuple of arguments, of which the first goes
    into the sentence."""
    def register(function):
        for row in rows:
            CASES.append(Case(section, must % row[0], function, row[1:]))
        return function
    return register


def server():
    """The daemon.  It lets clients ping as often as they like: what it does
    to floods others test."""
    return daemon.Daemon("--set", "workers=2", "--set", "log.level=warn",
                         "--set", "http2.ping_interval_ms=0")


def name_of(code):
    return CODES[code] if code < len(CODES) else hex(code)


def number(value):
    return struct.pack(">I", value)


# -- frames

def get(stream, more=(), flags=h2.END_STREAM | h2.END_HEADERS, **pseudo):
    """A GET of /healthz, whose every pseudo-header may be something else, or
    None to leave it out."""
    return h2.frame(h2.HEADERS, flags, stream, get_block(more, **pseudo))


def get_block(more=(), **pseudo):
    pairs = {"method": "GET", "scheme": "https", "path": HEALTHZ,
             "authority": "localhost", **pseudo}
    return b"".join(h2.literal(":" + name, value)
                    for name, value in pairs.items() if value is not None) + \
        b"".join(h2.literal(name, value) for name, value in more)


def data(stream, payload=b"", end=False, flags=0):
    return h2.frame(h2.DATA, flags | (h2.END_STREAM if end else 0), stream,
                    payload)


def trailers(stream, more=(("x-end", "now"),)):
    return h2.frame(h2.HEADERS, h2.END_STREAM | h2.END_HEADERS, stream,
                    b"".join(h2.literal(*pair) for pair in more))


def priority(stream, on=0, weight=15):
    return h2.frame(h2.PRIORITY, 0, stream,
                    struct.pack(">IB", on, weight))


def reset(stream, code=h2.CANCEL):
    return h2.frame(h2.RST_STREAM, 0, stream, number(code))


def window(stream, increment):
    return h2.frame(h2.WINDOW_UPDATE, 0, stream, number(increment))


def ping(payload=b"01234567", flags=0, stream=0):
    return h2.frame(h2.PING, flags, stream, payload)


def goaway(last=0, code=h2.NO_ERROR, debug=b"", stream=0):
    return h2.frame(h2.GOAWAY, 0, stream, struct.pack(">II", last, code) +
                    debug)


def unknown(stream=0, payload=b"what is this?", kind=0xbe, flags=0xff):
    return h2.frame(kind, flags, stream, payload)


def reflect(file):
    """The question for a file of protos, which has a long answer."""
    file = file.encode()
    return h2.message(b"\x1a" + bytes([len(file)]) + file)


LONG_FILE = "vouch/v1/verification_service.proto"


class Client(h2.Wire):
    """A connection that notes every frame, connects when it is first needed,
    and can say what it saw."""

    def __init__(self, server):
        # pylint: disable=super-init-not-called
        self.server, self.socket = server, None
        self.frames = []
        self.acks = 0               # of our SETTINGS
        self.credit = {}            # by WINDOW_UPDATE, by stream
        self.announced = {}         # the peer's settings
        self.pings = []             # what came back
        self.closed = self.clean = False

    def close(self):
        if self.socket is not None:
            super().close()

    def arrived(self, kind, flags, number_, payload):
        self.frames.append((kind, flags, number_, payload))
        super().arrived(kind, flags, number_, payload)
        if kind == h2.SETTINGS and flags & h2.ACK:
            self.acks += 1
        elif kind == h2.SETTINGS:
            for at in range(0, len(payload) - 5, 6):
                key, value = struct.unpack(">HI", payload[at:at + 6])
                self.announced[key] = value
        elif kind == h2.PING and flags & h2.ACK:
            self.pings.append(payload)
        elif kind == h2.WINDOW_UPDATE:
            self.credit[number_] = self.credit.get(number_, 0) + \
                int.from_bytes(payload, "big")

    def seen(self):
        lines = []
        for kind, flags, stream, payload in self.frames[-40:]:
            name = KINDS[kind] if kind < len(KINDS) else hex(kind)
            what = payload[:40].hex()
            if kind == h2.RST_STREAM:
                what = name_of(int.from_bytes(payload, "big"))
            elif kind == h2.GOAWAY:
                what = "last=%d %s %r" % (
                    int.from_bytes(payload[:4], "big"),
                    name_of(int.from_bytes(payload[4:8], "big")), payload[8:])
            lines.append("  %s flags=%#04x stream=%d length=%d %s" % (
                name, flags, stream, len(payload), what))
        return "frames seen:\n%s\n  (closed: %s)" % (
            "\n".join(lines), self.closed and
            ("by TLS and TCP" if self.clean else "by TCP alone"))

    # -- to begin

    def connect(self):
        """TLS, and not a byte of HTTP/2."""
        super().__init__(self.server, begin=False)

    def begin(self, *first):
        """The preface with these settings; then both sides' SETTINGS are
        exchanged and acknowledged."""
        self.connect()
        self.send(h2.PREFACE + h2.settings(*first))
        self.demand(lambda: self.settled and self.acks,
                    "SETTINGS, and an acknowledgment of ours")
        self.send(h2.frame(h2.SETTINGS, h2.ACK))

    def begin_open(self, stream=1, *first):
        """And a stream that is open: its request goes on."""
        self.begin(*first)
        self.send(h2.opening(stream, REFLECT))
        self.barrier()

    def begin_half_closed(self, stream=1):
        """And a stream that we have ended, and the peer never does."""
        self.begin()
        self.send(h2.opening(stream, WATCH) +
                  data(stream, h2.message(b""), True))
        self.demand(lambda: stream in self.streams and
                    self.streams[stream].messages(), "what Watch says first")

    def begin_ended(self, stream=1):
        """And a stream that both sides have ended."""
        self.begin()
        self.serve(stream)

    def begin_reset_by_us(self, stream=1):
        self.begin_open(stream)
        self.send(reset(stream))
        self.barrier()

    def begin_reset_by_peer(self, stream=1):
        """And a stream that the peer has reset, because it had seen enough,
        before we said all."""
        self.begin()
        self.reset_by_peer(stream)

    def reset_by_peer(self, stream):
        """The server waits a while for our end before it resets, but not for
        more than so many bytes."""
        self.send(h2.opening(stream, CHECK) +
                  data(stream, h2.message(b"", MOST)) +
                  data(stream, bytes(16384)) * 5)
        self.demand(lambda: stream in self.streams and
                    self.streams[stream].reset is not None, "RST_STREAM")

    # -- what must happen

    def demand(self, done, what):
        if not self.until(done, Patience.seconds()):
            raise Wrong("%s did not come" % what)

    def check(self, condition, what):
        if not condition:
            raise Wrong(what)

    def barrier(self):
        """All that was sent has been read, and what it led to has come: a
        PING that is sent when one came back comes back behind it."""
        for _ in range(2):
            before = len(self.pings)
            self.send(ping(b"barrier!"))
            self.until(lambda n=before: len(self.pings) > n or self.closed,
                       Patience.seconds())

    def lives(self):
        """The connection is well."""
        before = len(self.pings)
        self.barrier()
        if self.goaway:
            raise Wrong("GOAWAY came: %s" % name_of(self.goaway[1]))
        self.check(not self.closed, "the connection was closed")
        self.check(len(self.pings) >= before + 2, "PING was not answered")

    def lives_and_serves(self, stream):
        self.lives()
        self.serve(stream)

    def serve(self, stream):
        """A good call is served."""
        self.send(h2.call(stream, CHECK, b""))
        self.served(stream)

    def served(self, stream, status=0):
        self.demand(lambda: self.over(stream), "the end of stream %d" % stream)
        got = self.streams[stream].status()
        self.check(got == status, "grpc-status of stream %d: %s" %
                   (stream, got))

    def answered(self, stream, *statuses):
        """HTTP answers with one of these statuses; none: with any."""
        self.demand(lambda: self.over(stream), "the end of stream %d" % stream)
        got = self.streams[stream].header(":status")
        self.check(got is not None and (not statuses or got in statuses),
                   "status of stream %d: %s, reset: %s" %
                   (stream, got, self.streams[stream].reset))

    def connection_error(self, *codes):
        """GOAWAY says one of ${codes}, and the connection is closed, TLS
        first."""
        self.demand(lambda: self.closed, "the end of the connection")
        self.check(self.goaway is not None, "no GOAWAY came")
        self.check(self.goaway[1] in codes, "GOAWAY says %s, not %s" % (
            name_of(self.goaway[1]), "/".join(map(name_of, codes))))
        self.check(self.clean, "TLS was not ended before TCP")

    def stream_error(self, stream, *codes):
        """RST_STREAM says one of ${codes}, and the connection lives."""
        self.demand(lambda: stream in self.streams and
                    self.streams[stream].reset is not None,
                    "RST_STREAM of stream %d" % stream)
        got = self.streams[stream].reset
        self.check(got in codes, "RST_STREAM says %s, not %s" % (
            name_of(got), "/".join(map(name_of, codes))))
        self.lives()

    def stream_or_connection_error(self, stream, *codes):
        self.demand(lambda: self.closed or (
            stream in self.streams and
            self.streams[stream].reset is not None),
                    "RST_STREAM of stream %d, or GOAWAY" % stream)
        if self.closed:
            self.connection_error(*codes)
        else:
            self.stream_error(stream, *codes)

    def malformed(self, stream):
        """Section 8.1.1."""
        self.stream_error(stream, h2.PROTOCOL_ERROR)
        self.check(not self.streams[stream].blocks, "it was answered")
        self.serve(stream + 100)

    def closes(self):
        """The connection is closed, with or without a word."""
        self.demand(lambda: self.closed, "the end of the connection")

    def closes_well(self):
        """We are told that this is the end, and no error."""
        self.connection_error(h2.NO_ERROR)

    # -- half an end

    def end_tls(self):
        """Send close_notify."""
        try:
            self.socket.unwrap()
        except (ssl.SSLWantReadError, ssl.SSLError, OSError):
            pass

    def end_tcp(self):
        """Send FIN and no close_notify."""
        socket.socket.shutdown(self.socket, socket.SHUT_WR)

    # -- windows, as a client sees them that keeps to them

    def send_within(self, stream, make, total, used=0):
        """Send frames of make() on ${stream} until ${total} bytes of them
        count, none beyond the connection's window; fail if that stalls."""
        sent, end = used, time.monotonic() + Patience.seconds()
        while sent < total:
            piece = make()
            cost = len(piece) - 9
            while sent + cost > 65535 + self.credit.get(0, 0):
                if time.monotonic() > end or self.closed:
                    raise Wrong("the connection's window is not given back: "
                                "%d bytes sent on stream %d" % (sent, stream))
                self.wait(select.POLLIN)
                self.take()
            self.send(piece)
            sent += cost
        return sent
