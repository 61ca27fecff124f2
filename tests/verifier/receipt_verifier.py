#!/usr/bin/python3
"""Verify receipts, as docs/receipt.md specifies them.

usage: receipt_verifier.py --trust FILE [--root-key ID] [--seen-version N]
                           [--accept-expired-trust] FILE|DIRECTORY...

Prints a line a file: its state, its name, and what there is to say; of a
directory each file whose name ends with .receipt, in it and in those in it;
links there are passed over.  Exits with 0 if every
receipt is VERIFIED; with 9 if one is not, or the trust file is not the root
key's or too old; with 2 if it was called wrongly, a file cannot be read, the
trust file is none, or there was nothing to verify.

Written from docs/receipt.md and the text of the .proto files.  It shares
nothing with Vouch's C code and needs no protobuf library: Python 3 and its
package cryptography (Debian: python3-cryptography), of which it takes Ed25519.
It asks nothing of a network.
"""

import argparse
import base64
import binascii
import datetime
import functools
import hashlib
import json
import os
import re
import sys
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

RECEIPT_BYTES_MAX = 1024 * 1024
TRUST_BYTES_MAX = 256 * 1024
LEAVES_MAX = 256
SALT, HASH, SIGNATURE = 16, 32, 64

VERIFIED = "VERIFIED"
MALFORMED = "MALFORMED"
SEAL_BROKEN = "SEAL_BROKEN"
TRUST_TOO_OLD = "TRUST_TOO_OLD"
KEY_UNKNOWN = "KEY_UNKNOWN"
KEY_COMPROMISED = "KEY_COMPROMISED"
KEY_NOT_VALID = "KEY_NOT_VALID"


class Refused(Exception):
    """A receipt that is not VERIFIED; a trust file that is none."""

    def __init__(self, state, why):
        super().__init__(why)
        self.state = state


def malformed(why):
    return Refused(MALFORMED, why)


# -- What the messages look like: number -> type, or [type] if repeated.  The
#    type of a sub-message is such a table.

DATE = {1: "int32", 2: "int32", 3: "int32"}
HUMAN_NAME = {1: "string", 2: "string", 3: "string", 4: "string"}
VALIDITY_PERIOD = {1: "enum", 2: DATE, 3: DATE, 4: DATE}
RECOGNITION = {
    1: "string", 2: "string", 3: "string", 4: ["string"], 5: "string",
    6: "string", 7: DATE, 8: DATE, 9: DATE, 10: "string", 11: "enum",
    12: DATE,
}
CLAIM = {
    1: "string", 2: "string", 3: "string", 4: HUMAN_NAME, 5: DATE,
    6: "string", 7: DATE, 8: DATE, 9: "enum", 10: "string", 11: "string",
    12: "string", 13: "bytes", 14: ["string"],
}
QUESTION = {1: CLAIM, 2: "string", 3: "string"}
FACTOR_COMPARISON = {1: "enum", 2: "enum"}
STATUS = {
    1: "string", 2: "string", 3: "enum", 4: "enum", 5: "enum", 6: "enum",
    7: "bool",
}
VALIDITY_EXTENSION = {1: "string", 2: DATE, 3: "string"}
FRESHNESS = {1: "enum", 2: "int64", 3: "int64", 4: "int64"}
ANSWER = {
    1: "enum", 2: "enum", 3: ["enum"], 4: [FACTOR_COMPARISON], 5: "bool",
    6: STATUS, 7: [VALIDITY_PERIOD], 8: "string", 9: "enum",
    10: [RECOGNITION], 11: FRESHNESS, 12: DATE, 13: "bool", 14: "int64",
    15: "int32", 16: "string", 17: "string", 18: ["enum"], 19: "string",
    20: "int64", 21: "int32", 22: VALIDITY_EXTENSION, 23: ["enum"],
}
SEAL = {
    1: "bytes", 2: "bytes", 3: "uint32", 4: ["bytes"], 5: "bytes",
    6: "bytes",
}
SEAL_BATCH = {
    1: "string", 2: "string", 3: "bytes", 4: "int64", 5: "uint32",
    6: "bytes", 7: "int64", 8: "bytes",
}
RECEIPT = {1: "bytes", 2: "bytes", 3: SEAL, 4: "bytes", 5: "bytes"}

# Tables in which a field that they do not have is refused.
CLOSED = (id(RECEIPT), id(SEAL), id(SEAL_BATCH))

VARINT, FIXED64, COUNTED, FIXED32 = 0, 1, 2, 5
RANGES = {          # of a varint, as it stands on the wire
    "bool": lambda v: v <= 1,
    "uint32": lambda v: v < 1 << 32,
    "int32": lambda v: v < 1 << 31 or v >= (1 << 64) - (1 << 31),
    "enum": lambda v: v < 1 << 31 or v >= (1 << 64) - (1 << 31),
    "int64": lambda v: True,
}


# -- A reader of protobuf that takes the canonical form alone.

def read_varint(data, at, bits=64):
    """Return a varint, and where what follows it begins."""
    value = 0
    for i in range((bits + 6) // 7):
        if at + i >= len(data):
            raise malformed("it ends within a number")
        byte = data[at + i]
        value |= (byte & 0x7f) << 7 * i
        if byte < 0x80:
            if byte == 0 and i > 0:
                raise malformed("a number is longer than it has to be")
            if value >> bits:
                break
            return value, at + i + 1
    raise malformed("a number is too long")


def read_fields(data):
    """Give number, wire type and value of each field."""
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at, 32)
        number, wire_type = tag >> 3, tag & 7
        if number == 0:
            raise malformed("a field has number 0")
        if wire_type == VARINT:
            value, at = read_varint(data, at)
        elif wire_type in (FIXED64, COUNTED, FIXED32):
            if wire_type == COUNTED:
                n, at = read_varint(data, at, 31)
            else:
                n = 8 if wire_type == FIXED64 else 4
            if n > len(data) - at:
                raise malformed("it ends within a field")
            value, at = data[at:at + n], at + n
        else:
            raise malformed(f"field {number} has wire type {wire_type}")
        yield number, wire_type, value


def read_number(kind, value, where):
    if not RANGES[kind](value):
        raise malformed(f"{where} does not fit its type")
    return value - (1 << 64) if value >> 63 else value


def read_packed(kind, data, where):
    if not data:
        raise malformed(f"{where} is empty")
    values, at = [], 0
    while at < len(data):
        value, at = read_varint(data, at)
        values.append(read_number(kind, value, where))
    return values


def read_value(kind, wire_type, value, repeated, where):
    is_number = type(kind) is str and kind in RANGES
    if wire_type != (VARINT if is_number and not repeated else COUNTED):
        raise malformed(f"{where} has wire type {wire_type}")
    if is_number and repeated:
        return read_packed(kind, value, where)
    if is_number:
        if value == 0:
            raise malformed(f"{where} has its default value")
        return read_number(kind, value, where)
    if not value and (type(kind) is dict or not repeated):
        raise malformed(f"{where} is empty")
    if type(kind) is dict:
        return read_message(kind, value, where)
    if kind == "string":
        try:
            text = value.decode("utf-8")
        except UnicodeDecodeError:
            raise malformed(f"{where} is not UTF-8") from None
        if "\0" in text:
            raise malformed(f"{where} holds a NUL")
        return text
    return value


def read_message(table, data, where):
    """Return the fields by their numbers; of a repeated field a list."""
    fields, last = {}, 0
    for number, wire_type, value in read_fields(data):
        here = f"{where}.{number}"
        if number < last:
            raise malformed(f"{here} is out of order")
        last = number
        if number not in table:
            if id(table) in CLOSED:
                raise malformed(f"{here} is unknown")
            continue
        kind = table[number]
        repeated = isinstance(kind, list)
        kind = kind[0] if repeated else kind
        packed = repeated and type(kind) is str and kind in RANGES
        if number in fields and (packed or not repeated):
            raise malformed(f"{here} comes twice")
        value = read_value(kind, wire_type, value, repeated, here)
        if repeated and not packed:
            fields.setdefault(number, []).append(value)
        else:
            fields[number] = value
    return fields


# -- Hashes.

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def commit_question(salt, question):
    return sha256(b"vouch/question/v1\0", salt, question)


def commit_answer(salt, question_commitment, answer):
    return sha256(b"vouch/answer/v1\0", salt, question_commitment, answer)


def leaf_hash(question_commitment, answer_commitment):
    return sha256(b"\0", question_commitment, answer_commitment)


def climb(leaf, index, count, path):
    """The root that the path leads to: RFC 9162, section 2.1.3.2."""
    at, last, root = index, count - 1, leaf
    for sibling in path:
        if last == 0:
            raise malformed("the path is too long")
        if at & 1 or at == last:
            root = sha256(b"\1", sibling, root)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            root = sha256(b"\1", root, sibling)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise malformed("the path is too short")
    return root


# -- Ed25519.  The package checks the equation, and that S is below the order.
#    What it lets pass, and docs/receipt.md does not, is a point that is not in
#    its one encoding, or of an order below 8.

P = 2 ** 255 - 19
D = -121665 * pow(121666, -1, P) % P


@functools.lru_cache(1024)
def is_sound_point(encoded):
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return False
    # x^2 = (y^2 - 1) / (d y^2 + 1); its root, if it has one, as RFC 8032 does.
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == -u % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if v * x * x % P != u or x == 0 and sign:
        return False
    for _ in range(3):      # eight times the point; which root is no matter
        denominator = D * x * x * y * y % P
        x, y = (2 * x * y * pow(1 + denominator, -1, P) % P,
                (y * y + x * x) * pow(1 - denominator, -1, P) % P)
    return (x, y) != (0, 1)


def is_signed(public_key, message, signature):
    if not is_sound_point(public_key) or not is_sound_point(signature[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(
            signature, message)
    except InvalidSignature:
        return False
    return True


# -- Receipts.

PLAIN = re.compile(r"[ !#-\[\]-~]*")    # printable ASCII without " and \
ORIGIN_MAX = 128


def is_origin(text):
    return 1 <= len(text) <= ORIGIN_MAX and bool(PLAIN.fullmatch(text))


class Receipt:
    """Everything about the bytes that needs no key; raises Refused."""

    def __init__(self, data):
        if len(data) > RECEIPT_BYTES_MAX:
            raise malformed("it is too long")
        fields = read_message(RECEIPT, data, "receipt")
        if 3 not in fields:
            raise malformed("there is no seal")
        seal = fields[3]
        self.answer, self.question = fields.get(1), fields.get(2)
        if self.answer is not None:
            read_message(ANSWER, self.answer, "answer")
        if self.question is not None:
            read_message(QUESTION, self.question, "question")
        self.read_seal(seal)
        self.question_commitment = self.commitment(
            "question", self.question, fields.get(5), seal.get(1),
            commit_question)
        self.answer_commitment = self.commitment(
            "answer", self.answer, fields.get(4), seal.get(2),
            lambda salt, answer: commit_answer(
                salt, self.question_commitment, answer))
        self.id = leaf_hash(self.question_commitment, self.answer_commitment)
        if climb(self.id, self.index, self.leaf_count,
                 self.path) != self.root:
            raise Refused(SEAL_BROKEN, "the path leads to another root")

    def read_seal(self, seal):
        self.index = seal.get(3, 0)
        self.path = seal.get(4, [])
        self.signature = seal.get(6, b"")
        self.batch_bytes = seal.get(5, b"")
        batch = read_message(SEAL_BATCH, self.batch_bytes, "batch")
        self.origin = batch.get(2, "")
        self.key_id = batch.get(3, b"")
        self.sealed_at_us = batch.get(4, 0)
        self.leaf_count = batch.get(5, 0)
        self.root = batch.get(6, b"")
        self.checkpoint_size = batch.get(7, 0)
        self.checkpoint_root = batch.get(8, b"")
        for what, right in (
                ("the signature", len(self.signature) == SIGNATURE),
                ("a hash of the path",
                 all(len(sibling) == HASH for sibling in self.path)),
                ("batch.domain", batch.get(1) == "vouch/seal/v1"),
                ("batch.log_origin", is_origin(self.origin)),
                ("batch.key_id", len(self.key_id) == HASH),
                ("batch.sealed_at_us", self.sealed_at_us > 0),
                ("batch.leaf_count", 1 <= self.leaf_count <= LEAVES_MAX),
                ("batch.root", len(self.root) == HASH),
                ("batch.checkpoint_size", self.checkpoint_size >= 0),
                ("batch.checkpoint_root", len(self.checkpoint_root) == HASH),
                ("seal.index", self.index < self.leaf_count)):
            if not right:
                raise malformed(f"{what} is not what it must be")

    @staticmethod
    def commitment(what, part, commitment, salt, commit):
        if (part is None) == (commitment is None):
            raise malformed(f"there must be the {what} or its commitment")
        if part is None:
            if salt is not None:
                raise malformed(f"the {what} is gone, and its salt is not")
            if len(commitment) != HASH:
                raise malformed(f"the {what} commitment has another length")
            return commitment
        if salt is None or len(salt) != SALT:
            raise malformed(f"the {what} salt is not of {SALT} bytes")
        return commit(salt, part)

    def judge(self, trust, now_us=None):
        """Raise Refused unless ${trust} vouches for it at ${now_us},
        microseconds UTC; None: whatever the time."""
        key = trust.find("seal", self.key_id)
        if key is None:
            raise Refused(KEY_UNKNOWN, "the trust file does not list key "
                          f"{self.key_id.hex()} for seals")
        if not is_signed(key.public_key, self.batch_bytes, self.signature):
            raise Refused(SEAL_BROKEN, "the signature is wrong")
        if key.state == "compromised":
            raise Refused(KEY_COMPROMISED, "whoever has the key could have "
                          "made it")
        if self.origin != trust.origin:
            raise Refused(KEY_NOT_VALID, "it is of another origin than the "
                          "trust file")
        if not key.from_us <= self.sealed_at_us < key.until_us:
            raise Refused(KEY_NOT_VALID, "it was sealed outside of the key's "
                          "time")
        if now_us is not None and now_us >= trust.expires_us:
            raise Refused(TRUST_TOO_OLD, "the trust file has expired")

    def withheld(self):
        return [word for word, part in (("RESULT WITHHELD", self.answer),
                                        ("QUESTION WITHHELD", self.question))
                if part is None]


# -- The trust file.

TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T"
                  r"([0-9]{2}):([0-9]{2}):([0-9]{2})Z")
EPOCH = datetime.datetime(1970, 1, 1)
SECOND = datetime.timedelta(seconds=1)
VERSION_MAX = 2 ** 53 - 1
KEYS_MAX = 256
FILE_MEMBERS = {"root_key": str, "signature": str, "signed": dict}
SIGNED_MEMBERS = {"type": str, "origin": str, "version": int,
                  "issued_at": str, "expires_at": str, "keys": list}
KEY_MEMBERS = {"id": str, "use": str, "algorithm": str, "public_key": str,
               "valid_from": str, "valid_until": str, "state": str}


UNTRUSTED = "UNTRUSTED"     # a trust file, but not by the right key


def untrusted(why, state=MALFORMED):
    return Refused(state, f"trust file: {why}")


def members_once(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise untrusted("a member is named twice")
    return dict(pairs)


def not_an_integer(text):
    raise untrusted(f"{text} is no integer")


def check_members(value, members, where):
    if type(value) is not dict:
        raise untrusted(f"{where} is no object")
    if set(value) != set(members):
        raise untrusted(f"{where} lacks or has a member that it must (not) "
                        f"have: {sorted(set(value) ^ set(members))}")
    for name, kind in members.items():
        if type(value[name]) is not kind:
            raise untrusted(f"{where}.{name} is of another type")
        if kind is str and not PLAIN.fullmatch(value[name]):
            raise untrusted(f"{where}.{name} holds a character that may not "
                            "stand there")


def read_base64(text, n, where):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != n or base64.b64encode(data).decode() != text:
        raise untrusted(f"{where} is not {n} bytes in base64")
    return data


def read_time(text, where):
    match = TIME.fullmatch(text)
    try:
        when = datetime.datetime(*map(int, match.groups())) if match else None
    except ValueError:
        when = None
    if when is None:
        raise untrusted(f"{where} is no time as it must be written")
    return (when - EPOCH) // SECOND * 1000000


class Key:
    def __init__(self, value, where):
        members = dict(KEY_MEMBERS)
        if type(value) is dict and value.get("state") == "compromised":
            members["compromised_since"] = str
        check_members(value, members, where)
        self.public_key = read_base64(value["public_key"], 32,
                                      where + ".public_key")
        self.id = sha256(self.public_key)
        self.use, self.state = value["use"], value["state"]
        self.from_us = read_time(value["valid_from"], where + ".valid_from")
        self.until_us = read_time(value["valid_until"],
                                  where + ".valid_until")
        if self.state == "compromised":
            read_time(value["compromised_since"],
                      where + ".compromised_since")
        for name, right in (
                ("id", value["id"] == self.id.hex()),
                ("use", self.use in ("seal", "checkpoint")),
                ("algorithm", value["algorithm"] == "ed25519"),
                ("state", self.state in ("active", "retired",
                                         "compromised")),
                ("valid_until", self.from_us < self.until_us)):
            if not right:
                raise untrusted(f"{where}.{name} is not what it must be")


class Trust:
    """A trust file whose signature is that of the root key it names."""

    def __init__(self, data):
        if len(data) > TRUST_BYTES_MAX:
            raise untrusted("it is too long")
        try:
            file = json.loads(
                data.decode("utf-8"), object_pairs_hook=members_once,
                parse_float=not_an_integer, parse_constant=not_an_integer)
        except (ValueError, RecursionError) as error:
            raise untrusted(f"it is not JSON: {error}") from None
        check_members(file, FILE_MEMBERS, "file")
        signed = file["signed"]
        self.read_signed(signed)
        self.root_key = read_base64(file["root_key"], 32, "root_key")
        self.root_key_id = sha256(self.root_key)
        signature = read_base64(file["signature"], SIGNATURE, "signature")
        self.signed_bytes = b"vouch/trust/v1\0" + json.dumps(
            signed, sort_keys=True, separators=(",", ":")).encode("ascii")
        if not is_signed(self.root_key, self.signed_bytes, signature):
            raise untrusted("its signature is not the root key's", UNTRUSTED)

    def read_signed(self, signed):
        check_members(signed, SIGNED_MEMBERS, "signed")
        self.origin, self.version = signed["origin"], signed["version"]
        self.issued_us = read_time(signed["issued_at"], "issued_at")
        self.expires_us = read_time(signed["expires_at"], "expires_at")
        for name, right in (
                ("type", signed["type"] == "vouch/trust/v1"),
                ("origin", is_origin(self.origin)),
                ("version", 1 <= self.version <= VERSION_MAX),
                ("expires_at", self.issued_us < self.expires_us),
                ("keys", len(signed["keys"]) <= KEYS_MAX)):
            if not right:
                raise untrusted(f"{name} is not what it must be")
        self.keys = [Key(key, f"keys[{i}]")
                     for i, key in enumerate(signed["keys"])]
        if len({key.id for key in self.keys}) != len(self.keys):
            raise untrusted("a key is listed twice")

    def find(self, use, key_id):
        for key in self.keys:
            if (key.use, key.id) == (use, key_id):
                return key
        return None


# -- The program.

def judge(data, trust, now_us=None):
    """Return state, remark, and the receipt, None if it is malformed or its
    path is wrong."""
    receipt = None
    try:
        receipt = Receipt(data)
        receipt.judge(trust, now_us)
    except Refused as refused:
        return refused.state, str(refused), receipt
    return VERIFIED, ", ".join([receipt.id.hex(), *receipt.withheld()]), \
        receipt


def read_file(path, at_most):
    with open(path, "rb") as file:
        return file.read(at_most + 1)


def fail(error):
    raise error


def files_of(paths):
    for path in paths:
        if not os.path.isdir(path):
            yield path
            continue
        for folder, folders, names in os.walk(path, onerror=fail):
            folders.sort()
            for name in sorted(names):
                file = os.path.join(folder, name)
                if name.endswith(".receipt") and os.path.isfile(file) and \
                        not os.path.islink(file):
                    yield file


def trust_for(options):
    trust = Trust(read_file(options.trust, TRUST_BYTES_MAX))
    root = trust.root_key_id.hex()
    if options.root_key is None:
        print(f"trust file of root key {root}, which was not asked for by "
              "--root-key", file=sys.stderr)
    elif options.root_key.lower() != root:
        raise untrusted(f"its root key is {root}, not that which was asked "
                        "for", UNTRUSTED)
    if trust.version < options.seen_version:
        raise untrusted(f"it has version {trust.version}, and "
                        f"{options.seen_version} was seen", TRUST_TOO_OLD)
    return trust


def hex_id(text):
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        raise ValueError
    return text


def judge_file(path, trust, now_us):
    """One that is there and cannot be read is no reason to end."""
    try:
        data = read_file(path, RECEIPT_BYTES_MAX)
    except FileNotFoundError:
        raise
    except OSError as error:
        return "UNREADABLE", error.strerror
    return judge(data, trust, now_us)[:2]


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trust", required=True, metavar="FILE")
    parser.add_argument("--root-key", type=hex_id, metavar="ID")
    parser.add_argument("--seen-version", type=int, default=0, metavar="N")
    parser.add_argument("--accept-expired-trust", action="store_true")
    parser.add_argument("receipts", nargs="+", metavar="FILE|DIRECTORY")
    options = parser.parse_args(arguments)
    now_us = None if options.accept_expired_trust \
        else time.time_ns() // 1000
    status, seen = 0, False
    try:
        trust = trust_for(options)
        for path in files_of(options.receipts):
            seen = True
            state, remark = judge_file(path, trust, now_us)
            name = path if path.isprintable() else ascii(path)
            print(f"{state} {name}: {remark}")
            if state != VERIFIED:
                status = 9
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 2 if refused.state == MALFORMED else 9
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    if not seen:
        print("there is no receipt there", file=sys.stderr)
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
