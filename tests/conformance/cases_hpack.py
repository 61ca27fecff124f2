"""Header compression: RFC 7541, and RFC 9113 section 4.3."""

import hpack

import raw_h2 as h2
from conformance import CHECK, HEALTHZ, REFLECT, case, cases, data, get, \
    get_block

TABLE = 4096                    # bytes, which nobody has changed
AUTHORITY, METHOD_GET, PATH, SCHEME_HTTPS, ACCEPT_ENCODING = 1, 2, 4, 7, 16
NEWEST = 62                     # the first index of the dynamic table


def entry(size, name="x"):
    """A header whose entry takes ${size} of the table."""
    return h2.literal(name, "v" * (size - 32 - len(name)), 0x40)


def begin_of(path=HEALTHZ):
    """A request but for its path, and what puts the path into the table."""
    return h2.indexed(METHOD_GET) + h2.indexed(SCHEME_HTTPS) + \
        h2.named(AUTHORITY, "localhost", 4, 0x00), h2.named(PATH, path)


def ask(c, stream, block):
    c.send(h2.frame(h2.HEADERS, 5, stream, block))


def broken(c, block):
    """The block cannot be decoded, whatever else is in it."""
    c.begin()
    ask(c, 1, get_block() + block)
    c.connection_error(h2.COMPRESSION_ERROR)


# -- what can be decoded

@case("RFC 7541 6.1", "Headers of the static table are found by their index.")
def static_table(c):
    c.begin()
    first, _ = begin_of()
    ask(c, 1, first + h2.named(PATH, HEALTHZ, 4, 0x00) +
        h2.indexed(ACCEPT_ENCODING))
    c.answered(1, "200")


@cases("RFC 7541 6.2", "A header is understood in the form %s.",
       [("of a name and a value, added to the table",
         h2.literal(":path", HEALTHZ, 0x40)),
        ("of a name and a value, not added",
         h2.literal(":path", HEALTHZ, 0x00)),
        ("of a name and a value, never to be added",
         h2.literal(":path", HEALTHZ, 0x10)),
        ("of an index and a value, added to the table",
         h2.named(PATH, HEALTHZ, 6, 0x40)),
        ("of an index and a value, not added",
         h2.named(PATH, HEALTHZ, 4, 0x00)),
        ("of an index and a value, never to be added",
         h2.named(PATH, HEALTHZ, 4, 0x10))])
def forms(c, path):
    c.begin()
    ask(c, 1, begin_of()[0] + path)
    c.answered(1, "200")


@case("RFC 7541 2.3.2", "What was added is found from then on, the newest "
      "first.")
def dynamic_table(c):
    c.begin()
    first, path = begin_of()
    _, other = begin_of("/elsewhere")
    ask(c, 1, first + path)
    ask(c, 3, first + other)
    ask(c, 5, first + h2.indexed(NEWEST + 1))
    ask(c, 7, first + h2.indexed(NEWEST))
    for stream in (1, 5):
        c.answered(stream, "200")
    for stream in (3, 7):
        c.demand(lambda s=stream: c.over(s), "an answer")
        c.check(c.streams[stream].header(":status") != "200", "it was found")


@case("RFC 7541 2.2", "The table is the connection's: what one stream added "
      "another finds, also by its name alone.")
def table_of_the_connection(c):
    c.begin()
    ask(c, 1, get_block() + h2.literal("x-a", "1", 0x40))
    ask(c, 3, get_block() + h2.indexed(NEWEST) +
        h2.named(NEWEST, "2", 4, 0x00))
    c.answered(1, "200")
    c.answered(3, "200")


@case("RFC 7541 5.2", "Strings by Huffman's code are understood.")
def huffman(c):
    c.begin()
    ask(c, 1, begin_of()[0] + b"\x44" + h2.huffman(HEALTHZ) + b"\x00" +
        h2.huffman("x-a") + h2.huffman("A b{c}<d>|e!"))
    ask(c, 3, begin_of()[0] + b"\x00" + h2.huffman(":path") +
        h2.huffman(HEALTHZ))
    ask(c, 5, begin_of()[0] + h2.indexed(NEWEST))
    for stream in (1, 3, 5):
        c.answered(stream, "200")


@case("RFC 7541 5.2", "Strings may be empty, by Huffman's code, too.")
def empty_strings(c):
    c.begin()
    ask(c, 1, get_block() + b"\x00\x03x-a\x00" + b"\x00\x03x-b\x80")
    c.answered(1, "200")


@case("RFC 7541 5.1", "A number in more than one byte is understood, also "
      "with zeros at its end that are not needed.")
def long_numbers(c):
    value = b"v" * 1337
    c.begin()
    ask(c, 1, get_block() + b"\x00\x03x-a" + h2.integer(1337, 7, 0) + value)
    ask(c, 3, get_block() + b"\x00\x03x-a" + b"\x7f\x80\x00" + b"v" * 127)
    c.answered(1, "200")
    c.answered(3, "200")


# -- the size of the table

@case("RFC 7541 4.4", "An entry is added at the cost of the oldest: that can "
      "be found no more.")
def eviction(c):
    c.begin()
    first, path = begin_of()
    ask(c, 1, first + path)
    c.answered(1, "200")
    ask(c, 3, get_block() + entry(2048, "a") + entry(2048, "b"))
    c.answered(3, "200")
    ask(c, 5, first + h2.indexed(NEWEST + 2))
    c.connection_error(h2.COMPRESSION_ERROR)


@case("RFC 7541 4.4", "Two entries that fill the table to the last byte are "
      "both there.")
def table_full(c):
    c.begin()
    ask(c, 1, get_block() + entry(2048, "a") + entry(2048, "b"))
    ask(c, 3, get_block() + h2.indexed(NEWEST) + h2.indexed(NEWEST + 1))
    c.answered(1, "200")
    c.answered(3, "200")


@case("RFC 7541 4.4", "An entry larger than the table is no error, and "
      "empties it.")
def entry_too_large(c):
    c.begin()
    ask(c, 1, get_block() + entry(64) + entry(TABLE + 1))
    c.answered(1, "200")
    ask(c, 3, get_block() + h2.indexed(NEWEST))
    c.connection_error(h2.COMPRESSION_ERROR)


@case("RFC 7541 4.4", "An entry may take its name from one that it drives "
      "out.")
def name_of_the_evicted(c):
    c.begin()
    ask(c, 1, get_block() + entry(4096, "x-old"))
    ask(c, 3, get_block() + h2.named(NEWEST, "v" * 2000))
    ask(c, 5, get_block() + h2.indexed(NEWEST))
    for stream in (1, 3, 5):
        c.answered(stream, "200")


@case("RFC 7541 6.3", "The encoder may make the table smaller, and larger "
      "again: what it held is gone.")
def table_size(c):
    c.begin()
    ask(c, 1, get_block() + entry(64))
    ask(c, 3, h2.table_size(0) + h2.table_size(TABLE) + get_block())
    c.answered(1, "200")
    c.answered(3, "200")
    ask(c, 5, get_block() + h2.indexed(NEWEST))
    c.connection_error(h2.COMPRESSION_ERROR)


@case("RFC 7541 4.3", "A table that is made smaller keeps the newest that fit "
      "in.")
def table_shrinks(c):
    c.begin()
    first, path = begin_of()
    ask(c, 1, get_block() + entry(1000))
    ask(c, 3, first + path)
    ask(c, 5, h2.table_size(100) + first + h2.indexed(NEWEST))
    for stream in (1, 3, 5):
        c.answered(stream, "200")
    ask(c, 7, get_block() + h2.indexed(NEWEST + 1))
    c.connection_error(h2.COMPRESSION_ERROR)


@case("RFC 7541 6.3", "A table size of exactly what was agreed on is taken.")
def table_size_most(c):
    c.begin()
    ask(c, 1, h2.table_size(TABLE) + get_block())
    c.answered(1, "200")


@case("RFC 7541 6.3", "A table size alone makes a block, of trailers.")
def table_size_alone(c):
    c.begin()
    c.send(h2.opening(1, CHECK) + data(1, h2.message(b"")) +
           h2.frame(h2.HEADERS, 5, 1, h2.table_size(256)))
    c.served(1)


@cases("RFC 7541 6.3", "A table size above what was agreed on (%d) is a "
       "connection error of type COMPRESSION_ERROR.",
       [(4097, 4097), (65536, 65536), (0xffffffff, 0xffffffff)])
def table_size_too_large(c, size):
    c.begin()
    ask(c, 1, h2.table_size(size) + get_block())
    c.connection_error(h2.COMPRESSION_ERROR)


@case("RFC 7541 4.2", "A table size behind a header is a connection error of "
      "type COMPRESSION_ERROR.")
def table_size_too_late(c):
    broken(c, h2.table_size(0))


@case("RFC 7541 4.2", "A table size between two headers is one, too.")
def table_size_between(c):
    broken(c, h2.table_size(TABLE) + h2.literal("x-a", "b"))


# -- what cannot be decoded

@cases("RFC 7541 2.3.3", "%s is a connection error of type "
       "COMPRESSION_ERROR.",
       [("The index 0 (6.1)", h2.indexed(0)),
        ("An index behind the static table, while the other is empty",
         h2.indexed(NEWEST)),
        ("A far index", h2.indexed(100000)),
        ("An index of 2^32 - 1", h2.indexed(0xffffffff)),
        ("A name by an index that is not there, to be added",
         h2.named(NEWEST, "v")),
        ("A name by an index that is not there, not to be added",
         h2.named(NEWEST, "v", 4, 0x00)),
        ("A name by an index that is not there, never to be added",
         h2.named(NEWEST, "v", 4, 0x10))])
def wrong_index(c, block):
    broken(c, block)


@cases("RFC 7541 6.2", "A header %s leaves nothing in the table: the index is "
       "a connection error of type COMPRESSION_ERROR.",
       [("not to be added", 0x00), ("never to be added", 0x10)])
def no_trace(c, head):
    broken(c, h2.literal("x-a", "b", head) + h2.indexed(NEWEST))


@cases("RFC 7541 5.1", "A number %s is a connection error of type "
       "COMPRESSION_ERROR.",
       [("beyond all bounds, as an index", b"\xff" * 12 + b"\x7f"),
        ("beyond all bounds, as a length", b"\x00\x7f" + b"\xff" * 11 +
         b"\x7f"),
        ("of 2^32, as a length", b"\x00\x7f\x81\xff\xff\xff\x0f" + b"x"),
        ("beyond all bounds, as a table's size", b"\x3f" + b"\xff" * 10),
        ("that has no end", b"\xff"),
        ("that has no end either", b"\x00\x7f\xff\xff"),
        ("of zeros without end", b"\xff" + b"\x80" * 20 + b"\x00")])
def wrong_number(c, block):
    broken(c, block)


@cases("RFC 7541 5.2", "A string by Huffman's code %s is a connection error "
       "of type COMPRESSION_ERROR.",
       [("with eight bits of padding", "1" * 8, "1"),
        ("with fifteen bits of padding", "1" * 15, "1"),
        ("padded with zeros", "", "0"),
        ("padded with a zero among ones", "0", "1"),
        ("that contains the end of the string", h2.END_OF_STRING, "1")])
def wrong_huffman(c, bits, pad):
    # Of the value, 8 bits by two characters: padding begins at a whole byte
    # or, of one character, in the midst of one.
    value = "a" * (8 if len(bits) >= 8 else 1)
    broken(c, b"\x00\x03x-a" + h2.huffman(value, bits, pad))


@case("RFC 7541 5.2", "A name by Huffman's code with the end of the string in "
      "it is one, too.")
def wrong_huffman_name(c):
    broken(c, b"\x00" + h2.huffman("x-a", h2.END_OF_STRING) + b"\x01b")


@cases("4.3", "A block that ends %s is a connection error of type "
       "COMPRESSION_ERROR.",
       [("in the midst of a name", b"\x00\x05x-a"),
        ("behind a name", b"\x00\x03x-a"),
        ("in the midst of a value", b"\x00\x03x-a\x05bcd"),
        ("before a name", b"\x40"),
        ("in the midst of a string by Huffman's code",
         b"\x00\x03x-a" + h2.huffman("hello")[:-1])])
def block_cut(c, block):
    broken(c, block)


@case("4.3", "Trailers that cannot be decoded are a connection error "
      "of type COMPRESSION_ERROR.")
def trailers_broken(c):
    c.begin_open(1)
    c.send(h2.frame(h2.HEADERS, 5, 1, h2.indexed(NEWEST)))
    c.connection_error(h2.COMPRESSION_ERROR)


@case("4.3", "Headers of a stream that is over are decoded, too: "
      "what cannot be is a connection error of type COMPRESSION_ERROR.")
def late_block_broken(c):
    c.begin_reset_by_peer(1)
    c.send(h2.frame(h2.HEADERS, 5, 1, h2.indexed(NEWEST)))
    c.connection_error(h2.COMPRESSION_ERROR)


# -- blocks that are of no use still change the table

@case("4.3", "What a malformed request adds to the table is there.")
def table_of_the_malformed(c):
    first, path = begin_of()
    c.begin()
    ask(c, 1, first + path + h2.literal("Upper", "case") +
        h2.literal("x-behind", "it", 0x40))
    c.stream_error(1, h2.PROTOCOL_ERROR)
    ask(c, 3, first + h2.indexed(NEWEST + 1) + h2.indexed(NEWEST))
    c.answered(3, "200")


@case("4.3", "What trailers of a stream that we just reset add to "
      "the table is there.")
def table_of_late_trailers(c):
    first, path = begin_of()
    c.begin_reset_by_peer(1)
    c.send(h2.frame(h2.HEADERS, 5, 1, path))
    ask(c, 3, first + h2.indexed(NEWEST))
    c.answered(3, "200")


@case("4.3", "What a request that is refused adds to the table is "
      "there.")
def table_of_the_refused(c):
    first, path = begin_of()
    c.begin()
    most = c.announced[h2.MAX_CONCURRENT_STREAMS]
    ids = range(1, 2 * most + 1, 2)
    c.send(b"".join(h2.opening(i, REFLECT) for i in ids))
    late = 2 * most + 1
    ask(c, late, first + path)
    c.stream_error(late, h2.REFUSED_STREAM)
    c.send(data(1, b"", True))
    c.served(1)
    ask(c, late + 2, first + h2.indexed(NEWEST))
    c.answered(late + 2, "200")


@case("4.3", "A block may be cut into CONTINUATION frames anywhere, "
      "in the midst of a string, too.")
def cut_anywhere(c):
    block = get_block() + b"\x00" + h2.huffman("x-a") + h2.huffman("bcdefg")
    c.begin()
    stream = 1
    for at in range(0, len(block) + 1, 3):
        c.send(h2.frame(h2.HEADERS, 1, stream, block[:at]) +
               h2.frame(h2.CONTINUATION, 4, stream, block[at:]))
        c.answered(stream, "200")
        stream += 2


# -- what the server encodes

@case("RFC 7541 4.2", "Once the client allows no table, the server says so "
      "first in its next block, and uses none.")
def no_table_for_answers(c):
    c.begin((h2.HEADER_TABLE_SIZE, 0))
    c.decoder.max_allowed_table_size = 0
    for stream in (1, 3, 5):
        c.send(h2.call(stream, "/grpc.health.v1.Health/Nowhere", b""))
        c.served(stream, 12)
    c.check(c.decoder.header_table_size == 0, "the server did not say so")


@case("RFC 7541 4.2", "A table that the client makes small and large again "
      "between two answers is emptied first.")
def small_and_large_table(c):
    c.begin()
    c.send(get(1))
    c.answered(1, "200")
    c.decoder.max_allowed_table_size = 64
    c.send(h2.settings((h2.HEADER_TABLE_SIZE, 0)) +
           h2.settings((h2.HEADER_TABLE_SIZE, 64)) + get(3))
    c.answered(3, "200")
    c.check(c.decoder.header_table_size <= 64, "the table is too large")


@cases("RFC 7541 4.2", "Answers can be decoded with a table of %d bytes.",
       [(100, 100), (65536, 65536)])
def answers_with_a_table(c, size):
    c.begin((h2.HEADER_TABLE_SIZE, size))
    c.decoder.max_allowed_table_size = size
    for stream in range(1, 40, 4):
        c.send(get(stream) + h2.call(
            stream + 2, "/grpc.health.v1.Health/Nowhere%d" % stream, b""))
        c.answered(stream, "200")
        c.served(stream + 2, 12)


@case("RFC 7541 2.3.1", "A block that holds each of the static table's entries "
      "is decoded.")
def whole_static_table(c):
    c.begin()
    c.check(len(hpack.table.HeaderTable.STATIC_TABLE) == 61, "the case")
    # Those of pseudo-headers and of content-length, te and the connection
    # aside, which a request may have but once or not at all.
    block = get_block() + b"".join(
        h2.named(i, "", 4, 0x00) for i in range(15, 62)
        if i not in (28, 38, 57))
    ask(c, 1, block)
    c.answered(1, "200")


@case("RFC 7541 2.1", "Whatever the form of the headers, the same request gets "
      "the same answer.")
def same_answer(c):
    c.begin()
    first, path = begin_of()
    blocks = [get_block(), first + path, first + h2.indexed(NEWEST),
              begin_of()[0] + b"\x04" + h2.huffman(HEALTHZ)]
    bodies = set()
    for i, block in enumerate(blocks):
        ask(c, 2 * i + 1, block)
        c.answered(2 * i + 1, "200")
        bodies.add(c.streams[2 * i + 1].data)
    c.check(len(bodies) == 1, "%d answers" % len(bodies))
