"""Frames, their sizes and padding: RFC 9113 sections 4.1, 4.2, 5.5, 6.1 and
6.2, and the sizes that section 6 demands of each type."""

import struct

import raw_h2 as h2
from conformance import CHECK, NOWHERE, REFLECT, case, cases, data, \
    get_block, get, goaway, number, ping, priority, reset, unknown, window

SIZE = 1 << 14          # what the server takes at most


# -- 4.1: the header of a frame

@case("4.1", "A frame of unknown type on stream 0 is ignored.")
def unknown_type(c):
    c.begin()
    c.send(unknown() + unknown(payload=b"", flags=0) + unknown(kind=0x0b) +
           unknown(kind=0xff))
    c.lives_and_serves(1)


@case("4.1", "A frame of unknown type on a stream that is open is ignored.")
def unknown_type_on_open(c):
    c.begin()
    c.send(h2.opening(1, CHECK) + unknown(1) + data(1, h2.message(b"")[:2]) +
           unknown(1, b"", flags=h2.END_STREAM) +
           data(1, h2.message(b"")[2:], True))
    c.served(1)


@case("4.1", "A frame of unknown type on a stream that is closed is ignored.")
def unknown_type_on_closed(c):
    c.begin_ended(1)
    c.send(unknown(1))
    c.lives_and_serves(3)


@cases("4.1", "Flags that %s does not define are ignored.",
       [("PING", ping(flags=0xfe)),
        ("SETTINGS", h2.frame(h2.SETTINGS, 0xfe, 0, b"")),
        ("WINDOW_UPDATE", h2.frame(h2.WINDOW_UPDATE, 0xff, 0, number(1))),
        ("PRIORITY", h2.frame(h2.PRIORITY, 0xff, 1, b"\0\0\0\0\x0f"))])
def undefined_flags(c, frame):
    c.begin()
    c.send(frame)
    c.lives_and_serves(1)


@case("4.1", "Flags that HEADERS and DATA do not define are ignored.")
def undefined_flags_of_a_request(c):
    c.begin()
    c.send(h2.opening(1, CHECK, flags=h2.END_HEADERS | 0xd2) +
           data(1, h2.message(b""), True, 0xf6))
    c.served(1)


@case("4.1", "Flags that RST_STREAM does not define are ignored.")
def undefined_flags_of_reset(c):
    c.begin_open(1)
    c.send(h2.frame(h2.RST_STREAM, 0xff, 1, number(h2.CANCEL)))
    c.lives_and_serves(3)


@case("4.1", "The reserved bit before a stream's number is ignored.")
def reserved_bit(c):
    bit = 1 << 31
    c.begin()
    c.send(ping(b"reserved", stream=bit) + h2.opening(bit | 1, CHECK) +
           data(bit | 1, h2.message(b""), True))
    c.served(1)
    c.check(b"reserved" in c.pings, "PING was not answered")


@case("4.1", "Frames may be cut anywhere by TLS and TCP.")
def byte_by_byte(c):
    c.begin()
    for byte in h2.call(1, CHECK, b"") + ping():
        c.send(bytes([byte]))
    c.served(1)


# -- 4.2: how long

@case("4.2", "DATA of 2^14 bytes are taken.")
def longest_data(c):
    c.begin()
    body = h2.message(b"\x0a\xf8\x7f" + b"x" * (SIZE - 8))
    c.check(len(body) == SIZE, "the case is wrong")
    c.send(h2.opening(1, CHECK) + data(1, body, True))
    c.served(1, 5)      # no such service


@case("4.2", "HEADERS of 2^14 bytes are taken.")
def longest_headers(c):
    c.begin()
    block = get_block()
    for size in (4000, 4000, 4000):
        block += h2.literal("x-fill", "a" * size)
    rest = SIZE - len(block)
    block += h2.literal("x-fill", "a" * (rest - 11))
    block += h2.indexed(16) * (SIZE - len(block))
    c.check(len(block) == SIZE, "the case is wrong")
    c.send(h2.frame(h2.HEADERS, 5, 1, block))
    c.answered(1)


@cases("4.2", "%s longer than 2^14 bytes is a connection error of type "
       "FRAME_SIZE_ERROR.",
       [("HEADERS", h2.HEADERS, 5, SIZE + 1),
        ("SETTINGS", h2.SETTINGS, 0, SIZE + 2),
        ("PUSH_PROMISE", h2.PUSH_PROMISE, 4, SIZE + 1),
        ("GOAWAY", h2.GOAWAY, 0, SIZE + 1)])
def too_long(c, kind, flags, length):
    c.begin()
    stream = 0 if kind in (h2.SETTINGS, h2.GOAWAY) else 1
    c.send(h2.frame(kind, flags, stream, bytes(length)))
    c.connection_error(h2.FRAME_SIZE_ERROR)


@case("4.2", "DATA longer than 2^14 bytes are an error of type "
      "FRAME_SIZE_ERROR, of the stream or the connection.")
def too_long_data(c):
    c.begin_open(1)
    c.send(data(1, bytes(SIZE + 1)))
    c.stream_or_connection_error(1, h2.FRAME_SIZE_ERROR)


@case("4.2", "CONTINUATION longer than 2^14 bytes is a connection error of "
      "type FRAME_SIZE_ERROR.")
def too_long_continuation(c):
    c.begin()
    c.send(h2.frame(h2.HEADERS, 1, 1, get_block()) +
           h2.frame(h2.CONTINUATION, 4, 1, bytes(SIZE + 1)))
    c.connection_error(h2.FRAME_SIZE_ERROR)


@case("4.2", "A frame of unknown type longer than 2^14 bytes is an error of "
      "type FRAME_SIZE_ERROR.")
def too_long_unknown(c):
    c.begin()
    c.send(unknown(payload=bytes(SIZE + 1)))
    c.connection_error(h2.FRAME_SIZE_ERROR)


@case("4.2", "A frame that says that it is too long is refused before it has "
      "come.")
def too_long_announced(c):
    c.begin()
    c.send(b"\xff\xff\xff" + struct.pack(">BBI", h2.HEADERS, 5, 1))
    c.connection_error(h2.FRAME_SIZE_ERROR)


@cases("4.2", "%s is too short or too long for its type, which is a "
       "connection error of type FRAME_SIZE_ERROR.",
       [("PING of 0 bytes (6.7)", ping(b"")),
        ("PING of 7 bytes (6.7)", ping(b"1234567")),
        ("PING of 9 bytes (6.7)", ping(b"123456789")),
        ("An answer to PING of 9 bytes (6.7)", ping(b"123456789", h2.ACK)),
        ("GOAWAY of 7 bytes (6.8)", h2.frame(h2.GOAWAY, 0, 0, bytes(7))),
        ("WINDOW_UPDATE of 3 bytes (6.9)",
         h2.frame(h2.WINDOW_UPDATE, 0, 0, b"\0\0\1")),
        ("WINDOW_UPDATE of 5 bytes (6.9)",
         h2.frame(h2.WINDOW_UPDATE, 0, 0, b"\0\0\0\1\0")),
        ("RST_STREAM of 3 bytes (6.4)",
         h2.frame(h2.RST_STREAM, 0, 1, b"\0\0\0")),
        ("RST_STREAM of 5 bytes (6.4)",
         h2.frame(h2.RST_STREAM, 0, 1, bytes(5))),
        ("WINDOW_UPDATE of a stream, of 0 bytes (6.9)",
         h2.frame(h2.WINDOW_UPDATE, 0, 1))])
def wrong_size(c, frame):
    c.begin_open(1)
    c.send(frame)
    c.connection_error(h2.FRAME_SIZE_ERROR)


@cases("6.3", "PRIORITY of %d bytes is an error of type FRAME_SIZE_ERROR, of "
       "the stream or the connection.", [(0, 0), (4, 4), (6, 6)])
def wrong_size_of_priority(c, length):
    c.begin_open(1)
    c.send(h2.frame(h2.PRIORITY, 0, 1, bytes(length)))
    c.stream_or_connection_error(1, h2.FRAME_SIZE_ERROR)


@case("4.2", "HEADERS with the flag PRIORITY that are too short for it are a "
      "connection error of type FRAME_SIZE_ERROR.")
def headers_without_their_priority(c):
    c.begin()
    c.send(h2.frame(h2.HEADERS, 5 | h2.PRIORITIZED, 1, b"\0\0\0\0"))
    c.connection_error(h2.FRAME_SIZE_ERROR)


# -- 5.5: extensions

@cases("5.5", "%s in the midst of a header block is a connection error of "
       "type PROTOCOL_ERROR.",
       [("A frame of unknown type on that stream", unknown(1)),
        ("A frame of unknown type on stream 0", unknown(0)),
        ("An empty frame of unknown type", unknown(1, b"", flags=0))])
def extension_in_a_block(c, frame):
    c.begin()
    c.send(h2.frame(h2.HEADERS, 1, 1, get_block()) + frame +
           h2.frame(h2.CONTINUATION, 4, 1))
    c.connection_error(h2.PROTOCOL_ERROR)


# -- 6.1 and 6.2: padding

@case("6.1", "Padding of DATA is no part of the body.")
def padded_data(c):
    body = h2.message(b"")
    c.begin()
    c.send(h2.opening(1, CHECK) +
           data(1, b"\x07" + body[:2] + bytes(7), flags=h2.PADDED) +
           data(1, b"\x00" + body[2:], flags=h2.PADDED) +
           data(1, b"\xff" + bytes(255), True, h2.PADDED))
    c.served(1)


@case("6.1", "Padding of DATA that is the whole payload but its length makes "
      "an empty body.")
def padding_alone(c):
    c.begin()
    c.send(h2.opening(1, CHECK) + data(1, b"\x04" + bytes(4),
                                       flags=h2.PADDED) +
           data(1, h2.message(b""), True))
    c.served(1)


@cases("6.1", "Padding of DATA that is as long as the payload or longer (%s) "
       "is a connection error of type PROTOCOL_ERROR.",
       [("5 of 5", b"\x05" + bytes(4)), ("255 of 5", b"\xff" + bytes(4)),
        ("1 of 1", b"\x01")])
def too_much_padding_of_data(c, payload):
    c.begin_open(1)
    c.send(data(1, payload, flags=h2.PADDED))
    c.connection_error(h2.PROTOCOL_ERROR)


@case("6.1", "DATA with the flag PADDED that have no room for the length of "
      "it are a connection error, of type PROTOCOL_ERROR or (by section 4.2) "
      "FRAME_SIZE_ERROR.")
def padded_data_of_nothing(c):
    c.begin_open(1)
    c.send(data(1, b"", flags=h2.PADDED))
    c.connection_error(h2.PROTOCOL_ERROR, h2.FRAME_SIZE_ERROR)


@case("6.1", "Padding that is not zeros is taken or a connection error of "
      "type PROTOCOL_ERROR.")
def padding_of_ones(c):
    c.begin()
    c.send(h2.opening(1, CHECK) +
           data(1, b"\x04" + h2.message(b"") + b"\xff" * 4, True, h2.PADDED))
    c.until(lambda: c.closed or c.over(1))
    if c.closed:
        c.connection_error(h2.PROTOCOL_ERROR)
    else:
        c.served(1)


@case("6.1", "DATA on stream 0 are a connection error of type PROTOCOL_ERROR.")
def data_on_stream_0(c):
    c.begin()
    c.send(data(0, b"x"))
    c.connection_error(h2.PROTOCOL_ERROR)


@case("6.2", "HEADERS on stream 0 are a connection error of type "
      "PROTOCOL_ERROR.")
def headers_on_stream_0(c):
    c.begin()
    c.send(get(0))
    c.connection_error(h2.PROTOCOL_ERROR)


@case("6.2", "Padding and priority of HEADERS are no part of the block.")
def padded_headers(c):
    block = get_block()
    c.begin()
    c.send(h2.frame(h2.HEADERS, 5 | h2.PADDED, 1, b"\x09" + block +
                    bytes(9)) +
           h2.frame(h2.HEADERS, 5 | h2.PRIORITIZED, 3, b"\0\0\0\1\xff" +
                    block) +
           h2.frame(h2.HEADERS, 5 | h2.PADDED | h2.PRIORITIZED, 5,
                    b"\x02" + b"\x80\0\0\3\0" + block + bytes(2)))
    for stream in (1, 3, 5):
        c.answered(stream, "200")


@cases("6.2", "Padding of HEADERS that leaves no room for what must be there "
       "(%s) is a connection error of type PROTOCOL_ERROR.",
       [("as long as the payload", 0, b"\x05" + bytes(4)),
        ("longer than the payload", 0, b"\xf0" + bytes(40)),
        ("into the priority", h2.PRIORITIZED, b"\x04" + bytes(8))])
def too_much_padding_of_headers(c, flags, payload):
    c.begin()
    c.send(h2.frame(h2.HEADERS, 5 | h2.PADDED | flags, 1, payload))
    c.connection_error(h2.PROTOCOL_ERROR)


@case("6.2", "HEADERS without END_STREAM open a stream whose body may follow "
      "later.")
def body_later(c):
    c.begin_open(1)
    c.serve(3)
    c.send(data(1, b"", True))
    c.served(1)


# -- 7: codes

@cases("7", "A code that nobody knows, in %s, does nothing special.",
       [("RST_STREAM", reset(1, 0xfeedface)),
        ("RST_STREAM (2^32 - 1)", reset(1, 0xffffffff))])
def unknown_code(c, frame):
    c.begin_open(1)
    c.send(frame)
    c.lives_and_serves(3)


@case("7", "A code that nobody knows, in GOAWAY, ends the connection as any.")
def unknown_code_of_goaway(c):
    c.begin()
    c.send(goaway(0, 0xfeedface, b"why?"))
    c.closes()
    c.check(c.clean, "TLS was not ended before TCP")


@case("6", "Every type that may stand there is taken in a row.")
def all_at_once(c):
    c.begin()
    c.send(priority(7) + window(0, 1) + ping() + unknown() + h2.settings() +
           h2.opening(1, NOWHERE) + window(1, 1) + priority(1, 7) +
           unknown(1) + h2.opening(3, REFLECT) + reset(3) + window(3, 9) +
           priority(3))
    c.served(1, 12)
    c.lives_and_serves(5)
