"""Flow control: RFC 9113 sections 5.2 and 6.9.

An answer's bytes are counted as the windows count them, with all padding.
"""

import raw_h2 as h2
from conformance import CHECK, LONG_FILE, MOST, NOWHERE, REFLECT, case, \
    cases, data, get, number, reflect, reset, trailers, window

FIRST = 65535           # of every window


def ask_long(c, stream, times=1):
    """A question with a long answer, and the end of them."""
    c.send(h2.opening(stream, REFLECT) + b"".join(
        data(stream, reflect(LONG_FILE)) for _ in range(times)) +
           data(stream, b"", True))


def flow(c, stream):
    return c.streams[stream].flow if stream in c.streams else 0


def flowed(c, stream, most):
    """So much has come on the stream, of an answer that is longer."""
    c.demand(lambda: flow(c, stream) >= most, "%d bytes" % most)
    c.lives()
    c.check(flow(c, stream) == most, "%d bytes came of %d" %
            (flow(c, stream), most))


# -- what the server sends

@cases("6.9", "Of an answer comes what the stream's window holds (%d), and no "
       "more.", [(1, 1), (100, 100), (16384, 16384), (16385, 16385)])
def stream_window(c, size):
    c.begin((h2.INITIAL_WINDOW_SIZE, size))
    ask_long(c, 1, 3)
    flowed(c, 1, size)
    c.send(window(1, 7))
    flowed(c, 1, size + 7)
    c.send(window(1, 1 << 20))
    c.served(1)


@case("6.9", "With no window at all no DATA come, and the first byte once "
      "there is one.")
def no_window(c):
    c.begin((h2.INITIAL_WINDOW_SIZE, 0))
    c.send(h2.call(1, CHECK, b""))
    c.lives()
    c.check(flow(c, 1) == 0, "DATA came")
    for more in range(1, len(h2.message(b"\x08\x01")) + 1):
        c.send(window(1, 1))
        flowed(c, 1, more)
    c.served(1)


@case("6.9.1", "The connection's window holds for all streams together.")
def connection_window(c):
    c.begin((h2.INITIAL_WINDOW_SIZE, 1 << 20))
    ids = range(1, 17, 2)
    for stream in ids:
        ask_long(c, stream, 2)
    c.demand(lambda: sum(flow(c, i) for i in ids) >= FIRST, "the window")
    c.lives()
    total = sum(flow(c, i) for i in ids)
    c.check(total == FIRST, "%d bytes came of %d" % (total, FIRST))
    c.send(window(0, 1000))
    c.demand(lambda: sum(flow(c, i) for i in ids) >= FIRST + 1000, "more")
    c.lives()
    total = sum(flow(c, i) for i in ids)
    c.check(total == FIRST + 1000, "%d bytes came" % total)
    c.send(window(0, 1 << 20))
    for stream in ids:
        c.served(stream)


@case("6.9.1", "Both windows hold: a large one of the connection opens no "
      "stream's.")
def both_windows(c):
    c.begin((h2.INITIAL_WINDOW_SIZE, 10))
    c.send(window(0, 1 << 20))
    ask_long(c, 1)
    flowed(c, 1, 10)
    c.send(window(1, 1 << 20))
    c.served(1)


@case("6.9.1", "Headers and their end need no window: an error is told while "
      "there is none.")
def headers_need_no_window(c):
    c.begin((h2.INITIAL_WINDOW_SIZE, 0))
    c.send(h2.call(1, NOWHERE, b""))
    c.served(1, 12)


@case("5.2", "A stream without window holds up no other.")
def one_does_not_hold_up_others(c):
    c.begin((h2.INITIAL_WINDOW_SIZE, 0))
    ask_long(c, 1)
    c.lives()
    c.send(get(3) + window(3, 100))
    c.answered(3, "200")
    c.send(reset(1))
    c.lives()


@case("6.9", "A window of a stream may be given before its answer is begun, "
      "also when the client has ended it.")
def window_while_half_closed(c):
    c.begin((h2.INITIAL_WINDOW_SIZE, 0))
    c.send(get(1) + window(1, 100))
    c.answered(1, "200")


@case("6.9", "The reserved bit before an increment is ignored.")
def reserved_bit(c):
    c.begin((h2.INITIAL_WINDOW_SIZE, 0))
    c.send(get(1))
    c.lives()
    c.send(h2.frame(h2.WINDOW_UPDATE, 0, 1, number(1 << 31 | 100)) +
           h2.frame(h2.WINDOW_UPDATE, 0, 0, number(1 << 31 | 100)))
    c.answered(1, "200")


# -- 6.9.1: increments

@case("6.9", "An increment of 0 for a stream is an error of type "
      "PROTOCOL_ERROR, of the stream or the connection.")
def zero_for_stream(c):
    c.begin_open(1)
    c.send(window(1, 0))
    c.stream_or_connection_error(1, h2.PROTOCOL_ERROR)


@cases("6.9", "An increment of 0 for the connection is a connection error of "
       "type PROTOCOL_ERROR%s.",
       [("", number(0)), (", also with the reserved bit", number(1 << 31))])
def zero_for_connection(c, payload):
    c.begin()
    c.send(h2.frame(h2.WINDOW_UPDATE, 0, 0, payload))
    c.connection_error(h2.PROTOCOL_ERROR)


@case("6.9.1", "A connection's window above 2^31 - 1 is a connection error of "
      "type FLOW_CONTROL_ERROR.")
def connection_overflow(c):
    c.begin()
    c.send(window(0, MOST))
    c.connection_error(h2.FLOW_CONTROL_ERROR)


@case("6.9.1", "Also in small steps.")
def connection_overflow_in_steps(c):
    c.begin()
    c.send(window(0, 1 << 30) + window(0, (1 << 30) - FIRST - 1))
    c.lives_and_serves(1)
    used = sum(stream.flow for stream in c.streams.values())
    c.send(window(0, used))
    c.lives()
    c.send(window(0, 1))
    c.connection_error(h2.FLOW_CONTROL_ERROR)


@case("6.9.1", "A stream's window above 2^31 - 1 is an error of type "
      "FLOW_CONTROL_ERROR, of the stream or the connection.")
def stream_overflow(c):
    c.begin_open(1)
    c.send(window(1, MOST))
    c.stream_or_connection_error(1, h2.FLOW_CONTROL_ERROR)


@case("6.9.1", "A window of exactly 2^31 - 1 is none.")
def largest_window(c):
    c.begin_open(1)
    c.send(window(1, MOST - FIRST) + window(0, MOST - FIRST))
    c.lives()
    c.send(data(1, b"", True))
    c.served(1)


# -- 6.9.2: the window of all streams

@case("6.9.2", "A smaller INITIAL_WINDOW_SIZE may make a stream's window "
      "negative: nothing comes until it is positive again.")
def negative_window(c):
    c.begin((h2.INITIAL_WINDOW_SIZE, 100))
    ask_long(c, 1)
    flowed(c, 1, 100)
    c.send(h2.settings((h2.INITIAL_WINDOW_SIZE, 40)))    # -60
    c.lives()
    c.send(window(1, 59))                                # -1
    flowed(c, 1, 100)
    c.send(window(1, 1))                                 # 0
    flowed(c, 1, 100)
    c.send(window(1, 9))
    flowed(c, 1, 109)
    c.send(window(1, 1 << 20))
    c.served(1)


@case("6.9.2", "A larger INITIAL_WINDOW_SIZE opens the windows of streams "
      "that wait.")
def window_by_settings(c):
    c.begin((h2.INITIAL_WINDOW_SIZE, 3))
    c.send(window(0, 1 << 20))
    ask_long(c, 1)
    ask_long(c, 3)
    flowed(c, 1, 3)
    flowed(c, 3, 3)
    c.send(h2.settings((h2.INITIAL_WINDOW_SIZE, 20)))
    flowed(c, 1, 20)
    flowed(c, 3, 20)
    c.send(h2.settings((h2.INITIAL_WINDOW_SIZE, 1 << 20)))
    c.served(1)
    c.served(3)


@case("6.9.2", "What WINDOW_UPDATE gave stays when INITIAL_WINDOW_SIZE "
      "changes.")
def increments_stay(c):
    c.begin((h2.INITIAL_WINDOW_SIZE, 0))
    c.send(h2.opening(1, REFLECT) + window(1, 30))
    c.send(h2.settings((h2.INITIAL_WINDOW_SIZE, 5)) +
           data(1, reflect(LONG_FILE), True))
    flowed(c, 1, 35)
    c.send(window(1, 1 << 20))
    c.served(1)


@case("6.9.2", "INITIAL_WINDOW_SIZE does not change the connection's window.")
def settings_and_connection(c):
    c.begin((h2.INITIAL_WINDOW_SIZE, 1 << 20))
    ids = range(1, 17, 2)
    for stream in ids:
        ask_long(c, stream, 2)
    c.demand(lambda: sum(flow(c, i) for i in ids) >= FIRST, "the window")
    c.send(h2.settings((h2.INITIAL_WINDOW_SIZE, 1 << 21)))
    c.lives()
    total = sum(flow(c, i) for i in ids)
    c.check(total == FIRST, "%d bytes came of %d" % (total, FIRST))
    c.send(window(0, 1 << 20))
    for stream in ids:
        c.served(stream)


@case("6.9.2", "An INITIAL_WINDOW_SIZE that lifts a stream's window above "
      "2^31 - 1 is a connection error of type FLOW_CONTROL_ERROR.")
def settings_overflow(c):
    c.begin_open(1)
    c.send(window(1, MOST - FIRST) +
           h2.settings((h2.INITIAL_WINDOW_SIZE, FIRST + 1)))
    c.connection_error(h2.FLOW_CONTROL_ERROR)


# -- what the server takes

def stuck(c, *streams):
    """Streams whose answers do not go out, so that their questions pile up
    until they get no more window."""
    c.begin((h2.INITIAL_WINDOW_SIZE, 0))
    c.send(b"".join(h2.opening(i, REFLECT) for i in streams))


def pour(c, stream, total):
    """Send messages of 16 KiB, in spite of every window, while we are let."""
    body = h2.message(b"\x1a\xf8\x7f" + b"x" * (16384 - 8))
    for _ in range(0, total, len(body)):
        if c.closed or c.streams.get(stream) and \
                c.streams[stream].reset is not None:
            break
        c.send(data(stream, body))


@case("6.9.1", "DATA beyond a stream's window are an error of type "
      "FLOW_CONTROL_ERROR, of the stream or the connection.")
def beyond_the_stream(c):
    stuck(c, 1)
    pour(c, 1, 2 * c.announced[h2.INITIAL_WINDOW_SIZE])
    c.stream_or_connection_error(1, h2.FLOW_CONTROL_ERROR)


@case("6.9.1", "DATA beyond the connection's window are a connection error of "
      "type FLOW_CONTROL_ERROR.")
def beyond_the_connection(c):
    ids = range(1, 61, 2)
    stuck(c, *ids)
    within = c.announced[h2.INITIAL_WINDOW_SIZE] - 20000
    for stream in ids:
        if not c.closed:
            pour(c, stream, within)
    c.connection_error(h2.FLOW_CONTROL_ERROR)


@case("5.2.2", "Who keeps to the windows may send as much as he likes: they "
      "are given again.")
def windows_are_given(c):
    c.begin()
    sent = 0
    for stream in range(1, 161, 2):
        c.send(h2.opening(stream, CHECK))
        body = h2.message(b"\x0a\xf8\x7f" + b"x" * (16384 - 8))
        sent = c.send_within(stream, lambda s=stream, b=body: data(s, b),
                             sent + 1, sent)
        c.send(data(stream, b"", True))
        c.served(stream, 5)


@case("6.9", "Padding counts, and its window is given again.")
def padding_is_given_again(c):
    c.begin_open(1)
    c.send(data(1, h2.message(b"", 60000)))
    sent, stream = 0, 1
    for _ in range(6):
        sent = c.send_within(
            stream, lambda s=stream: data(s, b"\xff\0\0" + bytes(255),
                                          flags=h2.PADDED), sent + 200000,
            sent)
    c.lives()
    c.check(1 not in c.streams or c.streams[1].reset is None, "it was reset")


@case("6.9", "DATA on a stream that the server has just reset count for the "
      "connection, and their window is given again.")
def late_data_are_given_again(c):
    c.begin_reset_by_peer(1)
    c.send_within(1, lambda: data(1, bytes(16000)), 3 << 20, 5 + 5 * 16384)
    c.send(trailers(1))
    c.lives_and_serves(3)


@case("6.9", "DATA of a request that is refused count, too, and are given "
      "again.")
def refused_data_are_given_again(c):
    c.begin()
    c.send(h2.opening(1, CHECK, [("Upper", "case")]))
    c.stream_error(1, h2.PROTOCOL_ERROR)
    c.send_within(1, lambda: data(1, bytes(16000)), 3 << 20)
    c.lives_and_serves(3)


@case("6.9", "Windows are given for streams that the client resets while the "
      "server still has their DATA.")
def reset_data_are_given_again(c):
    c.begin()
    sent = 0
    for stream in range(1, 161, 2):
        c.send(h2.opening(stream, CHECK))
        sent = c.send_within(stream, lambda s=stream: data(
            s, h2.message(b"", 60000) + bytes(16000)), sent + 1, sent)
        c.send(reset(stream))
    c.lives_and_serves(201)
