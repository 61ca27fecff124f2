"""RST_STREAM, PUSH_PROMISE, PING, GOAWAY and CONTINUATION, and how a
connection ends: RFC 9113 sections 6.3, 6.4, 6.6, 6.7, 6.8, 6.10 and 9.1."""

import struct

import raw_h2 as h2
from conformance import CHECK, LONG_FILE, REFLECT, case, cases, data, get, \
    get_block, goaway, ping, priority, reflect, reset, unknown, window


# -- 6.3, 6.4

@case("6.3", "PRIORITY on stream 0 is a connection error of type "
      "PROTOCOL_ERROR.")
def priority_on_stream_0(c):
    c.begin()
    c.send(priority(0))
    c.connection_error(h2.PROTOCOL_ERROR)


@case("6.4", "RST_STREAM on stream 0 is a connection error of type "
      "PROTOCOL_ERROR.")
def reset_on_stream_0(c):
    c.begin()
    c.send(reset(0))
    c.connection_error(h2.PROTOCOL_ERROR)


@case("6.4", "Behind RST_STREAM nothing more comes on the stream, were there "
      "ever so much to say.")
def nothing_behind_reset(c):
    c.begin((h2.INITIAL_WINDOW_SIZE, 10))
    c.send(h2.opening(1, REFLECT) + data(1, reflect(LONG_FILE), True))
    c.demand(lambda: 1 in c.streams and c.streams[1].flow == 10, "DATA")
    c.send(reset(1) + window(1, 1000))
    c.lives()
    c.send(get(3) + window(3, 1000))
    c.answered(3, "200")
    c.check(c.streams[1].flow == 10 and not c.streams[1].ended,
            "more came on the stream")


@case("6.4", "RST_STREAM gives the stream's place to another at once.")
def reset_frees_a_place(c):
    c.begin()
    for stream in range(1, 601, 2):
        c.send(h2.opening(stream, REFLECT) + reset(stream))
        if stream % 50 == 1:
            c.lives()
    c.serve(1001)


# -- 6.6

@cases("6.6", "PUSH_PROMISE of a client (%s) is a connection error of type "
       "PROTOCOL_ERROR.",
       [("on a stream that is open", 1, 2, h2.END_HEADERS),
        ("on a stream that is idle", 3, 2, h2.END_HEADERS),
        ("on stream 0", 0, 2, h2.END_HEADERS),
        ("of a client's stream", 1, 5, h2.END_HEADERS),
        ("with more to come", 1, 2, 0)])
def push_promise(c, stream, promised, flags):
    c.begin_open(1)
    c.send(h2.frame(h2.PUSH_PROMISE, flags, stream,
                    struct.pack(">I", promised) + get_block()))
    c.connection_error(h2.PROTOCOL_ERROR)


@case("6.6", "The server pushes nothing, though it were allowed to.")
def no_push(c):
    c.begin((h2.ENABLE_PUSH, 1))
    c.send(get(1))
    c.answered(1, "200")
    c.serve(3)
    c.check(h2.PUSH_PROMISE not in c.counts, "it pushes")
    c.check(all(stream % 2 for stream in c.streams), "a stream of its own")


# -- 6.7

@case("6.7", "PING is answered by one with ACK and the same bytes.")
def ping_answered(c):
    c.begin()
    c.send(ping(b"\0\1\2\3\xfc\xfd\xfe\xff"))
    c.demand(lambda: c.pings, "an answer")
    c.lives()
    c.check(c.pings[0] == b"\0\1\2\3\xfc\xfd\xfe\xff", "other bytes")


@case("6.7", "Each PING is answered, in their order.")
def pings_answered(c):
    c.begin()
    sent = [b"ping%04d" % i for i in range(20)]
    c.send(b"".join(ping(payload) for payload in sent))
    c.demand(lambda: len(c.pings) == 20, "20 answers")
    c.check(c.pings == sent, "another order")


@case("6.7", "PING with ACK is not answered, nor is it an error if there was "
      "none to answer.")
def ping_ack(c):
    c.begin()
    c.send(ping(b"nothing!", h2.ACK))
    c.lives()
    c.check(b"nothing!" not in c.pings, "it was answered")


@cases("6.7", "PING on stream %d is a connection error of type "
       "PROTOCOL_ERROR.", [(1, 1), (2, 2)])
def ping_on_a_stream(c, stream):
    c.begin_open(1)
    c.send(ping(stream=stream))
    c.connection_error(h2.PROTOCOL_ERROR)


@case("6.7", "PING is answered though no window is left.")
def ping_without_window(c):
    c.begin((h2.INITIAL_WINDOW_SIZE, 1 << 20))
    for stream in range(1, 17, 2):
        c.send(h2.opening(stream, REFLECT) +
               data(stream, reflect(LONG_FILE) * 2, True))
    c.demand(lambda: sum(s.flow for s in c.streams.values()) == 65535,
             "the whole window")
    c.lives()


# -- 6.8

@cases("6.8", "GOAWAY on stream %d is a connection error of type "
       "PROTOCOL_ERROR.", [(1, 1), (2, 2)])
def goaway_on_a_stream(c, stream):
    c.begin_open(1)
    c.send(goaway(stream=stream))
    c.connection_error(h2.PROTOCOL_ERROR)


@cases("6.8", "If the client says GOAWAY (%s) with nothing open, the server "
       "says so, too, and closes: TLS, then TCP.",
       [("no error", goaway()),
        ("with its reasons", goaway(debug=b"that is all" * 20)),
        ("an error", goaway(code=h2.INTERNAL_ERROR)),
        ("its reserved bit set", goaway(1 << 31))])
def goaway_when_idle(c, frame):
    c.begin_ended(1)
    c.send(frame)
    c.closes_well()
    c.check(c.goaway[0] == 1, "GOAWAY names %d" % c.goaway[0])


@case("6.8", "If the client says GOAWAY before it asked anything, likewise.")
def goaway_at_once(c):
    c.connect()
    c.send(h2.PREFACE + h2.settings() + goaway())
    c.closes_well()
    c.check(c.goaway[0] == 0, "GOAWAY names %d" % c.goaway[0])


@case("6.8", "What is open when the client says GOAWAY is answered; then the "
      "server closes.")
def goaway_with_open(c):
    c.begin_open(1)
    c.send(h2.opening(3, CHECK) + goaway())
    c.lives()
    c.send(data(3, h2.message(b""), True))
    c.served(3)
    c.lives()
    c.send(data(1, b"", True))
    c.served(1)
    c.closes_well()
    c.check(c.goaway[0] == 3, "GOAWAY names %d" % c.goaway[0])


@case("6.8", "GOAWAY of a client forbids the server's streams, not its own: "
      "what it asks while something is open is answered.")
def request_behind_goaway(c):
    c.begin_open(1)
    c.send(goaway())
    c.lives_and_serves(3)
    c.send(reset(1))
    c.closes_well()


@case("6.8", "GOAWAY may come twice, with the same last stream or a lower "
      "one.")
def goaway_twice(c):
    c.begin_open(1)
    c.send(goaway(100) + goaway(100) + goaway(2))
    c.lives()
    c.send(data(1, b"", True))
    c.served(1)
    c.closes_well()


@case("6.8", "Of a second GOAWAY with a higher last stream, which must not "
      "be, RFC 9113 says no more; it harms nobody.")
def goaway_higher(c):
    c.begin_open(1)
    c.send(goaway(2) + goaway(100))
    c.barrier()
    if c.closed:
        c.connection_error(h2.PROTOCOL_ERROR)
    else:
        c.send(reset(1))
        c.closes_well()


# -- 6.10

def opened(flags=h2.END_STREAM):
    """HEADERS with more to come."""
    return h2.frame(h2.HEADERS, flags, 1, get_block())


@cases("6.10", "%s where a CONTINUATION must come is a connection error of "
       "type PROTOCOL_ERROR.",
       [("PING", ping()), ("SETTINGS", h2.settings()),
        ("WINDOW_UPDATE", window(0, 1)),
        ("DATA of that stream", data(1, b"x")),
        ("RST_STREAM of that stream", reset(1)),
        ("PRIORITY of that stream", priority(1)),
        ("HEADERS of that stream", get(1)),
        ("HEADERS of another stream", get(3)),
        ("GOAWAY", goaway()), ("A frame of unknown type", unknown(1)),
        ("CONTINUATION of another stream",
         h2.frame(h2.CONTINUATION, h2.END_HEADERS, 3)),
        ("CONTINUATION of stream 0",
         h2.frame(h2.CONTINUATION, h2.END_HEADERS, 0))])
def interleaved(c, frame):
    c.begin()
    c.send(opened() + frame + h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1))
    c.connection_error(h2.PROTOCOL_ERROR)


@cases("6.10", "CONTINUATION %s is a connection error of type "
       "PROTOCOL_ERROR.",
       [("on stream 0", h2.frame(h2.CONTINUATION, h2.END_HEADERS, 0)),
        ("behind a block that is whole", get(1, flags=4) +
         h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1)),
        ("behind the last CONTINUATION",
         opened(0) + h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1) * 2),
        ("behind DATA", get(1, flags=4) + data(1, b"x") +
         h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1))])
def out_of_place(c, frames):
    c.begin()
    c.send(frames)
    c.connection_error(h2.PROTOCOL_ERROR)


@case("6.10", "A block may come in several CONTINUATION frames, empty ones "
      "among them.")
def several(c):
    block = get_block([("x-a", "b" * 100), ("x-c", "d" * 100)])
    c.begin()
    c.send(h2.frame(h2.HEADERS, h2.END_STREAM, 1, block[:1]) +
           h2.frame(h2.CONTINUATION, 0, 1, block[1:2]) +
           h2.frame(h2.CONTINUATION, 0, 1) +
           h2.frame(h2.CONTINUATION, 0, 1, block[2:150]) +
           h2.frame(h2.CONTINUATION, 0, 1, block[150:]) +
           h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1))
    c.answered(1, "200")


@case("6.10", "END_STREAM of HEADERS counts once the block is whole; that of "
      "CONTINUATION, which has none, never.")
def end_of_stream(c):
    c.begin()
    c.send(h2.frame(h2.HEADERS, 0, 1, h2.headers(CHECK)) +
           h2.frame(h2.CONTINUATION, h2.END_HEADERS | h2.END_STREAM, 1) +
           data(1, h2.message(b""), True))
    c.served(1)
    c.send(h2.frame(h2.HEADERS, h2.END_STREAM, 3, get_block()))
    c.take()
    c.send(h2.frame(h2.CONTINUATION, h2.END_HEADERS, 3))
    c.answered(3, "200")


@case("6.10", "Trailers may be continued, too.")
def continued_trailers(c):
    c.begin()
    c.send(h2.opening(1, CHECK) + data(1, h2.message(b"")) +
           h2.frame(h2.HEADERS, h2.END_STREAM, 1) +
           h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1,
                    h2.literal("x-end", "now")))
    c.served(1)


@case("10.5", "CONTINUATION without end is cut off.")
def endless(c):
    c.begin()
    c.send(opened())
    for i in range(1000):
        if not c.send(h2.frame(h2.CONTINUATION, 0, 1,
                               h2.literal("x-%d" % i, "y" * 100))):
            break
    c.closes()


@case("10.5.1", "Headers longer than the server takes are answered, or "
      "refused, and the connection lives.")
def long_headers(c):
    block = get_block([("x-%d" % i, "y" * 1000) for i in range(24)])
    c.begin()
    c.send(h2.frame(h2.HEADERS, h2.END_STREAM, 1, block[:16000]) +
           h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1, block[16000:]))
    c.answered(1)
    c.check(c.streams[1].header(":status") != "200", "they were taken")
    c.lives_and_serves(3)


# -- 9.1: the end of a connection

@case("9.1", "If the client ends TLS with nothing open, the server ends it, "
      "too, and closes.")
def tls_ended(c):
    c.begin_ended(1)
    c.end_tls()
    c.closes()
    c.check(c.clean, "TLS was not ended before TCP")


@case("9.1", "If the client ends TCP alone, with nothing open, the server "
      "closes.")
def tcp_ended(c):
    c.begin_ended(1)
    c.end_tcp()
    c.closes()


@case("9.1", "If the client ends TLS while a request of its own is not "
      "whole, the server closes: the rest cannot come.")
def tls_ended_too_early(c):
    c.begin_open(1)
    c.end_tls()
    c.closes()


@case("9.1", "If the client asks, says GOAWAY and ends TLS in one go, the "
      "server answers, if it can, and closes.")
def all_in_one_go(c):
    c.begin()
    c.send(get(1) + goaway())
    c.end_tls()
    c.closes()
