#!/usr/bin/python3
"""Who is revoked by a CRL, or put on the deny list by hand or by
DenyIdentity, is out within five seconds, with calls and idle connections, and
is not let in again; nobody else notices.
"""

import os
import random
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import crl  # noqa: E402
import daemon as support  # noqa: E402
import raw_h2  # noqa: E402
from daemon import grpc  # noqa: E402

# What is promised, and what this machine may be late.
SECONDS = 5
PATIENCE = 15


def wait_for(done, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def hear(socket, seconds=5):
    """Read to the end: what ended it, and the sessions that came."""
    socket.settimeout(seconds)
    try:
        while socket.recv(65536):
            pass
    except ssl.SSLError as error:
        return error.reason or str(error)
    except OSError as error:
        return str(error)
    return "end"


class Guest:
    """One client certificate, with a call that lasts and a connection that
    says nothing."""

    def __init__(self, test, name, role="employer"):
        self.test, self.name = test, name
        path = os.path.join(test.daemon.certificates(), name + ".pem")
        if not os.path.exists(path):
            support.make_certificates(test.daemon.certificates(), "--client",
                                      role, name, name)
        self.path = path
        self.channel = test.daemon.channel(name)
        self.watch = test.health.HealthStub(self.channel).Watch(
            test.messages.HealthCheckRequest(), timeout=120)
        self.first = next(iter(self.watch))
        self.idle = raw_h2.Wire(test.daemon, name)
        test.assertTrue(self.idle.until(lambda: self.idle.settled))
        test.addCleanup(self.leave)

    def leave(self):
        self.idle.close()
        self.channel.close()

    def gone(self):
        self.idle.take()
        return self.idle.closed and not self.watch.is_active()

    def refused(self):
        """What a new connection is told, or None if it is let in."""
        try:
            with raw_h2.Wire(self.test.daemon, self.name) as wire:
                if wire.until(lambda: wire.settled):
                    return None
                return "refused"
        except (ssl.SSLError, OSError) as error:
            return str(error)

    def ask(self):
        return self.test.access.AccessServiceStub(self.channel).WhoAmI(
            self.test.requests.WhoAmIRequest(), timeout=30)


STUBS = tempfile.TemporaryDirectory(prefix="vouch-stubs.")


def setUpModule():
    support.generate_stubs(STUBS.name)


def tearDownModule():
    STUBS.cleanup()


class Revocation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="vouch-crl.")
        cls.crls = os.path.join(cls.folder.name, "crls")
        os.mkdir(cls.crls)
        from grpc.health.v1 import health_pb2, health_pb2_grpc
        from vouch.v1 import access_service_pb2, access_service_pb2_grpc
        cls.messages, cls.health = health_pb2, health_pb2_grpc
        cls.requests, cls.access = access_service_pb2, access_service_pb2_grpc
        cls.daemon = support.Daemon("--set", "tls.crl=" + cls.crls).start()
        cls.list = os.path.join(cls.daemon.dev, "deny.list")

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()
        cls.folder.cleanup()

    def setUp(self):
        self.log_from = len(self.daemon.log_text())

    def log(self):
        return self.daemon.log_text()[self.log_from:]

    def logs(self, *words):
        """Wait for a line of the log with all ${words}."""
        self.assertTrue(wait_for(lambda: any(
            all(word in line for word in words)
            for line in self.log().splitlines())),
            "%s is not in:\n%s" % (words, self.log()))

    def authority(self, role):
        return os.path.join(self.daemon.certificates(), "ca-" + role)

    def publish_crl(self, role, serials, number, **more):
        crl.make(os.path.join(self.crls, role + ".pem"), self.authority(role),
                 serials, number, **more)

    def deny(self, seconds=30, who="admin", **fields):
        with self.daemon.channel(who) as channel:
            return self.access.AccessServiceStub(channel).DenyIdentity(
                self.requests.DenyIdentityRequest(**fields), timeout=seconds)

    def assert_out(self, guest, others, since, reason):
        self.assertTrue(wait_for(guest.gone), self.log())
        took = time.monotonic() - since
        self.assertLess(took, SECONDS + 3)     # a loaded machine's lateness
        self.assertEqual(guest.watch.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertIsNotNone(guest.idle.goaway)
        self.assertEqual(guest.idle.goaway[1:], (0, b"certificate_revoked"))
        self.logs("event=revoked", "/" + guest.name + " ", reason)
        self.assertIsNotNone(guest.refused())
        self.logs("event=handshake", reason)
        for other in others:
            self.assertFalse(other.idle.closed)
            self.assertTrue(other.watch.is_active())
            self.assertEqual(other.ask().id, other.name)
            self.assertIsNone(other.refused())

    # -- the three ways

    def test_crl_appears(self):
        guest, other = Guest(self, "acme"), Guest(self, "bystander")
        since = time.monotonic()
        self.publish_crl("employer", [crl.serial(guest.path)], 1)
        self.assert_out(guest, [other], since,
                        "was revoked by the employer CA (CRL 01): key "
                        "compromise")
        # The same list in the other form; one more, and the first still.
        second = Guest(self, "acme-too")
        os.unlink(os.path.join(self.crls, "employer.pem"))
        self.logs("event=crl", "issuer=employer", "kept=01")
        self.assertIsNotNone(guest.refused())
        self.publish_crl("employer", [crl.serial(guest.path),
                                      crl.serial(second.path)], 2, der=True)
        self.assert_out(second, [other], time.monotonic(), "CRL 02")
        # An older one brings nobody back.
        self.publish_crl("employer", [], 1)
        self.logs("event=crl", "issuer=employer", "older")
        self.assertIsNotNone(guest.refused())
        # Neither does a file that is no CRL, and it keeps no other out.
        with open(os.path.join(self.crls, "notes"), "w") as file:
            file.write("to be done\n")
        self.publish_crl("employer", [crl.serial(guest.path)], 3)
        self.logs("event=crl", "notes", "not a CRL")
        self.logs("event=crl", "issuer=employer", "number=03")
        os.unlink(os.path.join(self.crls, "notes"))
        self.assertIsNotNone(guest.refused())
        self.assertTrue(wait_for(lambda: second.refused() is None))

    def test_line_is_appended(self):
        guest, other = Guest(self, "initech"), Guest(self, "bystander")
        since = time.monotonic()
        with open(self.list, "a") as file:
            file.write("# by hand\nidentity %s left the network\n" %
                       crl.uri(guest.path))
        self.assert_out(guest, [other], since, "identity is on the deny list")
        # What cannot be read takes nothing away, and adds nothing.
        with open(self.list) as file:
            good = file.read()
        with open(self.list, "w") as file:
            file.write("identity not-a-uri\n")
        self.logs("event=deny_list", "line 1", "kept=before")
        self.assertIsNotNone(guest.refused())
        with self.assertRaises(grpc.RpcError) as caught:
            self.deny(key_sha256="0" * 64)
        self.assertEqual(caught.exception.code(),
                         grpc.StatusCode.FAILED_PRECONDITION)
        os.unlink(self.list)
        self.logs("event=deny_list", "it is gone", "kept=before")
        self.assertIsNotNone(guest.refused())
        with open(self.list, "w") as file:
            file.write(good)
        self.logs("event=deny_list", "entries=")
        # The line away, and the guest may come again.
        with open(self.list, "w") as file:
            file.write("# nobody\n")
        self.assertTrue(wait_for(lambda: guest.refused() is None))

    def test_deny_identity(self):
        other = Guest(self, "bystander")
        for fields in (
                lambda g: {"identity": crl.uri(g.path), "reason": "x  y"},
                lambda g: {"serial": "00" + crl.serial(g.path).lower()[:38],
                           "role": "employer"},
                lambda g: {"key_sha256": crl.key(g.path).upper()}):
            guest = Guest(self, "hooli-%d" % time.monotonic_ns())
            since = time.monotonic()
            answer = self.deny(**fields(guest))
            self.assertTrue(answer.added)
            self.assertEqual(answer.connections_ended, 2)
            self.assertLess(abs(answer.denied_at_us / 1e6 - time.time()), 60)
            self.assertIsNotNone(guest.refused())
            self.assert_out(guest, [other], since, "is on the deny list")
            with open(self.list) as file:
                self.assertIn(answer.entry, file.read())
            again = self.deny(**fields(guest))
            self.assertFalse(again.added)
            self.assertEqual((again.entry, again.denied_at_us,
                              again.connections_ended), (answer.entry, 0, 0))

    def test_command(self):
        guest, other = Guest(self, "umbrella"), Guest(self, "bystander")
        since = time.monotonic()
        done = subprocess.run(
            [support.program("vouch"), "access", "deny", "--serial",
             crl.serial(guest.path), "--role", "employer", "--reason",
             "key lost", "-o", "csv"], capture_output=True, text=True,
            env=self.daemon.environment("admin"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.splitlines()[1:],
                         ["serial employer %s,true,2" %
                          crl.serial(guest.path)])
        self.assert_out(guest, [other], since, "serial number is on the deny")
        with open(self.list) as file:
            self.assertRegex(file.read(), r"(?m)^serial employer %s \S+Z key "
                             "lost$" % crl.serial(guest.path))
        for arguments in ([], ["--serial", "01"], ["--role", "admin"],
                          ["--identity", "x", "--key-sha256", "y"]):
            done = subprocess.run(
                [support.program("vouch"), "access", "deny", *arguments],
                capture_output=True, env=self.daemon.environment("admin"))
            self.assertEqual(done.returncode, 2, arguments)

    # -- what is not so

    def test_refused_requests(self):
        own = os.path.join(self.daemon.certificates(), "admin.pem")
        uri = crl.uri(own)
        code = grpc.StatusCode
        for fields, expected, word in (
                ({}, code.INVALID_ARGUMENT, "must be given"),
                ({"identity": uri, "key_sha256": "0" * 64},
                 code.INVALID_ARGUMENT, "only one"),
                ({"serial": "12"}, code.INVALID_ARGUMENT, "role"),
                ({"serial": "12", "role": "owner"}, code.INVALID_ARGUMENT,
                 "role"),
                ({"serial": "xy", "role": "admin"}, code.INVALID_ARGUMENT,
                 "hexadecimal"),
                ({"serial": "1" * 41, "role": "admin"},
                 code.INVALID_ARGUMENT, "hexadecimal"),
                ({"key_sha256": "0" * 63}, code.INVALID_ARGUMENT, "SHA-256"),
                ({"identity": uri + "/"}, code.INVALID_ARGUMENT, "id"),
                ({"identity": "spiffe://elsewhere/admin/x"},
                 code.INVALID_ARGUMENT, "trust domain"),
                ({"identity": uri, "role": "admin"}, code.INVALID_ARGUMENT,
                 "serial"),
                ({"identity": uri, "reason": "a\nb"}, code.INVALID_ARGUMENT,
                 "reason"),
                ({"identity": uri, "reason": "a" * 201},
                 code.INVALID_ARGUMENT, "reason"),
                ({"identity": uri}, code.FAILED_PRECONDITION, "another"),
                ({"serial": crl.serial(own), "role": "admin"},
                 code.FAILED_PRECONDITION, "another"),
                ({"key_sha256": crl.key(own)}, code.FAILED_PRECONDITION,
                 "another")):
            with self.subTest(fields), \
                    self.assertRaises(grpc.RpcError) as caught:
                self.deny(**fields)
            self.assertEqual(caught.exception.code(), expected)
            self.assertIn(word, str(caught.exception.trailing_metadata()) +
                          caught.exception.details())
        for who in ("employer", "association", "auditor"):
            with self.assertRaises(grpc.RpcError) as caught:
                self.deny(who=who, key_sha256="0" * 64)
            self.assertEqual(caught.exception.code(), code.PERMISSION_DENIED)
        # The same serial of another role's CA is another certificate.
        guest = Guest(self, "vandelay")
        self.assertEqual(self.deny(serial=crl.serial(guest.path),
                                   role="auditor").connections_ended, 0)
        self.assertIsNone(guest.refused())

    def test_resumed_session(self):
        guest = Guest(self, "globex")
        made = raw_h2.context(self.daemon.certificates(), guest.name)
        host, port = self.daemon.address().rsplit(":", 1)

        def connect(session=None):
            plain = raw_h2.socket.create_connection((host, int(port)), 10)
            return made.wrap_socket(plain, server_hostname=host,
                                    session=session)

        with connect() as first:
            first.sendall(raw_h2.PREFACE + raw_h2.settings())
            first.recv(1)
            session = first.session
        with connect(session) as second:
            second.sendall(raw_h2.PREFACE + raw_h2.settings())
            second.recv(1)
            self.assertTrue(second.session_reused)
            session = second.session
        self.deny(identity=crl.uri(guest.path))
        with connect(session) as third:
            self.assertFalse(third.session_reused)
            self.assertIn("REVOKED", hear(third).upper())

    def test_stale(self):
        auditor = Guest(self, "assay", "auditor")
        other = Guest(self, "bystander")
        self.publish_crl("auditor", [], 1, seconds=6)
        self.logs("event=crl", "issuer=auditor", "number=01")
        self.assertIsNone(auditor.refused())
        self.logs("event=crl", "issuer=auditor", "soon be out of date")
        self.logs("event=crl", "issuer=auditor", "nobody of this CA")
        self.assertTrue(wait_for(lambda: auditor.idle.closed or
                                 auditor.idle.take()))
        self.assertEqual(auditor.idle.goaway[2],
                         b"certificate_status_unknown")
        self.assertIsNotNone(auditor.refused())
        self.logs("event=handshake", "the CRL of the auditor CA (01) is out")
        self.assertFalse(other.idle.closed)
        self.publish_crl("auditor", [], 2)
        self.assertTrue(wait_for(lambda: auditor.refused() is None))

    def test_start(self):
        """What is wrong at the start is said, and nothing is served."""
        def check(*settings):
            done = subprocess.run(
                [support.program("vouchd"), "--check-config", "--dev",
                 self.daemon.dev] + [word for one in settings
                                     for word in ("--set", one)],
                capture_output=True, text=True)
            return done.returncode, done.stdout + done.stderr

        bad = os.path.join(self.folder.name, "bad")
        os.mkdir(bad)
        self.assertEqual(check("tls.crl=" + bad)[0], 0)
        with open(os.path.join(bad, "x.pem"), "w") as file:
            file.write("-----BEGIN X509 CRL-----\nAAAA\n")
        status, said = check("tls.crl=" + bad)
        self.assertEqual(status, 1)
        self.assertIn("x.pem: ", said)
        os.unlink(os.path.join(bad, "x.pem"))
        for more, word in (
                ("issuingDistributionPoint = critical, @idp\n[idp]\n"
                 "onlyuser = TRUE\n", "part of"),
                ("1.2.3.4 = critical, DER:0500\n", "critical extension"),
                ("2.5.29.27 = critical, DER:020101\n", "delta")):
            crl.make(os.path.join(bad, "x.pem"), self.authority("employer"),
                     [], 9, more=more)
            status, said = check("tls.crl=" + bad)
            self.assertEqual(status, 1, word)
            self.assertIn(word, said)
        os.unlink(os.path.join(bad, "x.pem"))
        listed = os.path.join(bad, "deny")
        with open(listed, "w") as file:
            file.write("# good\n\nkey 12\n")
        status, said = check("tls.deny_list=" + listed)
        self.assertEqual(status, 1)
        self.assertIn(listed + ": line 3: ", said)
        # A list that is not there yet may come; its folder must be there.
        self.assertEqual(check("tls.deny_list=" + listed + ".new")[0], 0)
        status, said = check("tls.deny_list=/no/such/list")
        self.assertEqual(status, 1)
        self.assertIn("tls.deny_list: /no/such: No such file", said)
        self.assertEqual(check("tls.crl=/no/such")[0], 1)
        self.assertEqual(check("tls.crl_required=yes")[0], 1)


class Drained(unittest.TestCase):
    """Who asks while the daemon drains is answered; who is denied then is
    out."""

    METHOD = "/vouch.v1.AccessService/DenyIdentity"

    def test_drained(self):
        from vouch.v1 import access_service_pb2 as requests
        with support.Daemon("--set", "drain_ms=20000") as daemon:
            admin = raw_h2.Wire(daemon, "admin")
            self.addCleanup(admin.close)
            guest = raw_h2.Wire(daemon, "employer")
            self.addCleanup(guest.close)
            guest.send(raw_h2.opening(1, "/grpc.reflection.v1.ServerReflection"
                                         "/ServerReflectionInfo"))
            # A call that lasts, lest the connection ends too soon.
            admin.send(raw_h2.opening(1, "/grpc.reflection.v1.ServerReflection"
                                         "/ServerReflectionInfo"))
            self.assertTrue(admin.until(lambda: admin.settled))
            self.assertTrue(guest.until(lambda: guest.settled))
            daemon.terminate()
            self.assertTrue(admin.until(lambda: admin.goaway))
            self.assertEqual(admin.goaway, (0x7fffffff, 0, b"shutdown"))
            uri = crl.uri(os.path.join(daemon.certificates(), "employer.pem"))
            admin.send(raw_h2.call(3, self.METHOD, requests.DenyIdentityRequest(
                identity=uri).SerializeToString()))
            self.assertTrue(admin.until(lambda: admin.over(3)))
            self.assertEqual(admin.streams[3].status(), 0,
                             admin.streams[3].blocks)
            with open(os.path.join(daemon.dev, "deny.list")) as file:
                self.assertIn(uri, file.read())
            self.assertTrue(guest.until(lambda: guest.closed, SECONDS + 3))
            self.assertIn("event=revoked", daemon.log_text())
            admin.send(raw_h2.frame(raw_h2.DATA, raw_h2.END_STREAM, 1))
            daemon.wait()


class Killed(unittest.TestCase):
    """SIGKILL amid DenyIdentity: the list is whole, and has whatever was
    acknowledged."""

    ROUNDS = 6

    def test_killed(self):
        from vouch.v1 import access_service_pb2 as requests
        from vouch.v1 import access_service_pb2_grpc as access

        acknowledged, number = set(), 0
        daemon = support.Daemon()
        listed = os.path.join(daemon.dev, "deny.list")
        try:
            for turn in range(self.ROUNDS):
                daemon.start()
                timer = threading.Timer(random.uniform(0.05, 0.4),
                                        daemon.process.kill)
                with daemon.channel("admin") as channel:
                    stub = access.AccessServiceStub(channel)
                    grpc.channel_ready_future(channel).result(30)
                    timer.start()
                    while True:
                        number += 1
                        key = "%064x" % number
                        try:
                            stub.DenyIdentity(requests.DenyIdentityRequest(
                                key_sha256=key, reason="turn %d" % turn),
                                timeout=30)
                        except grpc.RpcError:
                            break
                        acknowledged.add(key)
                timer.join()
                self.assertEqual(daemon.process.wait(), -signal.SIGKILL)
                with open(listed) as file:
                    text = file.read()
                self.assertTrue(text.endswith("\n"))
                lines = [line for line in text.splitlines()
                         if not line.startswith("#")]
                for line in lines:
                    self.assertRegex(line, r"^key [0-9a-f]{64} \S+Z turn \d$")
                on_file = {line.split()[1] for line in lines}
                self.assertEqual(len(on_file), len(lines))
                self.assertLessEqual(acknowledged, on_file)
                self.assertLessEqual(on_file - acknowledged,
                                     {"%064x" % n for n in
                                      range(1, number + 1)})
            daemon.start()
            self.assertIn("entries=%d" % len(on_file), daemon.log_text())
            self.assertGreater(len(acknowledged), self.ROUNDS)
        finally:
            daemon.stop()


if __name__ == "__main__":
    unittest.main()
