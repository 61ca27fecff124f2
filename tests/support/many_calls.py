"""Stock clients that call on and on: threads with a channel for a few of them,
each with many calls at a time, and a note of each that fails."""

import importlib
import os
import sys
import tempfile
import threading
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import daemon  # noqa: E402
import grpc  # noqa: E402

TIMEOUT = 60            # of a call: a restart lasts seconds under load


class ManyCalls:
    """Use it with `with`: the calls begin, and have ended afterwards."""

    def __init__(self, served, channels=3, threads=2, at_a_time=10):
        self.stubs = tempfile.TemporaryDirectory()
        daemon.generate_stubs(self.stubs.name)
        self.v1 = {name: importlib.import_module("vouch.v1." + name)
                   for name in ("verification_pb2", "types_pb2",
                                "verification_service_pb2",
                                "verification_service_pb2_grpc",
                                "catalog_service_pb2",
                                "catalog_service_pb2_grpc")}
        # A name or a list of addresses is resolved at most once in so long
        # unless told otherwise; who reconnects often needs it more often.
        options = (("grpc.dns_min_time_between_resolutions_ms", 100),)
        self.channels = [served.channel("employer", options)
                         for _ in range(channels)]
        self.at_a_time = at_a_time
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.done, self.faults, self.slowest = 0, [], 0
        self.threads = [threading.Thread(target=self.call_on, args=(c,))
                        for c in self.channels for _ in range(threads)]

    def begin(self, channel):
        """Begin a few calls of two kinds."""
        claim = self.v1["verification_pb2"].Claim(
            association_id="ascp-boc", number="10482",
            name=self.v1["types_pb2"].HumanName(family="Garcia"),
            birth_date=self.v1["types_pb2"].Date(year=1990))
        verify = self.v1["verification_service_pb2_grpc"] \
            .VerificationServiceStub(channel).VerifyCredential
        get = self.v1["catalog_service_pb2_grpc"].CatalogServiceStub(
            channel).GetAssociation
        for i in range(self.at_a_time):
            if i % 5 == 0:
                yield get.future(
                    self.v1["catalog_service_pb2"].GetAssociationRequest(
                        association_id="ascp-boc"), timeout=TIMEOUT)
            else:
                yield verify.future(
                    self.v1["verification_service_pb2"]
                    .VerifyCredentialRequest(request_id=str(uuid.uuid4()),
                                             claim=claim), timeout=TIMEOUT)

    def call_on(self, channel):
        while not self.over.is_set():
            began, good, faults = time.monotonic(), 0, []
            for future in list(self.begin(channel)):
                try:
                    future.result()
                    good += 1
                except grpc.RpcError as error:
                    faults.append("%s: %s" % (error.code(), error.details()))
            with self.lock:
                self.done += good
                self.faults += faults
                self.slowest = max(self.slowest, time.monotonic() - began)

    def wait_for(self, calls, seconds=60):
        """Wait until so many more calls are done."""
        with self.lock:
            wanted = self.done + calls
        end = time.monotonic() + seconds
        while self.done < wanted:
            assert time.monotonic() < end, "the calls do not go on"
            time.sleep(0.02)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()
        for channel in self.channels:
            channel.close()
        self.stubs.cleanup()
