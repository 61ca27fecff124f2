#!/usr/bin/python3
"""Hold receipts.json and trust.json to the verifier of tests/verifier.

Exits with 1 if a vector is not what it says of itself, and names each.

usage: check_receipts.py [folder of the vectors]
"""

import hashlib
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "verifier"))

import receipt_verifier as verifier  # noqa: E402

STATES = (verifier.VERIFIED, verifier.MALFORMED, verifier.SEAL_BROKEN,
          verifier.TRUST_TOO_OLD, verifier.KEY_UNKNOWN,
          verifier.KEY_COMPROMISED, verifier.KEY_NOT_VALID)
WITHOUT = {"bytes": (True, True), "without_answer": (False, True),
           "without_question": (True, False), "without_both": (False, False)}


def root_of(leaves):
    """As RFC 6962, section 2.1, defines it: another way than a path."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + root_of(leaves[:k]) +
                          root_of(leaves[k:])).digest()


class Checker:
    def __init__(self):
        self.errors, self.checked = [], 0

    def same(self, where, got, want):
        self.checked += 1
        if got != want:
            self.errors.append(f"{where}: {str(got)[:80]} instead of "
                               f"{str(want)[:80]}")


def check_trust(vectors, checker):
    """Return the good files by their names."""
    files = {}
    for vector in vectors["files"]:
        name, trust = "trust.json: " + vector["name"], None
        try:
            trust = verifier.Trust(vector["file"].encode("utf-8"))
            state = "good"
        except verifier.Refused as refused:
            state = "signature" if refused.state == verifier.UNTRUSTED \
                else "malformed"
        checker.same(name, state, vector["state"])
        if trust is not None and state == vector["state"]:
            files[vector["name"]] = trust
            checker.same(name, trust.signed_bytes.hex(),
                         vector["signed_bytes"])
            checker.same(name, trust.version, vector["version"])
    checker.same("names", len({v["name"] for v in vectors["files"]}),
                 len(vectors["files"]))
    return files


def check_batch(batch, keys, checker):
    where = "batch " + batch["name"]
    leaves = [bytes.fromhex(leaf) for leaf in batch["leaves"]]
    checker.same(where, len(leaves), batch["leaf_count"])
    checker.same(where, root_of(leaves).hex(), batch["root"])
    data = bytes.fromhex(batch["bytes"])
    fields = verifier.read_message(verifier.SEAL_BATCH, data, "batch")
    checker.same(where, fields, {
        1: "vouch/seal/v1", 2: batch["log_origin"],
        3: bytes.fromhex(keys[batch["key"]]["key_id"]),
        4: batch["sealed_at_us"], 5: batch["leaf_count"],
        6: bytes.fromhex(batch["root"]), 7: batch["checkpoint_size"],
        8: bytes.fromhex(batch["checkpoint_root"])})
    checker.same(where, verifier.is_signed(
        bytes.fromhex(keys[batch["key"]]["public_key"]), data,
        bytes.fromhex(batch["signature"])), True)


def check_receipt(vector, batches, checker):
    name, batch = vector["name"], batches[vector["batch"]]
    ids = set()
    for key, (answer, question) in WITHOUT.items():
        where = f"receipt {name}, {key}"
        receipt = verifier.Receipt(bytes.fromhex(vector[key]))
        ids.add(receipt.id.hex())
        checker.same(where, receipt.answer and receipt.answer.hex(),
                     vector["answer"] if answer else None)
        checker.same(where, receipt.question and receipt.question.hex(),
                     vector["question"] if question else None)
        checker.same(where, receipt.answer_commitment.hex(),
                     vector["answer_commitment"])
        checker.same(where, receipt.question_commitment.hex(),
                     vector["question_commitment"])
        checker.same(where, [sibling.hex() for sibling in receipt.path],
                     vector["path"])
        checker.same(where, (receipt.index, receipt.batch_bytes.hex(),
                             receipt.signature.hex()),
                     (vector["index"], batch["bytes"], batch["signature"]))
    checker.same("receipt " + name, ids, {vector["leaf"]})
    checker.same("receipt " + name, batch["leaves"][vector["index"]],
                 vector["leaf"])


def check_judgment(vector, receipts, files, checker):
    names = WITHOUT if "receipt" in vector else {"bytes": None}
    for key in names:
        data = bytes.fromhex(receipts[vector["receipt"]][key]
                             if "receipt" in vector else vector["bytes"])
        now_us = vector["now"] and verifier.read_time(vector["now"], "now")
        state, remark, _ = verifier.judge(data, files[vector["trust"]],
                                          now_us)
        checker.same(f"judgment {vector['name']}, {key} ({remark})", state,
                     vector["state"])


def check_example(text, receipts, trust, checker):
    """What docs/receipt.md shows is of these files."""
    block = text[text.index("    0a 04  "):text.index("What is hashed:")]
    shown = ""
    for line in block.splitlines():
        # Behind two blanks stands what the bytes mean.
        match = re.match(r" +([0-9a-f]{2,}(?: [0-9a-f]{2,})*)(?:  |$)", line)
        shown += match[1].replace(" ", "") if match else ""
    checker.same("docs/receipt.md", shown,
                 receipts["receipts"][0]["bytes"])
    told = json.dumps(receipts) + json.dumps(trust)
    for data in re.findall(r"\b[0-9a-f]{64}\b", text):
        checker.same("docs/receipt.md: " + data, data in told, True)


def main(arguments):
    folder = pathlib.Path(arguments[0]) if arguments else HERE
    receipts = json.loads((folder / "receipts.json").read_text("ascii"))
    trust = json.loads((folder / "trust.json").read_text("ascii"))
    checker = Checker()
    files = check_trust(trust, checker)
    keys = {key["name"]: key for key in receipts["keys"] + trust["keys"]}
    for key in keys.values():
        checker.same("key " + key["name"], hashlib.sha256(bytes.fromhex(
            key["public_key"])).hexdigest(), key["key_id"])
    batches = {batch["name"]: batch for batch in receipts["batches"]}
    for batch in batches.values():
        check_batch(batch, keys, checker)
    by_name = {vector["name"]: vector for vector in receipts["receipts"]}
    for vector in by_name.values():
        check_receipt(vector, batches, checker)
    for vector in receipts["judgments"]:
        check_judgment(vector, by_name, files, checker)
    checker.same("names", len({v["name"] for v in receipts["judgments"]}),
                 len(receipts["judgments"]))
    checker.same("states", {v["state"] for v in receipts["judgments"]},
                 set(STATES))
    check_example((HERE.parent.parent / "docs" / "receipt.md").read_text(
        "utf-8"), receipts, trust, checker)
    print("\n".join(checker.errors) or f"{len(by_name)} receipts, "
          f"{len(receipts['judgments'])} judgments and "
          f"{len(trust['files'])} trust files: {checker.checked} checks")
    return 1 if checker.errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
