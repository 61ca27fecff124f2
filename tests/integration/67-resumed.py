#!/usr/bin/python3
"""TLS sessions are resumed, by stock clients, and only by those who would be
let in anew: a certificate that has ended, a reload, a CA that was replaced or
a denial that was written since makes the ticket worthless."""

import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import certificates  # noqa: E402
import daemon as support  # noqa: E402
from certificates import DOMAIN, SECOND  # noqa: E402

TIMEOUT = 30
SHA384, SHA256 = "TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"


def counted(size, data):
    return len(data).to_bytes(size, "big") + data


def hello(tickets):
    """A ClientHello for SHA256 that offers ${tickets}, with binders that are
    wrong: whether one is chosen shows in the answer."""
    share = bytes(range(32))        # of X25519
    extensions = b"".join(struct.pack(">H", number) + counted(2, data)
                          for number, data in (
        (10, b"\0\2\0\x1d"), (13, b"\0\2\4\3"), (16, b"\0\3\2h2"),
        (43, b"\2\3\4"), (45, b"\1\1"),
        (51, counted(2, b"\0\x1d" + counted(2, share))),
        (41, counted(2, b"".join(counted(2, ticket) + bytes(4)
                                 for ticket in tickets)) +
         counted(2, counted(1, bytes(32)) * len(tickets)))))
    body = b"\3\3" + bytes(32) + b"\0\0\2\x13\1\1\0" + counted(
        2, extensions)
    message = b"\1" + counted(3, body)
    return b"".join(b"\x16\3\1" + counted(2, message[i:i + 16384])
                    for i in range(0, len(message), 16384))


class TestResumed(unittest.TestCase):
    def setUp(self):
        self.daemon = support.Daemon("--set", "workers=2")
        self.directory = self.daemon.certificates()
        os.makedirs(self.directory)
        support.make_certificates(self.directory)

    def start(self, *arguments):
        self.daemon.arguments += arguments
        self.daemon.start()
        self.addCleanup(self.daemon.stop)
        host, _, port = self.daemon.address().rpartition(":")
        self.address = (host, int(port))

    def context(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(
            os.path.join(self.directory, "root.pem"))
        context.load_cert_chain(
            os.path.join(self.directory, name + ".pem"),
            os.path.join(self.directory, name + ".key"))
        context.set_alpn_protocols(["h2"])
        return context

    def meet(self, context, session=None):
        """Whether the session was resumed, and a ticket for the next time.
        Raises ssl.SSLError or ConnectionError if the daemon refuses."""
        with socket.create_connection(self.address, TIMEOUT) as plain, \
                context.wrap_socket(plain, server_hostname="localhost",
                                    session=session) as tls:
            tls.sendall(PREFACE)
            if tls.recv(9)[3:4] != b"\4":       # our SETTINGS
                raise ConnectionError("it hung up")
            return tls.session_reused, tls.session

    def refused(self, context, session):
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.meet(context, session)

    def assert_log(self, pattern):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if re.search(pattern, self.daemon.log_text()):
                return
            time.sleep(0.05)
        self.fail("no %s in:\n%s" % (pattern, self.daemon.log_text()))

    def reload(self):
        before = self.daemon.log_text().count("event=reload")
        self.daemon.process.send_signal(signal.SIGHUP)
        self.assert_log(
            r"(?s)(event=reload.*){%d}" % (before + 1))

    def test_a_session_is_resumed_on_any_worker(self):
        self.start()
        for role in ("employer", "association", "auditor", "admin"):
            context = self.context(role)
            reused, session = self.meet(context)
            self.assertFalse(reused)
            self.assertLessEqual(session.ticket_lifetime_hint, 7200)
            for _ in range(6):
                reused, session = self.meet(context, session)
                self.assertTrue(reused)

    def openssl(self, *options):
        """What openssl s_client tells of a short visit."""
        environment = self.daemon.environment("employer")
        return subprocess.run(
            ["openssl", "s_client", "-connect", "%s:%d" % self.address,
             "-alpn", "h2", "-CAfile", environment["VOUCH_CA"],
             "-cert", environment["VOUCH_CERT"], "-key",
             environment["VOUCH_KEY"], "-verify_return_error",
             "-ign_eof", *options], input=PREFACE +
            # GOAWAY: the daemon then hangs up.
            b"\0\0\x08\7\0\0\0\0\0\0\0\0\0\0\0\0\0",
            timeout=TIMEOUT, check=False, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT).stdout

    def ticket(self, suite):
        """The bytes of a ticket, as whoever watches sees them later."""
        path = os.path.join(self.daemon.directory, "session")
        self.openssl("-ciphersuites", suite, "-sess_out", path)
        text = subprocess.run(
            ["openssl", "sess_id", "-in", path, "-noout", "-text"],
            timeout=TIMEOUT, check=True, stdout=subprocess.PIPE
        ).stdout.decode()
        self.assertIn("Cipher    : " + suite, text)
        shown = re.search(r"TLS session ticket:\n((?: +[0-9a-f]+ - .*\n)+)",
                          text)[1]
        return bytes.fromhex("".join(re.findall(
            r"(?m)^ +[0-9a-f]+ - ((?:[0-9a-f]{2}[ -])+)", shown)).replace(
                "-", " "))

    def answer(self, tickets):
        """The type of the record that comes back: 22 or 21, an alert."""
        with socket.create_connection(self.address, TIMEOUT) as plain:
            plain.sendall(hello(tickets))
            return plain.recv(1)[0]

    def test_openssl_resumes(self):
        self.start()
        path = os.path.join(self.daemon.directory, "session")
        told = [self.openssl(option, path)
                for option in ("-sess_out", "-sess_in")]
        self.assertRegex(told[0], rb"(?m)^New, TLSv1\.3")
        self.assertRegex(told[1], rb"(?m)^Reused, TLSv1\.3")
        for text in told:
            self.assertIn(b"Max Early Data: 0", text)
            self.assertNotIn(b"Early data was accepted", text)

    def test_a_few_tickets_are_looked_at_and_no_more(self):
        """Anybody can send one that he has seen, and often: each costs us a
        certificate to read and to judge."""
        self.start()
        other, fitting = self.ticket(SHA384), self.ticket(SHA256)
        self.assertEqual(self.answer([fitting]), 21)
        self.assertEqual(self.answer([other]), 22)
        self.assertEqual(self.answer([other] * 3 + [fitting]), 21)
        self.assertEqual(self.answer([other] * 50 + [fitting]), 22)
        # Of whoever sent it, a ticket tells nothing.
        self.assert_log(r"event=handshake conn=\d+ reason=")
        self.assertNotIn("issuer=", self.daemon.log_text())

    def test_a_ticket_does_not_spare_alpn(self):
        self.start()
        context = self.context("employer")
        session = self.meet(context)[1]
        context.set_alpn_protocols([])
        self.refused(context, session)
        self.assert_log(r'event=handshake conn=\d+ reason="the client does '
                        'not offer h2 by ALPN"')

    def test_after_a_reload_a_certificate_is_shown_again(self):
        self.start()
        context = self.context("employer")
        session = self.meet(context)[1]
        self.reload()
        reused, session = self.meet(context, session)
        self.assertFalse(reused)
        self.assertTrue(self.meet(context, session)[0])

    def test_a_reload_that_fails_leaves_sessions_alone(self):
        self.start()
        context = self.context("employer")
        session = self.meet(context)[1]
        os.rename(os.path.join(self.directory, "server.pem"),
                  os.path.join(self.directory, "server.away"))
        self.reload()
        self.assert_log("event=reload err=IO .*server.pem")
        self.assertTrue(self.meet(context, session)[0])

    def test_another_ca_for_the_role(self):
        """The old certificate does not help, and neither does the ticket."""
        self.start()
        context, admin = self.context("employer"), self.context("admin")
        session, other = self.meet(context)[1], self.meet(admin)[1]
        key = certificates.new_key()
        certificates.write(
            os.path.join(self.directory, "ca-employer.pem"),
            certificates.build(self.directory, "root", key, usage=None,
                               subject="Vouch development CA: employer",
                               authority=0))
        self.reload()
        self.refused(context, session)
        # The old CA is still under the root, and the client brings it along.
        self.assert_log('event=handshake .* reason="the certificate is not '
                        'from its role\'s CA"')
        self.assertFalse(self.meet(admin, other)[0])

    def test_a_certificate_that_has_ended(self):
        self.start()
        certificates.make_client(self.directory, "short", ends=6 * SECOND,
                                 uris=[DOMAIN + "employer/short"])
        context = self.context("short")
        reused, session = self.meet(context)
        self.assertLessEqual(session.ticket_lifetime_hint, 6)
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            try:
                session = self.meet(context, session)[1]
            except (ssl.SSLError, ConnectionError):
                break
            time.sleep(0.2)
        self.assertLess(time.monotonic(), end)
        self.assert_log(
            'event=handshake .* reason="the certificate has expired"')
        self.refused(context, session)

    def test_a_denial(self):
        deny = os.path.join(self.daemon.directory, "deny")
        with open(deny, "wb"):
            pass
        self.start("--set", "tls.deny_list=" + deny)
        context, other = self.context("employer"), self.context("auditor")
        session, others = self.meet(context)[1], self.meet(other)[1]
        self.assertTrue(self.meet(context, session)[0])
        session = self.meet(context, self.meet(context)[1])[1]
        with open(deny + ".new", "w", encoding="utf-8") as file:
            file.write("identity %semployer/dev-employer\n" % DOMAIN)
        os.rename(deny + ".new", deny)
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            try:
                session = self.meet(context, session)[1]
            except (ssl.SSLError, ConnectionError):
                break
            time.sleep(0.2)
        self.assertLess(time.monotonic(), end)
        self.assert_log("event=handshake .*den(y|ied)")
        self.refused(context, session)
        self.assertTrue(self.meet(other, others)[0])

    def test_none_where_none_are_wanted(self):
        self.start("--set", "tls.resumption_s=0")
        context = self.context("employer")
        session = self.meet(context)[1]
        self.assertTrue(session is None or not session.has_ticket)
        self.assertFalse(self.meet(context, session)[0])


if __name__ == "__main__":
    unittest.main()
