"""HTTP/2 by hand over TLS: a client that may do what no stock client does.

Frames go out exactly as they are asked for, nothing is checked, and no window
is granted unless a test says so.  Headers are written byte by byte, as wrong
as a test wants them; only reading compressed ones is somebody else's work
(Debian's python3-hpack).
"""

import select
import socket
import ssl
import struct
import time

import hpack

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, \
    WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITIZED = 0x20

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, \
    SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, \
    CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM, \
    INADEQUATE_SECURITY, HTTP_1_1_REQUIRED = range(14)

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, \
    INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = range(1, 7)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + \
        struct.pack(">BBI", kind, flags, stream) + payload


def settings(*pairs):
    return frame(SETTINGS, 0, 0,
                 b"".join(struct.pack(">HI", *pair) for pair in pairs))


def integer(value, bits, head):
    """A number in the form of RFC 7541 section 5.1."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([head | value])
    out, value = bytes([head | most]), value - most
    while value >= 128:
        out, value = out + bytes([value % 128 | 128]), value // 128
    return out + bytes([value])


def text(value):
    return value if isinstance(value, bytes) else value.encode()


def string(value):
    """A string as it is, of section 5.2."""
    value = text(value)
    return integer(len(value), 7, 0) + value


# The code of appendix B is canonical: its lengths, and what has them in order,
# are enough.  What is longer than 15 bits nobody needs here.
HUFFMAN = {5: "012aceiost", 6: " %-./3456789=A_bdfghlmnpru",
           7: ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz", 8: "&*,;XZ", 10: '!"()?',
           11: "'+|", 12: "#>", 13: "\0$@[]~", 14: "^}", 15: "<`{"}
END_OF_STRING = "1" * 30


def huffman_code():
    code, before, codes = 0, 0, {}
    for length in sorted(HUFFMAN):
        code <<= length - before
        before = length
        for symbol in HUFFMAN[length]:
            codes[ord(symbol)] = format(code, "0%db" % length)
            code += 1
    return codes


def huffman(value, bits=None, pad="1"):
    """A string by Huffman's code.  ${bits}, if not None, are put behind it and
    may be what no encoder writes; ${pad} fills the last byte up."""
    codes = huffman_code()
    out = "".join(codes[c] for c in text(value)) + (bits or "")
    out += pad * (-len(out) % 8)
    packed = bytes(int(out[i:i + 8], 2) for i in range(0, len(out), 8))
    return integer(len(packed), 7, 0x80) + packed


def indexed(index):
    """A header that is in the table."""
    return integer(index, 7, 0x80)


def named(index, value, bits=6, head=0x40):
    """A header whose name is in the table; it goes into the table unless
    ${bits} is 4 and ${head} 0x00, or 0x10 (never)."""
    return integer(index, bits, head) + string(value)


def table_size(size):
    return integer(size, 5, 0x20)


def literal(name, value, head=0x00):
    """A header spelled out: it leaves no trace in the peer's table, unless
    ${head} is 0x40."""
    return bytes([head]) + string(name) + string(value)


def headers(path, more=(), method="POST"):
    return b"".join(literal(*pair) for pair in [
        (":method", method), (":scheme", "https"), (":path", path),
        (":authority", "localhost"), ("te", "trailers"),
        ("content-type", "application/grpc")] + list(more))


def opening(stream, path, more=(), flags=END_HEADERS):
    return frame(HEADERS, flags, stream, headers(path, more))


def call(stream, path, payload, more=()):
    """A whole unary call."""
    return opening(stream, path, more) + \
        frame(DATA, END_STREAM, stream, message(payload))


def message(payload, length=None, flag=0):
    """A gRPC message; ${length} is what its prefix says, if not the truth."""
    return struct.pack(">BI", flag, len(payload) if length is None
                       else length) + payload


class Stream:
    """What came back on one stream."""

    def __init__(self):
        self.blocks = []        # lists of (name, value)
        self.data = b""         # without padding
        self.flow = 0           # with it: what the windows must hold
        self.ended = False
        self.reset = None       # the code of RST_STREAM
        self.frames = []        # (kind, flags, bytes without padding)

    def header(self, name):
        for block in self.blocks:
            for key, value in block:
                if key == name:
                    return value
        return None

    def status(self):
        """The status of gRPC, or None."""
        code = self.header("grpc-status")
        return None if code is None else int(code)

    def messages(self):
        rest, found = self.data, []
        while len(rest) >= 5:
            n = struct.unpack(">I", rest[1:5])[0]
            found.append(rest[5:5 + n])
            rest = rest[5 + n:]
        return found


def context(directory, who):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(directory + "/root.pem")
    if who is not None:
        made.load_cert_chain(directory + "/" + who + ".pem",
                             directory + "/" + who + ".key")
    made.set_alpn_protocols(["h2"])
    # Python would take an end of TCP alone for an end of TLS.
    made.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    return made


class Wire:
    """A connection."""

    def __init__(self, daemon, who="employer", begin=True, first=()):
        host, port = daemon.address().rsplit(":", 1)
        plain = socket.create_connection((host, int(port)), 10)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context(daemon.certificates(), who).wrap_socket(
            plain, server_hostname=host, suppress_ragged_eofs=False)
        self.socket.setblocking(False)
        self.decoder = hpack.Decoder()
        self.rest = b""
        self.block = None               # (stream, flags, bytes) so far
        self.streams = {}
        self.counts = {}
        self.goaway = None              # (last stream, code, text)
        self.settled = False            # the peer's SETTINGS came
        self.closed = False
        self.clean = False              # TLS was ended, too
        self.sent = 0
        if begin:
            self.send(PREFACE + settings(*first))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.closed = True
        self.socket.close()

    def wait(self, events):
        # Not select(): a test may have more than 1,024 descriptors.
        poll = select.poll()
        poll.register(self.socket, events)
        poll.poll(50)

    # -- out

    def send(self, data, seconds=10, read=True):
        """Send ${data}; return False if the peer takes it no more.  What
        comes meanwhile is taken, unless ${read} is false."""
        view, end = memoryview(data), time.monotonic() + seconds
        while view and not self.closed:
            try:
                n = self.socket.send(view)
                view = view[n:]
                self.sent += n
            except ssl.SSLWantWriteError:
                if time.monotonic() > end:
                    return False
                self.wait(select.POLLOUT | (select.POLLIN if read else 0))
                if read:
                    self.take()
            except OSError:
                self.take()
                self.closed = True
        return not self.closed

    # -- in

    def take(self):
        """Take what is there; never waits."""
        while not self.closed:
            try:
                piece = self.socket.recv(65536)
                self.clean = not piece
            except (ssl.SSLWantReadError, BlockingIOError):
                break
            except OSError as error:
                piece = b""
                self.clean = isinstance(error, ssl.SSLZeroReturnError)
            if not piece:
                self.closed = True
                break
            self.rest += piece
        self.parse()

    def until(self, done, seconds=10):
        """Take what comes until ${done}() or the end; returns ${done}()."""
        end = time.monotonic() + seconds
        self.take()
        while not done() and not self.closed and time.monotonic() < end:
            if not self.socket.pending():
                self.wait(select.POLLIN)
            self.take()
        return done()

    def over(self, *streams):
        """Are these streams over?"""
        return all(s in self.streams and (
            self.streams[s].ended or self.streams[s].reset is not None)
            for s in streams)

    def parse(self):
        at = 0
        while len(self.rest) - at >= 9:
            n = int.from_bytes(self.rest[at:at + 3], "big")
            if len(self.rest) - at < 9 + n:
                break
            kind, flags = self.rest[at + 3], self.rest[at + 4]
            stream = int.from_bytes(self.rest[at + 5:at + 9], "big")
            self.arrived(kind, flags, stream, self.rest[at + 9:at + 9 + n])
            at += 9 + n
        self.rest = self.rest[at:]

    def arrived(self, kind, flags, number, payload):
        self.counts[kind] = self.counts.get(kind, 0) + 1
        stream = self.streams.setdefault(number, Stream()) if number else None
        if kind == DATA:
            stream.flow += len(payload)
        if kind in (DATA, HEADERS) and flags & PADDED:
            payload = payload[1:len(payload) - payload[0]]
        if stream is not None:
            stream.frames.append((kind, flags, len(payload)))
        if kind in (HEADERS, CONTINUATION):
            if kind == HEADERS:
                self.block = (flags, b"")
            self.block = (self.block[0], self.block[1] + payload)
            if flags & END_HEADERS:
                stream.blocks.append(self.decoder.decode(self.block[1]))
                stream.ended |= bool(self.block[0] & END_STREAM)
        elif kind == DATA:
            stream.data += payload
            stream.ended |= bool(flags & END_STREAM)
        elif kind == RST_STREAM:
            stream.reset = int.from_bytes(payload, "big")
        elif kind == SETTINGS:
            self.settled |= not flags & ACK
        elif kind == GOAWAY:
            last, code = struct.unpack(">II", payload[:8])
            self.goaway = (last, code, payload[8:])
