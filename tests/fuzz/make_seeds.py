#!/usr/bin/python3
"""Make the seeds of the fuzz targets: real messages, frames, sessions, files.

Usage: make_seeds.py

Writes tests/fuzz/seeds/<target>/ anew.  Nothing in it is of a person: names,
numbers and dates are invented here.  How each target takes its input apart is
said at the head of fuzz_<target>.c.
"""
import base64
import gzip
import hashlib
import json
import pathlib
import shutil
import struct
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SEEDS = HERE / "seeds"


class Package:
    """The messages of one package, as attributes."""

    def __init__(self, pool, name):
        self._pool, self._name = pool, name

    def __getattr__(self, message):
        return message_factory.MessageFactory(self._pool).GetPrototype(
            self._pool.FindMessageTypeByName(f"{self._name}.{message}"))


def load_messages():
    """Everything that the .proto files declare."""
    proto = ROOT / "proto"
    files = [str(p) for p in sorted(proto.rglob("*.proto"))]
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["protoc", f"-I{proto}", "--include_imports",
                        f"--descriptor_set_out={out.name}", *files], check=True)
        declared = descriptor_pb2.FileDescriptorSet.FromString(out.read())
    pool = descriptor_pool.DescriptorPool()
    for file in declared.file:
        pool.Add(file)
    return pool


class Seeds:
    """The seeds of one target."""

    def __init__(self, target):
        self.folder = SEEDS / target
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def add(self, name, *parts):
        data = b"".join(p.encode() if isinstance(p, str) else p for p in parts)
        (self.folder / name).write_bytes(data)


def block(data):
    """Bytes behind a length of a byte and a half."""
    assert len(data) < 4096
    return struct.pack("<H", len(data)) + data


def frame(data, flag=0):
    """A gRPC frame."""
    return struct.pack(">BI", flag, len(data)) + data


# ---- messages ---------------------------------------------------------------

class Messages:
    def __init__(self, pool):
        self.v1 = Package(pool, "vouch.v1")
        self.health = Package(pool, "grpc.health.v1")
        self.reflection = Package(pool, "grpc.reflection.v1")
        self.rpc = Package(pool, "google.rpc")

    def date(self, year, month=0, day=0):
        return self.v1.Date(year=year, month=month, day=day)

    def claim(self, **more):
        fields = dict(
            association_id="ascp-boc", credential_type_id="ascp-pbt",
            number="10482", birth_date=self.date(1990),
            name=self.v1.HumanName(family="Garc\u00eda L\u00f3pez",
                                      given="Ana Maria"))
        fields.update(more)
        return self.v1.Claim(**fields)

    def full_claim(self):
        return self.claim(
            name=self.v1.HumanName(family="O\u2019Brien", given="Se\u00e1n",
                                      middle="P", suffix="Jr."),
            birth_date=self.date(1990, 5, 6), last4="4321",
            issued_on=self.date(2015, 3, 1), as_of=self.date(2026, 11, 1),
            purpose=1, on_behalf_of="Example Clinic",
            authorization_ref="form 7", requested_by="hr",
            nonce=bytes(range(16)), recognized_by=["ncca", "us-ca"])

    def row(self, line=2, **more):
        fields = dict(
            line=line, credential_type_id="ascp-pbt", number=f"104{line:02}",
            name=self.v1.HumanName(family="Okafor", given="Ada"),
            birth_date=self.date(1985, 2, 28), last4="0007",
            issued_on=self.date(2019, 6, 1), raw_status="ACTIVE",
            periods=[self.v1.ValidityPeriod(
                kind=1, valid_from=self.date(2019, 6, 1),
                valid_until=self.date(2027, 5, 31),
                grace_until=self.date(2027, 8, 31))])
        fields.update(more)
        return self.v1.CredentialRow(**fields)

    def upload(self):
        header = self.v1.PublicationHeader(
            request_id="0195f0c4-1111-7abc-8def-0123456789ab",
            association_id="ascp-boc", mode=1,
            extracted_at_us=1795348800000000, want_openings=True)
        rows = [
            self.row(2),
            self.row(2, raw_status="inactive", raw_reason="retired"),
            self.row(3, holder_ref="h-3", former_family=["Smith", "Haddad"],
                     raw_status="SUSPENDED",
                     effective_on=self.date(2026, 1, 2)),
            self.row(4, raw_status="In good standing", standing=3,
                     good_past_end_date=True, restriction=2, review=3)]
        return (self.v1.PublishCredentialsRequest(header=header),
                self.v1.PublishCredentialsRequest(rows=rows))

    def event(self, kind=1, **record):
        fields = dict(
            credential_type_id="ascp-pbt", number="10482", number_key="10482",
            names=[self.v1.HolderName(name=self.v1.HumanName(
                family="Garcia Lopez", given="Ana")),
                self.v1.HolderName(name=self.v1.HumanName(family="Diaz"),
                                    former=True, since=self.date(2010))],
            issued_on=self.date(2015, 3, 1), raw_status="ACTIVE", standing=3,
            restriction=1, review=1,
            periods=[self.v1.ValidityPeriod(
                kind=1, valid_from=self.date(2015, 3, 1),
                valid_until=self.date(2027, 2, 28))])
        fields.update(record)
        return self.v1.Event(
            association_id="ascp-boc", credential_id=bytes([1]) * 16,
            publication_id=bytes([2]) * 16, kind=kind,
            effective_on=self.date(2015, 3, 1),
            recorded_at_us=1795348800000000, source_time_us=1795348800000000,
            status_table_version=1,
            record=self.v1.CredentialRecord(**fields),
            previous=[bytes(32)])

    def answer(self):
        v = self.v1
        answer = v.Answer(
            verdict=6, conclusion=3, reasons=[1, 14], former_name_matched=True,
            factors=[v.FactorComparison(factor=f, comparison=1)
                     for f in (1, 2, 5, 9)],
            status=v.Status(raw_status="Active", raw_reason="renewed",
                            standing=4, inactive_reason=2, restriction=2,
                            review=3, good_past_end_date=True),
            periods=[self.v1.ValidityPeriod(
                kind=1, valid_from=self.date(2019, 6),
                valid_until=self.date(2027), grace_until=self.date(2027, 3))],
            credential_type_id="ascp-pbt", recognition=1,
            recognitions=[self.v1.Recognition(
                id="x-ncca", association_id="ascp-boc", recognizer="ncca",
                basis="standards", valid_from=self.date(2000),
                observed_on=self.date(2020), source="a page", confidence=1)],
            freshness=v.Freshness(state=2, source_time_us=1795348800000000,
                                  received_at_us=1795348801000000,
                                  max_age_seconds=3024000),
            as_of=self.date(2026, 11, 22), projection=True,
            answered_at_us=1795348802000000, utc_offset_minutes=-360,
            association_name="An association", designation="none",
            innocent_causes=[8, 9], contact="desk@example.org", log_size=17,
            name_fold_version=2)
        question = v.Question(claim=self.full_claim(),
                              asker="spiffe://example.org/employer/acme",
                              request_id="0195f0c4-1111-7abc-8def-0123456789ab")
        return self.v1.VerifyCredentialResponse(answer=answer,
                                                 question=question)


def wire(message):
    return message.SerializeToString(deterministic=True)


# The order of fuzz_message's methods: by path.
METHODS = ("grpc.health.v1.Health/Check", "grpc.health.v1.Health/List",
           "grpc.health.v1.Health/Watch",
           "grpc.reflection.v1.ServerReflection",
           "grpc.reflection.v1alpha.ServerReflection", "WhoAmI",
           "GetAssociation", "ListAssociations", "ListCredentialTypes",
           "DeclareCurrent", "GetPublication", "PublishCredentials",
           "VerifyCredential")


def make_message(m):
    s = Seeds("message")
    request_id = "0195f0c4-1111-7abc-8def-0123456789ab"
    verify = m.v1.VerifyCredentialRequest
    header, rows = m.upload()
    reflect = m.reflection.ServerReflectionRequest
    for name, method, message in (
            ("check", 0, m.health.HealthCheckRequest(
                service="vouch.v1.VerificationService")),
            ("reflect_list", 3, reflect(host="localhost", list_services="")),
            ("reflect_symbol", 4, reflect(
                file_containing_symbol="vouch.v1.Claim")),
            ("whoami", 5, m.v1.WhoAmIRequest()),
            ("association", 6, m.v1.GetAssociationRequest(
                association_id="ascp-boc")),
            ("associations", 7, m.v1.ListAssociationsRequest(
                page_size=10, page_token="abc")),
            ("types", 8, m.v1.ListCredentialTypesRequest(
                association_id="ascp-boc", page_size=10)),
            ("declare", 9, m.v1.DeclareCurrentRequest(
                request_id=request_id, association_id="ascp-boc",
                as_of_us=1795348800000000)),
            ("publication", 10, m.v1.GetPublicationRequest(
                request_id=request_id)),
            ("upload_header", 11, header), ("upload_rows", 11, rows),
            ("verify", 12, verify(request_id=request_id, claim=m.claim())),
            ("verify_full", 12, verify(request_id=request_id,
                                       claim=m.full_claim()))):
        s.add(name, bytes([method]), wire(message))
    claim = wire(m.claim())
    s.add("not_canonical", b"\x0c", b"\x12", bytes([len(claim) + 2]), claim,
          b"\x48\x00")
    s.add("negative", b"\x07", b"\x08", b"\xff" * 9 + b"\x01")
    s.add("unknown_field", b"\x00", b"\x0a\x01x", b"\x9a\x06\x02hi")
    s.add("nested", b"\x0c", b"\x12\x06\x22\x04\x0a\x02Li")


def make_grpc_frame(m):
    s = Seeds("grpc_frame")
    one, two = frame(b"hello"), frame(b"") + frame(bytes(range(64)))
    s.add("whole", b"\x00", one)
    s.add("bytewise", b"\x01\x00", one, two)
    s.add("cut", b"\x03\x00\x04\x06", two, one)
    s.add("compressed", b"\x00", b"\x01\x00\x00\x00\x01x")
    s.add("partial", b"\x01\x02", one, two[:-3])
    s.add("limit", b"\x00", frame(bytes(600)))
    s.add("too_long", b"\x02\x01\x03", one, b"\x00\x00\x00\x02\x59")
    s.add("verify", b"\x02\x04\x20", frame(wire(m.full_claim())))


def pack(data, level=9):
    """What gzip makes of it, at a time that is always the same."""
    return gzip.compress(data, level, mtime=0)


def make_compression(m):
    s = Seeds("compression")
    small, long = pack(b"hello"), pack(bytes(1000))
    s.add("plain", b"\x00", frame(b"hello"))
    s.add("small", b"\x00", frame(small, 1))
    s.add("stored", b"\x00", frame(pack(bytes(range(256)), 0), 1))
    s.add("mixed", b"\x02\x07\x1e", frame(small, 1), frame(b"plain"),
          frame(long, 1), frame(b""), frame(pack(b""), 1))
    s.add("limit", b"\x00", frame(pack(b"a" * 1500), 1))
    s.add("bomb", b"\x01\x05", frame(pack(bytes(100000)), 1))
    s.add("cut", b"\x00", frame(small[:-3], 1))
    s.add("two", b"\x00", frame(small + small, 1))
    s.add("behind", b"\x00", frame(small + b"x", 1))
    s.add("checksum", b"\x00", frame(small[:-8] + b"\0\0\0\0" + small[-4:], 1))
    s.add("named", b"\x00", frame(
        small[:3] + b"\x08" + small[4:10] + b"a name\0" + small[10:], 1))
    s.add("empty", b"\x00", frame(b"", 1))
    s.add("flag", b"\x00", frame(small, 2))
    s.add("verify", b"\x02\x04\x20", frame(pack(wire(m.full_claim())), 1))


# ---- sessions ---------------------------------------------------------------

MAGIC = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, \
    CONTINUATION = range(10)
END_STREAM, END_HEADERS, PADDED = 1, 4, 8


def literal(name, value):
    """HPACK: a literal without indexing, new name (RFC 7541 6.2.2)."""
    return (b"\x00" + bytes([len(name)]) + name.encode() +
            bytes([len(value)]) + value.encode())


def headers(method, *extra):
    pairs = ((":method", "POST"), (":scheme", "https"),
             (":path", f"/test.v1.Test/{method}"), (":authority", "localhost"),
             ("te", "trailers"), ("content-type", "application/grpc"), *extra)
    return b"".join(literal(n, v) for n, v in pairs)


def raw(kind, flags, stream, payload=b""):
    return (struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) +
            struct.pack(">I", stream) + payload)


def cut(kind, flags, stream, payload=b""):
    """A frame as FLAG_FRAMES has it."""
    return bytes([kind, flags, stream]) + block(payload)


def step(length, action):
    """A step of the plan: an index of lengths, and what is done then."""
    return length << 3 | action


TAKE, PIECE, NOTHING, EXPIRE, LATER, DRAIN, DRAIN_NOW, EXPIRE_ALL = range(8)
EVERYTHING = 31


def plan(*steps):
    return bytes([len(steps), *steps])


def call(make, stream, method, *bodies, extra=()):
    out = make(HEADERS, END_HEADERS, stream, headers(method, *extra))
    for i, body in enumerate(bodies):
        last = END_STREAM if i == len(bodies) - 1 else 0
        out += make(DATA, last, stream, body)
    return out


def make_h2(m):
    s = Seeds("h2")
    text = frame(wire(m.v1.GetAssociationRequest(association_id="hello")))
    count = frame(wire(m.v1.ListAssociationsRequest(
        page_size=200, page_token="x" * 40)))
    whole = plan(step(EVERYTHING, TAKE))
    small = plan(step(3, TAKE), step(9, PIECE), step(0, NOTHING))

    s.add("real_echo", b"\x00", whole, MAGIC, raw(SETTINGS, 0, 0),
          call(raw, 1, "Echo", text), raw(SETTINGS, 1, 0))
    s.add("real_small", b"\x00", small, MAGIC, raw(SETTINGS, 0, 0),
          call(raw, 1, "Echo", text), call(raw, 3, "Chat", text, text))
    for method, bodies in (
            ("Echo", [text]), ("Strict", [text]), ("Fail", [text]),
            ("Both", [text]), ("Silent", [text]), ("Busy", [text]),
            ("Later", [text]), ("Collect", [text, text + text, text]),
            ("Early", [text, text]), ("Count", [count]),
            ("Chat", [text, text[:3], text[3:] + text]), ("Admin", [text]),
            ("Nobody", [text]), ("Nothing", [text]), ("Echo", [text, text]),
            ("Echo", [b""])):
        name = f"{method.lower()}_{len(bodies)}_{len(b''.join(bodies))}"
        s.add(name, b"\x03", whole, call(cut, 1, method, *bodies))
    s.add("later_answered", b"\x03",
          plan(step(EVERYTHING, TAKE), step(EVERYTHING, LATER)),
          call(cut, 1, "Later", text), call(cut, 3, "Later", text))
    s.add("timeout", b"\x03", plan(step(13, TAKE), step(13, EXPIRE)),
          call(cut, 1, "Later", text, extra=[("grpc-timeout", "10m")]),
          call(cut, 3, "Chat", text, b"", extra=[("grpc-timeout", "1S")]))
    s.add("expire_all", b"\x03", plan(step(14, NOTHING), step(14, EXPIRE_ALL)),
          call(cut, 1, "Count", count), call(cut, 3, "Collect", text, text))
    s.add("drain", b"\x03", plan(step(12, TAKE), step(12, DRAIN),
                                 step(12, TAKE), step(12, DRAIN_NOW)),
          call(cut, 1, "Chat", text), cut(PING, 1, 0, b"vdrain\0\1"),
          call(cut, 3, "Echo", text), call(cut, 5, "Echo", text))
    s.add("windows", b"\x03", plan(step(13, PIECE), step(8, TAKE)),
          cut(SETTINGS, 0, 0, struct.pack(">HI", 4, 10)),
          call(cut, 1, "Count", count),
          cut(WINDOW, 0, 1, struct.pack(">I", 5000)),
          cut(SETTINGS, 0, 0, struct.pack(">HIHI", 4, 65535, 5, 20000)),
          cut(WINDOW, 0, 0, struct.pack(">I", 1 << 20)),
          cut(RST, 0, 1, struct.pack(">I", 8)))
    s.add("tight", b"\x07", plan(step(12, TAKE), step(10, NOTHING)),
          *[call(cut, 2 * i + 1, "Later", text) for i in range(4)],
          call(cut, 9, "Count", count), call(cut, 11, "Echo", text * 4))
    s.add("tight_flood", b"\x07", plan(step(10, NOTHING)),
          *[cut(PING, 0, 0, b"12345678") for _ in range(20)])
    s.add("tight_headers", b"\x07", whole,
          cut(HEADERS, 0, 1, headers("Echo")),
          *[cut(CONTINUATION, 0, 1, literal(f"x-{i}", "y" * 100))
            for i in range(6)],
          cut(CONTINUATION, END_HEADERS, 1, literal("x-end", "1")),
          cut(DATA, END_STREAM, 1, text))
    s.add("padded", b"\x03", whole,
          cut(HEADERS, END_HEADERS | PADDED | 0x20, 1,
              b"\x03\x00\x00\x00\x00\x10" + headers("Chat") + b"\0\0\0"),
          cut(DATA, END_STREAM | PADDED, 1, b"\x02" + text + b"\0\0"),
          cut(PRIORITY, 0, 3, b"\x00\x00\x00\x01\x10"),
          cut(GOAWAY, 0, 0, b"\x00\x00\x00\x00\x00\x00\x00\x00bye"))
    s.add("healthz", b"\x03", whole,
          *[cut(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1,
                literal(":method", method) + literal(":scheme", "https") +
                literal(":path", "/healthz"))
            for i, method in enumerate(["GET", "HEAD", "PUT"])])
    upper = cut(HEADERS, END_HEADERS, 1, literal("X-upper", "case"))
    s.add("late", b"\x03", plan(step(13, TAKE), step(9, NOTHING)),
          cut(HEADERS, END_HEADERS, 1, headers("Chat")), upper,
          cut(DATA, 0, 1, b"late"), cut(WINDOW, 0, 1, b"\0\0\0\1"),
          cut(HEADERS, 5, 1, literal("x-end", "now")),
          call(cut, 3, "Echo", text))
    for name, frames in (
            ("closed_data", cut(DATA, 0, 1, b"x")),
            ("closed_headers", cut(HEADERS, 5, 1, literal("x-end", "now"))),
            ("closed_reset", cut(HEADERS, 4, 3, headers("Chat")) +
             cut(RST, 0, 3, b"\0\0\0\x08") + cut(DATA, 0, 3, b"x")),
            ("skipped", call(cut, 7, "Echo", text) +
             cut(HEADERS, 5, 5, headers("Echo"))),
            ("windows_full", cut(HEADERS, 4, 3, headers("Chat")) +
             cut(WINDOW, 0, 3, b"\x7f\xff\0\0") +
             cut(SETTINGS, 0, 0, b"\0\4\0\1\0\0")),
            ("another_host", cut(HEADERS, 4, 3, headers(
                "Chat", ("host", "elsewhere"))) + cut(DATA, 1, 3, text)),
            ("goaway_open", cut(HEADERS, 4, 3, headers("Chat")) +
             cut(GOAWAY, 0, 0, bytes(8)) + cut(DATA, 1, 3, text))):
        s.add(name, b"\x03", plan(step(13, TAKE), step(8, TAKE)),
              call(cut, 1, "Echo", text), frames)
    s.add("attempts", b"\x03", whole,
          call(cut, 1, "Busy", text, extra=[("grpc-previous-rpc-attempts",
                                             "3")]))
    long = wire(m.v1.GetAssociationRequest(association_id="z" * 500))
    gzip_both = [("grpc-encoding", "gzip"),
                 ("grpc-accept-encoding", "identity,gzip")]
    s.add("gzip", b"\x03", whole,
          call(cut, 1, "Public", frame(pack(long), 1), extra=gzip_both),
          call(cut, 3, "Public", frame(long), extra=gzip_both[1:]),
          call(cut, 5, "Echo", frame(pack(long)[:-1], 1), extra=gzip_both))
    s.add("gzip_chat", b"\x03", plan(step(13, TAKE), step(8, PIECE)),
          call(cut, 1, "PublicChat", text, frame(pack(long), 1), frame(long),
               extra=gzip_both))
    s.add("gzip_bomb", b"\x07", whole,
          call(cut, 1, "Collect", frame(pack(bytes(5000)), 1),
               extra=gzip_both))
    s.add("metadata", b"\x03", whole,
          call(cut, 1, "Meta", text, extra=[("x-echo", "a value"),
                                            ("x-echo-bin", "q6ur,AA==")]),
          call(cut, 3, "MetaChat", text, text, extra=[("x-echo", "again")]))
    s.add("http", b"\x03", whole,
          cut(HEADERS, END_HEADERS | END_STREAM, 1,
              b"\x82\x87\x84" + literal(":authority", "localhost")),
          cut(HEADERS, END_HEADERS | END_STREAM, 3,
              headers("Echo").replace(b"application/grpc",
                                      b"application/json")),
          call(cut, 5, "Echo", b"\x01\x00\x00\x00\x01x",
               extra=[("grpc-encoding", "gzip")]),
          cut(HEADERS, END_HEADERS, 7, headers("Chat")),
          cut(HEADERS, END_HEADERS | END_STREAM, 7, literal("x-t", "1")))


def make_session(m):
    s = Seeds("session")
    who, verify, publish = (2 | 1 | kind << 2 for kind in (0, 2, 1))
    reply = literal(":status", "200") + literal("content-type",
                                                "application/grpc")

    def answer(stream, message=None, status="0", *more):
        out = b""
        if message is not None:
            out += cut(HEADERS, END_HEADERS, stream, reply)
            out += cut(DATA, 0, stream, frame(wire(message)))
        head = b"" if message is not None else reply
        return out + cut(HEADERS, END_HEADERS | END_STREAM, stream,
                         head + literal("grpc-status", status) + b"".join(more))

    me = m.v1.WhoAmIResponse()
    progress = m.v1.PublishCredentialsResponse(
        accepted=[m.v1.LineRange(first=2, last=3)])
    for name, flags, *parts in (
            ("who", who, answer(1, me)),
            ("three", who, answer(1, me), answer(3, progress),
             answer(5, m.answer())),
            ("answer", verify, answer(1, m.answer())),
            ("publish", publish, cut(SETTINGS, 1, 0), answer(1, progress)),
            ("refused", who, answer(1, None, "7",
                                    literal("grpc-message", "no%21"))),
            ("proxy", who, cut(HEADERS, END_HEADERS, 1,
                               literal(":status", "502")),
             cut(DATA, END_STREAM, 1, b"<html>")),
            ("reset", publish, cut(RST, 0, 1, struct.pack(">I", 7))),
            ("goaway", who, cut(GOAWAY, 0, 0, struct.pack(">II", 0, 0)),
             answer(1, me)),
            ("window", publish, cut(SETTINGS, 0, 0, struct.pack(">HI", 4, 0)),
             cut(WINDOW, 0, 1, struct.pack(">I", 10)), answer(1, progress)),
            ("push", who, cut(PUSH, END_HEADERS, 1,
                              struct.pack(">I", 2) + reply)),
            ("pings", verify, *[cut(PING, 0, 0, bytes(8))] * 5,
             cut(WINDOW, 0, 0, struct.pack(">I", 1 << 30)),
             cut(SETTINGS, 0, 0, struct.pack(">HI", 5, 16777215)))):
        s.add(name, bytes([flags]), b"\x00", *parts)
        s.add(name + "_cut", bytes([flags]), b"\x03\x00\x08\x20", *parts)
    s.add("raw", b"\x00", b"\x01\x05", raw(SETTINGS, 0, 0),
          raw(HEADERS, END_HEADERS | END_STREAM, 1,
              reply + literal("grpc-status", "12")))
    s.add("http1", b"\x00\x00", "HTTP/1.1 400 Bad Request\r\n\r\n")


# ---- files ------------------------------------------------------------------

COLUMNS = ("credential_type,number,holder_ref,family,given,middle,suffix,"
           "former_family,birth_date,last4,issued_on,expires_on,grace_until,"
           "status,status_reason,effective_on")


def make_csv():
    s = Seeds("csv")
    row = ("ascp-pbt,10482,h-1,Garcia,Ana,M,Jr,Diaz; Roe,1990-05-06,4321,"
           "2015-03-01,2027-02-28,2027-05-31,ACTIVE,,2015-03-01")
    few = "credential_type,number,family\n"
    s.add("all_columns", b"\x00", COLUMNS + "\n" + row + "\n")
    s.add("cut", b"\x03\x00\x09\x30", COLUMNS + "\r\n" + row + "\r\n")
    s.add("mark", b"\x01\x00", b"\xef\xbb\xbf", few, "a,1,Lin\n")
    s.add("quoted", b"\x02\x02\x05", few,
          'a,1,"O""Brien,\nII"\n"a b","2",Ng\n\n')
    s.add("no_end", b"\x00", few, "a,1,L\u00f3pez")
    s.add("stray_quote", b"\x01\x05", few, 'a,1,"x"y\n')
    s.add("open_quote", b"\x00", few, 'a,1,"x\n')
    s.add("carriage_return", b"\x00", few, "a,1,x\ry\n")
    s.add("not_text", b"\x00", few, b"a,1,\xc3\x28\n", b"a,1,\0\n")
    s.add("unknown_column", b"\x00", "credential_typ,number,family\na,1,b\n")
    s.add("twice", b"\x00", "number,number\n1,2\n")
    s.add("fields", b"\x00", few, "a,1\n", "a,1,b,c\n")
    s.add("dates", b"\x00", "credential_type,number,family,birth_date,"
          "grace_until\na,1,b,1990-13,\na,1,b,1990,2027-01-01\n")


def make_mapping():
    s = Seeds("mapping")
    least = ("format: csv\nencoding: utf-8\n"
             "constants: {credential_type: t}\n"
             "columns: {number: N, family: F}\n")
    files = {
        "al_vet": "LAST_NAME,FIRST_NAME,TYPE,LIC_NUMBER,ISSUED_DATE,"
                  "EXPIRATION_DATE\r\nROE JR,ANN B,DVM,1,01/02/2020,"
                  "12/31/2025\r\nDOE PhD,JR.,DVM,2,01/02/2020,12/31/1010",
        "co_dora_vet": "Last Name\t First Name\t Middle Name\tSuffix\t"
                       "License Number\tLicense First Issue Date\t"
                       "License Expiration Date\t License Status Description\t"
                       "Case Number\tProgram Action\t"
                       "Discipline Effective Date\t"
                       "Discipline Complete Date\t\n"
                       "Roe\tAnn\t\tJR\t1\t01/02/2003\t10/31/2026\tActive\t"
                       "a\tCLS Stipulation\t01/02/2019\t\t\n"
                       "Roe\tAnn\t\tJR\t1\t01/02/2003\t10/31/2026\tActive\t"
                       "b\tCLS Suspension\t01/02/2019\t\t\n",
        "ct_elicense_vet": "LICENSE NO.\tFIRST NAME\tLAST NAME\tSTATUS\t"
                           "REASON\tISSUE DATE\tEXPIRATION DATE\t\n"
                           "1\tANN\tROE (DOE)\tACTIVE\tSUSPENDED\t"
                           "01/01/1901\t07/31/2026\t\n",
        "wa_doh_rn_license": '"","LastName","FirstName","MiddleName",'
                             '"BirthYear","FirstIssueDate"\r\n'
                             '"1","roe","ann","missing",1987,00000000\r\n',
    }
    for name, file in files.items():
        mapping = (ROOT / "catalog/mappings" / (name + ".yaml")).read_text()
        short = "".join(line + "\n" for line in mapping.split("\n")
                        if not line.strip().startswith("#"))
        s.add(name, b"\x02\x05\x09", short, b"\xff", file)
    s.add("least", b"\x00", least, b"\xff", "N,F\n1,Roe\n")
    s.add("fold", b"\x01\x03", least, "fold: {key: [number, family]}\n",
          b"\xff", "N,F\n1,Roe\n2,Doe\n1,ROE\n2,Doe\n")
    s.add("utf16", b"\x01\x01", least.replace("utf-8", "utf-16le"), b"\xff",
          "\ufeffN,F\n1,R\u00f6e\n".encode("utf-16le"))
    s.add("latin1", b"\x01\x04", least.replace("utf-8", "windows-1252"),
          b"\xff", b"N,F\n1,R\xf6e\n2,R\x81\n")
    s.add("header_less", b"\x00", "format: tsv\nencoding: utf-8\nheader: no\n"
          "fields: 3\ncolumns: {number: 1, family: [2, 3], "
          "credential_type: {column: 3, values: {a: t}}}\n", b"\xff",
          "1\tRoe\ta\n2\tRoe\tb\n")
    s.add("periods", b"\x00", least, "periods: [{kind: certification, from: A, "
          "until: B}]\ndates: {formats: [D-MMM-YYYY, YYYYMMDD], "
          "impossible: unknown}\n", b"\xff",
          "N,F,A,B\n1,Roe,1-jan-2020,20300231\n")
    s.add("faults", b"\x00", "fromat: csv\nencoding: latin\ncolumns: [a]\n"
          "status: {words: [{word: a}]}\nfold: {key: given}\n")
    s.add("anchor", b"\x00", "a: &b [c, *b, !!int 3]\n")
    s.add("deep", b"\x00", "[" * 40)


def make_openings():
    s = Seeds("openings")

    def line(index, event="0a03616263"):
        return (f'{{"logIndex":"{index}","salt":"{"0123456789abcdef" * 2}",'
                f'"event":"{event}"}}\n')

    s.add("one", line(12))
    s.add("in_order", *map(line, (0, 1, 2, 9223372036854775807)))
    s.add("in_pieces", *map(line, (4, 5, 6, 1, 2, 5, 5, 0)))
    s.add("half", line(1), line(2)[:70])
    s.add("zeros", line(1), line(2)[:20], b"\0" * 40)
    s.add("other", line(1), line("01"))
    s.add("upper", line(1, "0A03616263"))
    s.add("returns", line(1).replace("\n", "\r\n"))


def catalog_cells():
    date = "2026-11-22"
    return (
        "id,name,short_name,kind,lifecycle,successor_id,utc_offset_minutes,"
        "max_age_days,contact,designation,designated_on,number_fold_case,"
        "number_drop_separators,number_drop_leading_zeros,identity_policy,"
        "source,confidence,checked_on\n",
        f"abc,An association,ABC,professional,active,,-360,35,,,,true,true,"
        f"false,birth_year,a page,official,{date}\n"
        f"def,Another,,state_board,renamed,abc,0,1,x@example.org,paper,2020,"
        f"false,false,true,last4,a page,secondary,{date}\n",
        "id,association_id,abbreviation,name,role,kind,lifecycle,"
        "successor_id,source,confidence,checked_on\n",
        f"abc-pbt,abc,PBT,Phlebotomist,phlebotomist,certification,active,,"
        f"a page,official,{date}\n"
        f"def-old,def,,Old,technician,license,legacy,abc-pbt,a page,"
        f"unverified,{date}\n",
        "id,association_id,credential_type_id,except_credential_type_ids,"
        "recognizer,basis,valid_from,valid_until,observed_on,source,"
        "confidence,checked_on\n",
        f"abc-ncca,abc,,abc-pbt,ncca,standards,2000,2030-01,,a page,official,"
        f"{date}\n"
        f"def-x,def,def-old,,us-ca,rule,,,2020-02-29,a page,secondary,"
        f"{date}\n")


def make_catalog():
    s = Seeds("catalog")
    ha, a, ht, t, hr, r = catalog_cells()
    end = b"\xff"
    hx = end + (b"id,association_id,credential_type_id,ended_from,ended_until,"
                b"counts_until,order,source,confidence,checked_on\n")
    x = ("abc-storm,abc,,2026-03-01,2026-03-31,2026-09-30,Order 7,a page,"
         "official,2026-11-22\n"
         "def-flood,def,def-old,2026-01-01,2026-01-01,2026-01-01,Order 8,"
         "a page,unverified,2026-11-22\n")
    s.add("whole", ha, a, end, ht, t, end, hr, r, hx, x, end)
    s.add("empty", end, end, end)
    s.add("headers", ha, end, ht, end, hr, hx)
    s.add("no_types", ha, a, end, ht, end, hr, r, hx, x)
    s.add("twice", ha, a, a, end, ht, t, t, end, hr, r, r, hx, x, x)
    s.add("bad_cells", ha, a.replace("-360", "9999").replace("true", "yes"),
          end, ht, t.replace("phlebotomist", "doctor"), end, hr,
          r.replace("2000,2030-01", "2030,2000-01"), hx,
          x.replace("2026-09-30", "2026-02-30"))
    s.add("backwards", ha, a, end, ht, t, end, hr, r, hx,
          x.replace("2026-03-01", "2026-04-01"))
    s.add("self", ha, a.replace("renamed,abc", "renamed,def"), end, ht,
          t.replace("legacy,abc-pbt", "legacy,def-old"), end, hr, r, hx)
    s.add("columns", ha.replace("short_name", "shortname"), end,
          ht.replace("role,", ""), end, hr.replace("basis", "source"), hx)
    s.add("unclosed", ha, '"abc', end, ht, t[:60], end, hr, 'x"\n', hx)


def make_conf():
    s = Seeds("conf")
    s.add("lines", b"\x01", "listen.port=8443\nworkers=4\nlog.level=debug\n"
          "tls.root_ca=/etc/root.pem\nlisten.address=::1\n")
    s.add("lines_bad", b"\x01", "listen.prt=1\nworkers=1x\nworkers=999\n"
          "log.level=loud\nworkers=\n=3\nlisten.port=-0\n")
    s.add("lines_odd", b"\x01", 'store.dsn=a"b\\c\ntls.key=${HOME}\n'
          "keys.dir=#x\ncatalog.dir= y '\n")
    s.add("file", b"\x00", "# a comment\nworkers = 2\nlisten {\n"
          '    address = "127.0.0.1"\n    port = 0\n}\n'
          'tls { certificate = "/a.pem" }\nlog { level = warn\n'
          "format = json }\n")
    s.add("file_bad", b"\x00", "listen {\n    prot = 1\n}\n")
    s.add("file_range", b"\x00", "\n\nhttp2 { streams = 0 }\n")
    s.add("file_odd", b"\x00", 'store { dsn = "a\\"b\\\\c\\x41" }\n'
          "keys { dir = '${X:-y}' }\n/* c */ drain_ms += 3\n")
    s.add("file_open", b"\x00", 'tls { key = "\n')


# ---- texts ------------------------------------------------------------------

def make_name_fold():
    s = Seeds("name_fold")
    end = b"\xff"
    for i, (a, b) in enumerate((
            ("O'Brien", "O\u2019BRIEN"),
            ("Garcia-Lopez", "Garc\u00eda L\u00f3pez"),
            ("M\u00fcller", "Mueller"), ("S\u00f8rensen", "Soerensen"),
            ("\u00c5berg", "Aaberg"), ("Stra\u00dfe", "STRASSE"),
            ("Nguy\u1ec5n", "Nguye\u0302\u0303n"), ("\u0141ukasz", "Lukasz"),
            ("\u674e", "\u674e "), ("Smith, Jr.", "Smith II"), ("-", "'"),
            ("Mary Ann", "Mary"), ("\u0130stanbul", "istanbul"),
            ("\ufb03", "ffi"), ("\ufdfa", ""), ("\u202eabc", "abc\u200d"),
            ("\ud55c\uae00", "\u1112\u1161\u11ab"),
            ("\u03a3\u03c2", "\u03c3\u03c3"), ("III", "3rd"),
            ("\u05d0\u05b8", "\u0627\u064e"),
            ("\u0e19\u0e33", "\u0e19\u0e4d\u0e32"))):
        s.add(f"pair_{i:02}", a, end, b)
    s.add("long", "x" * 200, end, "\ufdfa" * 66)
    s.add("too_long", "x" * 201)
    s.add("not_text", b"a\xc0\x80", end, b"\xed\xa0\x80")


def make_identity():
    s = Seeds("identity")
    for role in ("employer", "association", "auditor", "admin"):
        s.add(role, f"spiffe://vouch.example.org/{role}/a-{role}-1")
    s.add("longest", "spiffe://vouch.example.org/admin/" + "a" * 63)
    s.add("too_long", "spiffe://vouch.example.org/admin/" + "a" * 64)
    s.add("domain", "spiffe://vouch.example.org.evil/admin/a")
    s.add("scheme", "https://vouch.example.org/admin/a")
    s.add("slash", "spiffe://vouch.example.org/admin/a/")
    s.add("escape", "spiffe://vouch.example.org/admin/%61")
    s.add("query", "spiffe://vouch.example.org/admin/a?b#c")
    s.add("nul", b"spiffe://vouch.example.org/admin/a\0b")


def make_event(m):
    s = Seeds("event")
    whole = wire(m.event())
    s.add("whole", whole)
    s.add("factors", wire(m.event(factors=[m.v1.FactorMac(
        factor=f, key_id=bytes(8), mac=bytes(32)) for f in (5, 6, 7)])))
    s.add("bare", wire(m.v1.Event(association_id="ascp-boc")))
    s.add("newer", whole + bytes([0xf8, 0x06, 1]))
    s.add("cut", whole[:-9])


def make_status(m):
    s = Seeds("status")

    def trailers(code, message, *parts):
        status = m.rpc.Status(code=code, message=message)
        for part in parts:
            status.details.add(
                type_url=f"type.googleapis.com/{part.DESCRIPTOR.full_name}",
                value=wire(part))
        coded = message.encode()[:255]
        return bytes([code + 64, len(coded)]) + coded + wire(status)

    info = m.rpc.ErrorInfo(reason="INVALID_FIELD", domain="vouch",
                               metadata={"thing": "this", "limit": "64"})
    bad = m.rpc.BadRequest(field_violations=[
        dict(field="claim.number", description="is required"),
        dict(field="claim.name.family", description="is required")])
    s.add("both", trailers(3, "claim.number is required", info, bad))
    s.add("info", trailers(5, "100%25 d%C3%A9j%C3%A0 vu", info))
    s.add("foreign", trailers(5, "no", m.rpc.ErrorInfo(
        reason="OTHER", domain="example.org")))
    s.add("many", trailers(3, "x", m.rpc.BadRequest(field_violations=[
        dict(field="f" * 80, description="\u00e9" * 100)] * 9)))
    s.add("ok", trailers(0, "", info))
    delay = m.rpc.RetryInfo()
    delay.retry_delay.seconds, delay.retry_delay.nanos = 2, 500000001
    s.add("retry", trailers(14, "try again", info, delay))
    delay.retry_delay.seconds, delay.retry_delay.nanos = 1 << 62, 999999999
    s.add("retry_late", trailers(8, "try again", delay))
    s.add("no_code", bytes([64 + 99, 0]))
    s.add("negative", bytes([1, 3]), "%4%", b"\x0a\xff")
    s.add("percent", bytes([66, 9]), "%E2%82%2x")


def make_claim(m):
    s = Seeds("claim")

    def case(name, policy, flags, claim, *events):
        s.add(name, bytes([policy + 6 * 20, flags]), block(wire(claim)),
              *[bytes([mark]) + block(wire(event)) for mark, event in events])

    event = m.event()
    case("year", 1, 7, m.claim())
    case("date", 2, 0, m.full_claim())
    case("last4", 3, 0, m.full_claim())
    case("given", 4, 0, m.full_claim())
    case("unknown_issuer", 1, 16, m.claim())
    case("faults", 2, 32 + 64, m.claim(
        number=" ", name=m.v1.HumanName(family="\u202e", given="x" * 201),
        birth_date=m.date(1990, 13), last4="12", recognized_by=["A b"],
        nonce=bytes(65), on_behalf_of="x" * 201, as_of=m.date(2020, 1)))
    case("empty", 1, 0, m.v1.Claim())
    # The policy asks for what needs no keyed hash: these find the person.
    given = m.claim(issued_on=m.date(2015, 3, 1), birth_date=None)
    case("found", 4, 7, given, (0, event))
    case("history", 4, 7, given, (0, event),
         (0, m.event(kind=3, standing=6, raw_status="REVOKED", review=3)))
    case("two", 4, 7, given, (0, event), (0x80, event))
    case("level", 4, 7, given,
         (0, m.event(credential_type_id="ascp-mlt")))
    case("expired", 4, 7, given, (0, m.event(periods=[
        m.v1.ValidityPeriod(kind=1, valid_until=m.date(2020, 6),
                               grace_until=m.date(2021))])))
    case("suspended", 4, 7, m.claim(
        issued_on=m.date(2015, 3, 1), as_of=m.date(2027, 1, 1),
        name=m.v1.HumanName(family="Diaz", given="Ana")),
        (0, m.event(restriction=3, good_past_end_date=True)))
    case("no_record", 4, 7, given, (0, m.v1.Event()))
    # Orders extend what ended: of 2019 and 2020 checked, later ones not.
    for name, end, more in (
            ("extended", m.date(2019, 7), {}),
            ("extended_word", m.date(2020, 3, 1),
             dict(standing=5, inactive_reason=1, raw_status="EXPIRED")),
            ("extended_unchecked", m.date(2026, 3, 31), {}),
            ("extended_other", m.date(2026, 3, 31),
             dict(credential_type_id="ascp-mlt", standing=5))):
        case(name, 4, 7, given, (0, m.event(periods=[
            m.v1.ValidityPeriod(kind=1, valid_from=m.date(2015, 3, 1),
                                valid_until=end)], **more)))
    # On a day between the two nobody knows which of them was so.
    before = m.event()
    before.source_time_us -= 4 * 365 * 86400 * 10**6
    after = m.event(kind=3, periods=[m.v1.ValidityPeriod(
        kind=1, valid_until=m.date(2020, 7))])
    after.effective_on.CopyFrom(m.date(2026, 11, 22))
    after.effective_on_assumed = True
    case("extended_maybe", 4, 7, m.claim(
        issued_on=m.date(2015, 3, 1), birth_date=None,
        as_of=m.date(2024, 1, 1)), (0, before), (0, after))


def make_reflection(m):
    s = Seeds("reflection")
    ask = m.reflection.ServerReflectionRequest
    for name, *questions in (
            ("services", ask(host="localhost", list_services="*")),
            ("file", ask(file_by_filename="vouch/v1/types.proto")),
            ("no_file", ask(file_by_filename="types.proto")),
            ("symbol", ask(file_containing_symbol="vouch.v1.Claim"),
             ask(file_containing_symbol="vouch.v1.Claim"),
             ask(file_containing_symbol="vouch.v1.HumanName")),
            ("extension", ask(file_containing_extension=dict(
                containing_type="vouch.v1.Claim", extension_number=7))),
            ("extensions", ask(
                all_extension_numbers_of_type="vouch.v1.Claim")),
            ("nothing", ask())):
        blocks = [block(wire(q)) for q in questions]
        s.add(name, b"\x00", *blocks)
        s.add(name + "_alpha", b"\x03", *blocks)
    asked = wire(ask(list_services="*"))
    s.add("unread", b"\x00", block(asked), bytes([len(asked), 0x80]), asked)


def make_row(m):
    s = Seeds("row")
    rows = m.upload()[1]
    s.add("upload", b"\x00", wire(rows))
    s.add("folded", b"\x07", wire(rows))
    for i, more in enumerate((
            dict(number=""), dict(last4="12"), dict(birth_date=m.date(1800)),
            dict(credential_type_id="zzz-pbt"), dict(raw_status="what"),
            dict(former_family=["x"] * 9), dict(issued_on=m.date(2030, 1, 1)),
            dict(periods=[m.v1.ValidityPeriod(grace_until=m.date(2020))]),
            dict(name=m.v1.HumanName(family="Bratton, Jr")),
            dict(raw_status="REVOKED", inactive_reason=1),
            dict(former_family=["oki,5th", "OKI", "Oki V"]),
            dict(former_family=["\u00ad", "\u3000", "Haddad"]),
            dict(former_family=["Mueller", "Muller", "M\u00fcller"]))):
        message = m.v1.PublishCredentialsRequest(
            rows=[m.row(2), m.row(3, **more)])
        s.add(f"row_{i}", b"\x03", wire(message))


def make_wire_client(m):
    s = Seeds("wire_client")

    def framed(message):
        return b"\x02" + block(wire(message))

    def header(index, value, last=False):
        return bytes([index << 2 | (0x80 if last else 0)]) + value + b"\xff"

    answer = m.answer()
    header_1, rows = m.upload()
    p = m.v1
    published = p.PublishCredentialsResponse(
        accepted=[p.LineRange(first=2, last=9)],
        rejects=[p.RowReject(line=10, field="number", reason="NUMBER_INVALID",
                             description="must be")],
        openings=[p.Opening(log_index=3, salt=bytes(16), event=b"\x0a\x01x")],
        summary=p.Publication(publication_id="x", content_hash=bytes(32),
                              source_time_us=-1, new_count=1 << 62),
        repeated_request=True)
    s.add("answer", b"\x00\x02", framed(answer))
    s.add("answer_empty", b"\x00\x02", framed(
        m.v1.VerifyCredentialResponse(answer=m.v1.Answer())))
    s.add("published", b"\x01\x02", framed(published))
    s.add("association", b"\x04\x02", framed(m.v1.GetAssociationResponse(
        association=m.v1.Association(
            id="a", name="\x1b[31m\u202e\u0085", identity_policy=9,
            number=m.v1.NumberNormalization(fold_case=True)))))
    s.add("associations", b"\x05\x02", framed(m.v1.ListAssociationsResponse(
        associations=[m.v1.Association(id=f"a{i}") for i in range(3)],
        next_page_token="t")))
    s.add("types", b"\x06\x02", framed(m.v1.ListCredentialTypesResponse()))
    s.add("whoami", b"\x07\x02", framed(m.v1.WhoAmIResponse()))
    s.add("event", b"\x09\x02", framed(m.event()))
    s.add("health", b"\x08\x02", b"\x01", block(frame(b"\x08\x01")[:4]),
          b"\x01", block(frame(b"\x08\x01")[4:]))
    s.add("failed", b"\x00\x00", header(2, b"5", True),
          header(3, b"no such thing: 100%25", True),
          header(4, b"CAUSAG5v", True))
    s.add("pushed_back", b"\x00\x00", header(2, b"14", True),
          header(6, b"1500", True))
    s.add("proxy", b"\x00\x01", header(0, b"502"), header(1, b"text/html"),
          b"\x01", block(b"<html>"))
    s.add("reset", b"\x00\x80")
    s.add("cut_short", b"\x00\x02", b"\x01", block(frame(wire(answer))[:40]))
    s.add("nonsense", b"\x00\x02", b"\x02", block(b"\x0a\x05\x08"))


# ---- certificates -----------------------------------------------------------

def der(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    if n < 128:
        return bytes([tag, n]) + body
    size = (n.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + n.to_bytes(size, "big") + body


def oid(text):
    first, second, *rest = map(int, text.split("."))
    out = bytes([40 * first + second])
    for number in rest:
        part = [number & 0x7f]
        while number := number >> 7:
            part.append(number & 0x7f | 0x80)
        out += bytes(reversed(part))
    return der(6, out)


def extension(number, critical, value):
    return der(0x30, oid(number), der(1, b"\xff") if critical else b"",
               der(4, value))


def uri(text):
    return der(0x86, text if isinstance(text, bytes) else text.encode())


CLIENT, SERVER = "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"
P256 = bytes.fromhex(       # the base point is a public key like any other
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")


def certificate(names, usage=(CLIENT,), ca=False, serial=b"\x2a",
                until=(0x17, b"270101000000Z"), extra=()):
    algorithm = der(0x30, oid("1.2.840.10045.4.3.2"))
    subject = der(0x30, der(0x31, der(0x30, oid("2.5.4.3"),
                                      der(12, b"somebody"))))
    key = der(0x30, der(0x30, oid("1.2.840.10045.2.1"),
                        oid("1.2.840.10045.3.1.7")), der(3, b"\0" + P256))
    extensions = [extension("2.5.29.19", True,
                            der(0x30, der(1, b"\xff") if ca else b""))]
    if usage:
        extensions.append(extension("2.5.29.37", False,
                                    der(0x30, *map(oid, usage))))
    if names is not None:
        extensions.append(extension("2.5.29.17", False, der(0x30, *names)))
    extensions += extra
    body = der(0x30, der(0xa0, der(2, b"\x02")), der(2, serial), algorithm,
               subject, der(0x30, der(0x17, b"260101000000Z"), der(*until)),
               subject, key, der(0xa3, der(0x30, *extensions)))
    signature = der(0x30, der(2, b"\x01"), der(2, b"\x01"))
    return der(0x30, body, algorithm, der(3, b"\0" + signature))


def make_certificate():
    s = Seeds("certificate")
    base = "spiffe://dev.vouch.invalid"
    roles = ("employer", "association", "auditor", "admin")
    for i, role in enumerate(roles):
        s.add(role, bytes([i]), certificate([uri(f"{base}/{role}/a-1")]))
    one = [uri(f"{base}/employer/acme")]
    s.add("root_signed", b"\x04", certificate(one))
    s.add("unsigned", b"\x05", certificate(one))
    s.add("other_ca", b"\x01", certificate(one))
    s.add("two_uris", b"\x00", certificate(one + [uri(f"{base}/admin/a")]))
    s.add("dns_too", b"\x00", certificate([der(0x82, b"a.example.org")] + one))
    s.add("no_uri", b"\x00", certificate([der(0x82, b"a.example.org")]))
    s.add("no_names", b"\x00", certificate(None))
    s.add("nul", b"\x00", certificate([uri(f"{base}/employer/a\0b")]))
    s.add("domain", b"\x00", certificate([uri("spiffe://x/employer/acme")]))
    s.add("server_use", b"\x00", certificate(one, usage=(SERVER,)))
    s.add("both_uses", b"\x00", certificate(one, usage=(SERVER, CLIENT)))
    s.add("no_use", b"\x00", certificate(one, usage=()))
    s.add("is_ca", b"\x00", certificate(one, ca=True))
    s.add("serial", b"\x00", certificate(one, serial=b"\x00" + b"\xff" * 20))
    s.add("negative", b"\x00", certificate(one, serial=b"\xff\x01"))
    s.add("expired", b"\x00", certificate(one, until=(0x17, b"260201000000Z")))
    s.add("far_end", b"\x00", certificate(one,
                                          until=(0x18, b"99991231235959Z")))
    s.add("unknown_critical", b"\x00", certificate(
        one, extra=[extension("1.2.3.4", True, der(5))]))
    s.add("names_twice", b"\x00", certificate(
        one, extra=[extension("2.5.29.17", False, der(0x30, *one))]))


def crl(serials=(b"\x0a",), extensions=(), entry=(), until=b"261201000000Z",
        reason=1):
    """A CRL in DER; whoever signed it cannot have."""
    algorithm = der(0x30, oid("1.2.840.10045.4.3.2"))
    entries = []
    for serial in serials:
        more = list(entry)
        if reason is not None:
            more.append(extension("2.5.29.21", False, der(0x0a,
                                                          bytes([reason]))))
        entries.append(der(0x30, der(2, serial), der(0x17, b"261101000000Z"),
                           der(0x30, *more) if more else b""))
    return der(0x30, der(
        0x30, der(2, b"\x01"), algorithm,
        der(0x30, der(0x31, der(0x30, oid("2.5.4.3"), der(0x0c, b"CA")))),
        der(0x17, b"261101000000Z"), der(0x17, until) if until else b"",
        der(0x30, *entries) if entries else b"",
        der(0xa0, der(0x30, *extensions)) if extensions else b""),
        algorithm, der(3, b"\0" + bytes(8)))


def pem(data, kind=b"X509 CRL"):
    return b"-----BEGIN " + kind + b"-----\n" + \
        base64.encodebytes(data) + b"-----END " + kind + b"-----\n"


def make_crl():
    s = Seeds("crl")
    s.add("one", crl())
    s.add("none", crl(serials=()))
    s.add("many", crl(serials=[bytes([i]) * (i % 22 + 1)
                               for i in range(1, 60)]))
    s.add("signs", crl(serials=(b"\x00", b"\xff", b"\x00\xff", b"\x80\x00")))
    s.add("number", crl(extensions=[extension(
        "2.5.29.20", False, der(2, b"\x01\x2c"))]))
    s.add("negative_number", crl(extensions=[extension(
        "2.5.29.20", False, der(2, b"\xff"))]))
    s.add("delta", crl(extensions=[extension(
        "2.5.29.27", True, der(2, b"\x01"))]))
    s.add("part", crl(extensions=[extension(
        "2.5.29.28", True, der(0x30, der(0x81, b"\xff")))]))
    s.add("unknown_critical", crl(extensions=[extension(
        "1.2.3.4", True, der(5))]))
    s.add("unknown", crl(extensions=[extension("1.2.3.4", False, der(5))]))
    s.add("indirect", crl(entry=[extension(
        "2.5.29.29", True, der(0x30, der(0xa4, der(0x30))))]))
    s.add("entry_critical", crl(entry=[extension("1.2.3.4", True, der(5))]))
    s.add("no_reason", crl(reason=None))
    s.add("endless", crl(until=None))
    s.add("over_before", crl(until=b"251201000000Z"))
    s.add("something_behind", crl() + b"\0")
    s.add("cut", crl()[:-3])
    s.add("pem", pem(crl()))
    s.add("two", b"Our CAs:\n" + pem(crl()) + b"\n" + pem(crl(serials=())))
    s.add("not_one", pem(crl()) + pem(crl(), b"CERTIFICATE"))
    s.add("half", pem(crl())[:-30])
    s.add("text", b"nothing of the kind\n")


def make_deny_list():
    s = Seeds("deny_list")
    base = "spiffe://vouch.example.org"
    key = "00112233445566778899aabbccddeeff" * 2
    s.add("each", f"# who is out\n\nserial employer 0A\nkey {key}\n"
          f"identity {base}/association/ascp-boc\n")
    s.add("times", f"key {key} 2026-11-22T12:00:00Z\n"
          f"identity {base}/admin/a 2026-11-22T12:00:00.5+01:00 left\n"
          f"serial auditor ff 1970-01-01T00:00:00Z 2026-11-22T12:00:00Z x\n")
    s.add("reasons", f"identity {base}/admin/a left  the network\n"
          f"identity {base}/admin/b \u00e4\u4e2d # no comment\t\n")
    s.add("twice", f"serial admin 00a\nserial admin A\nkey {key.upper()}\n")
    s.add("blanks", " \t\n\tserial \t admin  0a \t\n  # x\n")
    s.add("half", f"key {key}\nidentity {base}/employer/ac")
    s.add("bad", f"key {key}\nkey {key[1:]}\n")
    s.add("domain", "identity spiffe://x/employer/acme\n")
    s.add("returns", f"key {key}\r\n")
    s.add("nul", f"identity {base}/admin/a\0b\n")


# ---- receipts and trust files -----------------------------------------------

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def receipt(m, leaves=1, index=0, answer=None, question=None, redact=(),
            more=b"", **batch):
    """A receipt whose path is right; the signature is of nobody."""
    response = m.answer()
    answer = wire(response.answer) if answer is None else answer
    question = wire(response.question) if question is None else question
    salts = bytes(range(16)), bytes(range(16, 32))
    q = sha256(b"vouch/question/v1\0", salts[0], question)
    a = sha256(b"vouch/answer/v1\0", salts[1], q, answer)
    level = [sha256(b"\0", bytes([i % 256])) for i in range(leaves)]
    level[index] = sha256(b"\0", q, a)
    path, at = [], index
    while len(level) > 1:
        if at ^ 1 < len(level):
            path.append(level[at ^ 1])
        level = [sha256(b"\1", *level[i:i + 2]) if i + 1 < len(level)
                 else level[i] for i in range(0, len(level), 2)]
        at //= 2
    fields = dict(domain="vouch/seal/v1", log_origin="test.vouch.invalid",
                  key_id=bytes([7]) * 32, sealed_at_us=1795348802000000,
                  leaf_count=leaves, root=level[0], checkpoint_size=17,
                  checkpoint_root=bytes([8]) * 32)
    fields.update(batch)
    seal = m.v1.Seal(question_salt=salts[0], answer_salt=salts[1],
                     index=index, path=path, signature=bytes([9]) * 64,
                     batch=wire(m.v1.SealBatch(**fields)))
    made = m.v1.Receipt(answer=answer, question=question, seal=seal)
    if "answer" in redact:
        made.answer, made.seal.answer_salt = b"", b""
        made.answer_commitment = a
    if "question" in redact:
        made.question, made.seal.question_salt = b"", b""
        made.question_commitment = q
    return wire(made) + more


def make_receipt(m):
    s = Seeds("receipt")
    small = dict(answer=wire(m.v1.Answer(verdict=2, conclusion=3)),
                 question=wire(m.v1.Question(asker="x")))
    s.add("one", receipt(m))
    s.add("small", receipt(m, **small))
    s.add("last", receipt(m, 7, 6, **small))
    s.add("many", receipt(m, 256, 100, **small))
    s.add("no_answer", receipt(m, 3, 2, redact=("answer",)))
    s.add("no_question", receipt(m, 3, 1, redact=("question",), **small))
    s.add("nothing", receipt(m, 2, 1, redact=("answer", "question")))
    s.add("newer", receipt(m, answer=small["answer"] + b"\xc0\x3e\x01",
                           question=small["question"] + b"\xca\x3e\x01x"))
    s.add("unknown", receipt(m, more=b"\xc0\x3e\x01", **small))
    s.add("not_canonical", receipt(m, answer=b"\x08\x86\x00"))
    s.add("early", receipt(m, sealed_at_us=1, checkpoint_size=0, **small))
    s.add("origin", receipt(m, log_origin="other", **small))
    s.add("domain", receipt(m, domain="vouch/other/v1", **small))
    s.add("too_many", receipt(m, 257, 256, **small))
    s.add("root", receipt(m, root=bytes(32), **small))


def trust_key(number, **more):
    public = bytes([number]) * 32
    key = dict(id=sha256(public).hex(), use="seal", algorithm="ed25519",
               public_key=base64.b64encode(public).decode(),
               valid_from="2026-11-22T23:00:00Z",
               valid_until="2027-05-22T23:00:00Z", state="active")
    key.update(more)
    return key


def trust_file(*keys, **more):
    signed = dict(type="vouch/trust/v1", origin="test.vouch.invalid",
                  version=1, issued_at="2026-11-22T23:00:00Z",
                  expires_at="2027-11-22T23:00:00Z", keys=list(keys))
    signed.update(more)
    return dict(root_key=base64.b64encode(bytes(32)).decode(),
                signature=base64.b64encode(bytes(64)).decode(),
                signed=signed)


def make_trust():
    s = Seeds("trust")
    all_states = trust_file(
        trust_key(1), trust_key(2, use="checkpoint", state="retired"),
        trust_key(3, state="compromised",
                  compromised_since="2026-12-24T18:00:00Z"))
    s.add("each", json.dumps(all_states, indent=2) + "\n")
    s.add("compact", json.dumps(all_states, sort_keys=True,
                                separators=(",", ":")))
    s.add("none", json.dumps(trust_file()))
    s.add("twice", json.dumps(trust_file(trust_key(1), trust_key(1))))
    s.add("escapes", json.dumps(trust_file()).replace("/", "\\/").replace(
        "test", "t\\u0065st"))
    s.add("since", json.dumps(trust_file(trust_key(
        1, compromised_since="2026-12-24T18:00:00Z"))))
    s.add("order", json.dumps(trust_file(trust_key(
        1, valid_until="2020-01-01T00:00:00Z"))))
    s.add("number", json.dumps(trust_file(version=2**53 - 1)))
    s.add("large", json.dumps(trust_file(version=2**53)))
    s.add("unknown", json.dumps(trust_file(note="x")))
    s.add("quotes", json.dumps(trust_file(origin='a"b\\c')))
    s.add("cut", json.dumps(all_states)[:-40])
    s.add("not_one", "[]\n")


def main():
    m = Messages(load_messages())
    make_message(m)
    make_grpc_frame(m)
    make_compression(m)
    make_h2(m)
    make_session(m)
    make_csv()
    make_mapping()
    make_openings()
    make_catalog()
    make_conf()
    make_name_fold()
    make_identity()
    make_status(m)
    make_claim(m)
    make_reflection(m)
    make_row(m)
    make_event(m)
    make_wire_client(m)
    make_certificate()
    make_crl()
    make_deny_list()
    make_receipt(m)
    make_trust()
    count = sum(1 for p in SEEDS.rglob("*") if p.is_file())
    print(f"{count} seeds in {SEEDS.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
