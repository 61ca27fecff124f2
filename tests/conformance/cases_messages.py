"""Requests and answers: RFC 9113 section 8.

A request is malformed (8.1.1): the stream is reset with PROTOCOL_ERROR, is not
answered otherwise, and the connection lives.
"""

import raw_h2 as h2
from conformance import CHECK, HEALTHZ, MOST, NOWHERE, REFLECT, case, cases, \
    data, get, trailers


def malformed(c, frame, stream=1):
    c.begin()
    c.send(frame)
    c.malformed(stream)


def post(*more, path=CHECK):
    """A call but for its body."""
    return h2.opening(1, path, more)


# -- 8.1: how a message is framed

@case("8.1", "A request is headers, a body in any pieces, and maybe "
      "trailers.")
def pieces(c):
    body = h2.message(b"\x0a\x00")
    c.begin()
    c.send(post() + b"".join(data(1, body[i:i + 1])
                             for i in range(len(body))) + trailers(1))
    c.served(1)


@case("8.1", "HEADERS behind the headers that do not end the stream make a "
      "request malformed.")
def headers_twice(c):
    malformed(c, post() + h2.frame(h2.HEADERS, h2.END_HEADERS, 1,
                                   h2.literal("x-a", "b")))


@case("8.1", "HEADERS behind the body that do not end the stream make a "
      "request malformed.")
def trailers_without_end(c):
    malformed(c, post() + data(1, b"\0") +
              h2.frame(h2.HEADERS, h2.END_HEADERS, 1, h2.literal("x", "y")))


@case("8.1", "A second request in the place of trailers makes a request "
      "malformed.")
def request_as_trailers(c):
    malformed(c, post() + get(1))


@case("8.1", "DATA behind the trailers are an error of type STREAM_CLOSED, "
      "of the stream or the connection.")
def data_behind_trailers(c):
    c.begin_half_closed(3)
    c.send(h2.opening(5, "/grpc.health.v1.Health/Watch") +
           data(5, h2.message(b"")) + trailers(5) + data(5, b"x"))
    c.stream_or_connection_error(5, h2.STREAM_CLOSED)


@case("8.1", "An answer is one HEADERS, DATA, and HEADERS that end it, with "
      "one :status and that first.")
def answer(c):
    c.begin()
    c.serve(1)
    kinds = [kind for kind, _, stream, _ in c.frames
             if stream == 1 and kind <= h2.CONTINUATION]
    c.check(kinds == [h2.HEADERS, h2.DATA, h2.HEADERS], "other frames")
    first, last = c.streams[1].blocks
    c.check(first[0] == (":status", "200"), "it begins otherwise")
    names = [name for name, _ in first[1:] + last]
    c.check(not any(name.startswith(":") for name in names), "another one")
    c.check(all(name == name.lower() for name in names), "upper case")


@case("8.1", "An answer that is complete before the request is ends with "
      "RST_STREAM of type NO_ERROR, and not before.")
def early_answer(c):
    c.begin_reset_by_peer(1)
    kinds = [kind for kind, _, stream, _ in c.frames if stream == 1]
    c.check(c.streams[1].ended, "it is not complete")
    c.check(kinds[-1] == h2.RST_STREAM, "something else came last")
    c.check(c.streams[1].reset == h2.NO_ERROR, "another code")


@case("8.1", "HEAD is answered by headers alone.")
def head(c):
    c.begin()
    c.send(get(1, method="HEAD"))
    c.answered(1, "200")
    c.check(c.streams[1].data == b"", "there is a body")


# -- 8.1.1: content-length

LENGTHS = [
    ("more than the body", "100", b"\0\0\0\0\0"),
    ("less than the body", "3", b"\0\0\0\0\0"),
    ("0, with a body", "0", b"\0\0\0\0\0"),
    ("1, without a body", "1", b""),
]


@cases("8.1.1", "A content-length that is %s makes a request malformed.",
       LENGTHS)
def wrong_length(c, length, body):
    c.begin()
    c.send(post(("content-length", length)) + data(1, body, True))
    c.stream_error(1, h2.PROTOCOL_ERROR)
    c.serve(101)


@case("8.1.1", "A content-length above 0 of a request that ends with its "
      "headers makes it malformed.")
def length_without_body(c):
    malformed(c, get(1, [("content-length", "10")]))


@case("8.1.1", "A body that grows beyond its content-length makes the request "
      "malformed before it ends.")
def growing(c):
    c.begin()
    c.send(post(("content-length", "4"), path=REFLECT) + data(1, b"\0\0\0\0"))
    c.lives()
    c.send(data(1, b"\0"))
    c.stream_error(1, h2.PROTOCOL_ERROR)


@case("8.1.1", "A body that trailers end before its content-length makes the "
      "request malformed.")
def length_and_trailers(c):
    c.begin()
    c.send(post(("content-length", "9")) + data(1, b"\0\0\0\0\0") +
           trailers(1))
    c.stream_error(1, h2.PROTOCOL_ERROR)


@cases("8.1.1", "A content-length of %r is none, which makes a request "
       "malformed.", [(text, text) for text in
                      ("abc", "-1", "+5", "5,5", "0x5", "", "5 5",
                       "99999999999999999999")])
def no_length(c, text):
    malformed(c, post(("content-length", text)))


@case("8.1.1", "Two lengths that differ make a request malformed.")
def two_lengths(c):
    malformed(c, post(("content-length", "5"), ("content-length", "6")))


@cases("8.1.1", "A content-length that is right (%s) is taken.",
       [("5", post(("content-length", "5")) + data(1, b"\0\0\0\0\0", True)),
        ("5, in pieces, and trailers", post(("content-length", "5")) +
         data(1, b"\0\0") + data(1, b"\0\0\0") + trailers(1)),
        ("5, padded", post(("content-length", "5")) +
         data(1, b"\x09" + b"\0" * 14, True, h2.PADDED))])
def right_length(c, frames):
    c.begin()
    c.send(frames)
    c.served(1)


@case("8.1.1", "A content-length of 0 without a body is taken.")
def length_of_nothing(c):
    c.begin()
    c.send(get(1, [("content-length", "0")]))
    c.answered(1, "200")


# -- 8.2: names and values

@cases("8.2.1", "A name %s makes a request malformed.",
       [("with an upper-case letter", b"x-Upper"),
        ("that begins with one", b"Content-type"),
        ("that is empty", b""), ("with a space", b"x y"),
        ("that ends with a space", b"x "), ("with a colon", b"x:y"),
        ("with a NUL", b"x\0y"), ("with a line feed", b"x\ny"),
        ("with a carriage return", b"x\ry"), ("with a DEL", b"x\x7f"),
        ("with a byte above 127", b"x\xe9"),
        ("with a byte of 255", b"\xff"), ("with a tab", b"x\ty")])
def wrong_name(c, name):
    malformed(c, get(1, [(name, b"v")]))


@cases("8.2.1", "A value with %s makes a request malformed.",
       [("a NUL", b"a\0b"), ("a line feed", b"a\nb"),
        ("a carriage return", b"a\rb"), ("a line of its own", b"a\r\nx: y"),
        ("a space before it", b" a"), ("a space behind it", b"a "),
        ("a tab before it", b"\ta"), ("a tab behind it", b"a\t"),
        ("a space alone", b" ")])
def wrong_value(c, value):
    malformed(c, get(1, [("x-a", value)]))


@cases("8.2.1", "A name %s in the trailers makes a request malformed.",
       [("with an upper-case letter", b"X-end"), ("with a space", b"x y")])
def wrong_name_in_trailers(c, name):
    malformed(c, post(path=REFLECT) + trailers(1, [(name, b"v")]))


@case("8.2.1", "A value with a line feed in the trailers makes a request "
      "malformed.")
def wrong_value_in_trailers(c):
    malformed(c, post(path=REFLECT) + trailers(1, [("x", "a\nb")]))


@cases("8.2.1", "A value %s is taken.",
       [("with spaces and tabs within", b"a b\tc"), ("that is empty", b""),
        ("with bytes above 127", b"caf\xc3\xa9 \xff"),
        ("of all that may be seen", bytes(range(33, 127)))])
def right_value(c, value):
    c.begin()
    c.send(get(1, [("x-a", value)]))
    c.answered(1, "200")


@case("8.2.1", "A name of all that a token may be made of is taken.")
def right_name(c):
    c.begin()
    c.send(get(1, [("!#$%&'*+-.^_`|~09az", "v")]))
    c.answered(1, "200")


@cases("8.2.2", "The header %s, which is the connection's, makes a request "
       "malformed.",
       [(name, name, value) for name, value in
        (("connection", "close"), ("keep-alive", "timeout=5"),
         ("proxy-connection", "keep-alive"), ("upgrade", "h2c"),
         ("transfer-encoding", "chunked"))])
def of_the_connection(c, name, value):
    malformed(c, get(1, [(name, value)]))


@cases("8.2.2", "The header te with %r, which is not trailers, makes a "
       "request malformed.", [(text, text) for text in
                              ("gzip", "trailers, deflate", "")])
def wrong_te(c, value):
    malformed(c, get(1, [("te", value)]))


@case("8.2.2", "The header te with trailers is taken, in any case.")
def right_te(c):
    c.begin()
    c.send(get(1, [("te", "trailers")]) + get(3, [("te", "Trailers")]))
    c.answered(1, "200")
    c.answered(3, "200")


@case("8.2.3", "A cookie may come in several headers.")
def cookies(c):
    c.begin()
    c.send(get(1, [("cookie", "a=b"), ("cookie", "c=d"), ("cookie", "e=f")]))
    c.answered(1, "200")


# -- 8.3: what begins with a colon

@cases("8.3", "%s makes a request malformed.",
       [(":status in a request", [(":status", "200")]),
        ("A pseudo-header that nobody knows", [(":unknown", "x")]),
        ("A pseudo-header without a name", [(":", "x")]),
        (":protocol without extended CONNECT", [(":protocol", "websocket")]),
        ("A second :method", [(":method", "GET")]),
        ("A second :scheme", [(":scheme", "https")]),
        ("A second :path", [(":path", HEALTHZ)]),
        ("A second :authority", [(":authority", "localhost")]),
        ("A pseudo-header behind a header",
         [("x-a", "b"), (":authority", "localhost")])])
def wrong_pseudo(c, more):
    malformed(c, get(1, more, authority=None if ("x-a", "b") in more
                     else "localhost"))


@cases("8.3", "%s in the trailers makes a request malformed.",
       [(name, name, value) for name, value in
        ((":path", HEALTHZ), (":method", "POST"), (":status", "200"),
         (":unknown", "x"))])
def pseudo_in_trailers(c, name, value):
    malformed(c, post(path=REFLECT) + trailers(1, [(name, value)]))


@cases("8.3.1", "A request without %s is malformed.",
       [(":" + name, {name: None}) for name in ("method", "scheme", "path")])
def without(c, pseudo):
    malformed(c, get(1, **pseudo))


@case("8.3.1", "A request without any of them is malformed.")
def without_all(c):
    malformed(c, get(1, [("x-a", "b")], method=None, scheme=None, path=None,
                     authority=None))


@case("8.3.1", "A request without headers is malformed.")
def without_headers(c):
    malformed(c, h2.frame(h2.HEADERS, 5, 1))


@cases("8.3.1", "%s makes a request malformed.",
       [("An empty :path", {"path": ""}),
        ("A :path that does not begin with a slash", {"path": "healthz"}),
        (":path * with another method than OPTIONS", {"path": "*"}),
        ("A :path with a space", {"path": "/a b"}),
        ("A :path with a line feed", {"path": "/a\nb"}),
        ("An empty :method", {"method": ""}),
        ("A :method with a space", {"method": "GET X"}),
        ("An empty :scheme", {"scheme": ""}),
        ("A :scheme with a slash", {"scheme": "https://"}),
        ("An :authority with a space", {"authority": "local host"}),
        ("An :authority with a NUL", {"authority": "local\0host"})])
def wrong_request(c, pseudo):
    malformed(c, get(1, **pseudo))


@case("8.3.1", "Without :authority a host says as much.")
def host(c):
    c.begin()
    c.send(get(1, [("host", "localhost")], authority=None))
    c.answered(1, "200")


@case("8.3.1", "A host that is the same as :authority is taken.")
def same_host(c):
    c.begin()
    c.send(get(1, [("host", "localhost")]))
    c.answered(1, "200")


@case("8.3.1", "A host that differs from :authority should make a request "
      "malformed.")
def another_host(c):
    malformed(c, get(1, [("host", "elsewhere")]))


@case("8.3.1", "Two hosts make a request malformed.")
def two_hosts(c):
    malformed(c, get(1, [("host", "localhost"), ("host", "localhost")],
                     authority=None))


@case("8.3.1", "A request that names no authority at all is malformed, for "
      "https has one, or is answered.")
def no_authority(c):
    c.begin()
    c.send(get(1, authority=None))
    c.until(lambda: c.over(1))
    if c.streams[1].reset is not None:
        c.stream_error(1, h2.PROTOCOL_ERROR)
    else:
        c.answered(1)


@cases("8.3.1", "A request with %s is answered, whatever the answer.",
       [("the method OPTIONS for *", {"method": "OPTIONS", "path": "*"}),
        ("a method that nobody knows", {"method": "BREW"}),
        ("a method in lower case", {"method": "get"}),
        ("another scheme", {"scheme": "http"}),
        ("a query", {"path": HEALTHZ + "?a=b&c=%20"}),
        ("a very long path", {"path": "/" + "a" * 8000}),
        ("a path of slashes", {"path": "//"})])
def odd_request(c, pseudo):
    c.begin()
    c.send(get(1, **pseudo))
    c.answered(1)
    c.lives_and_serves(3)


@case("8.3.1", "The order of pseudo-headers means nothing.")
def order(c):
    pairs = [(":path", HEALTHZ), (":authority", "localhost"),
             (":scheme", "https"), (":method", "GET")]
    c.begin()
    for i in range(4):
        c.send(h2.frame(h2.HEADERS, 5, 2 * i + 1, b"".join(
            h2.literal(*pair) for pair in pairs[i:] + pairs[:i])))
        c.answered(2 * i + 1, "200")


# -- 8.5: CONNECT

@cases("8.5", "CONNECT with %s is malformed.",
       [(":scheme and :path", {}), (":path", {"scheme": None}),
        (":scheme", {"path": None}),
        ("no :authority", {"scheme": None, "path": None,
                           "authority": None})])
def wrong_connect(c, pseudo):
    malformed(c, get(1, method="CONNECT", **pseudo))


@case("8.5", "CONNECT, which is not served, is answered so or reset.")
def connect(c):
    c.begin()
    c.send(get(1, method="CONNECT", scheme=None, path=None,
               authority="localhost:1"))
    c.demand(lambda: c.over(1), "the end of the stream")
    got = c.streams[1].header(":status")
    c.check(got is None or got >= "400", "it is served: %s" % got)
    c.lives_and_serves(3)


# -- 8.7: what is safe to try again

@case("8.7", "A stream that is refused (REFUSED_STREAM) has not been looked "
      "at: it may be asked again, on another.")
def refused(c):
    c.begin()
    most = c.announced[h2.MAX_CONCURRENT_STREAMS]
    last = 2 * most - 1
    c.send(b"".join(h2.opening(i, REFLECT) for i in range(1, last + 1, 2)))
    c.send(h2.call(last + 2, CHECK, b""))
    c.stream_error(last + 2, h2.REFUSED_STREAM)
    c.check(not c.streams[last + 2].blocks, "it was answered")
    c.send(data(1, b"", True))
    c.served(1)
    c.serve(last + 4)


# -- 8.1.1 again: an error of a message is that of its stream

@case("8.1.1", "However many requests are malformed, the good ones among them "
      "are answered.")
def good_among_malformed(c):
    c.begin()
    for stream in range(1, 41, 4):
        c.send(get(stream, [("Upper", "case")]) + get(stream + 2))
    for stream in range(1, 41, 4):
        c.answered(stream + 2, "200")
        c.check(c.over(stream) and
                c.streams[stream].reset == h2.PROTOCOL_ERROR, "no reset")


@case("8.1.1", "A request that turns malformed while it is answered is reset, "
      "and nothing comes behind.")
def malformed_while_answered(c):
    c.begin_open(1)
    c.send(data(1, h2.message(b"\x3a\x00")))
    c.demand(lambda: 1 in c.streams and c.streams[1].messages(), "an answer")
    c.send(trailers(1, [("Upper", "case")]))
    c.stream_error(1, h2.PROTOCOL_ERROR)
    c.check([f for f in c.frames if f[2] == 1][-1][0] == h2.RST_STREAM,
            "more came")


@case("8.2", "A request with a header list of a hundred fields is answered.")
def many_fields(c):
    c.begin()
    c.send(get(1, [("x-%d" % i, "v") for i in range(100)]))
    c.answered(1, "200")


@case("8.8", "Calls side by side are each answered on their stream.")
def side_by_side(c):
    c.begin()
    ids = range(1, 101, 2)
    c.send(b"".join(h2.call(i, CHECK if i % 4 == 1 else NOWHERE, b"")
                    for i in ids))
    for stream in ids:
        c.served(stream, 0 if stream % 4 == 1 else 12)


@case("8.1", "The whole of a message that is refused for its length need not "
      "come.")
def too_long_a_message(c):
    c.begin()
    c.send(post() + data(1, h2.message(b"x" * 100, MOST)))
    c.served(1, 8)
