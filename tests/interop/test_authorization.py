#!/usr/bin/python3
"""Who may do what: every method that the daemon offers x {no certificate,
each bad certificate, each role}, through the front door.

What each method demands is written here by hand, from the design and the
documents; the methods themselves are asked of the daemon, so that one that
nobody thought of here fails the test."""

import os
import re
import sys
import time
import unittest
import uuid

import grpc

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import certificates  # noqa: E402
import daemon as support  # noqa: E402
from certificates import DAY, DOMAIN, SECOND, SERVER  # noqa: E402

from google.protobuf import descriptor_pb2  # noqa: E402

TIMEOUT = 30
Code = grpc.StatusCode
ROLES = ("employer", "association", "auditor", "admin")
ALL = set(ROLES)

# Who may call it.  Verifying is for employers, and for auditors who check;
# publishing is for associations; what was published may be seen by auditors,
# what is in it only by whoever published it; administration is for admins;
# the catalog, health and reflection are for everybody who is let in at all.
MAY = {
    "/grpc.health.v1.Health/Check": ALL,
    "/grpc.health.v1.Health/List": ALL,
    "/grpc.health.v1.Health/Watch": ALL,
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": ALL,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": ALL,
    "/vouch.v1.AccessService/DenyIdentity": {"admin"},
    "/vouch.v1.AccessService/RotateKey": {"admin"},
    "/vouch.v1.AccessService/WhoAmI": ALL,
    "/vouch.v1.CatalogService/GetAssociation": ALL,
    "/vouch.v1.CatalogService/ListAssociations": ALL,
    "/vouch.v1.CatalogService/ListCredentialTypes": ALL,
    "/vouch.v1.PublishingService/DeclareCurrent": {"association"},
    "/vouch.v1.PublishingService/GetPublication": {"association", "auditor"},
    "/vouch.v1.PublishingService/ListEvents": {"association"},
    "/vouch.v1.PublishingService/ListPublications": {"association",
                                                     "auditor"},
    "/vouch.v1.PublishingService/PublishCredentials": {"association"},
    "/vouch.v1.VerificationService/VerifyCredential": {"employer", "auditor"},
}

EMPLOYER = DOMAIN + "employer/acme"
FOREIGN = "the URI lies in another trust domain"
UNNAMED = "the URI names no role: employer, association, auditor or admin"
BAD_ID = "the URI's id is not 1 to 63 of a-z, 0-9 and hyphen"

# What is wrong with a certificate, how it is made, and what the log says.
BAD = {
    "expired": ({"uris": [EMPLOYER], "begins": -2 * DAY, "ends": -SECOND},
                "the certificate has expired"),
    "not yet valid": ({"uris": [EMPLOYER], "begins": DAY, "ends": 2 * DAY},
                      "the certificate is not valid yet"),
    "of another root": ({"uris": [EMPLOYER], "foreign": True},
                        "the certificate is from no CA of ours"),
    "an admin's from the employers' CA": (
        {"uris": [DOMAIN + "admin/root"]},
        "the certificate is not from its role's CA"),
    "an employer's from the admins' CA": (
        {"uris": [EMPLOYER], "ca": "ca-admin"},
        "the certificate is not from its role's CA"),
    "an association's from the auditors' CA": (
        {"uris": [DOMAIN + "association/ascp-boc"], "ca": "ca-auditor"},
        "the certificate is not from its role's CA"),
    "from the root itself": ({"uris": [EMPLOYER], "ca": "root"},
                             "the certificate is not from its role's CA"),
    "for servers": ({"uris": [EMPLOYER], "usage": SERVER},
                    "the certificate is not for client use"),
    "for nothing": ({"uris": [EMPLOYER], "usage": None},
                    "the certificate is not for client use"),
    "a CA's": ({"uris": [EMPLOYER], "authority": 0},
               "the certificate is a CA's"),
    "two URIs": ({"uris": [EMPLOYER, DOMAIN + "admin/root"]},
                 "the certificate has more than one URI"),
    "the same URI twice": ({"uris": [EMPLOYER, EMPLOYER]},
                           "the certificate has more than one URI"),
    "no URI": ({}, "the certificate has no URI"),
    "an escape": ({"uris": [DOMAIN + "employer/%61cme"]},
                  "the URI has an escape in it"),
    "an escape in the role": ({"uris": [DOMAIN + "%61dmin/acme"],
                               "ca": "ca-admin"},
                              "the URI has an escape in it"),
    "a query": ({"uris": [EMPLOYER + "?role=admin"]},
                "the URI has a query"),
    "a fragment": ({"uris": [EMPLOYER + "#admin"]},
                   "the URI has a fragment"),
    "a slash at its end": ({"uris": [EMPLOYER + "/"]}, BAD_ID),
    "upper case": ({"uris": [DOMAIN + "employer/Acme"]}, BAD_ID),
    "no id": ({"uris": [DOMAIN + "employer/"]}, BAD_ID),
    "an unknown role": ({"uris": [DOMAIN + "operator/acme"]}, UNNAMED),
    "no role": ({"uris": [DOMAIN + "employer"]}, UNNAMED),
    "another trust domain": (
        {"uris": ["spiffe://vouch.invalid/employer/acme"]}, FOREIGN),
    "a longer trust domain": (
        {"uris": ["spiffe://dev.vouch.invalid.example/employer/acme"]},
        FOREIGN),
    "another scheme": ({"uris": ["https://dev.vouch.invalid/employer/acme"]},
                       "the URI does not begin with spiffe://"),
}


def file_name(what):
    return "bad-" + re.sub("[^a-z]+", "-", what.lower())


def call(channel, path, message=b"", timeout=TIMEOUT):
    """Call ${path} with one message, whatever kind of method it is; return
    the code, and its reason if there is one."""
    answer = channel.stream_stream(path)(iter([message]), timeout=timeout)
    try:
        next(answer, None)          # of a watch there is no end
        answer.cancel()
        return Code.OK, None
    except grpc.RpcError as error:
        data = dict(error.trailing_metadata() or ()).get(
            "grpc-status-details-bin", b"")
        found = re.search(rb"ROLE_NOT_ALLOWED", data)
        return error.code(), found and found.group().decode()


class TestAuthorization(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stubs = support.tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.stubs.cleanup)
        support.generate_stubs(cls.stubs.name)
        cls.daemon = support.Daemon("--set", "log.level=warn").start()
        cls.addClassCleanup(cls.daemon.stop)
        cls.directory = cls.daemon.certificates()
        cls.other = os.path.join(cls.daemon.directory, "other")
        support.make_certificates(cls.other)
        cls.methods = cls.methods_of_daemon()

    @classmethod
    def methods_of_daemon(cls):
        """The paths of all methods, as the daemon tells of itself."""
        from grpc.reflection.v1 import reflection_pb2, reflection_pb2_grpc
        paths = set()
        with cls.daemon.channel("auditor") as channel:
            stub = reflection_pb2_grpc.ServerReflectionStub(channel)

            def ask(**question):
                return next(stub.ServerReflectionInfo(iter([
                    reflection_pb2.ServerReflectionRequest(**question)]),
                    timeout=TIMEOUT))
            for service in ask(
                    list_services="*").list_services_response.service:
                data = ask(file_containing_symbol=service.name
                           ).file_descriptor_response.file_descriptor_proto
                for text in data:
                    file = descriptor_pb2.FileDescriptorProto.FromString(text)
                    paths |= {"/%s/%s" % (service.name, method.name)
                              for found in file.service
                              if file.package + "." + found.name ==
                              service.name for method in found.method}
        return paths

    def message(self, path):
        """The least that leads a call beyond the question who asks."""
        from vouch.v1 import publishing_service_pb2 as publishing
        if path.endswith("/DeclareCurrent"):
            return publishing.DeclareCurrentRequest(
                request_id=str(uuid.uuid4()),
                association_id="ascp-boc").SerializeToString()
        if path.endswith("/ListEvents"):
            return publishing.ListEventsRequest(
                association_id="ascp-boc").SerializeToString()
        return b""

    def log_has(self, pattern):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if re.search(pattern, self.daemon.log_text()):
                return True
            time.sleep(0.05)
        return False

    def test_every_method_is_in_the_table(self):
        self.assertEqual(self.methods, set(MAY))
        # And the sources have none that the daemon does not tell of.
        table = support.read(support.SOURCE, "daemon", "service",
                             "authorization.h").decode()
        self.assertEqual(len(re.findall(r"\bROW\(\w+_", table)), len(MAY))

    def test_each_role_may_do_what_the_table_says(self):
        for role in ROLES:
            with self.daemon.channel(role) as channel:
                for path in sorted(self.methods):
                    with self.subTest(role=role, method=path):
                        code, reason = call(channel, path,
                                            self.message(path))
                        if role in MAY[path]:
                            self.assertIsNone(reason)
                            self.assertNotIn(code, (
                                Code.PERMISSION_DENIED, Code.UNIMPLEMENTED,
                                Code.UNAUTHENTICATED, Code.UNAVAILABLE,
                                Code.INTERNAL, Code.UNKNOWN))
                        else:
                            self.assertEqual((code, reason), (
                                Code.PERMISSION_DENIED, "ROLE_NOT_ALLOWED"))

    def refused(self, channel, what):
        for path in sorted(self.methods):
            with self.subTest(certificate=what, method=path):
                self.assertEqual(call(channel, path, self.message(path))[0],
                                 Code.UNAVAILABLE)

    def test_without_a_certificate_nobody_may_do_anything(self):
        with self.daemon.channel(None) as channel:
            self.refused(channel, None)
        self.assertTrue(self.log_has(
            'event=handshake conn=[0-9]+ reason="no certificate was shown"'))

    def test_no_bad_certificate_may_do_anything(self):
        for what, (how, why) in BAD.items():
            how = dict(how)
            foreign = how.pop("foreign", False)
            serial = certificates.make_client(
                self.directory, file_name(what),
                ca_directory=self.other if foreign else None, **how)
            with self.daemon.channel(file_name(what)) as channel:
                self.refused(channel, what)
            with self.subTest(log=what):
                self.assertTrue(self.log_has(
                    r'event=handshake conn=\d+ reason="%s" serial=0*%s '
                    r'issuer="Vouch development' % (
                        re.escape(why), serial.lstrip("0"))),
                    self.daemon.log_text()[-2000:])

    def test_a_certificate_just_like_the_bad_ones_may(self):
        """What is wrong with those is what the test made wrong."""
        certificates.make_client(self.directory, "good", uris=[EMPLOYER])
        with self.daemon.channel("good") as channel:
            self.assertEqual(call(
                channel, "/vouch.v1.AccessService/WhoAmI"), (Code.OK, None))

    def test_one_who_signs_for_himself_is_not_named(self):
        key = certificates.new_key()
        certificates.write_key(os.path.join(self.directory, "ca-self.key"),
                               key)
        # It is its own issuer: build() takes both from one file.
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        name = x509.Name([x509.NameAttribute(
            x509.oid.NameOID.COMMON_NAME, "Jane Roe")])
        moment = certificates.now()
        certificate = x509.CertificateBuilder().subject_name(
            name).issuer_name(name).public_key(key.public_key()
        ).serial_number(4711).not_valid_before(moment - DAY).not_valid_after(
            moment + DAY).sign(key, hashes.SHA256())
        certificates.write(os.path.join(self.directory, "self.pem"),
                           certificate)
        os.rename(os.path.join(self.directory, "ca-self.key"),
                  os.path.join(self.directory, "self.key"))
        with self.daemon.channel("self") as channel:
            self.assertEqual(call(
                channel, "/vouch.v1.AccessService/WhoAmI")[0],
                Code.UNAVAILABLE)
        self.assertTrue(self.log_has(
            'reason="the certificate is from no CA of ours" serial=1267 '
            'issuer="itself"'))
        self.assertNotIn("Roe", self.daemon.log_text())


if __name__ == "__main__":
    unittest.main()
