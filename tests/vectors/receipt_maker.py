"""Receipts made of keys and salts that are made up: what make_receipts.py
writes its vectors with.  Nothing here checks anything, since some vectors are
wrong on purpose.
"""

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORIGIN = "register.example/log"
SEALED = 1795388400000000       # 2026-11-22T23:00:00Z
ORDER = 2 ** 252 + 27742317777372353535851937790883648493


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def made_up(what, n):
    """Bytes that stand for random ones."""
    return hashlib.sha512(b"vouch test vector: " + what.encode()).digest()[:n]


# -- Protobuf, written field by field.  Nothing checks the order: some vectors
#    are wrong on purpose.

def varint(value, pad=0):
    """The shortest varint, or one that is ${pad} bytes longer."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7f:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)
    if pad:
        out[-1] |= 0x80
        out += b"\x80" * (pad - 1) + b"\0"
    return bytes(out)


def num(number, value, pad=0):
    return varint(number << 3) + varint(value, pad)


def raw(number, data, pad=0):
    return varint(number << 3 | 2) + varint(len(data), pad) + data


def text(number, value):
    return raw(number, value.encode("utf-8"))


def sub(number, *parts):
    return raw(number, b"".join(parts))


def packed(number, *values):
    return raw(number, b"".join(map(varint, values)))


def date(number, year, month=0, day=0):
    return sub(number, *(num(i, value) for i, value
                         in enumerate((year, month, day), 1) if value))


# -- Keys.

class Key:
    def __init__(self, name):
        self.name = name
        self.seed = made_up("key " + name, 32)
        self.private = Ed25519PrivateKey.from_private_bytes(self.seed)
        self.public = self.private.public_key().public_bytes(
            Encoding.Raw, PublicFormat.Raw)
        self.id = sha256(self.public)

    def sign(self, message):
        return self.private.sign(message)

    def vector(self):
        return {"name": self.name, "seed": self.seed.hex(),
                "public_key": self.public.hex(), "key_id": self.id.hex()}


ROOT, OTHER_ROOT = Key("root"), Key("another root")
SEAL, NEXT, STRANGER = Key("seal 1"), Key("seal 2"), Key("of a stranger")
CHECKPOINT = Key("checkpoint")
NEUTRAL = bytes([1]) + bytes(31)    # a point of order 1


def sign_as_neutral():
    """What satisfies the equation for NEUTRAL, whatever the message."""
    half = bytearray(hashlib.sha512(STRANGER.seed).digest()[:32])
    half[0] &= 248
    half[31] = half[31] & 127 | 64
    scalar = int.from_bytes(half, "little") % ORDER
    return STRANGER.public + scalar.to_bytes(32, "little")


# -- Trees.

def node(left, right):
    return sha256(b"\1", left, right)


def split(n):
    """The largest power of two below ${n}."""
    return 1 << ((n - 1).bit_length() - 1)


def root_of(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node(root_of(leaves[:k]), root_of(leaves[k:]))


def path_of(leaves, index):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return path_of(leaves[:k], index) + [root_of(leaves[k:])]
    return path_of(leaves[k:], index - k) + [root_of(leaves[:k])]


# -- Receipts.

class Sealed:
    """One question and its answer, with its salts."""

    def __init__(self, name, question_bytes, answer_bytes):
        self.name = name
        self.question, self.answer = question_bytes, answer_bytes
        self.question_salt = made_up("question salt " + name, 16)
        self.answer_salt = made_up("answer salt " + name, 16)
        self.hash()

    def hash(self):
        self.question_commitment = sha256(
            b"vouch/question/v1\0", self.question_salt, self.question)
        self.answer_commitment = sha256(
            b"vouch/answer/v1\0", self.answer_salt, self.question_commitment,
            self.answer)
        self.leaf = sha256(b"\0", self.question_commitment,
                           self.answer_commitment)
        return self


class Batch:
    """Leaves under one signature; those that are no receipt are made up."""

    def __init__(self, name, count, receipts, key=SEAL, sealed_at=SEALED,
                 **parts):
        self.name, self.key, self.receipts = name, key, receipts
        self.sealed_at, self.count = sealed_at, count
        self.leaves = [receipts[i].leaf if i in receipts else
                       made_up(f"leaf {i} of batch {name}", 32)
                       for i in range(count)]
        self.checkpoint_size = 48211
        self.checkpoint_root = made_up("root of the log", 32)
        self.bytes = b"".join({**self.fields(), **parts}.values())
        self.signature = key.sign(self.bytes)

    def fields(self):
        return {"domain": text(1, "vouch/seal/v1"), "origin": text(2, ORIGIN),
                "key_id": raw(3, self.key.id), "at": num(4, self.sealed_at),
                "leaf_count": num(5, self.count),
                "root": raw(6, root_of(self.leaves)),
                "size": num(7, self.checkpoint_size),
                "checkpoint": raw(8, self.checkpoint_root)}

    def vector(self):
        return {
            "name": self.name, "key": self.key.name, "log_origin": ORIGIN,
            "sealed_at_us": self.sealed_at, "leaf_count": self.count,
            "leaves": [leaf.hex() for leaf in self.leaves],
            "root": root_of(self.leaves).hex(),
            "checkpoint_size": self.checkpoint_size,
            "checkpoint_root": self.checkpoint_root.hex(),
            "bytes": self.bytes.hex(), "signature": self.signature.hex()}


def seal_parts(batch, index, without=()):
    one = batch.receipts[index]
    return {
        "question_salt": b"" if "question" in without
        else raw(1, one.question_salt),
        "answer_salt": b"" if "answer" in without
        else raw(2, one.answer_salt),
        "index": num(3, index) if index else b"",
        "path": b"".join(raw(4, sibling)
                         for sibling in path_of(batch.leaves, index)),
        "batch": raw(5, batch.bytes), "signature": raw(6, batch.signature),
        "more": b""}


def receipt_parts(batch, index, without=(), sealed=None):
    one = batch.receipts[index]
    return {
        "answer": b"" if "answer" in without else raw(1, one.answer),
        "question": b"" if "question" in without else raw(2, one.question),
        "seal": sub(3, *{**seal_parts(batch, index, without),
                         **(sealed or {})}.values()),
        "answer_commitment": raw(4, one.answer_commitment)
        if "answer" in without else b"",
        "question_commitment": raw(5, one.question_commitment)
        if "question" in without else b"",
        "more": b""}


def receipt(batch, index, without=(), sealed=None, **parts):
    """The receipt of that leaf, with those parts of it, and of its seal, put
    in place of what they should be."""
    return b"".join({**receipt_parts(batch, index, without, sealed),
                     **parts}.values())
