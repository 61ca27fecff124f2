#!/usr/bin/env python3
"""Recompute every test vector from what it says of itself.

Shares nothing with Vouch's C code, its .proto files or a protobuf library:
the tables below were written by hand, so that a field that is renumbered or
a rule that is bent shows as a difference here.  Exits with 1 at the first
difference and names it.

usage: recompute.py [folder of the vectors]
"""

import hashlib
import hmac
import json
import pathlib
import sys

# -- What the messages look like: field -> (number, type). -------------------

DATE = {"year": (1, "int"), "month": (2, "int"), "day": (3, "int")}

HUMAN_NAME = {
    "family": (1, "string"), "given": (2, "string"), "middle": (3, "string"),
    "suffix": (4, "string"),
}

VALIDITY_PERIOD = {
    "kind": (1, "PeriodKind"), "valid_from": (2, DATE),
    "valid_until": (3, DATE), "grace_until": (4, DATE),
}

HOLDER_NAME = {"name": (1, HUMAN_NAME), "former": (2, "bool"),
               "since": (3, DATE)}

FACTOR_MAC = {"factor": (1, "Factor"), "key_id": (2, "bytes"),
              "mac": (3, "bytes")}

CREDENTIAL_RECORD = {
    "credential_type_id": (1, "string"), "number": (2, "string"),
    "number_key": (3, "string"), "holder_ref": (4, "string"),
    "names": (5, [HOLDER_NAME]), "factors": (6, [FACTOR_MAC]),
    "issued_on": (7, DATE), "periods": (8, [VALIDITY_PERIOD]),
    "raw_status": (9, "string"), "raw_reason": (10, "string"),
    "standing": (11, "Standing"), "inactive_reason": (12, "InactiveReason"),
    "restriction": (13, "Restriction"), "review": (14, "Review"),
    "good_past_end_date": (15, "bool"),
}

EVENT = {
    "association_id": (1, "string"), "credential_id": (2, "bytes"),
    "publication_id": (3, "bytes"), "kind": (4, "EventKind"),
    "effective_on": (5, DATE), "recorded_at_us": (6, "int"),
    "source_time_us": (7, "int"), "status_table_version": (8, "int"),
    "record": (9, CREDENTIAL_RECORD), "previous": (10, ["bytes"]),
    "effective_on_assumed": (11, "bool"),
}

DECLARATION = {
    "association_id": (1, "string"), "as_of_us": (2, "int"),
    "recorded_at_us": (3, "int"), "request_id": (4, "string"),
}

PUBLICATION = {
    "publication_id": (1, "string"), "request_id": (2, "string"),
    "association_id": (3, "string"), "mode": (4, "PublicationMode"),
    "source_time_us": (5, "int"), "recorded_at_us": (6, "int"),
    "new_count": (7, "int"), "changed_count": (8, "int"),
    "unchanged_count": (9, "int"), "rejected_count": (10, "int"),
    "content_hash": (11, "bytes"), "first_log_index": (12, "int"),
    "event_count": (13, "int"), "manifest_log_index": (14, "int"),
}

MANIFEST = {"publication": (1, PUBLICATION)}

NUMBER_NORMALIZATION = {
    "fold_case": (1, "bool"), "drop_separators": (2, "bool"),
    "drop_leading_zeros": (3, "bool"),
}

ASSOCIATION = {
    "id": (1, "string"), "name": (2, "string"), "short_name": (3, "string"),
    "kind": (4, "AssociationKind"), "lifecycle": (5, "Lifecycle"),
    "successor_id": (6, "string"), "utc_offset_minutes": (7, "int"),
    "max_age_seconds": (8, "int"), "contact": (9, "string"),
    "designation": (10, "string"), "designated_on": (11, DATE),
    "number": (12, NUMBER_NORMALIZATION),
    "identity_policy": (13, "IdentityPolicy"), "source": (14, "string"),
    "confidence": (15, "Confidence"), "checked_on": (16, DATE),
}

CREDENTIAL_TYPE = {
    "id": (1, "string"), "association_id": (2, "string"),
    "abbreviation": (3, "string"), "name": (4, "string"), "role": (5, "Role"),
    "kind": (6, "CredentialKind"), "lifecycle": (7, "Lifecycle"),
    "successor_id": (8, "string"), "source": (9, "string"),
    "confidence": (10, "Confidence"), "checked_on": (11, DATE),
}

RECOGNITION = {
    "id": (1, "string"), "association_id": (2, "string"),
    "credential_type_id": (3, "string"),
    "except_credential_type_ids": (4, ["string"]),
    "recognizer": (5, "string"), "basis": (6, "string"),
    "valid_from": (7, DATE), "valid_until": (8, DATE),
    "observed_on": (9, DATE), "source": (10, "string"),
    "confidence": (11, "Confidence"), "checked_on": (12, DATE),
}

CATALOG = {
    "associations": (1, [ASSOCIATION]),
    "credential_types": (2, [CREDENTIAL_TYPE]),
    "recognitions": (3, [RECOGNITION]),
}

# Enum -> prefix of its values' names, and the names from 0 on.
ENUMS = {
    "PeriodKind": ("PERIOD_KIND_", [
        "UNSPECIFIED", "CERTIFICATION", "REGISTRATION", "MEMBERSHIP_FEE"]),
    "Factor": ("FACTOR_", [
        "UNSPECIFIED", "NUMBER", "FAMILY_NAME", "GIVEN_NAME", "SUFFIX",
        "BIRTH_YEAR", "BIRTH_DATE", "LAST4", "ISSUED_ON", "CREDENTIAL_TYPE"]),
    "Standing": ("STANDING_", [
        "UNSPECIFIED", "PENDING", "PROVISIONAL", "ACTIVE", "INACTIVE",
        "EXPIRED", "REVOKED", "SURRENDERED", "DENIED", "ISSUED_IN_ERROR",
        "NOT_LISTED", "UNKNOWN"]),
    "InactiveReason": ("INACTIVE_REASON_", [
        "UNSPECIFIED", "LAPSED", "RETIRED", "DECEASED", "CLOSED",
        "SUPERSEDED"]),
    "Restriction": ("RESTRICTION_", [
        "UNSPECIFIED", "NONE", "CONDITIONS", "SUSPENDED"]),
    "Review": ("REVIEW_", [
        "UNSPECIFIED", "NONE", "UNDER_INVESTIGATION", "DISPUTED"]),
    "EventKind": ("EVENT_KIND_", [
        "UNSPECIFIED", "ISSUED", "RENEWED", "STATUS_CHANGED", "NAME_CHANGED",
        "CORRECTED"]),
    "PublicationMode": ("PUBLICATION_MODE_", ["UNSPECIFIED", "DELTA"]),
    "AssociationKind": ("ASSOCIATION_KIND_", [
        "UNSPECIFIED", "PROFESSIONAL", "STATE_BOARD", "SCHOOL"]),
    "Lifecycle": ("LIFECYCLE_", [
        "UNSPECIFIED", "ACTIVE", "LEGACY", "RENAMED", "UNKNOWN"]),
    "IdentityPolicy": ("IDENTITY_POLICY_", [
        "UNSPECIFIED", "BIRTH_YEAR", "BIRTH_DATE", "LAST4",
        "GIVEN_NAME_AND_ISSUE_DATE"]),
    "Confidence": ("CONFIDENCE_", [
        "UNSPECIFIED", "OFFICIAL", "SECONDARY", "UNVERIFIED"]),
    "Role": ("ROLE_", [
        "UNSPECIFIED", "PHLEBOTOMIST", "LAB_ASSISTANT", "TECHNICIAN",
        "TECHNOLOGIST"]),
    "CredentialKind": ("CREDENTIAL_KIND_", [
        "UNSPECIFIED", "CERTIFICATION", "LICENSE", "EDUCATION"]),
}

# Message type -> domain of its leaves, number of the domain, fields.
LEAVES = {
    "vouch.v1.Event": ("vouch/event/v1", 1, EVENT),
    "vouch.v1.Declaration": ("vouch/declaration/v1", 2, DECLARATION),
    "vouch.v1.Manifest": ("vouch/manifest/v1", 3, MANIFEST),
    "vouch.v1.Catalog": ("vouch/catalog/v1", 4, CATALOG),
}

# Factor -> the byte that is hashed.
FACTOR_BYTES = {"BIRTH_YEAR": 1, "BIRTH_DATE": 2, "LAST4": 3}


class Difference(Exception):
    """A vector is not what it should be."""


# -- A protobuf writer, canonical by construction. ---------------------------

def varint(value):
    """The shortest varint; a negative number is 64 bits of two's complement."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7f:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def counted(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def scalar(number, kind, value, always):
    """One scalar; nothing for a default value, unless it is an element."""
    if kind == "string":
        data = value.encode("utf-8")
        return counted(number, data) if data or always else b""
    if kind == "bytes":
        data = bytes.fromhex(value)
        return counted(number, data) if data or always else b""
    if kind in ENUMS:
        prefix, names = ENUMS[kind]
        if not value.startswith(prefix):
            raise Difference(f"{value} is no {kind}")
        value = names.index(value[len(prefix):])
    elif kind == "bool":
        value = {False: 0, True: 1}[value]
    elif kind != "int" or type(value) is not int:
        raise Difference(f"{value!r} is no {kind}")
    return varint(number << 3) + varint(value) if value else b""


def field(number, kind, value):
    if isinstance(kind, list):
        return b"".join(
            counted(number, message(kind[0], element))
            if isinstance(kind[0], dict)
            else scalar(number, kind[0], element, True)
            for element in value)
    if isinstance(kind, dict):
        data = message(kind, value)
        if not data:
            raise Difference(f"field {number} is an empty sub-message")
        return counted(number, data)
    return scalar(number, kind, value, False)


def message(fields, values):
    unknown = set(values) - set(fields) - {"unknown_fields"}
    if unknown:
        raise Difference(f"no such field: {', '.join(sorted(unknown))}")
    out = b""
    for name, (number, kind) in sorted(fields.items(), key=lambda f: f[1][0]):
        if name in values:
            out += field(number, kind, values[name])
    for one in values.get("unknown_fields", []):
        if "varint" in one:
            out += varint(one["number"] << 3) + varint(one["varint"])
        else:
            out += counted(one["number"], bytes.fromhex(one["bytes"]))
    return out


# -- The vectors. -------------------------------------------------------------

def sha256(data):
    return hashlib.sha256(data).digest()


def compare(vector, key, want):
    """Hold the hexadecimal vector[key] to the bytes ${want}."""
    got = vector[key]
    if got == want.hex():
        return
    at = next((i // 2 for i, (a, b) in enumerate(zip(got, want.hex()))
               if a != b), min(len(got) // 2, len(want)))
    raise Difference(f"{key}: differs from byte {at} on\n"
                     f"  the file has {got}\n  recomputed   {want.hex()}")


def exact(what, value, n):
    data = bytes.fromhex(value)
    if len(data) != n:
        raise Difference(f"{what}: {len(data)} bytes instead of {n}")
    return data


def check_factor(vector, known):
    """Add (factor, credential id, key id, mac), in hexadecimal, to ${known}."""
    key = exact("key", vector["key"], 32)
    credential = exact("credential_id", vector["credential_id"], 16)
    number = FACTOR_BYTES[vector["factor"]]
    if vector["factor_byte"] != number:
        raise Difference(f"factor_byte is not {number}")
    compare(vector, "key_id", sha256(b"vouch/factor-key/v1\0" + key)[:8])
    data = (b"vouch/factor/v1\0" + bytes([number]) + credential +
            vector["value"].encode("ascii"))
    compare(vector, "mac", hmac.new(key, data, hashlib.sha256).digest())
    known.add((vector["factor"], vector["credential_id"], vector["key_id"],
               vector["mac"]))


def check_event(event, events, factors):
    """What an event refers to is among the vectors before it."""
    for previous in event.get("previous", []):
        if previous not in events:
            raise Difference(f"previous {previous} is no leaf data of an "
                             "event before it")
    for mac in event.get("record", {}).get("factors", []):
        if (mac["factor"].removeprefix("FACTOR_"), event["credential_id"],
                mac["key_id"], mac["mac"]) not in factors:
            raise Difference(f"{mac['factor']} is not in factors.json")


def check_leaf(vector, domains, events, factors):
    """Add the domain to ${domains} and an event's leaf data to ${events}."""
    domain, number, fields = LEAVES[vector["type"]]
    if (vector["domain"], vector["domain_number"]) != (domain, number):
        raise Difference(f"domain is not {domain}, {number}")
    data = message(fields, vector["message"])
    salt = exact("salt", vector["salt"], 16)
    leaf_data = sha256(domain.encode() + b"\0" + salt + data)
    compare(vector, "bytes", data)
    compare(vector, "leaf_data", leaf_data)
    compare(vector, "leaf_hash", sha256(b"\0" + leaf_data))
    domains.add(domain)
    if fields is EVENT:
        check_event(vector["message"], events, factors)
        events.add(vector["leaf_data"])


def check_each(folder, name, check, *state):
    """Check each vector of a file; return how many there are."""
    with open(folder / name, encoding="utf-8") as file:
        vectors = json.load(file)
    names = set()
    for vector in vectors:
        if vector["name"] in names:
            raise Difference(f"{name}: {vector['name']} occurs twice")
        names.add(vector["name"])
        try:
            check(vector, *state)
        except Difference as difference:
            raise Difference(f"{name}: {vector['name']}: {difference}") \
                from None
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise Difference(f"{name}: {vector['name']}: not a vector: "
                             f"{error!r}") from error
    return len(vectors)


def main(arguments):
    folder = pathlib.Path(arguments[1] if len(arguments) > 1
                          else pathlib.Path(__file__).parent)
    factors, domains, events = set(), set(), set()
    try:
        macs = check_each(folder, "factors.json", check_factor, factors)
        leaves = check_each(folder, "leaves.json", check_leaf, domains,
                            events, factors)
        if {factor for factor, *_ in factors} != set(FACTOR_BYTES):
            raise Difference("factors.json: a factor has no example")
        if len(domains) != len(LEAVES):
            raise Difference("leaves.json: a domain has no example")
    except Difference as difference:
        print(difference, file=sys.stderr)
        return 1
    print(f"{macs} factors and {leaves} leaves recomputed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
