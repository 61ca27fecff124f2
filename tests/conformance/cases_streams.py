"""Streams: RFC 9113 sections 5.1, 5.3 and 5.4.

What may come in which state (5.1).  Where a case names two codes, section 5.1
gives one and the section of the frame another.
"""

import struct

import raw_h2 as h2
from conformance import CHECK, MOST, NOWHERE, REFLECT, Client, case, cases, \
    data, get, get_block, number, priority, reset, trailers, unknown, window


def continuation(stream):
    return h2.frame(h2.CONTINUATION, h2.END_HEADERS, stream,
                    h2.literal("x-a", "b"))


# -- idle

@cases("5.1", "%s on a stream that is idle is a connection error of type "
       "PROTOCOL_ERROR.",
       [("RST_STREAM", reset(1)), ("WINDOW_UPDATE", window(1, 100)),
        ("CONTINUATION", continuation(1)),
        ("RST_STREAM above one that is used", get(1) + reset(9)),
        ("WINDOW_UPDATE of a server's stream", window(2, 100)),
        ("RST_STREAM of a server's stream", reset(2))])
def idle(c, frame):
    c.begin()
    c.send(frame)
    c.connection_error(h2.PROTOCOL_ERROR)


@cases("5.1", "DATA on a stream that is idle (%d) are a connection error of "
       "type PROTOCOL_ERROR, or (by section 6.1) STREAM_CLOSED.",
       [(1, 1), (2, 2), (MOST, MOST)])
def data_on_idle(c, stream):
    c.begin()
    c.send(data(stream, b"x", True))
    c.connection_error(h2.PROTOCOL_ERROR, h2.STREAM_CLOSED)


@case("5.1", "PRIORITY on a stream that is idle is taken, and does not open "
      "it.")
def priority_on_idle(c):
    c.begin()
    c.send(priority(1) + priority(3, 1) + priority(2))
    c.lives_and_serves(1)
    c.serve(3)


# -- open

@case("5.1", "On a stream that is open every frame of its own is taken.")
def open_stream(c):
    c.begin()
    c.send(h2.opening(1, CHECK) + priority(1) + window(1, 10) +
           data(1, b"") + data(1, h2.message(b"")) + trailers(1))
    c.served(1)


@case("5.1", "A stream that is open may be reset by the client.")
def reset_of_open(c):
    c.begin_open(1)
    c.send(reset(1))
    c.lives_and_serves(3)
    c.check(1 not in c.streams or not c.streams[1].ended, "it was answered")


# -- half-closed (remote): we have ended it, the peer has not

@cases("5.1", "%s on a stream that the client has ended is an error of type "
       "STREAM_CLOSED, of the stream or the connection.",
       [("DATA", data(1, b"x")), ("Empty DATA", data(1)),
        ("DATA that end it again", data(1, b"", True)),
        ("HEADERS", trailers(1)),
        ("A request", get(1))])
def half_closed(c, frame):
    c.begin_half_closed(1)
    c.send(frame)
    c.stream_or_connection_error(1, h2.STREAM_CLOSED)


@case("5.1", "CONTINUATION on a stream that the client has ended is an error "
      "of type STREAM_CLOSED or (by section 6.10) PROTOCOL_ERROR.")
def continuation_on_half_closed(c):
    c.begin_half_closed(1)
    c.send(continuation(1))
    c.connection_error(h2.STREAM_CLOSED, h2.PROTOCOL_ERROR)


@cases("5.1", "%s on a stream that the client has ended is taken.",
       [("WINDOW_UPDATE", window(1, 100)), ("PRIORITY", priority(1)),
        ("A frame of unknown type", unknown(1))])
def allowed_on_half_closed(c, frame):
    c.begin_half_closed(1)
    c.send(frame)
    c.lives_and_serves(3)
    c.check(c.streams[1].reset is None, "it was reset")


@case("5.1", "RST_STREAM on a stream that the client has ended ends it, and "
      "is not answered by another.")
def reset_on_half_closed(c):
    c.begin_half_closed(1)
    c.send(reset(1))
    c.lives_and_serves(3)
    c.check(c.streams[1].reset is None, "it was reset")


# -- closed, because both sides have ended it

@cases("5.1", "%s on a stream that both sides have ended is a connection "
       "error of type STREAM_CLOSED.",
       [("HEADERS", trailers(1)), ("A second request", get(1)),
        ("HEADERS that end nothing",
         h2.frame(h2.HEADERS, 4, 1, get_block())),
        ("HEADERS of which more is to come",
         h2.frame(h2.HEADERS, 0, 1, get_block()))])
def headers_on_ended(c, frame):
    c.begin_ended(1)
    c.send(frame)
    c.connection_error(h2.STREAM_CLOSED)


@cases("5.1", "%s on a stream that both sides have ended are an error of type "
       "STREAM_CLOSED, of the stream or the connection.",
       [("DATA", data(1, b"x")), ("Empty DATA", data(1, b"")),
        ("DATA that end it again", data(1, b"x", True))])
def data_on_ended(c, frame):
    c.begin_ended(1)
    c.send(frame)
    c.stream_or_connection_error(1, h2.STREAM_CLOSED)


@case("5.1", "CONTINUATION on a stream that both sides have ended is a "
      "connection error of type STREAM_CLOSED or (6.10) PROTOCOL_ERROR.")
def continuation_on_ended(c):
    c.begin_ended(1)
    c.send(continuation(1))
    c.connection_error(h2.STREAM_CLOSED, h2.PROTOCOL_ERROR)


@cases("5.1", "%s on a stream that the server has just ended is taken: it "
       "may have been under way.",
       [("WINDOW_UPDATE", window(1, 100)), ("RST_STREAM", reset(1)),
        ("RST_STREAM, twice", reset(1) * 2), ("PRIORITY", priority(1)),
        ("A frame of unknown type", unknown(1))])
def allowed_on_ended(c, frame):
    c.begin_ended(1)
    c.send(frame)
    c.lives_and_serves(3)


@case("5.1", "HEADERS on a stream that is long closed, and many behind it, "
      "are a connection error of type STREAM_CLOSED.")
def headers_on_long_closed(c):
    c.begin_ended(1)
    for stream in range(3, 103, 2):
        c.send(get(stream))
        c.answered(stream, "200")
    c.send(trailers(1))
    c.connection_error(h2.STREAM_CLOSED)


@case("5.1", "HEADERS on a stream that was ended are a connection error of "
      "type STREAM_CLOSED also if others behind it were reset.")
def headers_on_ended_among_reset(c):
    c.begin()
    for stream in range(1, 9, 4):
        c.serve(stream)
        c.reset_by_peer(stream + 2)
    c.send(trailers(3) + trailers(7))
    c.lives()
    c.send(trailers(5))
    c.connection_error(h2.STREAM_CLOSED)


# -- closed, because the client has reset it

@cases("5.1", "%s on a stream that the client has reset is a connection error "
       "of type STREAM_CLOSED.",
       [("HEADERS", trailers(1)), ("A second request", get(1))])
def headers_on_reset(c, frame):
    c.begin_reset_by_us(1)
    c.send(frame)
    c.connection_error(h2.STREAM_CLOSED)


@case("5.1", "DATA on a stream that the client has reset are an error of type "
      "STREAM_CLOSED, of the stream or the connection.")
def data_on_reset(c):
    c.begin_reset_by_us(1)
    c.send(data(1, b"x"))
    c.stream_or_connection_error(1, h2.STREAM_CLOSED)


@case("5.1", "DATA right behind the client's RST_STREAM are one, too.")
def data_right_behind_reset(c):
    c.begin_open(1)
    c.send(reset(1) + data(1, b"x"))
    c.stream_or_connection_error(1, h2.STREAM_CLOSED)


@case("5.1", "CONTINUATION on a stream that the client has reset is a "
      "connection error of type STREAM_CLOSED or (6.10) PROTOCOL_ERROR.")
def continuation_on_reset(c):
    c.begin_reset_by_us(1)
    c.send(continuation(1))
    c.connection_error(h2.STREAM_CLOSED, h2.PROTOCOL_ERROR)


@cases("5.1", "%s on a stream that the client has reset is taken, or an error "
       "of type STREAM_CLOSED.",
       [("WINDOW_UPDATE", window(1, 100)), ("RST_STREAM", reset(1))])
def tolerated_on_reset(c, frame):
    c.begin_reset_by_us(1)
    c.send(frame)
    c.barrier()
    if c.closed:
        c.connection_error(h2.STREAM_CLOSED)
    else:
        c.lives_and_serves(3)


@case("5.1", "PRIORITY on a stream that the client has reset is taken.")
def priority_on_reset(c):
    c.begin_reset_by_us(1)
    c.send(priority(1))
    c.lives_and_serves(3)


# -- closed, because the server has reset it while the client was at it

LATE = [("DATA", data(1, b"late")),
        ("DATA that end it", data(1, b"late", True)),
        ("Trailers", trailers(1)), ("WINDOW_UPDATE", window(1, 100)),
        ("RST_STREAM", reset(1)), ("PRIORITY", priority(1)),
        ("All that may be under way", data(1, b"late") + window(1, 1) +
         priority(1) + data(1) + trailers(1) + window(1, 1))]


@cases("5.1", "%s on a stream that the server has just reset, for it had seen "
       "enough, is ignored.", LATE)
def late_after_early_answer(c, frames):
    c.begin_reset_by_peer(1)
    c.check(c.streams[1].reset == h2.NO_ERROR, "the reset blames the client")
    c.send(frames)
    c.lives_and_serves(3)
    c.check(c.counts[h2.RST_STREAM] == 1, "it was reset again")


@cases("5.1", "%s on a stream that the server has just reset, for its headers "
       "were malformed, is ignored.", LATE)
def late_after_malformed(c, frames):
    c.begin()
    c.send(h2.opening(1, CHECK, [("Upper", "case")]))
    c.stream_error(1, h2.PROTOCOL_ERROR)
    c.send(frames)
    c.lives_and_serves(3)


@case("5.1", "What is under way on a stream that the server resets at that "
      "moment is ignored.")
def late_in_one_piece(c):
    c.begin()
    c.send(h2.opening(1, CHECK, [("Upper", "case")]) + data(1, b"late") +
           trailers(1) + get(3))
    c.answered(3, "200")
    c.stream_error(1, h2.PROTOCOL_ERROR)


@case("5.1", "Trailers on many streams that the server has reset, long ago "
      "for the first, are all ignored.")
def late_on_many(c):
    c.begin()
    ids = range(1, 101, 2)
    for stream in ids:
        c.send(h2.opening(stream, CHECK) + data(stream, h2.message(b"", MOST)))
    for stream in ids:
        c.demand(lambda s=stream: s in c.streams and
                 c.streams[s].reset is not None, "RST_STREAM")
    c.send(b"".join(data(i, b"late") + trailers(i) for i in ids))
    c.lives_and_serves(201)


@case("5.1", "Trailers on a stream that was refused are ignored.")
def late_after_refused(c):
    c.begin()
    most = c.announced[h2.MAX_CONCURRENT_STREAMS]
    c.send(b"".join(h2.opening(i, REFLECT)
                    for i in range(1, 2 * most + 1, 2)))
    c.send(h2.opening(2 * most + 1, REFLECT))
    c.stream_error(2 * most + 1, h2.REFUSED_STREAM)
    c.send(data(2 * most + 1, b"late") + trailers(2 * most + 1))
    c.lives()
    c.send(data(1, b"", True))
    c.served(1)


# -- 5.1.1: numbers

@cases("5.1.1", "A request on stream %d, a server's, is a connection error of "
       "type PROTOCOL_ERROR.", [(2, 2), (4, 4), (MOST - 1, MOST - 1)])
def even_number(c, stream):
    c.begin()
    c.send(get(stream))
    c.connection_error(h2.PROTOCOL_ERROR)


@case("5.1.1", "A request on a stream below one that was used, itself never "
      "used, is a connection error of type PROTOCOL_ERROR.")
def lower_number(c):
    c.begin_ended(5)
    c.send(get(3))
    c.connection_error(h2.PROTOCOL_ERROR)


@case("5.1.1", "Also below one that is open.")
def lower_number_than_open(c):
    c.begin_open(101)
    c.send(get(99))
    c.connection_error(h2.PROTOCOL_ERROR)


@case("5.1.1", "Numbers may be left out.")
def numbers_left_out(c):
    c.begin()
    for stream in (3, 7, 1001, MOST - 1000, MOST):
        c.send(get(stream))
        c.answered(stream, "200")


@case("5.1.1", "DATA on a stream that was passed over are an error of type "
      "STREAM_CLOSED or PROTOCOL_ERROR.")
def data_on_passed_over(c):
    c.begin_ended(5)
    c.send(data(3, b"x"))
    c.stream_or_connection_error(3, h2.STREAM_CLOSED, h2.PROTOCOL_ERROR)


@case("5.1.1", "PRIORITY of a stream that was passed over is taken, also if "
      "it came before.")
def priority_of_passed_over(c):
    c.begin()
    c.send(priority(3))
    c.serve(5)
    c.send(priority(3))
    c.lives_and_serves(7)


@case("5.1.1", "A request on a stream that was passed over, and had a "
      "PRIORITY, is a connection error of type PROTOCOL_ERROR.")
def lower_number_with_priority(c):
    c.begin()
    c.send(priority(3))
    c.serve(5)
    c.send(get(3))
    c.connection_error(h2.PROTOCOL_ERROR)


# -- 5.1.2: how many

@case("5.1.2", "One stream more than allowed is refused (REFUSED_STREAM); the "
      "others go on, and once one is over there is room.")
def one_too_many(c):
    c.begin()
    most = c.announced[h2.MAX_CONCURRENT_STREAMS]
    last = 2 * most - 1
    c.send(b"".join(h2.opening(i, REFLECT) for i in range(1, last + 1, 2)))
    c.lives()
    c.send(get(last + 2))
    c.stream_error(last + 2, h2.REFUSED_STREAM)
    c.send(data(1, b"", True))
    c.served(1)
    c.send(get(last + 4))
    c.answered(last + 4, "200")


@case("5.1.2", "A stream that the client has ended counts until it is "
      "answered; one that is idle never counts.")
def what_counts(c):
    c.begin()
    most = c.announced[h2.MAX_CONCURRENT_STREAMS]
    last = 2 * most - 1
    c.send(b"".join(h2.opening(i, "/grpc.health.v1.Health/Watch") +
                    data(i, h2.message(b""), True)
                    for i in range(1, last + 1, 2)))
    c.send(b"".join(priority(last + i) for i in range(10, 30, 2)))
    c.lives()
    c.send(get(last + 2))
    c.stream_error(last + 2, h2.REFUSED_STREAM)
    c.send(reset(1) + get(last + 4))
    c.answered(last + 4, "200")


# -- 5.3: priorities, which mean nothing any more

@cases("5.3", "%s that makes a stream depend on itself is ignored, or an "
       "error of type PROTOCOL_ERROR (RFC 7540 section 5.3.1).",
       [("HEADERS", h2.frame(h2.HEADERS, 5 | h2.PRIORITIZED, 3,
                             number(3) + b"\x0f" + get_block())),
        ("PRIORITY", priority(3, 3)),
        ("PRIORITY of a stream that is open", priority(1, 1))])
def depends_on_itself(c, frame):
    c.begin_open(1)
    c.send(frame)
    c.barrier()
    if c.closed or c.goaway:
        c.connection_error(h2.PROTOCOL_ERROR)
    else:
        c.lives_and_serves(5)


@case("5.3", "A request may depend on a stream that is not there, alone, and "
      "with any weight.")
def depends_on_nothing(c):
    c.begin()
    for stream, on, weight in ((1, 77, 0), (3, 1 << 31 | 99, 255),
                               (5, 1 << 31, 1)):
        c.send(h2.frame(h2.HEADERS, 5 | h2.PRIORITIZED, stream,
                        struct.pack(">IB", on, weight) + get_block()))
        c.answered(stream, "200")


@case("5.3", "A circle of priorities is taken.")
def circle(c):
    c.begin_open(1)
    c.send(h2.opening(3, REFLECT) + priority(1, 3) + priority(3, 1) +
           priority(1, 1 << 31 | 3) + priority(3, 1 << 31 | 1))
    c.lives_and_serves(5)
    c.send(data(1, b"", True) + data(3, b"", True))
    c.served(1)
    c.served(3)


# -- 5.4: errors

@case("5.4.1", "GOAWAY of an error names the last stream that was looked at.")
def last_stream(c):
    c.begin_ended(1)
    c.serve(7)
    c.send(data(0, b"x"))
    c.connection_error(h2.PROTOCOL_ERROR)
    c.check(c.goaway[0] == 7, "it names %d" % c.goaway[0])


@case("5.4.1", "Behind the GOAWAY of an error comes nothing, and nothing more "
      "is looked at.")
def nothing_behind_goaway(c):
    c.begin()
    c.send(data(0, b"x") + get(1) + h2.call(3, CHECK, b""))
    c.connection_error(h2.PROTOCOL_ERROR)
    c.check(c.frames[-1][0] == h2.GOAWAY, "frames came behind it")
    c.check(not c.over(1) and not c.over(3), "requests were answered")


@case("5.4.2", "An error of one stream does not touch the others.")
def others_go_on(c):
    c.begin_open(1)
    c.send(h2.opening(3, CHECK) + get(5, [("Upper", "case")]))
    c.stream_error(5, h2.PROTOCOL_ERROR)
    c.send(data(3, h2.message(b""), True) + data(1, b"", True))
    c.served(3)
    c.served(1)


@case("5.4.2", "RST_STREAM is never answered by RST_STREAM.")
def no_answer_to_reset(c):
    c.begin_open(1)
    c.send(reset(1) + reset(1))
    c.lives()
    c.check(h2.RST_STREAM not in c.counts, "it was")


@case("5.4.2", "Behind RST_STREAM, a stream of the server's has nothing more "
      "to say.")
def nothing_behind_reset(c):
    c.begin_reset_by_peer(1)
    c.send(data(1, b"late", True))
    c.lives()
    kinds = [kind for kind, _, stream, _ in c.frames if stream == 1]
    c.check(kinds[-1] == h2.RST_STREAM and kinds.count(h2.RST_STREAM) == 1,
            "frames came behind it")


@case("5.4.3", "Who hangs up without a word, in the midst of it all, harms "
      "nobody.")
def hang_up(c):
    c.begin_open(1)
    c.send(h2.frame(h2.HEADERS, 0, 3, get_block()[:7]))
    c.close()
    other = Client(c.server)
    try:
        other.begin()
        other.send(h2.call(1, NOWHERE, b""))
        other.served(1, 12)
    finally:
        other.close()
