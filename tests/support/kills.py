"""What the campaigns of kills share: a daemon that may be killed, what its
store holds afterwards, and what it should hold by the uploads' own account.

VOUCH_BIN names the folder of vouch and vouchd.
"""

import hashlib
import importlib
import os
import random
import socket
import subprocess
import sys
import time
import uuid

import daemon
import grpc

START_SECONDS = 30
EVENT, MANIFEST = 1, 3
DOMAINS = {1: b"vouch/event/v1", 2: b"vouch/declaration/v1",
           3: b"vouch/manifest/v1", 4: b"vouch/catalog/v1"}
ACTIVE, REVOKED, NOT_LISTED = 3, 6, 10


def check(holds, what, *more):
    if not holds:
        raise AssertionError(" ".join([what, *map(str, more)]))


class Listing:
    """What is on file of one credential type: number -> standing.  The rules
    of deltas and snapshots, and nothing of the daemon's."""

    def __init__(self):
        self.now = {}

    def delta(self, rows):
        """Return the events that ${rows}, (number, standing), must make."""
        return [(n, s) for n, s in rows if self.now.get(n) != s]

    def snapshot(self, rows, refused=(), unreadable=False):
        """The same of a snapshot; ${refused} are numbers of rows that were
        not taken, which list what they name, and of an ${unreadable} one
        nobody knows what it lists."""
        listed = {n for n, _ in rows} | set(refused)
        return self.delta(rows) + ([] if unreadable else [
            (n, NOT_LISTED) for n, s in self.now.items()
            if n not in listed and s != NOT_LISTED])

    def apply(self, events):
        self.now.update(events)


def invent(listing, chance, number, fresh):
    """Invent what is listed next: most of what was, some of it changed, some
    of what was gone, and up to ${fresh} that are new; of each a row."""
    rows = []
    for known, standing in listing.now.items():
        if standing == NOT_LISTED:
            if chance.random() < 0.1:
                rows.append((known, ACTIVE))
        elif chance.random() < 0.95:
            if chance.random() < 0.05:
                standing = ACTIVE + REVOKED - standing
            rows.append((known, standing))
    rows += [(number(), ACTIVE) for _ in range(chance.randint(0, fresh))]
    chance.shuffle(rows)
    return rows


def quiet_port():
    """A port that is free, and stays so while nobody listens: below those
    that the kernel gives to whoever connects, to whom it would give this very
    port in the end, connected to itself."""
    for port in random.sample(range(20000, 32000), 100):
        with socket.socket() as free:
            try:
                free.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise AssertionError("no port is free")


class Server:
    """vouchd with the files that --dev has made, on a port that stays."""

    def __init__(self, directory):
        self.dev = os.path.join(directory, "dev")
        self.log = os.path.join(directory, "log")
        self.conf = os.path.join(directory, "vouchd.conf")
        self.port = quiet_port()
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
                # What SQLite made and was to unlink may stay behind.
                env={**os.environ, "SQLITE_TMPDIR": os.path.dirname(self.dev)},
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

    def clear(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def store(self):
        return os.path.join(self.dev, "vouch.db")

    def show_log(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            sys.stderr.write("".join(log.readlines()[-40:]))


def root_of(leaves):
    """The root of RFC 6962 over leaf data, a level at a time: whoever has no
    neighbor goes up as it is."""
    if not leaves:
        return hashlib.sha256().digest()
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        level = [hashlib.sha256(b"\1" + b"".join(level[i:i + 2])).digest()
                 if i + 1 < len(level) else level[i]
                 for i in range(0, len(level), 2)]
    return level[0]


def read_log(base, entries):
    """Check each leaf, the order of indexes and times, the chain of each
    credential and the head; return events, manifests as
    {publication id: ...}."""
    events, manifests, last, before, leaves = {}, {}, {}, 0, []
    for at, (index, domain, when, salt, leaf, data) in enumerate(base.execute(
            "SELECT log_index, domain, recorded_at, salt, leaf, bytes"
            " FROM log ORDER BY log_index")):
        check(index == at, "a gap in the log before", index)
        check(when >= before, "recorded_at decreases at", index)
        before = when
        check(leaf == hashlib.sha256(
            DOMAINS[domain] + b"\0" + salt + data).digest(), "leaf", index)
        leaves.append(leaf)
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
    heads = base.execute("SELECT size, root FROM log_head").fetchall()
    check(heads == [(len(leaves), root_of(leaves))], "the log's head", heads)
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


def import_stubs(directory):
    """Return the modules of the publishing service, messages and stubs, and
    that of the log's entries."""
    stubs = os.path.join(directory, "stubs")
    os.mkdir(stubs)
    daemon.generate_stubs(stubs)
    return tuple(importlib.import_module("vouch.v1." + name) for name in (
        "publishing_service_pb2", "publishing_service_pb2_grpc",
        "log_entry_pb2"))


def found_standings(events):
    """number -> the standings of its events, in the order of the log."""
    found = {}
    for _, event in sorted((entry for mine in events.values()
                            for entry in mine), key=lambda entry: entry[0]):
        found.setdefault(event.record.number, []).append(
            event.record.standing)
    return found


def check_standings(found, expected):
    check(found == expected, "rows differ:", [
        (n, found.get(n), expected.get(n)) for n in set(found) | set(expected)
        if found.get(n) != expected.get(n)][:5])
