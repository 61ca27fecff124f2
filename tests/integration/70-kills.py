#!/usr/bin/python3
"""vouchd is killed at random moments while several publishers upload and try
again, under the same request id, until they are told the outcome.  Afterwards
every row that was acknowledged is there, once, and nothing is there by halves.

usage: 70-kills.py [KILLS [SEED]]

VOUCH_BIN names the folder of vouch and vouchd.
"""

import hashlib
import importlib
import os
import random
import socket
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
import grpc  # noqa: E402

PUBLISHERS = 4
ROWS_MAX = 25
START_SECONDS = 30
EVENT, MANIFEST = 1, 3
DOMAINS = {1: b"vouch/event/v1", 2: b"vouch/declaration/v1",
           3: b"vouch/manifest/v1", 4: b"vouch/catalog/v1"}
# What a client may meet when its server is killed; anything else is a fault.
EXPECTED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
STANDINGS = (3, 6)              # ACTIVE, REVOKED


def check(holds, what, *more):
    if not holds:
        raise AssertionError(" ".join([what, *map(str, more)]))


class Upload:
    """One upload: its request id, and its rows as (number, standing)."""

    def __init__(self, chance, rows):
        self.request_id = str(uuid.UUID(int=chance.getrandbits(128),
                                        version=4))
        self.rows = rows
        self.summary = None     # once it is acknowledged
        self.attempts = 0


class Publisher(threading.Thread):
    """Uploads one thing after another until told to stop, and then finishes
    the one it is at.  Its numbers are its own, so that it knows what each
    must look like."""

    def __init__(self, name, seed, channel, modules):
        super().__init__(name=name, daemon=True)
        self.chance = random.Random(seed)
        self.messages, stubs = modules
        self.stub = stubs.PublishingServiceStub(channel)
        self.ended = threading.Event()
        self.next = 0
        self.acknowledged = []
        self.abandoned = []         # given up before an answer came
        self.cut = self.repeated = 0
        self.fault = None
        self.expected = {}          # number -> standings, as acknowledged

    def number(self):
        self.next += 1
        return "%s%07d" % (self.name, self.next)

    def invent(self):
        """A few rows: new ones, and sometimes a change of earlier ones."""
        rows = [(self.number(), STANDINGS[0])
                for _ in range(self.chance.randint(1, ROWS_MAX))]
        known = list(self.expected)
        if known and self.chance.random() < 0.5:
            for number in set(self.chance.choices(known, k=3)):
                last = self.expected[number][-1]
                rows.append((number, STANDINGS[STANDINGS.index(last) - 1]))
        return rows

    def requests(self, upload):
        header = self.messages.PublishCredentialsRequest()
        header.header.request_id = upload.request_id
        header.header.association_id = "ascp-boc"
        header.header.mode = 1
        yield header
        pieces = self.messages.PublishCredentialsRequest()
        for line, (number, standing) in enumerate(upload.rows, 1):
            row = pieces.rows.add(line=line, credential_type_id="ascp-pbt",
                                  number=number, standing=standing)
            row.name.family = "Kill"
            row.birth_date.year = 1990
            if line % 7 == 0:
                yield pieces
                pieces = self.messages.PublishCredentialsRequest()
        if pieces.rows:
            yield pieces

    def attempt(self, upload):
        """Whether the outcome is known now."""
        upload.attempts += 1
        last = None
        try:
            # To wait is what drives the connecting in this stack.
            for last in self.stub.PublishCredentials(
                    self.requests(upload), timeout=20, wait_for_ready=True):
                check(not last.rejects, "rejected", last)
        except grpc.RpcError as error:
            if error.code() not in EXPECTED:
                raise
            self.cut += 1
            return False
        check(last is not None and last.HasField("summary"), "no summary")
        upload.summary = last.summary
        self.repeated += last.repeated_request
        return True

    def publish(self):
        """Upload something until it is acknowledged; now and then, what is
        new only, give it up at the first failure."""
        fickle = self.chance.random() < 0.15
        rows = [(self.number(), STANDINGS[0]) for _ in range(6)] \
            if fickle else self.invent()
        upload = Upload(self.chance, rows)
        while not self.attempt(upload):
            if fickle:
                self.abandoned.append(upload)
                return
            time.sleep(self.chance.uniform(0, 0.03))
        check(upload.summary.event_count == len(rows), "events", upload.rows,
              upload.summary)
        self.acknowledged.append(upload)
        for number, standing in rows:
            self.expected.setdefault(number, []).append(standing)

    def run(self):
        try:
            while not self.ended.is_set():
                self.publish()
        except BaseException as error:      # told to the main thread
            self.fault = error


class Server:
    """vouchd with the files that --dev has made, on a port that stays."""

    def __init__(self, directory):
        self.dev = os.path.join(directory, "dev")
        self.log = os.path.join(directory, "log")
        self.conf = os.path.join(directory, "vouchd.conf")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        with open(self.conf, "wb") as conf:
            self.tell("--print-config", stdout=conf)
        self.process = None
        self.starts = []                    # seconds until it served

    def tell(self, *arguments, **more):
        subprocess.run([daemon.program("vouchd"), "--dev", self.dev,
                        *arguments], check=True, timeout=120,
                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       **more)

    def spawn(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [daemon.program("vouchd"), "--config", self.conf, "--set",
                 "listen.port=%d" % self.port, "--set", "log.level=warn",
                 "--set", "workers=2"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def serves(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def await_service(self):
        begun = time.monotonic()
        while not self.serves():
            check(self.process.poll() is None, "the daemon ended at its start")
            check(time.monotonic() - begun < START_SECONDS, "it never serves")
            time.sleep(0.003)
        self.starts.append(time.monotonic() - begun)

    def kill(self):
        check(self.process.poll() is None, "the daemon ended by itself:",
              self.process.returncode)
        self.process.kill()
        self.process.wait()

    def terminate(self):
        self.process.terminate()
        check(self.process.wait(60) == 0, "a bad end")


def read_log(base, entries):
    """Check each leaf, the order of indexes and times and the chain of each
    credential; return events, manifests as {publication id: ...}."""
    events, manifests, last, before = {}, {}, {}, 0
    for at, (index, domain, when, salt, leaf, data) in enumerate(base.execute(
            "SELECT log_index, domain, recorded_at, salt, leaf, bytes"
            " FROM log ORDER BY log_index")):
        check(index == at, "a gap in the log before", index)
        check(when >= before, "recorded_at decreases at", index)
        before = when
        check(leaf == hashlib.sha256(
            DOMAINS[domain] + b"\0" + salt + data).digest(), "leaf", index)
        if domain == EVENT:
            event = entries.Event.FromString(data)
            check(list(event.previous) == last.get(event.credential_id, []),
                  "previous of", index)
            last[event.credential_id] = [leaf]
            events.setdefault(event.publication_id, []).append((index, event))
        elif domain == MANIFEST:
            kept = entries.Manifest.FromString(data).publication
            key = uuid.UUID(kept.publication_id).bytes
            check(key not in manifests, "two manifests of", kept)
            manifests[key] = (index, kept)
    return events, manifests


def check_whole(events, manifests, base):
    """No half publication: events and manifest and row agree, both ways."""
    kept = {row[0]: row for row in base.execute(
        "SELECT id, request_id, event_count, first_log_index,"
        " manifest_log_index FROM publication")}
    check(set(kept) == set(manifests), "publications and manifests differ")
    check(set(events) <= set(manifests), "events without a manifest")
    for key, (index, manifest) in manifests.items():
        mine = [at for at, _ in events.get(key, [])]
        check(len(mine) == manifest.event_count == kept[key][2], "count", key)
        check(mine == list(range(index - len(mine), index)), "order", key)
        check(kept[key][4] == index, "manifest's place", key)
    indexed = sorted(at for at, in base.execute(
        "SELECT log_index FROM credential_index"))
    check(indexed == sorted(at for mine in events.values() for at, _ in mine),
          "the index does not hold each event once")
    return {uuid.UUID(bytes=row[1]): key for key, row in kept.items()}


def check_rows(publishers, events, by_request):
    """Each acknowledged row once, in order; an abandoned upload whole or not
    at all.  Return how many of those are there after all."""
    found, there = {}, 0
    for _, event in sorted((entry for mine in events.values()
                            for entry in mine), key=lambda entry: entry[0]):
        found.setdefault(event.record.number, []).append(
            event.record.standing)
    expected = {}
    for publisher in publishers:
        expected.update(publisher.expected)
        for upload in publisher.acknowledged:
            key = by_request.pop(uuid.UUID(upload.request_id), None)
            check(key is not None, "lost:", upload.request_id)
            check(sorted((e.record.number, e.record.standing)
                         for _, e in events[key]) == sorted(upload.rows),
                  "other rows than were sent:", upload.request_id)
        for upload in publisher.abandoned:
            if by_request.pop(uuid.UUID(upload.request_id), None):
                there += 1
                expected.update((n, [s]) for n, s in upload.rows)
    check(not by_request, "publications that nobody sent:", by_request)
    check(found == expected, "rows differ:", [
        (n, found.get(n), expected.get(n)) for n in set(found) | set(expected)
        if found.get(n) != expected.get(n)][:5])
    return there


def check_told(publishers, channel, modules):
    """GetPublication tells of each what its publisher was told."""
    messages, stubs = modules
    stub = stubs.PublishingServiceStub(channel)
    for publisher in publishers:
        for upload in publisher.acknowledged:
            told = stub.GetPublication(messages.GetPublicationRequest(
                request_id=upload.request_id), timeout=20,
                wait_for_ready=True).publication
            check(told == upload.summary, "told otherwise:", told,
                  upload.summary)


def torment(server, publishers, chance, kills):
    """Start and kill; at a random moment of the start now and then."""
    early = 0
    for _ in range(kills):
        server.spawn()
        if chance.random() < 0.1:
            time.sleep(chance.uniform(0, 0.1))
            early += not server.serves()
        else:
            server.await_service()
            time.sleep(chance.uniform(0, 0.35))
        server.kill()
        for publisher in publishers:
            if publisher.fault is not None:
                raise publisher.fault
    return early


def channel_to(server):
    def read(name):
        return daemon.read(server.dev, "certs", name)
    return grpc.secure_channel(
        "127.0.0.1:%d" % server.port, grpc.ssl_channel_credentials(
            read("root.pem"), read("association.key"),
            read("association.pem")),
        options=(("grpc.use_local_subchannel_pool", 1),
                 ("grpc.initial_reconnect_backoff_ms", 10),
                 # also how long it waits for a handshake
                 ("grpc.min_reconnect_backoff_ms", 5000),
                 ("grpc.max_reconnect_backoff_ms", 50)))


def run(directory, kills, seed):
    stubs = os.path.join(directory, "stubs")
    os.mkdir(stubs)
    daemon.generate_stubs(stubs)
    modules = tuple(importlib.import_module("vouch.v1." + name) for name in (
        "publishing_service_pb2", "publishing_service_pb2_grpc"))
    entries = importlib.import_module("vouch.v1.log_entry_pb2")
    server = Server(directory)
    publishers = [Publisher("PQRSTUVW"[i], seed * 100 + i,
                            channel_to(server), modules)
                  for i in range(PUBLISHERS)]
    begun = time.monotonic()
    try:
        for publisher in publishers:
            publisher.start()
        early = torment(server, publishers, random.Random(seed), kills)
        server.spawn()
        server.await_service()
        for publisher in publishers:
            publisher.ended.set()
        for publisher in publishers:
            publisher.join(60)
            if publisher.fault is not None:
                raise publisher.fault
            check(not publisher.is_alive(), "a publisher does not end")
        check_told(publishers, channel_to(server), modules)
        server.terminate()
        server.tell("--check-index", stdout=subprocess.DEVNULL)
    except BaseException:
        with open(server.log, encoding="utf-8", errors="replace") as log:
            sys.stderr.write("".join(log.readlines()[-40:]))
        raise
    finally:
        if server.process is not None and server.process.poll() is None:
            server.process.kill()
            server.process.wait()

    base = sqlite3.connect("file:%s?mode=ro" % os.path.join(
        server.dev, "vouch.db"), uri=True)
    events, manifests = read_log(base, entries)
    there = check_rows(publishers, events,
                       check_whole(events, manifests, base))
    base.close()

    acknowledged = sum(len(p.acknowledged) for p in publishers)
    retried = sum(u.attempts > 1 for p in publishers for u in p.acknowledged)
    server.starts.sort()
    print("kills: %d (%d before it served), seed %d; %d uploads acknowledged, "
          "%d of them after a retry, %d answers were repetitions, %d attempts "
          "cut, %d of %d abandoned ones there after all; %d rows; ready after "
          "%.0f ms (median); %.0f s"
          % (kills, early, seed, acknowledged, retried,
             sum(p.repeated for p in publishers),
             sum(p.cut for p in publishers), there,
             sum(len(p.abandoned) for p in publishers),
             sum(len(mine) for mine in events.values()),
             server.starts[len(server.starts) // 2] * 1000,
             time.monotonic() - begun))
    check(acknowledged >= kills and retried >= kills // 4,
          "too little happened for this to show anything")


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 \
        else random.SystemRandom().randrange(1 << 31)
    print("70-kills.py %d %d" % (kills, seed), flush=True)
    with tempfile.TemporaryDirectory(prefix="vouch-test.") as directory:
        run(directory, kills, seed)


if __name__ == "__main__":
    main()
