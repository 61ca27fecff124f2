#!/usr/bin/python3
"""`vouch receipt verify` and the verifier in Python say the same of thousands
of receipts that are a little wrong, in random places.  Most are hashed and
signed anew, so that it is the reader of either that has to notice.

usage: test_same_state.py [COUNT [SEED]]

VOUCH_BIN names the folder of vouch.
"""

import collections
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "vectors")]

import make_receipts as made  # noqa: E402
import receipt_maker as maker  # noqa: E402
import receipt_verifier as verifier  # noqa: E402

SECONDS = 120
ANSWERS = (made.CONFIRMED, made.NO_MATCH, made.NEWER, made.SMALL_ANSWER)
QUESTIONS = (made.question(1, "10482"), made.SMALL_QUESTION)
NUMBERS = (0, 1, 127, 128, 1 << 31, 1 << 32, 1 << 63, (1 << 64) - 1)


def some_field(rng):
    """One that may be right, or stand in the right place, by chance."""
    number = rng.choice((rng.randint(1, 24), rng.randint(1, 40),
                         rng.choice((1 << 28, (1 << 29) - 1, 1 << 29))))
    pad = rng.choice((0, 0, 0, 1))
    kind = rng.randrange(5)
    if kind == 0:
        return maker.num(number, rng.choice(NUMBERS), pad)
    if kind == 1:
        return maker.raw(number, rng.randbytes(rng.randrange(4)), pad)
    if kind == 2:
        return maker.sub(number, *(some_field(rng)
                                   for _ in range(rng.randrange(3))))
    if kind == 3:
        return maker.text(number, rng.choice(
            ("", "a", "é", "a\0b", "\U0001f9ea")))
    return maker.varint(number << 3 | rng.randrange(8)) + rng.randbytes(
        rng.choice((0, 4, 8)))


def fields_of(data):
    """The outermost fields, each in its bytes; what is no field, whole."""
    fields, at = [], 0
    while at < len(data):
        end = at + 1
        while end <= len(data):
            try:
                if len(list(verifier.read_fields(data[at:end]))) == 1:
                    break
            except verifier.Refused:
                pass
            end += 1
        fields.append(data[at:end])
        at = end
    return fields


def a_little_wrong(rng, data):
    """${data} with a change or two, which may come to nothing."""
    for _ in range(rng.choice((1, 1, 2))):
        how = rng.randrange(6)
        if how == 0 and data:
            at = rng.randrange(len(data))
            data = data[:at] + bytes([rng.randrange(256)]) + data[at + 1:]
        elif how == 1 and data:
            at = rng.randrange(len(data))
            data = data[:at] + data[at + rng.randint(1, 3):]
        elif how == 2:
            data += some_field(rng)
        else:
            fields = fields_of(data)
            at = rng.randrange(len(fields) + 1)
            if how == 3:
                fields.insert(at, some_field(rng))
            elif how == 4:
                fields.insert(at, rng.choice(fields or [b""]))
            elif fields:
                fields.pop(rng.randrange(len(fields)))
            data = b"".join(fields)
    return data


def wrong_inside(rng):
    """Answer, question or batch, sealed as if nothing were wrong with it."""
    question, answer = rng.choice(QUESTIONS), rng.choice(ANSWERS)
    which = rng.randrange(5)
    if which < 2:
        answer = a_little_wrong(rng, answer)
    elif which < 4:
        question = a_little_wrong(rng, question)
    batch = made.pair(made.small("random", question, answer))
    if which == 4:
        batch.bytes = a_little_wrong(rng, batch.bytes)
        batch.signature = batch.key.sign(batch.bytes)
    return maker.receipt(batch, 0, rng.choice(
        ((), (), ("answer",), ("question",), ("answer", "question"))))


def wrong_outside(rng):
    """Receipt or seal."""
    batch = made.pair(made.small("random", rng.choice(QUESTIONS),
                                 rng.choice(ANSWERS)))
    without = rng.choice(((), ("answer",), ("question",)))
    if rng.randrange(2):
        return a_little_wrong(rng, maker.receipt(batch, 0, without))
    seal = b"".join(maker.seal_parts(batch, 0, without).values())
    return maker.receipt(batch, 0, without,
                         seal=maker.raw(3, a_little_wrong(rng, seal)))


def by_vouch(folder, trust):
    done = subprocess.run(
        [os.path.join(os.environ["VOUCH_BIN"], "vouch"), "receipt", "verify",
         str(folder), "--trust", str(trust), "--root-key",
         maker.ROOT.id.hex(), "-o", "jsonl"],
        env=dict(os.environ, XDG_STATE_HOME=str(folder)),
        capture_output=True, timeout=SECONDS, check=False)
    if done.returncode != 9:
        raise SystemExit("vouch ended with %d: %s" % (
            done.returncode, done.stderr.decode()))
    return {pathlib.Path(line["file"]).stem: line["state"] for line
            in map(json.loads, done.stdout.splitlines())}


def main(count=4000, seed=1):
    rng = random.Random(seed)
    states, differences = collections.Counter(), 0
    with tempfile.TemporaryDirectory(prefix="vouch-test.") as name:
        folder = pathlib.Path(name)
        trust_file = folder / "trust.json"
        trust_file.write_text(made.laid_out(made.trust_file(made.content(
            *made.BOTH, issued_at="2020-01-01T00:00:00Z",
            expires_at="2120-01-01T00:00:00Z"))))
        trust = verifier.Trust(trust_file.read_bytes())
        parts = {str(i): rng.choice((wrong_inside, wrong_outside))(rng)
                 for i in range(count)}
        for path, data in parts.items():
            (folder / (path + ".receipt")).write_bytes(data)
        said = by_vouch(folder, trust_file)
    for path, data in parts.items():
        state, remark, _ = verifier.judge(data, trust,
                                          time.time_ns() // 1000)
        states[state] += 1
        if said.get(path) != state:
            differences += 1
            print("%s: vouch says %s, the verifier %s: %s" % (
                data.hex(), said.get(path), state, remark))
    print("%d receipts, %d differences: %s" % (count, differences,
                                              dict(states)))
    # Some of what is changed comes to nothing; that is looked at, too.
    return 1 if differences or len(states) < 4 else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
