#!/usr/bin/python3
"""Make receipts.json and trust.json out of keys and salts that are made up.

usage: make_receipts.py [--check] [folder of the vectors]

--check writes nothing, and fails unless the files are what would be written.
A vector is added, never edited: what would change one of those that are there
must not be done here.

Only writes: what is read of it is checked by check_receipts.py with the
verifier of tests/verifier, and by tests/unit/test_receipt_vectors.c with
Vouch's own code.
"""

import base64
import json
import pathlib
import sys

from receipt_maker import (
    CHECKPOINT, NEUTRAL, NEXT, ORDER, ORIGIN, OTHER_ROOT, ROOT, SEAL, SEALED,
    STRANGER, Batch, Key, Sealed, date, made_up, num, packed, path_of, raw,
    receipt, receipt_parts, seal_parts, sha256, sign_as_neutral, sub, text,
    varint)

VERDICTS = ("UNKNOWN_ISSUER", "NO_MATCH", "AMBIGUOUS", "MISMATCH",
            "NOT_CURRENT", "CONFIRMED")
YES, NO, REVIEW = 1, 2, 3


# -- Questions and answers.

def claim(number, kind="ascp-pbt", family="Garcia", association="ascp-boc",
          more=b""):
    return b"".join((
        text(1, association), text(2, kind) if kind else b"", text(3, number),
        sub(4, text(1, family), text(2, "Ana")), date(5, 1990, 4, 30),
        num(9, 1), text(10, "Example Hospital"),
        text(11, "consent 2026-117"), text(12, "jo@hr.example"),
        raw(13, made_up("nonce " + number, 16)), more))


def question(request, *arguments, **more):
    return b"".join((
        raw(1, claim(*arguments, **more)),
        text(2, "spiffe://vouch.example/employer/example-hospital"),
        text(3, f"00000000-0000-4000-a000-{request:012x}")))


FRESHNESS = sub(11, num(1, 1), num(2, 1795305600000000),
                num(3, 1795309200000000), num(4, 604800))
ACTIVE = sub(6, text(1, "Certified"), num(3, 3), num(5, 1), num(6, 1))
EXPIRED = sub(6, text(1, "Expired"), num(3, 5), num(5, 1), num(6, 1))
IN_FORCE = sub(7, num(1, 1), date(2, 2020, 1, 2), date(3, 2027, 6, 30))
ENDED = sub(7, num(1, 1), date(2, 2017, 7, 1), date(3, 2023, 6, 30),
            date(4, 2023, 9, 30))
RECOGNIZED = num(9, 1) + sub(
    10, text(1, "ascp-boc-anab"), text(2, "ascp-boc"), text(5, "anab"),
    text(6, "ISO/IEC 17024"), date(7, 2018), text(10, "https://anab.example"),
    num(11, 1), date(12, 2026, 9, 1))


def factors(*pairs):
    return b"".join(sub(4, num(1, factor), num(2, comparison))
                    for factor, comparison in pairs)


def answer(verdict, conclusion, reasons, before=b"", fresh=True, causes=(),
           contact="", extension=b"", established=(1, 2, 3, 4, 5), more=b""):
    return b"".join((
        num(1, VERDICTS.index(verdict) + 1), num(2, conclusion),
        packed(3, *reasons), before, FRESHNESS if fresh else b"",
        date(12, 2026, 11, 22), num(14, SEALED - 1500),
        num(15, -360) if fresh else b"",
        text(16, "ASCP Board of Certification") if fresh else b"",
        packed(18, *causes) if causes else b"",
        text(19, contact) if contact else b"", num(20, 48211), num(21, 1),
        extension, packed(23, *established), more))


PERSON = ((1, 1), (2, 1), (6, 1))
WITHHELD = ((1, 4), (2, 4), (6, 4))
CONTACT = "verify@boc.example"
TYPE = text(8, "ascp-pbt")
MATCH = factors(*PERSON, (9, 1))
CONFIRMED = answer("CONFIRMED", YES, [1],
                   MATCH + ACTIVE + IN_FORCE + TYPE + RECOGNIZED)
NO_MATCH = answer("NO_MATCH", REVIEW, [3], factors(*WITHHELD),
                  causes=(1, 2, 3, 5, 6), contact=CONTACT,
                  established=(1, 2, 3, 4, 5, 6))
NEWER = answer(
    "CONFIRMED", YES, [1],
    MATCH + sub(6, text(1, "Certified"), num(3, 3), num(5, 1), num(6, 1),
                num(8, 7), text(9, "of a later version")) +
    IN_FORCE + TYPE + RECOGNIZED, established=(1, 2, 3, 4, 5, 41),
    more=num(24, 0) + raw(25, b"") + raw(25, b"\xff\0") +
    varint(26 << 3 | 5) + b"\1\2\3\4" + varint(27 << 3 | 1) + bytes(8) +
    num(2 ** 29 - 1, 2 ** 64 - 1))

SMALL_QUESTION = sub(1, text(1, "ascp-boc"), text(3, "7")) + text(2, "u")
SMALL_ANSWER = num(1, 2) + num(2, 3)


# -- Receipts.

def receipt_vector(batch, index):
    one = batch.receipts[index]
    return {
        "name": one.name, "batch": batch.name, "index": index,
        "question": one.question.hex(),
        "question_salt": one.question_salt.hex(),
        "question_commitment": one.question_commitment.hex(),
        "answer": one.answer.hex(), "answer_salt": one.answer_salt.hex(),
        "answer_commitment": one.answer_commitment.hex(),
        "leaf": one.leaf.hex(),
        "path": [sibling.hex() for sibling in path_of(batch.leaves, index)],
        "bytes": receipt(batch, index).hex(),
        "without_answer": receipt(batch, index, ("answer",)).hex(),
        "without_question": receipt(batch, index, ("question",)).hex(),
        "without_both": receipt(batch, index, ("answer", "question")).hex()}


def batches():
    return [
        Batch("of one", 1, {0: Sealed("worked example", SMALL_QUESTION,
                                      SMALL_ANSWER)}),
        Batch("of two", 2, {
            0: Sealed("confirmed", question(1, "10482"), CONFIRMED),
            1: Sealed("not current", question(2, "10483"), answer(
                "NOT_CURRENT", NO, [7], MATCH + EXPIRED + ENDED + TYPE +
                RECOGNIZED, contact=CONTACT))}),
        Batch("of three", 3, {
            0: Sealed("no match", question(3, "77777"), NO_MATCH),
            1: Sealed("mismatch", question(4, "10484", "ascp-mlt"), answer(
                "MISMATCH", NO, [5], factors(*PERSON, (9, 2)),
                contact=CONTACT)),
            2: Sealed("ambiguous", question(5, "10487", "", "Nguyễn"),
                      answer("AMBIGUOUS", REVIEW, [4], factors(*PERSON),
                             causes=(7,), contact=CONTACT))}),
        Batch("of seven", 7, {
            3: Sealed("unknown issuer", question(
                6, "10482", association="no-such-board"), answer(
                    "UNKNOWN_ISSUER", REVIEW, [2], factors(*WITHHELD),
                    fresh=False, causes=(6, 11))),
            6: Sealed("extended", question(7, "10490"), answer(
                "CONFIRMED", YES, [1], factors(*PERSON, (3, 1), (9, 1)) +
                num(5, 1) + ACTIVE + ENDED + TYPE + RECOGNIZED,
                extension=sub(22, text(1, "Order 2026-3"),
                              date(2, 2026, 12, 31),
                              text(3, "https://board.example/2026-3"))))}),
        Batch("of 256", 256, {
            0: Sealed("first of 256", question(8, "10491"), CONFIRMED),
            137: Sealed("fields of a later version", question(
                9, "10492", more=text(14, "ncca") + text(14, "anab") +
                num(15, 3)) + text(4, "later"), NEWER),
            255: Sealed("last of 256", question(10, "77778"), NO_MATCH)}),
        Batch("by the next key", 2, {
            1: Sealed("by the next key", question(11, "10493"), CONFIRMED)},
            key=NEXT, sealed_at=SEALED + 86400 * 1000000),
    ]


# -- What is no receipt.  Each breaks one rule, and is hashed and signed anew,
#    so that nothing else is wrong with it.

def small(name, question_bytes=SMALL_QUESTION, answer_bytes=SMALL_ANSWER):
    return Sealed(name, question_bytes, answer_bytes)


def pair(one, **parts):
    return Batch("pair", 2, {0: one, 1: small("other")}, **parts)


def wrong_answer(answer_bytes):
    return receipt(pair(small("wrong", answer_bytes=answer_bytes)), 0)


def wrong_question(question_bytes):
    return receipt(pair(small("wrong", question_bytes=question_bytes)), 0)


def malformed_receipts():
    batch = pair(small("small"))
    good = receipt(batch, 0)
    parts = receipt_parts(batch, 0)
    one = batch.receipts[0]
    gone = receipt_parts(batch, 0, ("answer", "question"))
    yield "nothing", b""
    yield "cut off by a byte", good[:-1]
    yield "a byte too many", good + b"\0"
    yield "an unknown field", good + num(6, 1)
    yield "a field of number 0", b"\2\0" + good
    yield "a group", good + varint(6 << 3 | 3) + varint(6 << 3 | 4)
    yield "question before answer", b"".join(
        (parts["question"], parts["answer"], parts["seal"]))
    yield "the answer twice", parts["answer"] + good
    yield "the seal twice", good + parts["seal"]
    yield "a length that is longer than it has to be", receipt(
        batch, 0, answer=raw(1, one.answer, pad=1))
    yield "a tag that is longer than it has to be", receipt(
        batch, 0, answer=varint(1 << 3 | 2, 1) + raw(1, one.answer)[1:])
    yield "a length of more than there is", b"\x0a\x7f" + good[2:]
    yield "an answer of another wire type", receipt(batch, 0,
                                                    answer=num(1, 5))
    yield "no seal", parts["answer"] + parts["question"]
    yield "an empty seal", receipt(batch, 0, seal=raw(3, b""))
    yield "no answer", good[len(parts["answer"]):]
    yield "an empty answer", receipt(batch, 0, answer=raw(1, b""))
    yield "no question", receipt(batch, 0, question=b"")
    yield "an answer and its commitment", receipt(
        batch, 0, answer_commitment=raw(4, one.answer_commitment))
    yield "a question and its commitment", receipt(
        batch, 0, question_commitment=raw(5, one.question_commitment))
    for n in (31, 33):
        yield f"an answer commitment of {n} bytes", b"".join({
            **gone, "answer_commitment":
            raw(4, (one.answer_commitment + b"\1")[:n])}.values())
        yield f"a question commitment of {n} bytes", b"".join({
            **gone, "question_commitment":
            raw(5, (one.question_commitment + b"\1")[:n])}.values())
    for part in ("answer", "question"):
        salt = {part + "_salt": seal_parts(batch, 0)[part + "_salt"]}
        yield f"the salt of the {part} that is gone", receipt(
            batch, 0, (part,), salt)
        yield f"no salt of the {part}", receipt(batch, 0, (),
                                                {part + "_salt": b""})
    yield from malformed_salts()


def malformed_salts():
    for part, number in (("answer", 2), ("question", 1)):
        for n in (15, 17):
            one = small("wrong")
            salt = made_up("salt", n)
            setattr(one, part + "_salt", salt)
            one.hash()
            yield f"a salt of the {part} of {n} bytes", receipt(
                pair(one), 0, (), {part + "_salt": raw(number, salt)})


def malformed_seals():
    batch = pair(small("small"))
    path = path_of(batch.leaves, 0)
    yield "an unknown field in the seal", {"more": num(7, 1)}
    yield "an index of 0 that is there", {"index": num(3, 0)}
    yield "an index that is longer than it has to be", {"index": b"\x18\x80\0"}
    yield "an index of 33 bits", {"index": num(3, 1 << 32)}
    yield "an index of the number of leaves", {"index": num(3, 2)}
    yield "an index of bytes", {"index": raw(3, b"\1")}
    yield "no path", {"path": b""}
    yield "a path with a hash too many", {"path": raw(4, path[0]) * 2}
    yield "a path with an empty hash", {"path": raw(4, b"")}
    yield "a path with a hash of 31 bytes", {"path": raw(4, path[0][:31])}
    yield "a path with a hash of 33 bytes", {"path": raw(4, path[0] + b"\1")}
    yield "no batch", {"batch": b""}
    yield "an empty batch", {"batch": raw(5, b"")}
    yield "the batch twice", {"batch": raw(5, batch.bytes) * 2}
    yield "no signature", {"signature": b""}
    yield "a signature of 63 bytes", {"signature": raw(6,
                                                       batch.signature[:63])}
    yield "a signature of 65 bytes", {"signature": raw(6, batch.signature +
                                                       b"\1")}


def malformed_batches():
    fields = pair(small("small")).fields()
    yield "another domain", {"domain": text(1, "vouch/seal/v2")}
    yield "no domain", {"domain": b""}
    yield "no origin", {"origin": b""}
    yield "an origin that is not UTF-8", {"origin": raw(2, b"\xff")}
    yield "an origin with a NUL", {"origin": raw(2, b"a\0b")}
    yield "an origin of 129 characters", {"origin": text(2, "o" * 129)}
    yield "an origin with a quotation mark", {"origin": text(2, 'a"b')}
    yield "an origin with a letter that is not ASCII", {
        "origin": text(2, "\u00e9")}
    yield "no key id", {"key_id": b""}
    yield "a key id of 31 bytes", {"key_id": raw(3, SEAL.id[:31])}
    yield "a time that is longer than it has to be", {
        "at": num(4, SEALED, pad=1)}
    yield "a time that is 0 and there", {"at": num(4, 0)}
    yield "no time", {"at": b""}
    yield "a negative time", {"at": num(4, -1)}
    yield "no number of leaves", {"leaf_count": b""}
    yield "a negative number of leaves", {"leaf_count": num(5, -1)}
    yield "257 leaves", {"leaf_count": num(5, 257)}
    yield "no root", {"root": b""}
    yield "a root of 33 bytes", {"root": raw(6, bytes(range(33)))}
    yield "a negative checkpoint size", {"size": num(7, -1)}
    yield "no checkpoint root", {"checkpoint": b""}
    yield "a checkpoint root of 31 bytes", {"checkpoint": raw(8, SEAL.id[1:])}
    yield "an unknown field in the batch", {
        "checkpoint": fields["checkpoint"] + num(9, 1)}
    yield "a batch in another order", {"size": fields["checkpoint"],
                                       "checkpoint": fields["size"]}
    yield "the origin twice", {"origin": fields["origin"] * 2}


def malformed_parts():
    """Field 6 of an answer is Status, 11 Freshness, 12 Date, 16 a text, 13 a
    bool, 15 an int32; 3 and 18 are packed."""
    begin = SMALL_ANSWER
    for name, more in (
            ("a default value", num(5, 0)),
            ("an empty text", text(16, "")),
            ("a field out of order", num(13, 1) + date(12, 2026)),
            ("a field twice", num(13, 1) * 2),
            ("a sub-message twice", date(12, 2026) * 2),
            ("an empty sub-message", raw(11, b"")),
            ("a default value in a sub-message",
             sub(12, num(1, 2026), num(2, 0))),
            ("an empty repeated sub-message", raw(4, b"")),
            ("a bool of 2", num(13, 2)),
            ("a bool that is longer than it has to be", num(13, 1, pad=1)),
            ("a number of 33 bits for 32", num(15, 1 << 32)),
            ("a negative number of 32 bits for 64", num(15, 0xfffffe98)),
            ("a varint of 11 bytes", varint(14 << 3) + b"\xff" * 10 + b"\1"),
            ("a varint above 64 bits", varint(14 << 3) + b"\xff" * 9 + b"\2"),
            ("a text that is not UTF-8", raw(16, b"\xc3\x28")),
            ("a text of a surrogate", raw(16, b"\xed\xa0\x80")),
            ("a text of an overlong NUL", raw(16, b"\xc0\x80")),
            ("a text with a NUL", raw(16, b"a\0b")),
            ("a text as a number", num(16, 1)),
            ("a number as a text", raw(14, b"\1")),
            ("a number of fixed width", varint(14 << 3 | 1) + bytes(7) +
             b"\1"),
            ("reasons that are not packed", num(18, 1) + num(18, 2)),
            ("reasons of nothing", raw(18, b"")),
            ("reasons twice", packed(18, 1) * 2),
            ("reasons cut off", raw(18, b"\x80")),
            ("a reason that is longer than it has to be", raw(18,
                                                              b"\x81\0")),
            ("a reason of 33 bits", packed(18, 1 << 32)),
            ("unknown fields out of order", num(31, 1) + num(30, 1)),
            ("an unknown field before a known one", num(30, 1) + num(20, 9)),
            ("an unknown field that is longer than it has to be",
             num(30, 1, pad=1)),
            ("an unknown group", varint(30 << 3 | 3) + varint(30 << 3 | 4)),
            ("an unknown field of wire type 7", varint(30 << 3 | 7)),
            ("cut off", b"\x92"),
            ("cut off in a number of fixed width", varint(30 << 3 | 5) +
             b"\1\2\3")):
        yield "answer: " + name, wrong_answer(begin + more)
    yield "answer: the second field first", wrong_answer(
        num(2, 3) + num(1, 2))
    yield "question: an empty claim", wrong_question(raw(1, b"") +
                                                     text(2, "u"))
    yield "question: a name twice", wrong_question(
        sub(1, text(1, "a"), sub(4, text(1, "b")), sub(4, text(2, "c"))))
    yield "question: out of order", wrong_question(text(3, "r") +
                                                   text(2, "u"))
    yield "question: a family name that is not UTF-8", wrong_question(
        sub(1, sub(4, raw(1, b"Garc\xeda"))))


# -- Trust files.

def in_base64(data):
    return base64.b64encode(data).decode()


def listed(key, use="seal", state="active", since=None,
           valid_from="2026-01-01T00:00:00Z",
           valid_until="2028-01-01T00:00:00Z", **more):
    entry = {"id": key.id.hex(), "use": use, "algorithm": "ed25519",
             "public_key": in_base64(key.public), "valid_from": valid_from,
             "valid_until": valid_until, "state": state}
    if since:
        entry["compromised_since"] = since
    entry.update(more)
    return {name: value for name, value in entry.items()
            if value is not None}


def content(*keys, **more):
    signed = {"type": "vouch/trust/v1", "origin": ORIGIN, "version": 3,
              "issued_at": "2026-11-01T00:00:00Z",
              "expires_at": "2027-11-01T00:00:00Z", "keys": list(keys)}
    signed.update(more)
    return {name: value for name, value in signed.items()
            if value is not None}


def signed_bytes(signed):
    return b"vouch/trust/v1\0" + json.dumps(
        signed, sort_keys=True, separators=(",", ":"),
        ensure_ascii=False).encode("utf-8")


def trust_file(signed, root=ROOT, by=None):
    return {"root_key": in_base64(root.public),
            "signature": in_base64((by or root).sign(signed_bytes(signed))),
            "signed": signed}


def laid_out(file):
    return json.dumps(file, indent=2, ensure_ascii=False) + "\n"


BOTH = (listed(SEAL), listed(NEXT),
        listed(CHECKPOINT, "checkpoint"))


def good_files():
    """Name -> what is signed."""
    neutral = Key("of a stranger")
    neutral.public, neutral.id = NEUTRAL, sha256(NEUTRAL)
    day = {"valid_from": "2026-11-22T00:00:00Z"}
    return {
        "active": content(*BOTH),
        "retired": content(listed(SEAL, state="retired"), *BOTH[1:]),
        "compromised": content(
            listed(SEAL, state="compromised", since="2026-10-01T00:00:00Z"),
            *BOTH[1:]),
        "compromised later": content(
            listed(SEAL, state="compromised", since="2027-06-01T00:00:00Z"),
            *BOTH[1:]),
        "without the key": content(*BOTH[1:]),
        "for checkpoints alone": content(listed(SEAL, "checkpoint")),
        "no keys": content(),
        "of another origin": content(*BOTH, origin="other.example/log"),
        "from the very second": content(
            listed(SEAL, valid_from="2026-11-22T23:00:00Z")),
        "from a second later": content(
            listed(SEAL, valid_from="2026-11-22T23:00:01Z")),
        "until the very second": content(
            listed(SEAL, valid_until="2026-11-22T23:00:00Z")),
        "until a second later": content(
            listed(SEAL, valid_until="2026-11-22T23:00:01Z", **day)),
        "older": content(*BOTH, version=2,
                         issued_at="2026-10-01T00:00:00Z"),
        "ends early": content(*BOTH, expires_at="2026-11-23T00:00:00Z"),
        "ends early, without the key": content(
            *BOTH[1:], expires_at="2026-11-23T00:00:00Z"),
        "ends early, compromised": content(
            listed(SEAL, state="compromised", since="2026-10-01T00:00:00Z"),
            expires_at="2026-11-23T00:00:00Z"),
        "ends early, key not valid": content(
            listed(SEAL, valid_from="2026-11-22T23:00:01Z"),
            expires_at="2026-11-23T00:00:00Z"),
        "compromised and not valid": content(
            listed(SEAL, state="compromised", since="2026-10-01T00:00:00Z",
                   valid_from="2026-11-22T23:00:01Z"),
            origin="other.example/log"),
        "a key of order 1": content(listed(neutral)),
        "the last version": content(*BOTH, version=2 ** 53 - 1),
        "an origin of 128 characters": content(*BOTH, origin="o" * 128),
    }


def files():
    for name, signed in good_files().items():
        yield name, laid_out(trust_file(signed)), "good", signed
    signed = good_files()["active"]
    file = trust_file(signed)
    yield "by another root", laid_out(trust_file(signed, OTHER_ROOT)), \
        "good", signed
    yield "in another order, with blanks and escapes", json.dumps(
        {name: file[name] for name in ("signed", "signature", "root_key")},
        indent="\t").replace('"seal"', '"\\u0073eal"'), "good", signed
    yield "without blanks", json.dumps(file, separators=(",", ":")), "good", \
        signed
    for name, changed in signature_files(file):
        yield name, laid_out(changed), "signature", None
    for name, signed in malformed_contents():
        yield name, laid_out(trust_file(signed)), "malformed", None
    for name, changed in malformed_files(file):
        yield name, changed, "malformed", None


def changed(file, **members):
    return {**file, "signed": {**file["signed"], **members}}


def signature_files(file):
    signed = file["signed"]
    yield "tampered: version", changed(file, version=4)
    yield "tampered: origin", changed(file, origin="other.example/log")
    yield "tampered: expiry", changed(file, expires_at="2099-11-01T00:00:00Z")
    yield "tampered: state of a key", changed(
        file, keys=[listed(SEAL, state="retired"), *BOTH[1:]])
    yield "tampered: a key more", changed(
        file, keys=[*BOTH, listed(STRANGER)])
    yield "tampered: keys in another order", changed(
        file, keys=list(reversed(signed["keys"])))
    yield "signed by another key", trust_file(signed, ROOT, OTHER_ROOT)
    yield "another root key put in", {
        **file, "root_key": in_base64(OTHER_ROOT.public)}
    neutral = Key("of a stranger")
    neutral.public = NEUTRAL
    yield "a root key of order 1", {
        "root_key": in_base64(NEUTRAL),
        "signature": in_base64(sign_as_neutral()), "signed": signed}
    signature = base64.b64decode(file["signature"])
    s = int.from_bytes(signature[32:], "little") + ORDER
    yield "a signature with the order added", {
        **file, "signature": in_base64(
            signature[:32] + s.to_bytes(32, "little"))}


def malformed_contents():
    """Signed as they stand, so that nothing but one rule is broken."""
    first, others = listed(SEAL), BOTH[1:]
    for name, members in (
            ("another type", {"type": "vouch/trust/v2"}),
            ("no type", {"type": None}),
            ("a member that is not known", {"comment": "hello"}),
            ("no origin", {"origin": None}),
            ("an empty origin", {"origin": ""}),
            ("an origin of 129 characters", {"origin": "o" * 129}),
            ("an origin with a letter that is not ASCII", {"origin": "é"}),
            ("an origin with a tab", {"origin": "a\tb"}),
            ("an origin with a quotation mark", {"origin": 'a"b'}),
            ("an origin with a backslash", {"origin": "a\\b"}),
            ("an origin that is a number", {"origin": 5}),
            ("version 0", {"version": 0}),
            ("version -1", {"version": -1}),
            ("version 1.5", {"version": 1.5}),
            ("version 3.0", {"version": 3.0}),
            ("version 2^53", {"version": 2 ** 53}),
            ("a version that is text", {"version": "3"}),
            ("a version that is true", {"version": True}),
            ("a time of a day that does not exist",
             {"expires_at": "2027-02-30T00:00:00Z"}),
            ("a time with a fraction", {"expires_at":
                                        "2027-11-01T00:00:00.5Z"}),
            ("a time with an offset", {"expires_at":
                                       "2027-11-01T00:00:00+00:00"}),
            ("a time in lower case", {"expires_at": "2027-11-01t00:00:00z"}),
            ("a time with a blank", {"expires_at": "2027-11-01 00:00:00Z"}),
            ("a time of hour 24", {"expires_at": "2027-11-01T24:00:00Z"}),
            ("a time of second 60", {"expires_at": "2027-10-31T23:59:60Z"}),
            ("a time that is a number", {"expires_at": 1825027200}),
            ("expired when issued", {"expires_at": "2026-11-01T00:00:00Z"}),
            ("no keys at all", {"keys": None}),
            ("keys that are an object", {"keys": {}}),
            ("a key that is a text", {"keys": [SEAL.id.hex()]}),
            ("the same key twice", {"keys": [first, *others, first]}),
            ("the same key for both uses", {
                "keys": [first, listed(SEAL, "checkpoint")]})):
        yield name, content(*BOTH, **members) if "keys" not in members \
            else content(**members)
    for name, members in (
            ("an unknown member", {"comment": "hello"}),
            ("no state", {"state": None}),
            ("an unknown state", {"state": "lost"}),
            ("an unknown use", {"use": "root"}),
            ("another algorithm", {"algorithm": "ed448"}),
            ("an id in upper case", {"id": SEAL.id.hex().upper()}),
            ("another id", {"id": NEXT.id.hex()}),
            ("a public key without padding",
             {"public_key": in_base64(SEAL.public).rstrip("=")}),
            ("a public key of 33 bytes",
             {"public_key": in_base64(SEAL.public + b"\1")}),
            ("a public key with bits behind its end",
             {"public_key": loose(in_base64(SEAL.public))}),
            ("a public key in hexadecimal",
             {"public_key": SEAL.public.hex()}),
            ("compromised since, and active",
             {"compromised_since": "2026-10-01T00:00:00Z"}),
            ("compromised, and not since when", {"state": "compromised"}),
            ("ends when it begins", {"valid_until": first["valid_from"]}),
            ("a time of another form", {"valid_until": "2028-01-01"})):
        yield "key: " + name, content(listed(SEAL, **members), *others)


def loose(encoded):
    """The same base64 with another last digit that means the same."""
    digits = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
              "0123456789+/")
    return encoded[:-2] + digits[digits.index(encoded[-2]) + 1] + "="


def malformed_files(file):
    good = laid_out(file)
    yield "no bytes", ""
    yield "no JSON", "trust me\n"
    yield "an array", "[" + good + "]"
    yield "something behind the end", good + "{}"
    yield "a byte order mark", "\ufeff" + good
    yield "a member that is not known beside what is signed", laid_out(
        {**file, "comment": "hello"})
    yield "no signature", laid_out(
        {name: file[name] for name in ("root_key", "signed")})
    yield "a signature of 63 bytes", laid_out({**file, "signature": in_base64(
        base64.b64decode(file["signature"])[:63])})
    yield "a signature without padding", laid_out(
        {**file, "signature": file["signature"].rstrip("=")})
    yield "a root key with a line feed", laid_out(
        {**file, "root_key": file["root_key"] + "\n"})
    yield "the signature twice", good.replace(
        '  "signed"', f'  "signature": "{file["signature"]}",\n  "signed"')
    yield "the version twice", good.replace(
        '"version": 3', '"version": 3, "version": 3')
    yield "the state of a key twice", good.replace(
        '"state": "active"', '"state": "active", "state": "active"', 1)
    yield "a version with an exponent", good.replace(
        '"version": 3', '"version": 3e0')
    yield "a version with a leading zero", good.replace(
        '"version": 3', '"version": 03')


# -- Judgments.

EARLY, LATE = "2026-11-22T23:30:00Z", "2026-11-23T00:00:00Z"


def judgments(made):
    """Name, bytes or the name of a receipt, trust file, time, state."""
    for state, rows in (
            ("VERIFIED", (
                ("active", EARLY), ("retired", EARLY), ("older", EARLY),
                ("by another root", EARLY), ("from the very second", EARLY),
                ("until a second later", EARLY),
                ("ends early", EARLY), ("ends early", None))),
            ("KEY_UNKNOWN", (
                ("without the key", EARLY), ("for checkpoints alone", EARLY),
                ("no keys", EARLY), ("ends early, without the key", LATE))),
            ("KEY_COMPROMISED", (
                ("compromised", EARLY), ("compromised later", EARLY),
                ("compromised and not valid", EARLY),
                ("ends early, compromised", LATE))),
            ("KEY_NOT_VALID", (
                ("of another origin", EARLY), ("from a second later", EARLY),
                ("until the very second", EARLY),
                ("ends early, key not valid", LATE))),
            ("TRUST_TOO_OLD", (
                ("ends early", LATE), ("active", "2027-11-01T00:00:00Z"),
                ("active", "2999-01-01T00:00:00Z")))):
        for trust, now in rows:
            yield f"{state.lower()}: {trust}, {now or 'at no time'}", \
                "confirmed", trust, now, state
    yield "verified: by the next key", "by the next key", "compromised", \
        EARLY, "VERIFIED"
    for name, data, trust, state in changed_receipts(made):
        yield name, data, trust, EARLY, state
    for name, data in malformed_receipts():
        yield "receipt: " + name, data, "active", EARLY, "MALFORMED"
    for name, parts in malformed_seals():
        yield "seal: " + name, receipt(pair(small("small")), 0, (), parts), \
            "active", EARLY, "MALFORMED"
    for name, parts in malformed_batches():
        yield "batch: " + name, receipt(pair(small("small"), **parts), 0), \
            "active", EARLY, "MALFORMED"
    for name, data in malformed_parts():
        yield name, data, "active", EARLY, "MALFORMED"
    yield "malformed before anything else", receipt(
        pair(small("small"), key=STRANGER), 0, (), {"more": num(7, 1)}), \
        "ends early, compromised", LATE, "MALFORMED"


def changed_receipts(made):
    """Name, bytes, trust file, state: all in one form, and not sealed so."""
    of_two, of_three = made["of two"], made["of three"]
    one, other = of_two.receipts[0], of_two.receipts[1]
    signature = of_two.signature
    yield "the answer to another question", receipt(
        of_two, 0, answer=raw(1, other.answer)), "active", "SEAL_BROKEN"
    yield "another question", receipt(
        of_two, 0, question=raw(2, other.question)), "active", "SEAL_BROKEN"
    yield "a result made better", receipt(
        of_three, 0, answer=raw(1, CONFIRMED)), "active", "SEAL_BROKEN"
    yield "another salt", receipt(of_two, 0, (), {
        "answer_salt": raw(2, other.answer_salt)}), "active", "SEAL_BROKEN"
    yield "salts the other way round", receipt(of_two, 0, (), {
        "answer_salt": raw(2, one.question_salt),
        "question_salt": raw(1, one.answer_salt)}), "active", "SEAL_BROKEN"
    yield "another index", receipt(of_two, 0, (), {"index": num(3, 1)}), \
        "active", "SEAL_BROKEN"
    yield "a path in another order", receipt(of_three, 0, (), {
        "path": b"".join(raw(4, sibling) for sibling in reversed(
            path_of(of_three.leaves, 0)))}), "active", "SEAL_BROKEN"
    yield "another commitment", receipt(
        of_two, 0, ("answer",),
        answer_commitment=raw(4, other.answer_commitment)), "active", \
        "SEAL_BROKEN"
    yield "commitments the other way round", receipt(
        of_two, 0, ("answer", "question"),
        answer_commitment=raw(4, one.question_commitment),
        question_commitment=raw(5, one.answer_commitment)), "active", \
        "SEAL_BROKEN"
    yield "the batch of another", receipt(of_two, 0, (), {
        "batch": raw(5, made["by the next key"].bytes)}), "active", \
        "SEAL_BROKEN"
    yield "the signature of another", receipt(of_two, 0, (), {
        "signature": raw(6, of_three.signature)}), "active", "SEAL_BROKEN"
    s = int.from_bytes(signature[32:], "little") + ORDER
    yield "a signature with the order added", receipt(of_two, 0, (), {
        "signature": raw(6, signature[:32] + s.to_bytes(32, "little"))}), \
        "active", "SEAL_BROKEN"
    yield "a signature of zeros", receipt(of_two, 0, (), {
        "signature": raw(6, bytes(64))}), "active", "SEAL_BROKEN"
    later = Batch("of two", 2, of_two.receipts, sealed_at=SEALED + 1)
    resigned = {"batch": raw(5, later.bytes)}
    yield "another time", receipt(of_two, 0, (), resigned), "active", \
        "SEAL_BROKEN"
    yield "a wrong signature of a compromised key", receipt(
        of_two, 0, (), resigned), "compromised", "SEAL_BROKEN"
    yield "a wrong signature of an unknown key", receipt(
        of_two, 0, (), resigned), "without the key", "KEY_UNKNOWN"
    yield "a wrong path of an unknown key", receipt(
        of_two, 0, (), {"index": num(3, 1)}), "without the key", \
        "SEAL_BROKEN"
    forged = pair(small("small"), key=STRANGER)
    yield "sealed by a stranger", receipt(forged, 0), "active", "KEY_UNKNOWN"
    forged.bytes = forged.bytes.replace(STRANGER.id, SEAL.id)
    forged.signature = STRANGER.sign(forged.bytes)
    yield "sealed by a stranger in our name", receipt(forged, 0), "active", \
        "SEAL_BROKEN"
    forged.bytes = forged.bytes.replace(SEAL.id, sha256(NEUTRAL))
    forged.signature = sign_as_neutral()
    yield "sealed by anybody with a key of order 1", receipt(forged, 0), \
        "a key of order 1", "SEAL_BROKEN"
    for name, when in (("the first", 1), ("the last", 2 ** 63 - 1)):
        yield f"{name} of all times", receipt(
            pair(small("small"), at=num(4, when)), 0), "active", \
            "KEY_NOT_VALID"
    yield "an origin of 128 characters", receipt(
        pair(small("small"), origin=text(2, "o" * 128)), 0), \
        "an origin of 128 characters", "VERIFIED"
    yield "of an empty log", receipt(pair(
        small("small"), size=b"", checkpoint=raw(8, sha256())), 0), \
        "active", "VERIFIED"


def receipts_file():
    made = {batch.name: batch for batch in batches()}
    told = []
    for name, data, trust, now, state in judgments(made):
        which = {"receipt": data} if isinstance(data, str) \
            else {"bytes": data.hex()}
        told.append({"name": name, **which, "trust": trust, "now": now,
                     "state": state})
    return {
        "keys": [key.vector() for key in (SEAL, NEXT, STRANGER)],
        "batches": [batch.vector() for batch in made.values()],
        "receipts": [receipt_vector(batch, index)
                     for batch in made.values()
                     for index in sorted(batch.receipts)],
        "judgments": told}


def trust_vectors():
    told = []
    for name, content_text, state, signed in files():
        vector = {"name": name, "file": content_text, "state": state}
        if signed is not None:
            vector["signed_bytes"] = signed_bytes(signed).hex()
            vector["version"] = signed["version"]
        told.append(vector)
    return {"keys": [key.vector() for key in (ROOT, OTHER_ROOT, CHECKPOINT)],
            "files": told}


def main(arguments):
    check = "--check" in arguments
    rest = [word for word in arguments if word != "--check"]
    folder = pathlib.Path(rest[0]) if rest else pathlib.Path(__file__).parent
    status = 0
    for name, value in (("receipts.json", receipts_file()),
                        ("trust.json", trust_vectors())):
        written = json.dumps(value, indent=1, ensure_ascii=True) + "\n"
        path = folder / name
        if not check:
            path.write_text(written, encoding="ascii")
        elif path.read_text(encoding="ascii") != written:
            print(f"{path} is not what make_receipts.py writes",
                  file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
