#!/usr/bin/python3
"""`vouch publish` is killed at random moments, with rows and with snapshots:
nothing or all of the upload is there, run again under its request id it is
there once, and the file of openings can be made whole.

usage: 72-client-kills.py [KILLS [SEED]]; a campaign is 1000

VOUCH_BIN names the folder of vouch and vouchd.
"""

import csv
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon  # noqa: E402
import kills  # noqa: E402
from kills import check  # noqa: E402
import grpc  # noqa: E402

WORDS = {kills.ACTIVE: "ACTIVE", kills.REVOKED: "REVOKED"}
DONE = 0
FIRST_S = 1767225600            # 2026-01-01


class Publisher(threading.Thread):
    """One after another uploads all of a credential type, or some rows of
    one, by clients that are killed."""

    def __init__(self, credential_type, snapshots, count, seed, server, stub,
                 modules):
        super().__init__(daemon=True)
        self.type, self.snapshots, self.count = credential_type, snapshots, \
            count
        self.chance = random.Random(seed)
        self.server, self.stub, self.messages = server, stub, modules[0]
        self.path = os.path.join(os.path.dirname(server.dev), self.type)
        self.listing = kills.Listing()
        self.expected = {}
        self.request_ids = []
        self.next = self.uploads = self.kills = 0
        self.nothing = self.all = self.through = self.repeated = 0
        self.seconds = 0.2          # what a client takes, about
        self.fault = None

    def number(self):
        self.next += 1
        return "%s%07d" % (self.type[-1].upper(), self.next)

    def invent(self):
        """Write a file; return its arguments, and the events it must make."""
        if self.snapshots:
            rows = kills.invent(self.listing, self.chance, self.number, 60)
            events = self.listing.snapshot(rows)
        else:
            new = self.chance.choice((10, 100, 600))
            rows = [(self.number(), kills.ACTIVE) for _ in range(new)]
            rows += [(n, kills.ACTIVE + kills.REVOKED - s)
                     for n, s in self.listing.now.items()
                     if self.chance.random() < 0.05]
            events = self.listing.delta(rows)
        with open(self.path + ".csv", "w", encoding="utf-8") as file:
            out = csv.writer(file)
            out.writerow(("credential_type", "number", "family", "birth_date",
                          "status"))
            out.writerows((self.type, n, "Kill", "1990", WORDS[s])
                          for n, s in rows)
        arguments = []
        if self.snapshots:
            self.uploads += 1
            arguments = ["--mode", "snapshot", "--types", self.type,
                         "--extracted-at", time.strftime(
                             "%Y-%m-%dT%H:%M:%SZ",
                             time.gmtime(FIRST_S + self.uploads)),
                         "--expect-endings", str(sum(
                             s == kills.NOT_LISTED for _, s in events))]
        return arguments, events

    def client(self, *arguments):
        return subprocess.Popen(
            [daemon.program("vouch"), *arguments, "--association", "ascp-boc"],
            env=self.server.environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def find(self, request_id):
        try:
            return self.stub.GetPublication(
                self.messages.GetPublicationRequest(request_id=request_id),
                timeout=20, wait_for_ready=True).publication
        except grpc.RpcError as error:
            check(error.code() == grpc.StatusCode.NOT_FOUND, error)
            return None

    def kill_one(self, publish, request_id, events):
        """Kill it, and look what there is; whether it was quicker."""
        client = self.client(*publish)
        time.sleep(self.chance.uniform(0.1, 1.1) * self.seconds)
        client.kill()
        output, _ = client.communicate()
        self.kills += 1
        if client.returncode >= 0:
            check(client.returncode == DONE, "exit code", client.returncode,
                  output.decode())
            self.through += 1
            return True
        found = self.find(request_id)
        if found is None:
            self.nothing += 1
        else:
            check(found.event_count == len(events), "by halves:", found)
            self.all += 1
        return False

    def finish(self, publish, request_id, events):
        begun = time.monotonic()
        client = self.client(*publish, "-o", "json")
        output, _ = client.communicate(timeout=60)
        self.seconds = max(0.05, 0.8 * self.seconds +
                           0.2 * (time.monotonic() - begun))
        check(client.returncode == DONE, "exit code", client.returncode,
              output.decode())
        self.repeated += b'"repeatedRequest"' in output
        found = self.find(request_id)
        check(found is not None and found.event_count == len(events) and
              found.not_listed_count == sum(
                  s == kills.NOT_LISTED for _, s in events), "lost:", found)

    def publish(self):
        """One upload: killed some times, and then most often finished."""
        arguments, events = self.invent()
        request_id = str(uuid.UUID(int=self.chance.getrandbits(128),
                                   version=4))
        publish = ["publish", self.path + ".csv", "--request-id", request_id,
                   "--openings", self.path + ".jsonl", "--quiet", *arguments]
        through = False
        for _ in range(self.chance.choice((1, 1, 1, 2, 3))):
            if not through and self.kills < self.count:
                through = self.kill_one(publish, request_id, events)
        # Its openings are then for the end to heal.
        if not through and (self.find(request_id) is None or
                            self.chance.random() < 0.7):
            self.finish(publish, request_id, events)
        self.request_ids.append(request_id)
        self.listing.apply(events)
        for number, standing in events:
            self.expected.setdefault(number, []).append(standing)

    def run(self):
        try:
            while self.kills < self.count:
                self.publish()
        except BaseException as error:      # told to the main thread
            self.fault = error

    def heal(self):
        """Make the file of openings whole; return its log indexes."""
        for _ in range(2):          # what was added must be good, too
            client = self.client("publication", "check-openings", self.path +
                                 ".jsonl", "--from-index", "0", "--complete")
            output, _ = client.communicate(timeout=120)
            check(client.returncode == DONE, "exit code", client.returncode,
                  output.decode())
        with open(self.path + ".jsonl", encoding="ascii") as lines:
            return {int(json.loads(line)["logIndex"]) for line in lines}


class Server(kills.Server):
    """One that is not killed."""

    def environment(self):
        certificates = os.path.join(self.dev, "certs")
        return {**os.environ, "VOUCH_SERVER": "127.0.0.1:%d" % self.port,
                "VOUCH_CA": os.path.join(certificates, "root.pem"),
                "VOUCH_CERT": os.path.join(certificates, "association.pem"),
                "VOUCH_KEY": os.path.join(certificates, "association.key")}


def check_store(server, publishers, entries, openings):
    base = sqlite3.connect("file:%s?mode=ro" % server.store(), uri=True)
    events, manifests = kills.read_log(base, entries)
    by_request = kills.check_whole(events, manifests, base)
    base.close()
    expected = {}
    for publisher in publishers:
        expected.update(publisher.expected)
        for request_id in publisher.request_ids:
            check(by_request.pop(uuid.UUID(request_id), None) is not None,
                  "lost:", request_id)
    check(not by_request, "publications that nobody sent:", by_request)
    kills.check_standings(kills.found_standings(events), expected)
    indexes = {at for mine in events.values() for at, _ in mine}
    for kept in openings:
        check(kept == indexes, "openings differ:", len(kept), len(indexes))
    return len(indexes)


def run(directory, count, seed):
    *modules, entries = kills.import_stubs(directory)
    server = Server(directory)
    begun = time.monotonic()
    try:
        server.spawn()
        server.await_service()
        stub = modules[1].PublishingServiceStub(kills.channel_to(server))
        publishers = [Publisher(credential_type, i > 0, (count + i) // 2,
                                seed * 10 + i, server, stub, modules)
                      for i, credential_type in enumerate(
                          ("ascp-pbt", "ascp-mls"))]
        for publisher in publishers:
            publisher.start()
        for publisher in publishers:
            publisher.join()
            if publisher.fault is not None:
                raise publisher.fault
        openings = [publisher.heal() for publisher in publishers]
        server.terminate()
        server.tell("--check-index", stdout=subprocess.DEVNULL)
        events = check_store(server, publishers, entries, openings)
    except BaseException:
        server.show_log()
        raise
    finally:
        server.clear()

    nothing, whole, through, repeated = (
        sum(getattr(p, name) for p in publishers)
        for name in ("nothing", "all", "through", "repeated"))
    print("%d kills: %d with nothing there, %d with all, %d too late; %d "
          "uploads, %d of them snapshots, %d answers were repetitions; %d "
          "events; %.0f s; lost or doubled: 0"
          % (nothing + whole + through, nothing, whole, through,
             sum(len(p.request_ids) for p in publishers),
             len(publishers[1].request_ids), repeated, events,
             time.monotonic() - begun))
    # Few are killed between the commit and their end: some, among many.
    check(nothing >= count // 10 and whole >= (count - 100) // 50,
          "too little happened for this to show anything")


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    seed = int(sys.argv[2]) if len(sys.argv) > 2 \
        else random.SystemRandom().randrange(1 << 31)
    print("72-client-kills.py %d %d" % (count, seed), flush=True)
    with tempfile.TemporaryDirectory(prefix="vouch-test.") as directory:
        run(directory, count, seed)


if __name__ == "__main__":
    main()
