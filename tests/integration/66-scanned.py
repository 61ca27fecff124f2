#!/usr/bin/python3
"""What sslscan and testssl.sh, two scanners of Debian, find of a daemon:
TLS 1.3 only, no weak cipher or group, and nothing that is known to be wrong.
Once with an ECDSA certificate, and once with an RSA one beside it."""

import json
import os
import subprocess
import sys
import unittest
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import certificates  # noqa: E402
import daemon as support  # noqa: E402

SCAN_SECONDS = 60
TEST_SECONDS = 240      # 15 on a machine that has nothing else to do
CIPHERS = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
           "TLS_CHACHA20_POLY1305_SHA256"}
GROUPS = {"0x0017", "0x001d"}       # P-256, X25519

# testssl.sh has openssl make some of its connections.  To get in, these bring
# a certificate and speak HTTP/2; of an option given twice the last counts.
OPENSSL = """#!/bin/sh
case $1 in
s_client) shift; exec openssl s_client -alpn h2 -cert "$SCAN_CERT" \
-key "$SCAN_KEY" "$@" ;;
esac
exec openssl "$@"
"""


class TestScanned(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = support.Daemon("--set", "log.level=warn")
        directory = cls.daemon.certificates()
        os.makedirs(directory)
        support.make_certificates(directory)
        certificates.make_server(os.path.join(directory, "rsa"), directory,
                                 "RSA2048")
        for name in ("certificate", "key"):
            cls.daemon.arguments += ("--set", "tls.second_%s=%s" % (
                name, os.path.join(directory, "rsa.pem" if
                                   name == "certificate" else "rsa.key")))
        cls.daemon.start()
        cls.addClassCleanup(cls.daemon.stop)
        cls.cert = os.path.join(directory, "employer.pem")
        cls.key = os.path.join(directory, "employer.key")

    def scan(self, *arguments):
        out = os.path.join(self.daemon.directory, "scan.xml")
        subprocess.run(["sslscan", "--no-colour", "--xml=" + out,
                        "--show-sigs", *arguments, self.daemon.address()],
                       check=True, timeout=SCAN_SECONDS,
                       stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        return xml.parse(out).getroot().find("ssltest")

    def check_scan(self, found):
        enabled = {(p.get("type"), p.get("version"))
                   for p in found.findall("protocol")
                   if p.get("enabled") == "1"}
        self.assertEqual(enabled, {("tls", "1.3")})
        self.assertEqual(len(found.findall("protocol")), 6)
        ciphers = found.findall("cipher")
        self.assertEqual({c.get("cipher") for c in ciphers}, CIPHERS)
        self.assertEqual({c.get("sslversion") for c in ciphers}, {"TLSv1.3"})
        self.assertLessEqual({c.get("strength") for c in ciphers},
                             {"acceptable", "strong"})
        self.assertEqual({g.get("id") for g in found.findall("group")},
                         GROUPS)
        self.assertEqual([r.get("supported")
                          for r in found.findall("renegotiation")], ["0"])
        self.assertNotIn("1", [c.get("supported")
                               for c in found.findall("compression")])
        self.assertEqual({h.get("vulnerable")
                          for h in found.findall("heartbleed")}, {"0"})
        signatures = {s.get("name") for s in found.findall(
            "connection-signature-algorithm")}
        self.assertIn("ecdsa_secp256r1_sha256", signatures)
        self.assertIn("rsa_pss_rsae_sha256", signatures)
        for name in signatures:
            self.assertRegex(name, "^(ecdsa_secp256r1_sha256|"
                             "rsa_pss_rsae_sha(256|384|512))$")
        for key in found.iter("pk"):
            self.assertIn((key.get("type"), key.get("bits")),
                          {("EC", "128"), ("RSA", "2048")})

    def test_sslscan_without_a_certificate(self):
        self.check_scan(self.scan())

    def test_sslscan_with_a_certificate(self):
        self.check_scan(self.scan("--certs=" + self.cert, "--pk=" + self.key))

    def test_testssl(self):
        directory = self.daemon.directory
        wrapper = os.path.join(directory, "openssl")
        with open(wrapper, "w", encoding="utf-8") as file:
            file.write(OPENSSL)
        os.chmod(wrapper, 0o755)
        out = os.path.join(directory, "testssl.json")
        port = self.daemon.address().rpartition(":")[2]
        done = subprocess.run(
            ["testssl", "--quiet", "--warnings", "off", "--color", "0",
             "--nodns", "none", "--ip", "127.0.0.1", "--openssl", wrapper,
             "--connect-timeout", "20", "--openssl-timeout", "20",
             "--jsonfile", out, "-p", "-f", "-U", "https://localhost:" +
             port], timeout=TEST_SECONDS, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(os.environ, SCAN_CERT=self.cert, SCAN_KEY=self.key))
        with open(out, encoding="utf-8") as file:
            found = json.load(file)
        by_id = {row["id"]: row["finding"] for row in found}
        shown = done.stdout.decode(errors="replace")
        # Exit status: of what it could not do, or did not like.
        self.assertEqual([row for row in found if row["severity"] not in (
            "OK", "INFO", "LOW", "DEBUG") and row["id"] not in (
                "engine_problem",)], [], shown)
        for protocol in ("SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2"):
            self.assertIn("not offered", by_id[protocol], shown)
        self.assertIn("offered", by_id["TLS1_3"])
        self.assertNotIn("not", by_id["TLS1_3"])
        self.assertIn("h2", by_id["ALPN_HTTP2"])
        self.assertEqual(set(by_id["PFS_ECDHE_curves"].split()),
                         {"prime256v1", "X25519"}, shown)
        for flaw in ("heartbleed", "CCS", "secure_renego",
                     "secure_client_renego", "CRIME_TLS", "POODLE_SSL",
                     "CVE-2016-2183", "FREAK", "DROWN", "LOGJAM", "BEAST",
                     "LUCKY13", "RC4"):
            # SWEET32 comes without its name, by its number only.
            self.assertEqual({row["severity"] for row in found
                              if row["id"] == flaw or
                              flaw in row.get("cve", "")}, {"OK"}, flaw)


if __name__ == "__main__":
    unittest.main()
