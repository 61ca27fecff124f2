#!/usr/bin/python3
"""vouchd is killed at random moments while several publishers upload and try
again, under the same request id, until they are told the outcome: two of them
rows, two of them snapshots, with changes, endings, returns and faulty rows.
Afterwards every row that was acknowledged is there, once, nothing is there by
halves, and NOT_LISTED is exactly what a snapshot left out.

usage: 70-kills.py [KILLS [SEED]]; a campaign is 1000

VOUCH_BIN names the folder of vouch and vouchd.
"""

import hashlib
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

import kills  # noqa: E402
from kills import check  # noqa: E402
import grpc  # noqa: E402

TYPES = ("ascp-pbt", "ascp-pbt", "ascp-mlt", "ascp-mls")
ROWS_MAX = 25
DELTA, SNAPSHOT = 1, 2
# What a client may meet when its server is killed; anything else is a fault.
EXPECTED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class Upload:
    """One upload: its request id, its rows as (number, standing), and the
    events that must come of it."""

    def __init__(self, chance, rows, events):
        self.request_id = str(uuid.UUID(int=chance.getrandbits(128),
                                        version=4))
        self.rows = rows
        self.events = events
        self.mode = DELTA
        self.refused = []       # numbers of rows that will not be taken
        self.unreadable = False
        self.extracted_at_us = 0
        self.fickle = False     # to be given up at the first failure
        self.summary = None     # once it is acknowledged
        self.attempts = 0

    def ended(self):
        return sum(s == kills.NOT_LISTED for _, s in self.events)


class Publisher(threading.Thread):
    """Uploads one thing after another until told to stop, and then finishes
    the one it is at.  Its numbers are its own, so that it knows what each
    must look like."""

    def __init__(self, name, credential_type, seed, channel, modules):
        super().__init__(name=name, daemon=True)
        self.type = credential_type
        self.chance = random.Random(seed)
        self.messages, stubs = modules
        self.stub = stubs.PublishingServiceStub(channel)
        self.ended = threading.Event()
        self.next = 0
        self.listing = kills.Listing()
        self.acknowledged = []
        self.abandoned = []         # given up before an answer came
        self.cut = self.repeated = 0
        self.fault = None
        self.expected = {}          # number -> standings, as acknowledged

    def number(self):
        self.next += 1
        return "%s%07d" % (self.name, self.next)

    def some_rows(self):
        """New ones, and sometimes a change of earlier ones."""
        rows = [(self.number(), kills.ACTIVE)
                for _ in range(self.chance.randint(1, ROWS_MAX))]
        known = self.listing.now
        if known and self.chance.random() < 0.5:
            rows += [(n, kills.REVOKED if known[n] == kills.ACTIVE else
                      kills.ACTIVE)
                     for n in set(self.chance.choices(list(known), k=3))]
        return Upload(self.chance, rows, self.listing.delta(rows))

    def invent(self):
        if self.chance.random() >= 0.15:
            return self.some_rows()
        rows = [(self.number(), kills.ACTIVE) for _ in range(6)]
        upload = Upload(self.chance, rows, self.listing.delta(rows))
        upload.fickle = True
        return upload

    def row(self, line, number, standing):
        row = self.messages.CredentialRow(
            line=line, credential_type_id=self.type, number=number,
            standing=standing)
        row.name.family = "Kill"
        row.birth_date.year = 1990
        return row

    def rows(self, upload):
        """What is sent of ${upload}."""
        rows = [self.row(line, *row)
                for line, row in enumerate(upload.rows, 1)]
        for number in upload.refused:
            rows.append(self.row(len(rows) + 1, number, kills.ACTIVE))
            rows[-1].birth_date.month = 13
        if upload.unreadable:
            rows.append(self.messages.CredentialRow(unread=True))
        return rows

    def requests(self, upload):
        first = self.messages.PublishCredentialsRequest()
        header = first.header
        header.association_id = "ascp-boc"
        header.mode = upload.mode
        header.extracted_at_us = upload.extracted_at_us
        if upload.mode == SNAPSHOT:
            header.snapshot_type_ids.append(self.type)
        parts = [header.SerializeToString()]
        header.request_id = upload.request_id
        if upload.mode == SNAPSHOT:
            header.ending_count_expected = True
            header.ending_count = upload.ended()
        yield first
        pieces = self.messages.PublishCredentialsRequest()
        for row in self.rows(upload):
            parts.append(row.SerializeToString())
            pieces.rows.append(row)
            if len(pieces.rows) == 7:
                yield pieces
                pieces = self.messages.PublishCredentialsRequest()
        pieces.end.row_count = len(parts) - 1
        pieces.end.content_hash = hashlib.sha256(b"".join(
            len(part).to_bytes(4, "big") + part for part in parts)).digest()
        yield pieces

    def attempt(self, upload):
        """Whether the outcome is known now."""
        upload.attempts += 1
        last = None
        rejected = []
        try:
            # To wait is what drives the connecting in this stack.
            for last in self.stub.PublishCredentials(
                    self.requests(upload), timeout=20, wait_for_ready=True):
                rejected += last.rejects
        except grpc.RpcError as error:
            if error.code() not in EXPECTED:
                raise
            self.cut += 1
            return False
        check(last is not None and last.HasField("summary"), "no summary")
        check(len(rejected) == len(upload.refused), "rejected:", rejected)
        upload.summary = last.summary
        self.repeated += last.repeated_request
        return True

    def publish(self):
        """Upload something until it is acknowledged or given up."""
        upload = self.invent()
        while not self.attempt(upload):
            if upload.fickle:
                self.abandoned.append(upload)
                return
            time.sleep(self.chance.uniform(0, 0.03))
        check(upload.summary.event_count == len(upload.events) and
              upload.summary.not_listed_count == upload.ended(), "events",
              upload.rows, upload.summary)
        self.acknowledged.append(upload)
        self.listing.apply(upload.events)
        for number, standing in upload.events:
            self.expected.setdefault(number, []).append(standing)

    def run(self):
        try:
            while not self.ended.is_set():
                self.publish()
        except BaseException as error:      # told to the main thread
            self.fault = error


class Lister(Publisher):
    """One that lists all of its credential type most of the time."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.extracted_at_us = 0

    def invent(self):
        if self.chance.random() < 0.25:
            return self.some_rows()
        rows = kills.invent(self.listing, self.chance, self.number, ROWS_MAX)
        refused = []
        if rows and self.chance.random() < 0.15:
            refused = [rows.pop()[0], self.number()]
        unreadable = self.chance.random() < 0.1
        upload = Upload(self.chance, rows, self.listing.snapshot(
            rows, refused, unreadable))
        upload.mode, upload.refused = SNAPSHOT, refused
        upload.unreadable = unreadable
        self.extracted_at_us = max(time.time_ns() // 1000,
                                   self.extracted_at_us + 1)
        upload.extracted_at_us = self.extracted_at_us
        return upload


def check_rows(publishers, events, by_request):
    """Each acknowledged row once, in order; an abandoned upload whole or not
    at all.  Return how many of those are there after all."""
    expected, there = {}, 0
    for publisher in publishers:
        expected.update(publisher.expected)
        for upload in publisher.acknowledged:
            key = by_request.pop(uuid.UUID(upload.request_id), None)
            check(key is not None, "lost:", upload.request_id)
            check(sorted((e.record.number, e.record.standing)
                         for _, e in events.get(key, [])) ==
                  sorted(upload.events), "other events than are due:",
                  upload.request_id)
        for upload in publisher.abandoned:
            if by_request.pop(uuid.UUID(upload.request_id), None):
                there += 1
                expected.update((n, [s]) for n, s in upload.rows)
    check(not by_request, "publications that nobody sent:", by_request)
    kills.check_standings(kills.found_standings(events), expected)
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


def torment(server, publishers, chance, count):
    """Start and kill; at a random moment of the start now and then."""
    early = 0
    for _ in range(count):
        server.spawn()
        if chance.random() < 0.1:
            time.sleep(chance.uniform(0, 0.1))
            early += not server.serves()
        else:
            server.await_service()
            time.sleep(chance.uniform(0, 0.25))
        server.kill()
        for publisher in publishers:
            if publisher.fault is not None:
                raise publisher.fault
    return early


def tell(server, publishers, seconds, early, there):
    """What happened; it must be enough to show something."""
    uploads = [u for p in publishers for u in p.acknowledged]
    snapshots = [u for u in uploads if u.mode == SNAPSHOT]
    retried = sum(u.attempts > 1 for u in uploads)
    ended = sum(u.ended() for u in snapshots)
    starts = sorted(server.starts)
    count = len(starts) + early - 1
    print("%d uploads acknowledged, %d of them snapshots; %d after a retry, "
          "%d of them snapshots; %d answers were repetitions; %d attempts "
          "cut; %d of %d abandoned uploads there after all; %d events, %d of "
          "them NOT_LISTED; %d kills before it served; ready after %.0f ms "
          "(median); %.0f s; lost or doubled: 0"
          % (len(uploads), len(snapshots), retried,
             sum(u.attempts > 1 for u in snapshots),
             sum(p.repeated for p in publishers),
             sum(p.cut for p in publishers), there,
             sum(len(p.abandoned) for p in publishers),
             sum(len(u.events) for u in uploads), ended, early,
             starts[len(starts) // 2] * 1000, seconds))
    check(len(uploads) >= count and retried >= count // 4 and
          ended >= count // 4, "too little happened for this to show anything")


def run(directory, count, seed):
    *modules, entries = kills.import_stubs(directory)
    server = kills.Server(directory)
    publishers = [(Lister if i > 1 else Publisher)(
        "PQRS"[i], TYPES[i], seed * 100 + i, kills.channel_to(server), modules)
                  for i in range(len(TYPES))]
    begun = time.monotonic()
    try:
        for publisher in publishers:
            publisher.start()
        early = torment(server, publishers, random.Random(seed), count)
        server.spawn()
        server.await_service()
        for publisher in publishers:
            publisher.ended.set()
        for publisher in publishers:
            publisher.join(60)
            if publisher.fault is not None:
                raise publisher.fault
            check(not publisher.is_alive(), "a publisher does not end")
        check_told(publishers, kills.channel_to(server), modules)
        server.terminate()
        server.tell("--check-index", stdout=subprocess.DEVNULL)
    except BaseException:
        server.show_log()
        raise
    finally:
        server.clear()

    base = sqlite3.connect("file:%s?mode=ro" % server.store(), uri=True)
    events, manifests = kills.read_log(base, entries)
    there = check_rows(publishers, events,
                       kills.check_whole(events, manifests, base))
    base.close()
    tell(server, publishers, time.monotonic() - begun, early, there)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 \
        else random.SystemRandom().randrange(1 << 31)
    print("70-kills.py %d %d" % (count, seed), flush=True)
    with tempfile.TemporaryDirectory(prefix="vouch-test.") as directory:
        run(directory, count, seed)


if __name__ == "__main__":
    main()
