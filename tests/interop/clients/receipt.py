#!/usr/bin/python3
"""Ask in Python, with what grpcio and protobuf are on this machine.

Usage: receipt.py PROTOS FOLDER
PROTOS is the folder of the .proto files.  Of each N.request in FOLDER the
response goes to N.sent in the bytes that came, and to N.again as protobuf
serializes it again.  Where the daemon is, and the folder of the certificates,
is told by the environment (see with_vouchd.py)."""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "support"))
import daemon  # noqa: E402

METHOD = "/vouch.v1.VerificationService/VerifyCredential"


def main(protos, folder):
    with tempfile.TemporaryDirectory(prefix="vouch-test.") as stubs:
        subprocess.run(
            ["protoc", "-I", protos, "--python_out", stubs] +
            sorted(str(path) for path in
                   pathlib.Path(protos, "vouch", "v1").glob("*.proto")),
            check=True, stderr=subprocess.DEVNULL)
        sys.path.insert(0, stubs)
        from vouch.v1 import verification_service_pb2 as service
    certificates = os.environ["VOUCH_CERTS"]
    with daemon.channel(os.environ["VOUCH_ADDRESS"], certificates,
                        certificates, "employer") as channel:
        ask = channel.unary_unary(
            METHOD, response_deserializer=lambda data: (
                data, service.VerifyCredentialResponse.FromString(data)))
        for path in sorted(pathlib.Path(folder).glob("*.request")):
            sent, response = ask(path.read_bytes(), timeout=30)
            path.with_suffix(".sent").write_bytes(sent)
            path.with_suffix(".again").write_bytes(
                response.SerializeToString())


if __name__ == "__main__":
    main(*sys.argv[1:])
