"""CRLs, made by the openssl command."""

import os
import subprocess
import tempfile

CONFIG = """[ca]
default_ca = this
[this]
database = {folder}/index
crlnumber = {folder}/number
default_md = sha256
crl_extensions = ext
[ext]
authorityKeyIdentifier = keyid:always
{more}
"""


def serial(certificate):
    """The serial number in ${certificate}, in hexadecimal."""
    return subprocess.run(
        ["openssl", "x509", "-noout", "-serial", "-in", certificate],
        check=True, capture_output=True,
        text=True).stdout.strip().partition("=")[2]


def uri(certificate):
    """The URI in ${certificate}."""
    return subprocess.run(
        ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in",
         certificate], check=True, capture_output=True,
        text=True).stdout.partition("URI:")[2].strip()


def key(certificate):
    """The SHA-256 of the key in ${certificate}, as the deny list has it."""
    command = "openssl x509 -noout -pubkey -in '%s' | " \
        "openssl pkey -pubin -outform DER | sha256sum" % certificate
    return subprocess.run(["sh", "-c", command], check=True,
                          capture_output=True, text=True).stdout.split()[0]


def make(path, authority, serials, number, seconds=86400, der=False, more=""):
    """Write to ${path}, whole at once, the CRL with ${number} of the CA whose
    files begin with ${authority}: it revokes ${serials} and lasts for
    ${seconds}; ${more} are extensions."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "index"), "w") as index:
            for one in serials:
                index.write("R\t491231235959Z\t260101000000Z,keyCompromise\t"
                            "%s\tunknown\t/CN=x\n" % one)
        with open(os.path.join(folder, "number"), "w") as file:
            file.write("%04X\n" % number)
        with open(os.path.join(folder, "config"), "w") as file:
            file.write(CONFIG.format(folder=folder, more=more))
        out = os.path.join(folder, "crl.pem")
        subprocess.run(
            ["openssl", "ca", "-gencrl", "-config",
             os.path.join(folder, "config"), "-keyfile", authority + ".key",
             "-cert", authority + ".pem", "-crlsec", str(seconds), "-out",
             out], check=True, capture_output=True)
        if der:
            subprocess.run(["openssl", "crl", "-in", out, "-outform", "DER",
                            "-out", out], check=True, capture_output=True)
        with open(out, "rb") as file:
            data = file.read()
    hidden = os.path.join(os.path.dirname(path),
                          "." + os.path.basename(path))
    with open(hidden, "wb") as file:
        file.write(data)
    os.rename(hidden, path)
