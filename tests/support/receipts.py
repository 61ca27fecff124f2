"""Claims of every verdict on the people that make_roster.py puts first, and
the receipts that a daemon answers them with."""

import importlib
import os
import subprocess
import uuid

import daemon as support

METHOD = "/vouch.v1.VerificationService/VerifyCredential"
OLD_PROTOS = os.path.join(support.SUPPORT, "old_protos.py")

# Verdict -> what is claimed.
CLAIMS = {
    "UNKNOWN_ISSUER": {"association": "no-such-board"},
    "NO_MATCH": {"number": "77777"},
    "AMBIGUOUS": {"type": "", "number": "10487", "family": "Nguyen",
                  "birth": (1988, 3, 15)},
    "MISMATCH": {"type": "ascp-mlt", "number": "10483", "family": "Okafor",
                 "birth": (1985, 11, 2)},
    "NOT_CURRENT": {"number": "10484", "family": "Novak",
                    "birth": (1978, 1, 19)},
    "CONFIRMED": {},
}
PLAIN = {"association": "ascp-boc", "type": "ascp-pbt", "number": "10482",
         "family": "Garcia", "birth": (1990, 4, 30)}


def prepare(daemon):
    """Publish the roster, and make stubs; return the service's messages."""
    roster = os.path.join(daemon.directory, "roster.csv")
    support.make_roster(roster, 50)
    subprocess.run(
        [support.program("vouch"), "publish", roster, "--association",
         "ascp-boc", "--quiet"], check=True, stdout=subprocess.DEVNULL,
        env=daemon.environment("association"))
    stubs = os.path.join(daemon.directory, "stubs")
    os.mkdir(stubs)
    support.generate_stubs(stubs)
    return importlib.import_module("vouch.v1.verification_service_pb2")


def request(messages, verdict, number=0):
    """One that is answered so; each ${number} has other words in it, and
    everything that a claim can have."""
    what = {**PLAIN, **CLAIMS[verdict]}
    asked = messages.VerifyCredentialRequest(request_id=str(uuid.uuid4()))
    claim = asked.claim
    claim.association_id = what["association"]
    claim.credential_type_id = what["type"]
    claim.number = what["number"]
    claim.name.family = what["family"]
    birth = claim.birth_date
    birth.year, birth.month, birth.day = what["birth"]
    claim.purpose = 1 + number % 5
    claim.on_behalf_of = "Example Hospital " + "é" * (number % 20)
    claim.authorization_ref = "consent %d" % number
    claim.requested_by = "jo@hr.example"
    claim.nonce = os.urandom(number % 17)
    claim.recognized_by.extend(("anab", "ncca")[:number % 3])
    return asked


def ask(daemon, requests, timeout=60):
    """The bytes that are answered to ${requests}: those are receipts."""
    with daemon.channel("employer") as channel:
        call = channel.unary_unary(
            METHOD, request_serializer=lambda m: m.SerializeToString())
        # All at once, so that batches have more than one leaf.
        return [future.result() for future in
                [call.future(one, timeout=timeout) for one in requests]]


def trust(daemon):
    return os.path.join(daemon.dev, "trust.json")
