"""Certificates that certs/make-dev-certs.sh would not make, under the CAs
that it made; by python3-cryptography."""

import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DOMAIN = "spiffe://dev.vouch.invalid/"
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER = ExtendedKeyUsageOID.SERVER_AUTH
SECOND = datetime.timedelta(seconds=1)
DAY = datetime.timedelta(days=1)


def now():
    return datetime.datetime.utcnow().replace(microsecond=0)


def new_key(kind="P-256"):
    if kind.startswith("RSA"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    return ec.generate_private_key(
        {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1}[kind]())


def load(directory, name):
    with open(os.path.join(directory, name + ".pem"), "rb") as file:
        return x509.load_pem_x509_certificate(file.read())


def load_key(directory, name):
    with open(os.path.join(directory, name + ".key"), "rb") as file:
        return serialization.load_pem_private_key(file.read(), None)


def write_key(path, key):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
              "wb") as file:
        file.write(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))


def build(directory, ca, key, uris=(), names=(), usage=CLIENT, begins=-DAY,
          ends=30 * DAY, subject="test", authority=None):
    """A certificate for ${key}, signed by the CA called ${ca} in
    ${directory}; it begins and ends so long from now.  ${authority}: it is
    a CA's, and may have so many CAs beneath it."""
    moment = now()
    builder = x509.CertificateBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    ).issuer_name(load(directory, ca).subject).public_key(
        key.public_key()).serial_number(x509.random_serial_number()
    ).not_valid_before(moment + begins).not_valid_after(moment + ends
    ).add_extension(x509.BasicConstraints(
        authority is not None, authority), critical=True)
    issuer = load_key(directory, ca)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(
            issuer.public_key()), critical=False)
    if authority is not None:
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
            critical=False)
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]),
                                        critical=False)
    names = [x509.UniformResourceIdentifier(uri) for uri in uris] + \
        list(names)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names),
                                        critical=False)
    return builder.sign(issuer, hashes.SHA256())


def write(path, *certificates):
    """Replace ${path} at once, as an operator should."""
    with open(path + ".new", "wb") as file:
        for certificate in certificates:
            file.write(certificate.public_bytes(serialization.Encoding.PEM))
    os.rename(path + ".new", path)


def make_client(directory, name, ca="ca-employer", ca_directory=None, **what):
    """${name}.pem, followed by its issuer, and ${name}.key in ${directory};
    return the serial number as the log has it."""
    ca_directory = ca_directory or directory
    key = new_key()
    leaf = build(ca_directory, ca, key, **what)
    write(os.path.join(directory, name + ".pem"), leaf,
          load(ca_directory, ca))
    write_key(os.path.join(directory, name + ".key"), key)
    return serial_of(leaf)


def serial_of(certificate):
    digits = "%X" % certificate.serial_number
    return "0" * (len(digits) % 2) + digits


def make_server(path, directory, kind="P-256", ca="root", **what):
    """${path}.pem and ${path}.key: a server's, for localhost."""
    key = new_key(kind)
    what.setdefault("names", [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = build(directory, ca, key, usage=SERVER, subject="localhost",
                 **what)
    write_key(path + ".key", key)
    write(path + ".pem", leaf)
    return serial_of(leaf)
