#!/usr/bin/python3
"""Every kind of call at once, from many connections, against a running daemon,
until the time is over; SIGHUP now and then; at the end the daemon is told to
drain in the midst of it.

usage: load.py DEV PID SECONDS

DEV is the folder of a `vouchd --dev`, PID its process.  Prints how much of
what was done; fails if a call failed that should not have, or if some kind of
call never succeeded.
"""

import importlib
import os
import random
import shlex
import signal
import socket
import ssl
import sys
import tempfile
import threading
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import daemon  # noqa: E402
import grpc  # noqa: E402

ROWS = 20
NUMBERS = 200
# What a call may meet once the daemon drains.
ENDING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


class Load:
    def __init__(self, dev, pid):
        self.certificates = os.path.join(dev, "certs")
        with open(os.path.join(dev, "employer.env"), encoding="utf-8") as env:
            words = dict(word.split("=", 1) for word in shlex.split(
                env.read(), comments=True) if "=" in word)
        self.address = words["VOUCH_SERVER"]
        self.pid = pid
        self.ending = threading.Event()
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.done = {}
        self.faults = []

        def load(name):
            return importlib.import_module(name)
        self.verification = load("vouch.v1.verification_service_pb2")
        self.verify_stub = load("vouch.v1.verification_service_pb2_grpc")
        self.publishing = load("vouch.v1.publishing_service_pb2")
        self.publish_stub = load("vouch.v1.publishing_service_pb2_grpc")
        self.catalog = load("vouch.v1.catalog_service_pb2")
        self.catalog_stub = load("vouch.v1.catalog_service_pb2_grpc")
        self.health = load("grpc.health.v1.health_pb2")
        self.health_stub = load("grpc.health.v1.health_pb2_grpc")

    def channel(self, who):
        return daemon.channel(self.address, self.certificates,
                              self.certificates, who)

    def again_and_again(self, kind, who, work):
        """Do ${work}, on a new connection every few times."""
        chance = random.Random(kind + str(threading.get_ident()))
        while not self.over.is_set():
            try:
                with self.channel(who) as channel:
                    for _ in range(chance.randint(1, 30)):
                        if self.over.is_set():
                            break
                        work(channel, chance)
                        with self.lock:
                            self.done[kind] = self.done.get(kind, 0) + 1
            except grpc.RpcError as error:
                if not self.ending.is_set() or error.code() not in ENDING:
                    self.faults.append("%s: %s %s" % (
                        kind, error.code(), error.details()))
                    return
                time.sleep(0.05)
            except Exception as error:      # told at the end
                if not self.ending.is_set():
                    self.faults.append("%s: %r" % (kind, error))
                    return

    # -- kinds of work

    def verify(self, channel, chance):
        request = self.verification.VerifyCredentialRequest(
            request_id=str(uuid.uuid4()))
        claim = request.claim
        claim.association_id = "ascp-boc"
        claim.credential_type_id = "ascp-pbt"
        claim.number = str(chance.randrange(NUMBERS + 20))
        claim.name.family = "Load"
        claim.birth_date.year = 1990
        stub = self.verify_stub.VerificationServiceStub(channel)
        calls = [stub.VerifyCredential.future(request, timeout=30)
                 for _ in range(8)]
        for call in calls:
            call.result()

    def publish(self, channel, chance):
        request = self.publishing.PublishCredentialsRequest()
        request.header.request_id = str(uuid.uuid4())
        request.header.association_id = "ascp-boc"
        request.header.mode = 1
        request.header.want_openings = chance.random() < 0.5
        rows = self.publishing.PublishCredentialsRequest()
        for line, number in enumerate(chance.sample(range(NUMBERS), ROWS), 1):
            row = rows.rows.add(line=line, credential_type_id="ascp-pbt",
                                number=str(number),
                                standing=chance.choice((3, 6)))
            row.name.family = "Load"
            row.birth_date.year = 1990
        stub = self.publish_stub.PublishingServiceStub(channel)
        for last in stub.PublishCredentials(iter([request, rows]),
                                            timeout=30):
            pass
        if not last.HasField("summary") or last.rejects:
            raise AssertionError("an upload without its summary")
        stub.GetPublication(self.publishing.GetPublicationRequest(
            request_id=request.header.request_id), timeout=30)

    def declare(self, channel, _):
        request = self.publishing.DeclareCurrentRequest(
            request_id=str(uuid.uuid4()), association_id="ascp-boc")
        stub = self.publish_stub.PublishingServiceStub(channel)
        request.as_of_us = int(time.time() * 1e6)
        try:
            stub.DeclareCurrent(request, timeout=30)
        except grpc.RpcError as error:
            # Somebody else has spoken for a later moment meanwhile.
            if error.code() != grpc.StatusCode.FAILED_PRECONDITION:
                raise
        time.sleep(0.02)

    def watch(self, channel, chance):
        stub = self.health_stub.HealthStub(channel)
        call = stub.Watch(self.health.HealthCheckRequest(), timeout=30)
        next(iter(call))
        if chance.random() < 0.3:
            time.sleep(0.3)
        call.cancel()

    def look(self, channel, _):
        stub = self.catalog_stub.CatalogServiceStub(channel)
        stub.ListCredentialTypes(self.catalog.ListCredentialTypesRequest(),
                                 timeout=30)
        stub.GetAssociation(self.catalog.GetAssociationRequest(
            association_id="ascp-boc"), timeout=30)

    def break_off(self, channel, chance):
        """An upload that its client leaves in the middle."""
        request = self.publishing.PublishCredentialsRequest()
        request.header.request_id = str(uuid.uuid4())
        request.header.association_id = "ascp-boc"
        request.header.mode = 1
        stop = threading.Event()

        def pieces():
            yield request
            stop.wait(5)
        call = self.publish_stub.PublishingServiceStub(
            channel).PublishCredentials(pieces(), timeout=30)
        time.sleep(chance.uniform(0, 0.05))
        call.cancel()
        stop.set()

    def come_and_go(self):
        """Connections that end at any stage of their beginning."""
        host, port = self.address.rsplit(":", 1)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.certificates + "/root.pem")
        context.load_cert_chain(self.certificates + "/employer.pem",
                                self.certificates + "/employer.key")
        context.set_alpn_protocols(["h2"])
        while not self.ending.is_set():
            plain = socket.create_connection((host, int(port)), 10)
            if random.random() < 0.5:
                with context.wrap_socket(plain, server_hostname=host) as tls:
                    if random.random() < 0.5:
                        tls.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            plain.close()
            with self.lock:
                self.done["connect"] = self.done.get("connect", 0) + 1

    # -- all together

    def run(self, seconds):
        kinds = [("verify", "employer", self.verify)] * 3 + \
            [("publish", "association", self.publish)] * 2 + \
            [("declare", "association", self.declare),
             ("watch", "employer", self.watch),
             ("look", "auditor", self.look),
             ("break off", "association", self.break_off)]
        threads = [threading.Thread(target=self.again_and_again, args=kind,
                                    daemon=True) for kind in kinds]
        threads.append(threading.Thread(target=self.come_and_go, daemon=True))
        for thread in threads:
            thread.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.faults:
            time.sleep(0.5)
            if random.random() < 0.25:
                os.kill(self.pid, signal.SIGHUP)
                self.done["reload"] = self.done.get("reload", 0) + 1
        self.ending.set()
        os.kill(self.pid, signal.SIGTERM)
        time.sleep(1)
        self.over.set()
        for thread in threads:
            thread.join(40)
        print("load: %.0f s; %s" % (seconds, ", ".join(
            "%d %s" % (self.done[kind], kind) for kind in sorted(self.done))))
        for fault in self.faults:
            print("FAILED:", fault)
        missing = {kind[0] for kind in kinds} | {"connect"}
        missing -= set(self.done)
        if missing:
            print("FAILED: never done:", ", ".join(sorted(missing)))
        return 1 if self.faults or missing else 0


def main():
    dev, pid, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    with tempfile.TemporaryDirectory(prefix="vouch-test.") as stubs:
        daemon.generate_stubs(stubs)
        status = Load(dev, pid).run(seconds)
    sys.stdout.flush()
    os._exit(status)        # threads that wait for a dead server do not matter


if __name__ == "__main__":
    main()
