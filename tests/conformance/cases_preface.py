"""How a connection begins, and SETTINGS: RFC 9113 sections 3 and 6.5."""

import ssl
import socket

import raw_h2 as h2
from conformance import CHECK, HEALTHZ, LONG_FILE, MOST, REFLECT, Wrong, \
    case, cases, data, get, goaway, ping, reflect, window


# -- 3: starting

@case("3.2", "Over TLS, HTTP/2 is agreed on by ALPN as h2.")
def alpn(c):
    c.begin()
    c.check(c.socket.selected_alpn_protocol() == "h2", "another protocol")


@case("3.2", "Who offers http/1.1 alone gets no connection.")
def alpn_without_h2(c):
    host, port = c.server.address().rsplit(":", 1)
    context = h2.context(c.server.certificates(), "employer")
    context.set_alpn_protocols(["http/1.1"])
    with socket.create_connection((host, int(port)), 10) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=host) as tls:
                tls.recv(1)
        except ssl.SSLError as error:
            c.check("NO_APPLICATION_PROTOCOL" in str(error).upper()
                    .replace(" ", "_"), str(error))
            return
    raise Wrong("there is a connection")


@case("3.4", "The server's first frame is SETTINGS, without ACK.")
def server_preface(c):
    c.connect()
    c.send(h2.PREFACE + h2.settings())
    c.demand(lambda: c.frames, "a frame")
    kind, flags, stream, _ = c.frames[0]
    c.check((kind, flags & h2.ACK, stream) == (h2.SETTINGS, 0, 0),
            "another frame")


@case("3.4", "A client need not wait for the server's SETTINGS to ask.")
def request_at_once(c):
    c.connect()
    c.send(h2.PREFACE + h2.settings() + h2.call(1, CHECK, b""))
    c.served(1)


@case("3.4", "A client may send the preface byte by byte.")
def slow_preface(c):
    c.connect()
    for byte in h2.PREFACE + h2.settings():
        c.send(bytes([byte]))
    c.lives_and_serves(1)


@cases("3.4", "A preface that is not the preface (%s) ends the connection; "
       "GOAWAY may be left out.",
       [("another version", h2.PREFACE.replace(b"2.0", b"2.1")),
        ("HTTP/1.1", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("the last byte is wrong", h2.PREFACE[:-1] + b"\r"),
        ("frames at once", h2.settings() + ping() + get(1))])
def wrong_preface(c, preface):
    c.connect()
    c.send(preface + h2.settings() + get(1))
    c.closes()
    c.check(c.goaway is None or c.goaway[1] == h2.PROTOCOL_ERROR,
            "GOAWAY has another code")
    c.check(1 not in c.streams, "the request was looked at")


@cases("3.4", "If the first frame behind the preface is not SETTINGS but %s, "
       "that is a connection error of type PROTOCOL_ERROR.",
       [("PING", ping()), ("HEADERS", get(1)), ("GOAWAY", goaway()),
        ("WINDOW_UPDATE", window(0, 1)),
        ("an acknowledgment", h2.frame(h2.SETTINGS, h2.ACK))])
def first_frame(c, frame):
    c.connect()
    c.send(h2.PREFACE + frame)
    c.connection_error(h2.PROTOCOL_ERROR)


# -- 6.5: SETTINGS

@case("6.5", "Every SETTINGS frame is acknowledged, once.")
def settings_acknowledged(c):
    c.begin()
    c.send(h2.settings() + h2.settings((h2.ENABLE_PUSH, 0)) +
           h2.settings((h2.INITIAL_WINDOW_SIZE, 1), (h2.ENABLE_PUSH, 0)))
    c.lives()
    c.check(c.acks == 4, "%d acknowledgments of 4" % c.acks)
    c.check(all(payload == b"" for kind, flags, _, payload in c.frames
                if kind == h2.SETTINGS and flags & h2.ACK),
            "an acknowledgment with a payload")


@case("6.5", "An acknowledgment with a payload is a connection error of type "
      "FRAME_SIZE_ERROR.")
def settings_ack_with_payload(c):
    c.begin()
    c.send(h2.frame(h2.SETTINGS, h2.ACK, 0, b"\0\2\0\0\0\0"))
    c.connection_error(h2.FRAME_SIZE_ERROR)


@cases("6.5", "SETTINGS on stream %d is a connection error of type "
       "PROTOCOL_ERROR.", [(1, 1), (2, 2), (MOST, MOST)])
def settings_on_a_stream(c, stream):
    c.begin()
    c.send(h2.frame(h2.SETTINGS, 0, stream))
    c.connection_error(h2.PROTOCOL_ERROR)


@cases("6.5", "SETTINGS of %d bytes, no multiple of 6, is a connection error "
       "of type FRAME_SIZE_ERROR.", [(1, 1), (5, 5), (7, 7), (17, 17)])
def settings_of_odd_length(c, length):
    c.begin()
    c.send(h2.frame(h2.SETTINGS, 0, 0, bytes(length)))
    c.connection_error(h2.FRAME_SIZE_ERROR)


@case("6.5.1", "What the server's SETTINGS say is within what section 6.5.2 "
      "allows a server.")
def server_settings(c):
    c.begin()
    told = c.announced
    c.check(told.get(h2.ENABLE_PUSH, 0) == 0, "push is not the server's to "
            "enable")
    c.check(told.get(h2.INITIAL_WINDOW_SIZE, 65535) <= MOST, "window")
    c.check(1 << 14 <= told.get(h2.MAX_FRAME_SIZE, 1 << 14) < 1 << 24,
            "frame size")
    c.check(told.get(h2.MAX_CONCURRENT_STREAMS, 100) >= 100,
            "fewer streams than the 100 that are recommended")


@cases("6.5.2", "A value that %s is a connection error of its type.",
       [("ENABLE_PUSH cannot have (2)", h2.ENABLE_PUSH, 2, h2.PROTOCOL_ERROR),
        ("ENABLE_PUSH cannot have (2^32 - 1)", h2.ENABLE_PUSH, 0xffffffff,
         h2.PROTOCOL_ERROR),
        ("is above the largest window (2^31)", h2.INITIAL_WINDOW_SIZE,
         MOST + 1, h2.FLOW_CONTROL_ERROR),
        ("is above the largest window (2^32 - 1)", h2.INITIAL_WINDOW_SIZE,
         0xffffffff, h2.FLOW_CONTROL_ERROR),
        ("is below the smallest frame size (2^14 - 1)", h2.MAX_FRAME_SIZE,
         (1 << 14) - 1, h2.PROTOCOL_ERROR),
        ("is no frame size (0)", h2.MAX_FRAME_SIZE, 0, h2.PROTOCOL_ERROR),
        ("is above the largest frame size (2^24)", h2.MAX_FRAME_SIZE, 1 << 24,
         h2.PROTOCOL_ERROR)])
def settings_out_of_range(c, key, value, code):
    c.begin()
    c.send(h2.settings((key, value)))
    c.connection_error(code)


@case("6.5.2", "A value out of range is one in the first SETTINGS, too.")
def first_settings_out_of_range(c):
    c.connect()
    c.send(h2.PREFACE + h2.settings((h2.MAX_FRAME_SIZE, 1)))
    c.connection_error(h2.PROTOCOL_ERROR)


@cases("6.5.2", "The values at the edge of what is allowed are: %s.",
       [("ENABLE_PUSH 0, then 1", (h2.ENABLE_PUSH, 0), (h2.ENABLE_PUSH, 1)),
        ("INITIAL_WINDOW_SIZE 2^31 - 1", (h2.INITIAL_WINDOW_SIZE, MOST)),
        ("MAX_FRAME_SIZE 2^14 and 2^24 - 1", (h2.MAX_FRAME_SIZE, 1 << 14),
         (h2.MAX_FRAME_SIZE, (1 << 24) - 1)),
        ("HEADER_TABLE_SIZE 0 and 2^32 - 1", (h2.HEADER_TABLE_SIZE, 0),
         (h2.HEADER_TABLE_SIZE, 0xffffffff)),
        ("MAX_CONCURRENT_STREAMS 0 and 2^32 - 1",
         (h2.MAX_CONCURRENT_STREAMS, 0),
         (h2.MAX_CONCURRENT_STREAMS, 0xffffffff)),
        ("MAX_HEADER_LIST_SIZE 2^32 - 1",
         (h2.MAX_HEADER_LIST_SIZE, 0xffffffff))])
def settings_at_the_edge(c, *pairs):
    c.begin()
    for pair in pairs:
        c.send(h2.settings(pair))
    c.lives_and_serves(1)


@case("6.5.2", "Settings that nobody knows are ignored, and acknowledged.")
def unknown_settings(c):
    c.begin((0, 1), (0x0a0a, 0xffffffff), (0xffff, 0))
    c.send(h2.settings((0x7a7a, 7), (h2.ENABLE_PUSH, 0), (0xf000, 0)))
    c.lives_and_serves(1)
    c.check(c.acks == 2, "%d acknowledgments of 2" % c.acks)


@case("6.5.2", "Answers hold to the client's MAX_FRAME_SIZE, which is 2^14 "
      "unless it says more.")
def frames_no_longer_than_allowed(c):
    c.begin((h2.INITIAL_WINDOW_SIZE, 1 << 20))
    c.send(window(0, 1 << 20) + h2.opening(1, REFLECT))
    for _ in range(4):
        c.send(data(1, reflect(LONG_FILE)))
    c.send(data(1, b"", True))
    c.served(1)
    longest = max(len(payload) for _, _, _, payload in c.frames)
    c.check(len(c.streams[1].data) > 1 << 14, "the answer is too short")
    c.check(longest <= 1 << 14, "a frame of %d bytes" % longest)


@case("6.5.3", "Of values for one setting in one frame the last counts "
      "(a window of 1, then of 65535).")
def last_value_opens(c):
    c.begin((h2.INITIAL_WINDOW_SIZE, 1), (h2.INITIAL_WINDOW_SIZE, 65535))
    c.serve(1)


@case("6.5.3", "Of values for one setting in one frame the last counts "
      "(a window of 65535, then of 0).")
def last_value_shuts(c):
    c.begin((h2.INITIAL_WINDOW_SIZE, 65535), (h2.INITIAL_WINDOW_SIZE, 0))
    c.send(get(1))
    c.lives()
    c.check(1 not in c.streams or c.streams[1].flow == 0, "DATA came")
    c.send(window(1, 65535))
    c.answered(1, "200")


@case("6.5.3", "SETTINGS are in force for the frames behind them.")
def settings_before_request(c):
    c.begin()
    c.send(h2.settings((h2.INITIAL_WINDOW_SIZE, 0)) + get(1))
    c.lives()
    c.check(1 not in c.streams or c.streams[1].flow == 0, "DATA came")
    c.send(h2.settings((h2.INITIAL_WINDOW_SIZE, 65535)))
    c.answered(1, "200")


@case("6.5.3", "A client that has not acknowledged SETTINGS yet is served; "
      "the server may lose patience (SETTINGS_TIMEOUT), but not at once.")
def settings_not_acknowledged(c):
    c.connect()
    c.send(h2.PREFACE + h2.settings())
    c.lives_and_serves(1)
    c.send(get(3))
    c.answered(3, "200")


@case("6.5.3", "An acknowledgment of nothing is ignored or a connection error "
      "of type PROTOCOL_ERROR; RFC 9113 does not say.")
def ack_of_nothing(c):
    c.begin()
    c.barrier()
    c.send(h2.frame(h2.SETTINGS, h2.ACK))
    c.barrier()
    if c.closed or c.goaway:
        c.connection_error(h2.PROTOCOL_ERROR)
    else:
        c.lives_and_serves(1)


@case("3.3", "A client that knows of HTTP/2 beforehand asks %s at once, with "
      "no Upgrade." % HEALTHZ)
def prior_knowledge(c):
    c.begin()
    c.send(get(1))
    c.answered(1, "200")
    c.check(c.streams[1].data, "there is no body")
