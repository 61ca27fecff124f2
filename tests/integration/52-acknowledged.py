#!/usr/bin/python3
"""What was acknowledged is on disk, once, and opens its leaf of the log:
checked in the database itself by code that shares nothing with the daemon.

Uploads at once with overlapping rows; one request id on two connections at
once, and again after a restart; uploads whose client or daemon is killed at a
random moment, run again.

VOUCH_BIN names the folder of vouch and vouchd.
"""

import hashlib
import importlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
import unittest
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon  # noqa: E402
import grpc  # noqa: E402

ROWS = 20000
KILLS = 6
EVENT, MANIFEST = 1, 3
DOMAINS = {1: b"vouch/event/v1", 2: b"vouch/declaration/v1",
           3: b"vouch/manifest/v1", 4: b"vouch/catalog/v1"}


class Acknowledged(unittest.TestCase):
    def setUp(self):
        self.daemon = daemon.Daemon().start()
        self.addCleanup(self.daemon.stop)
        self.reload()

    @classmethod
    def setUpClass(cls):
        import tempfile
        stubs = tempfile.TemporaryDirectory(prefix="vouch-test.")
        cls.addClassCleanup(stubs.cleanup)
        daemon.generate_stubs(stubs.name)
        cls.messages = importlib.import_module(
            "vouch.v1.publishing_service_pb2")
        cls.entries = importlib.import_module("vouch.v1.log_entry_pb2")
        cls.stubs = importlib.import_module(
            "vouch.v1.publishing_service_pb2_grpc")

    def reload(self):
        self.environment = self.daemon.environment("association")

    def path(self, name):
        return os.path.join(self.daemon.directory, name)

    def upload(self, path, *arguments):
        return [daemon.program("vouch"), "publish", path, "--association",
                "ascp-boc", "--quiet", *arguments]

    def publish(self, path, *arguments):
        """Publish in full and return the counts by name."""
        done = subprocess.run(
            self.upload(path, "-o", "json", *arguments), timeout=120,
            env=self.environment, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return json.loads(done.stdout)

    # -- the database

    def database(self):
        found = [os.path.join(folder, name)
                 for folder, _, names in os.walk(self.daemon.dev)
                 for name in names if name.endswith(".db")]
        self.assertEqual(len(found), 1, found)
        base = sqlite3.connect("file:%s?mode=ro" % found[0], uri=True)
        self.addCleanup(base.close)
        return base

    def check_log(self):
        """Every leaf is that of its salt and bytes; every event names the one
        before it of its credential; manifests count what is there.  Return
        the events by log index."""
        last, events, by_upload, manifests = {}, {}, {}, []
        before = 0
        for index, (at, domain, when, salt, leaf, data) in enumerate(
                self.database().execute(
                    "SELECT log_index, domain, recorded_at, salt, leaf, bytes "
                    "FROM log ORDER BY log_index")):
            self.assertEqual(index, at)
            self.assertGreaterEqual(when, before)
            before = when
            self.assertEqual(len(salt), 16)
            self.assertEqual(leaf, hashlib.sha256(
                DOMAINS[domain] + b"\0" + salt + data).digest())
            if domain == MANIFEST:
                manifests.append((at, self.entries.Manifest.FromString(data)
                                  .publication))
            if domain != EVENT:
                continue
            event = self.entries.Event.FromString(data)
            self.assertEqual(event.SerializeToString(), data)
            self.assertEqual(list(event.previous),
                             [last[event.credential_id]]
                             if event.credential_id in last else [])
            last[event.credential_id] = leaf
            events[at] = (salt, data, event)
            upload = event.publication_id.hex()
            by_upload.setdefault(upload, []).append(at)
        for at, manifest in manifests:
            mine = by_upload.pop(manifest.publication_id, [])
            self.assertEqual(len(mine), manifest.event_count)
            self.assertEqual(manifest.new_count + manifest.changed_count,
                             manifest.event_count)
            if mine:
                self.assertEqual(mine, list(range(manifest.first_log_index,
                                                  at)))
        self.assertEqual(by_upload, {})         # no event without its manifest
        return events

    def check_once(self, rows):
        """Each of ${rows} credentials is on file, once."""
        ids = {}
        for _, _, event in self.check_log().values():
            key = (event.record.number_key, event.record.credential_type_id,
                   event.record.names[0].name.family)
            ids.setdefault(key, set()).add(event.credential_id)
        self.assertEqual([key for key in ids if len(ids[key]) != 1], [])
        self.assertEqual(len(ids), rows)

    def check_index(self):
        self.daemon.terminate()
        self.daemon.wait()
        subprocess.run([daemon.program("vouchd"), "--check-index", "--dev",
                        self.daemon.dev], check=True, timeout=120,
                       stdin=subprocess.DEVNULL)

    # -- the tests

    def test_openings_open_the_log(self):
        roster, openings = self.path("roster.csv"), self.path("openings")
        daemon.make_roster(roster, 500)
        self.publish(roster, "--openings", openings)
        with open(openings, encoding="utf-8") as lines:
            told = [json.loads(line) for line in lines]
        events = self.check_log()
        self.assertEqual(len(told), 500)
        self.assertEqual(
            {int(o["logIndex"]): (bytes.fromhex(o["salt"]),
                                  bytes.fromhex(o["event"])) for o in told},
            {at: (salt, data) for at, (salt, data, _) in events.items()})
        salts = [salt for salt, _, _ in events.values()]
        self.assertEqual(len(set(salts)), len(salts))

    def test_overlapping_uploads_at_once(self):
        paths = []
        whole = self.path("whole.csv")
        daemon.make_roster(whole, 6000)
        with open(whole, encoding="utf-8") as file:
            head, *lines = file.readlines()
        for i in range(4):
            paths.append(self.path("part%d.csv" % i))
            with open(paths[-1], "w", encoding="utf-8") as file:
                file.writelines([head] + lines[i * 1000:i * 1000 + 3000])
        running = [subprocess.Popen(
            self.upload(path, "-o", "json"), env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE) for path in paths]
        counts = {"newCount": 0, "unchangedCount": 0, "changedCount": 0}
        for process in running:
            out, err = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, err)
            summary = json.loads(out)
            summary = summary.get("publication", summary)
            for name in counts:
                counts[name] += int(summary.get(name, 0))
        self.assertEqual(counts, {"newCount": 6000, "changedCount": 0,
                                  "unchangedCount": 6000})
        self.check_once(6000)
        self.check_index()

    def request(self, request_id, family):
        m = self.messages.PublishCredentialsRequest()
        m.header.request_id = request_id
        m.header.association_id = "ascp-boc"
        m.header.mode = 1
        row = m.rows.add(line=1, credential_type_id="ascp-pbt",
                         number="900001", standing=3)
        row.name.family = family
        return m

    def say(self, request_id, family):
        """Return (outcome, whether it was a repetition), on a connection of
        its own."""
        with self.daemon.channel("association") as channel:
            stub = self.stubs.PublishingServiceStub(channel)
            for response in stub.PublishCredentials(
                    iter([self.request(request_id, family)]), timeout=30):
                last = response
        return last.summary, last.repeated_request

    def test_one_request_id_is_one_upload(self):
        for _ in range(5):
            request_id = str(uuid.uuid4())
            family = "Name" + request_id[:8]
            outcomes, go = [], threading.Barrier(6)

            def once(request_id=request_id, family=family,
                     outcomes=outcomes, go=go):
                go.wait(30)
                outcomes.append(self.say(request_id, family))

            threads = [threading.Thread(target=once) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            self.assertEqual(len(outcomes), 6)
            self.assertEqual([again for _, again in outcomes].count(False), 1)
            self.assertEqual(len({summary.SerializeToString()
                                  for summary, _ in outcomes}), 1)
        first = self.say(request_id, family)[0]
        self.daemon.terminate()
        self.daemon.wait()
        self.daemon.start()
        again, repeated = self.say(request_id, family)
        self.assertTrue(repeated)
        self.assertEqual(first, again)
        with self.assertRaises(grpc.RpcError) as raised:
            self.say(request_id, "Other")
        self.assertEqual(raised.exception.code(),
                         grpc.StatusCode.ALREADY_EXISTS)
        self.check_once(5)

    def test_killed_at_random_and_run_again(self):
        roster = self.path("roster.csv")
        daemon.make_roster(roster, ROWS)
        for i in range(KILLS):
            process = subprocess.Popen(
                self.upload(roster), env=self.environment,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(random.uniform(0.05, 3.0))
            except subprocess.TimeoutExpired:
                pass
            if i % 2 == 0:
                process.kill()
                process.wait()
            else:
                self.daemon.kill()
                process.wait(60)
                self.assertIn(process.returncode, (0, 5))
                time.sleep(0.1)
                self.daemon.start()
                self.reload()
            # Whole or not at all; and what was acknowledged is there.
            events = len(self.check_log())
            self.assertIn(events, (0, ROWS))
            if process.returncode == 0:
                self.assertEqual(events, ROWS)
        self.publish(roster)
        self.check_once(ROWS)
        self.check_index()


if __name__ == "__main__":
    unittest.main()
