#!/usr/bin/python3
"""The server's certificates: of which kinds they may be, that they are read
anew under load without a call that fails, that whatever is wrong with one the
old ones stay, and that the log warns of their ends in time."""

import datetime
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import grpc

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import certificates  # noqa: E402
import daemon as support  # noqa: E402
from certificates import DAY, SECOND  # noqa: E402

TIMEOUT = 60
WHOAMI = "/vouch.v1.AccessService/WhoAmI"
REFLECTION = ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
LIST_SERVICES = b"\x3a\x01*"
RSA = "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384"
ECDSA = "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384"
HALF_DAY = datetime.timedelta(hours=12)


class Case(unittest.TestCase):
    def setUp(self):
        self.daemon = support.Daemon("--set", "workers=2")
        self.directory = self.daemon.certificates()
        os.makedirs(self.directory)
        self.addCleanup(shutil.rmtree, self.daemon.directory,
                        ignore_errors=True)
        support.make_certificates(self.directory)

    def path(self, name):
        return os.path.join(self.directory, name)

    def start(self, **settings):
        for name, value in settings.items():
            self.daemon.arguments += ("--set", "tls.%s=%s" % (name, value))
        self.daemon.start()
        self.addCleanup(self.daemon.stop)

    def serve(self, kind, name="own", **what):
        """A pair of files for the server, and the settings that name them."""
        certificates.make_server(self.path(name), self.directory, kind,
                                 **what)
        return {"certificate": self.path(name + ".pem"),
                "key": self.path(name + ".key")}

    def lines(self, event):
        return re.findall("(?m)^.*event=%s .*$" % event,
                          self.daemon.log_text())

    def reload(self):
        """SIGHUP; return what the log then says of it."""
        before = len(self.lines("reload"))
        self.daemon.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            lines = self.lines("reload")
            if len(lines) > before:
                self.assertEqual(len(lines), before + 1)
                return lines[-1]
            time.sleep(0.02)
        return self.fail("nothing was reloaded")

    def who_am_i(self, channel):
        return channel.unary_unary(WHOAMI)(b"", timeout=TIMEOUT)


class TestKinds(Case):
    def shown(self, signatures):
        """What openssl s_client is shown when it takes ${signatures} only;
        None: there is no handshake."""
        client = self.daemon.environment("employer")
        done = subprocess.run(
            ["openssl", "s_client", "-connect", client["VOUCH_SERVER"],
             "-alpn", "h2", "-CAfile", client["VOUCH_CA"], "-cert",
             client["VOUCH_CERT"], "-key", client["VOUCH_KEY"],
             "-verify_return_error", "-sigalgs", signatures,
             "-client_sigalgs", ECDSA], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=TIMEOUT, check=False)
        found = re.search(rb"Peer signature type: (\S+)", done.stdout)
        return found and found[1].decode()

    def test_each_kind_serves_stock_clients(self):
        for kind, wanted, other in (("RSA2048", RSA, ECDSA),
                                    ("RSA4096", RSA, ECDSA),
                                    ("P-256", ECDSA, RSA),
                                    ("P-384", ECDSA, RSA)):
            with self.subTest(kind=kind):
                settings = self.serve(kind)
                if self.daemon.process is None:
                    self.start(**settings)
                else:
                    self.assertIn(" err=OK ", self.reload())
                self.assertEqual(self.shown(wanted),
                                 "RSA-PSS" if kind[0] == "R" else "ECDSA")
                self.assertIsNone(self.shown(other))
                with self.daemon.channel("employer") as channel:
                    self.assertIn(b"employer", self.who_am_i(channel))

    def test_both_at_once(self):
        rsa = self.serve("RSA2048", "rsa")
        self.start(**self.serve("P-256"), second_certificate=rsa[
            "certificate"], second_key=rsa["key"])
        self.assertEqual(self.shown(RSA), "RSA-PSS")
        self.assertEqual(self.shown(ECDSA), "ECDSA")
        with self.daemon.channel("auditor") as channel:
            self.assertIn(b"auditor", self.who_am_i(channel))

    def test_a_weak_key_does_not_serve(self):
        for name, value in self.serve("RSA1024").items():
            self.daemon.arguments += ("--set", "tls.%s=%s" % (name, value))
        with self.assertRaisesRegex(RuntimeError, "must be RSA of 2048"):
            self.daemon.start()


class TestReload(Case):
    """Calls without a pause, while the certificates change."""

    def setUp(self):
        super().setUp()
        self.settings = self.serve("P-256")
        self.start(**self.settings)
        self.stop = threading.Event()
        self.failures = []
        self.answers = {}

    def attempt(self, what, function):
        self.answers[what] = 0
        while not self.stop.is_set():
            try:
                function()
                self.answers[what] += 1
            except Exception as error:      # any: none may be
                self.failures.append((what, error))
                return

    def on_one_connection(self):
        with self.daemon.channel("employer") as channel:
            self.attempt("unary", lambda: self.who_am_i(channel))

    def on_new_connections(self):
        def once():
            with self.daemon.channel("auditor") as channel:
                self.who_am_i(channel)
        self.attempt("new", once)

    def on_one_stream(self):
        """One bidirectional call for all the time, in turns."""
        questions = queue.Queue()
        with self.daemon.channel("admin") as channel:
            answers = channel.stream_stream(REFLECTION)(
                iter(questions.get, None))

            def once():
                questions.put(LIST_SERVICES)
                if b"vouch.v1.AccessService" not in next(answers):
                    raise ValueError("another answer")
            self.attempt("stream", once)
            questions.put(None)
            if list(answers) or answers.code() != grpc.StatusCode.OK:
                self.failures.append(("stream", answers.code()))

    def faults(self):
        """What may be wrong, as (how, the file, what the log says of it)."""
        certificate, key = self.settings["certificate"], self.settings["key"]
        other = self.path("other")

        def copy(source, target):
            return lambda: shutil.copy(self.path(source), target)

        def write(target, text):
            def do():
                with open(target, "w", encoding="ascii") as file:
                    file.write(text)
            return do

        def serve(kind="P-256", **what):
            return lambda: shutil.copy(self.serve(
                kind, "other", **what)["certificate"], certificate)

        yield lambda: os.unlink(certificate), certificate, \
            "err=IO .*No such file"
        yield write(certificate, "-----BEGIN CERTIFICATE-----\nMIIB"), \
            certificate, "err=CRYPTO .*holds no PEM certificate"
        yield serve(begins=-2 * DAY, ends=-SECOND), certificate, \
            "err=CRYPTO .*has expired"
        yield serve(begins=DAY, ends=2 * DAY), certificate, \
            "err=CRYPTO .*not valid yet"
        yield serve("RSA1024"), certificate, "err=CRYPTO .*must be RSA of"
        yield serve(), key, "err=CRYPTO .*does not belong"
        yield lambda: os.unlink(key), key, "err=IO .*No such file"
        yield lambda: os.chmod(key, 0o644), key, "err=DENIED .*chmod 600"
        yield write(key, "nothing"), key, "err=CRYPTO .*no PEM private key"
        yield copy("employer.key", key), key, "err=CRYPTO .*does not belong"
        for name in ("root", "ca-employer", "ca-association", "ca-auditor",
                     "ca-admin"):
            path = self.path(name + ".pem")
            yield lambda path=path: os.unlink(path), path, \
                "err=IO .*No such file"
            yield copy("employer.pem", path), path, \
                "err=CRYPTO .*is not a CA's"
        yield copy("ca-admin.pem", self.path("root.pem")), \
            self.path("root.pem"), "err=CRYPTO .*is not a root"
        yield copy("ca-employer.pem", self.path("ca-admin.pem")), \
            self.path("ca-admin.pem"), "err=CRYPTO .*another role's CA"
        self.assertFalse(os.path.exists(other))

    def test_no_call_fails_and_whatever_is_wrong_the_old_stay(self):
        threads = [threading.Thread(target=target) for target in (
            self.on_one_connection, self.on_new_connections,
            self.on_one_stream)]
        # What clients read while we change it is a copy.
        kept = tempfile.mkdtemp(dir=self.daemon.directory)
        for name in os.listdir(self.directory):
            shutil.copy2(self.path(name), kept)
        self.daemon.certificates = lambda: kept
        for thread in threads:
            thread.start()
        try:
            for kind in ("P-256", "RSA2048", "P-384") * 3:
                self.serve(kind)
                self.assertIn(" err=OK ", self.reload())
            in_force = re.search(r" sha256=(\w+)", self.lines("reload")[-1])
            for name in ("own.pem", "own.key"):
                shutil.copy2(self.path(name), kept)
            for spoil, path, what in self.faults():
                with self.subTest(path=path, what=what):
                    spoil()
                    line = self.reload()
                    self.assertRegex(line, what)
                    self.assertIn(path, line)
                    self.assertIn("kept=" + in_force[1], line)
                    self.assertIn("level=error", line)
                    for name in os.listdir(kept):
                        shutil.copy2(os.path.join(kept, name),
                                     self.path(name))
            self.assertIn(" err=OK ", self.reload())
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(TIMEOUT)
        self.assertEqual(self.failures, [])
        self.assertGreater(min(self.answers.values()), 20, self.answers)


class TestEnds(Case):
    def ends(self):
        return [(os.path.basename(file), level, int(days))
                for level, file, days in re.findall(
                    r'level=(\w+) event=ends file="([^"]*)" at=\S+ days=(\d+)',
                    self.daemon.log_text())]

    def test_each_step_is_told_at_a_reload(self):
        settings = self.serve("P-256", ends=29 * DAY + HALF_DAY)
        self.start(**settings)
        wanted = [("own.pem", "warn", 29)]
        self.assertEqual(self.ends(), wanted)
        for left, days in ((13 * DAY + HALF_DAY, 13),
                           (6 * DAY + HALF_DAY, 6), (HALF_DAY, 0)):
            self.assertIn(" err=OK ", self.reload())     # nothing new
            self.serve("P-256", ends=left)
            self.assertIn(" err=OK ", self.reload())
            wanted.append(("own.pem", "warn", days))
        self.assertIn(" err=OK ", self.reload())
        self.daemon.terminate()
        self.daemon.wait()
        self.assertEqual(self.ends(), wanted)
        self.daemon.start()                              # once more
        self.assertEqual(self.ends(), wanted + wanted[-1:])

    def test_cas_are_told_of_too(self):
        """At the start, each with its own step; the root is as it was."""
        for name, left in (("association", 29), ("auditor", 13),
                           ("admin", 6), ("employer", 0)):
            key = certificates.new_key()
            certificates.write(
                self.path("ca-%s.pem" % name), certificates.build(
                    self.directory, "root", key, usage=None, authority=0,
                    subject="another " + name,
                    ends=left * DAY + HALF_DAY))
        self.start()
        self.assertEqual(set(self.ends()), {
            ("ca-association.pem", "warn", 29), ("ca-auditor.pem", "warn", 13),
            ("ca-admin.pem", "warn", 6), ("ca-employer.pem", "warn", 0)})
        self.assertEqual(len(self.ends()), 4)


if __name__ == "__main__":
    unittest.main()
