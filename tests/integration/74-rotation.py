#!/usr/bin/python3
"""Seal keys rotated under load: no call fails, whatever was sealed verifies by
`vouch` and by the verifier in Python, a restart goes on with the newest key,
and a SIGKILL at any moment of a rotation leaves a daemon that starts."""

import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
sys.path.insert(0, os.path.join(HERE, "..", "verifier"))

import daemon  # noqa: E402
import receipt_verifier as verifier  # noqa: E402
import receipts  # noqa: E402
from many_calls import ManyCalls  # noqa: E402

ROTATIONS = 12
KILLS = 20
SECONDS = 60            # of one run of a program


class Rotation(unittest.TestCase):
    def setUp(self):
        self.daemon = daemon.Daemon("--set", "workers=2").start()
        self.addCleanup(self.daemon.stop)
        self.messages = receipts.prepare(self.daemon)
        self.trust_file = receipts.trust(self.daemon)
        self.keys = pathlib.Path(self.daemon.dev, "seal")

    def run_program(self, name, *arguments, role=None, status=0):
        env = self.daemon.environment(role) if role else dict(os.environ)
        env["XDG_STATE_HOME"] = self.daemon.directory
        done = subprocess.run([daemon.program(name), *arguments], env=env,
                              capture_output=True, timeout=SECONDS,
                              text=True, check=False)
        self.assertEqual(done.returncode, status,
                         done.stdout + done.stderr)
        return done.stdout

    def ceremony(self, *arguments):
        self.run_program("vouchd", "trust", *arguments, "--trust",
                         self.trust_file, "--root-key",
                         os.path.join(self.daemon.dev, "root.key"))

    def list_pending(self, n):
        """Have ${n} more keys made and listed."""
        for _ in range(n):
            before = set(self.keys.glob("seal-*.pub"))
            self.run_program("vouchd", "key", "make", "--set",
                             "seal.key_dir=%s" % self.keys)
            made, = set(self.keys.glob("seal-*.pub")) - before
            self.ceremony("add", "--use", "seal", "--public-key", str(made))

    def rotate(self, *arguments):
        return json.loads(self.run_program(
            "vouch", "key", "rotate", "-o", "json", *arguments, role="admin"))

    def trust(self):
        return verifier.Trust(daemon.read(self.trust_file))

    def ask(self, n):
        return receipts.ask(self.daemon, [
            receipts.request(self.messages, "CONFIRMED", number)
            for number in range(n)])

    @staticmethod
    def key_of(data):
        return verifier.Receipt(data).key_id.hex()

    def current(self):
        return (self.keys / "current").read_text().strip()

    def states(self, filed):
        """What `vouch` says of each, which Python must say, too."""
        folder = pathlib.Path(self.daemon.directory, "filed")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for number, data in enumerate(filed):
            (folder / ("%d.receipt" % number)).write_bytes(data)
        done = subprocess.run(
            [daemon.program("vouch"), "receipt", "verify", str(folder),
             "--trust", self.trust_file, "--root-key",
             self.trust().root_key_id.hex(), "-o", "jsonl"],
            env=dict(os.environ, XDG_STATE_HOME=self.daemon.directory),
            capture_output=True, timeout=SECONDS, check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        told = {int(pathlib.Path(line["file"]).stem): line["state"]
                for line in lines}
        states = [told[number] for number in range(len(filed))]
        now_us, trust = time.time_ns() // 1000, self.trust()
        self.assertEqual(states, [verifier.judge(data, trust, now_us)[0]
                                  for data in filed])
        self.assertEqual(done.returncode,
                         0 if set(states) == {"VERIFIED"} else 9)
        return states

    def test_under_load_no_call_fails_and_all_verifies(self):
        self.list_pending(ROTATIONS - 2)
        filed, used = self.ask(20), [self.current()]
        with ManyCalls(self.daemon, channels=4) as calls:
            for number in range(ROTATIONS - 1):
                calls.wait_for(100)
                told = self.rotate("--expect", used[-1])
                self.assertEqual(told["previousKeyId"], used[-1])
                self.assertTrue(told["previousWiped"])
                self.assertEqual(told.get("listedNext", 0),
                                 ROTATIONS - 2 - number)
                used.append(told["currentKeyId"])
                filed += self.ask(20)
            # With the trust file of before its last change, too.
            self.run_program("vouch", "key", "rotate", role="admin", status=7)
            calls.wait_for(100)
        print("%d calls over %d rotations, %d failed, the slowest %.2f s" % (
            calls.done, len(used) - 1, len(calls.faults), calls.slowest))
        self.assertEqual(calls.faults, [])
        self.assertEqual(len(set(used)), ROTATIONS)
        self.assertEqual(sorted({self.key_of(data) for data in filed}),
                         sorted(used))
        self.assertEqual(set(self.states(filed)), {"VERIFIED"})
        self.assertEqual(self.current(), used[-1])
        for key in used[:-1]:
            self.assertFalse((self.keys / ("seal-%s.key" % key)).exists())

        # A restart goes on with the newest.
        self.daemon.terminate()
        self.daemon.wait()
        self.daemon.start()
        filed += self.ask(3)
        self.assertEqual(self.key_of(filed[-1]), used[-1])

        # Marked, a key's receipts are refused, and nobody else's.
        self.ceremony("retire", used[0])
        self.ceremony("compromise", used[1], "--since", "2026-01-01")
        for data, state in zip(filed, self.states(filed)):
            self.assertEqual(state, "KEY_COMPROMISED" if
                             self.key_of(data) == used[1] else "VERIFIED")

    def test_after_a_kill_it_seals_by_a_listed_key(self):
        self.list_pending(KILLS)
        filed, keys = [], set()
        for _ in range(KILLS):
            asker = threading.Thread(target=subprocess.run, args=(
                [daemon.program("vouch"), "key", "rotate"],), kwargs={
                    "env": self.daemon.environment("admin"),
                    "capture_output": True, "timeout": SECONDS})
            asker.start()
            time.sleep(random.uniform(0, 0.2))
            self.daemon.kill()
            asker.join()
            self.daemon.start()
            filed += self.ask(1)
            self.assertEqual(self.key_of(filed[-1]), self.current())
            keys.add(self.current())
        print("%d kills, %d keys in use" % (KILLS, len(keys)))
        self.assertGreater(len(keys), 1)
        self.assertEqual(set(self.states(filed)), {"VERIFIED"})
        # Half of a key is never there.
        for path in self.keys.glob("seal-*.key"):
            if path.name != "seal-new.key":
                self.assertTrue(path.with_suffix(".pub").exists(), path)


if __name__ == "__main__":
    unittest.main()
