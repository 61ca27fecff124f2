#!/usr/bin/python3
"""gRPC's interop cases for a client, in Python: grpcio as Debian ships it.

Usage: interop.py STUBS CASE...
STUBS is the folder with what protoc made of grpc.testing; the server and the
certificates are told by the environment (see run.py).  Prints a line a case;
fails if one did not hold.  The cases are those of gRPC's
doc/interop-test-descriptions.md."""

import gzip
import os
import sys
import threading
import queue

os.environ.setdefault("GRPC_VERBOSITY", "NONE")     # failures are expected
import grpc  # noqa: E402

sys.path.insert(0, sys.argv[1])
grpc.__path__.append(os.path.join(sys.argv[1], "grpc"))

# pylint: disable=wrong-import-position
from grpc.testing import (  # noqa: E402
    empty_pb2, messages_pb2 as messages, test_pb2_grpc)

SECONDS = 30
REQUEST_SIZE, RESPONSE_SIZE = 271828, 314159
SENT = (27182, 8, 1828, 45904)
RETURNED = (31415, 9, 2653, 58979)
ECHO_INITIAL = ("x-grpc-test-echo-initial", "test_initial_metadata_value")
ECHO_TRAILING = ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")
GZIP_MAGIC = b"\x1f\x8b"
Code = grpc.StatusCode
Gzip = grpc.Compression.Gzip


def check(truth, text):
    if not truth:
        raise AssertionError(text)


def same(have, want, what):
    check(have == want, "%s: %r, not %r" % (what, have, want))


def read(variable):
    with open(os.environ[variable], "rb") as file:
        return file.read()


def connect(*options):
    credentials = grpc.ssl_channel_credentials(
        root_certificates=read("INTEROP_CA"),
        private_key=read("INTEROP_KEY"),
        certificate_chain=read("INTEROP_CERT"))
    return grpc.secure_channel(
        "127.0.0.1:" + os.environ["INTEROP_PORT"], credentials,
        options=(("grpc.use_local_subchannel_pool", 1),) + options)


def zeros(size):
    return messages.Payload(body=bytes(size))


def large_request(**fields):
    return messages.SimpleRequest(response_size=RESPONSE_SIZE,
                                  payload=zeros(REQUEST_SIZE), **fields)


def output_request(sizes, sent=None, **fields):
    return messages.StreamingOutputCallRequest(
        response_parameters=[messages.ResponseParameters(size=size)
                             for size in sizes],
        payload=None if sent is None else zeros(sent), **fields)


def is_payload(response, size):
    same(response.payload.type, messages.COMPRESSABLE, "type of payload")
    same(len(response.payload.body), size, "size of payload")
    check(not response.payload.body.strip(b"\0"), "payload is not zeros")


def is_answered(call):
    """What a call that failed nowhere looks like, after its last message."""
    same(call.code(), Code.OK, "status")
    same(call.details(), "", "message")


def fails(code, call, *arguments, **keywords):
    """Run a call that must fail with ${code}; return its error."""
    try:
        call(*arguments, **keywords)
    except grpc.RpcError as error:
        same(error.code(), code, "status (%s)" % error.details())
        return error
    raise AssertionError("no failure; wanted %s" % code)


class Duplex:
    """A FullDuplexCall whose messages are sent one by one."""

    def __init__(self, stub, timeout=SECONDS, **keywords):
        self.requests = queue.Queue()
        self.call = stub.FullDuplexCall(iter(self.requests.get, None),
                                        timeout=timeout, **keywords)

    def send(self, request):
        self.requests.put(request)

    def half_close(self):
        self.requests.put(None)

    def end(self):
        """Half-close, and see that nothing follows."""
        self.half_close()
        same(list(self.call), [], "responses after the last")
        is_answered(self.call)


# -- the cases

def empty_unary(stub, channel):
    response, call = stub.EmptyCall.with_call(empty_pb2.Empty(),
                                              timeout=SECONDS)
    same(response, empty_pb2.Empty(), "response")
    is_answered(call)
    # The same, and neither side's message has a byte.
    raw = channel.unary_unary("/grpc.testing.TestService/EmptyCall")
    same(raw(b"", timeout=SECONDS), b"", "bytes of the response")


def large_unary(stub, _):
    response, call = stub.UnaryCall.with_call(large_request(),
                                              timeout=SECONDS)
    is_payload(response, RESPONSE_SIZE)
    is_answered(call)


def client_compressed_unary(stub, _):
    yes = large_request(expect_compressed=messages.BoolValue(value=True))
    no = large_request(expect_compressed=messages.BoolValue(value=False))
    fails(Code.INVALID_ARGUMENT, stub.UnaryCall, yes, timeout=SECONDS)
    is_payload(stub.UnaryCall(yes, timeout=SECONDS, compression=Gzip),
               RESPONSE_SIZE)
    is_payload(stub.UnaryCall(no, timeout=SECONDS), RESPONSE_SIZE)


def unpack(data, kind, compressed):
    """A message as it came, from a channel that does not decompress."""
    same(data.startswith(GZIP_MAGIC), compressed, "compressed")
    return kind.FromString(gzip.decompress(data) if compressed else data)


def server_compressed_unary(stub, _):
    requests = [(value, large_request(
        response_compressed=messages.BoolValue(value=value)))
        for value in (True, False)]
    for _, request in requests:
        is_payload(stub.UnaryCall(request, timeout=SECONDS), RESPONSE_SIZE)
    with connect(("grpc.per_message_decompression", 0)) as channel:
        call = channel.unary_unary(
            "/grpc.testing.TestService/UnaryCall",
            request_serializer=messages.SimpleRequest.SerializeToString)
        for value, request in requests:
            is_payload(unpack(call(request, timeout=SECONDS),
                              messages.SimpleResponse, value),
                       RESPONSE_SIZE)


def client_streaming(stub, _):
    response, call = stub.StreamingInputCall.with_call(
        iter([messages.StreamingInputCallRequest(payload=zeros(size))
              for size in SENT]), timeout=SECONDS)
    same(response.aggregated_payload_size, 74922, "aggregated size")
    is_answered(call)


def server_streaming(stub, _):
    call = stub.StreamingOutputCall(output_request(RETURNED),
                                    timeout=SECONDS)
    responses = list(call)
    same(len(responses), len(RETURNED), "responses")
    for response, size in zip(responses, RETURNED):
        is_payload(response, size)
    is_answered(call)


def server_compressed_streaming(stub, _):
    wanted = ((True, 31415), (False, 92653))
    request = messages.StreamingOutputCallRequest(response_parameters=[
        messages.ResponseParameters(
            size=size, compressed=messages.BoolValue(value=value))
        for value, size in wanted])
    responses = list(stub.StreamingOutputCall(request, timeout=SECONDS))
    same(len(responses), 2, "responses")
    for response, (_, size) in zip(responses, wanted):
        is_payload(response, size)
    with connect(("grpc.per_message_decompression", 0)) as channel:
        messages_seen = list(channel.unary_stream(
            "/grpc.testing.TestService/StreamingOutputCall",
            request_serializer=type(request).SerializeToString)(
                request, timeout=SECONDS))
        same(len(messages_seen), 2, "responses")
        for data, (value, size) in zip(messages_seen, wanted):
            is_payload(unpack(data, messages.StreamingOutputCallResponse,
                              value), size)


def ping_pong(stub, _):
    duplex = Duplex(stub)
    for sent, returned in zip(SENT, RETURNED):
        duplex.send(output_request([returned], sent))
        is_payload(next(duplex.call), returned)
    duplex.end()


def empty_stream(stub, _):
    Duplex(stub).end()


def is_echoed(call):
    initial, trailing = call.initial_metadata(), call.trailing_metadata()
    same([value for key, value in initial if key == ECHO_INITIAL[0]],
         [ECHO_INITIAL[1]], "initial metadata")
    same([value for key, value in trailing if key == ECHO_TRAILING[0]],
         [ECHO_TRAILING[1]], "trailing metadata")


def custom_metadata(stub, _):
    metadata = (ECHO_INITIAL, ECHO_TRAILING)
    response, call = stub.UnaryCall.with_call(
        large_request(), timeout=SECONDS, metadata=metadata)
    is_payload(response, RESPONSE_SIZE)
    is_answered(call)
    is_echoed(call)

    duplex = Duplex(stub, metadata=metadata)
    duplex.send(output_request([RESPONSE_SIZE], REQUEST_SIZE))
    is_payload(next(duplex.call), RESPONSE_SIZE)
    duplex.end()
    is_echoed(duplex.call)


def status_code_and_message(stub, _):
    status = messages.EchoStatus(code=2, message="test status message")
    error = fails(Code.UNKNOWN, stub.UnaryCall,
                  messages.SimpleRequest(response_status=status),
                  timeout=SECONDS)
    same(error.details(), status.message, "message")

    duplex = Duplex(stub)
    duplex.send(messages.StreamingOutputCallRequest(response_status=status))
    duplex.half_close()
    error = fails(Code.UNKNOWN, next, duplex.call)
    same(error.details(), status.message, "message")


def special_status_message(stub, _):
    status = messages.EchoStatus(
        code=2, message="\t\ntest with whitespace\r\nand Unicode BMP "
                        "\u263a and non-BMP \U0001f608\t\n")
    error = fails(Code.UNKNOWN, stub.UnaryCall,
                  messages.SimpleRequest(response_status=status),
                  timeout=SECONDS)
    same(error.details(), status.message, "message")


def unimplemented_method(stub, _):
    fails(Code.UNIMPLEMENTED, stub.UnimplementedCall, empty_pb2.Empty(),
          timeout=SECONDS)


def unimplemented_service(_, channel):
    stub = test_pb2_grpc.UnimplementedServiceStub(channel)
    fails(Code.UNIMPLEMENTED, stub.UnimplementedCall, empty_pb2.Empty(),
          timeout=SECONDS)


def cancel_after_begin(stub, _):
    never = threading.Event()
    call = stub.StreamingInputCall.future(
        iter(lambda: never.wait(SECONDS), None), timeout=SECONDS)
    call.cancel()
    never.set()
    check(call.cancelled(), "not cancelled")
    same(call.code(), Code.CANCELLED, "status")


def cancel_after_first_response(stub, _):
    duplex = Duplex(stub)
    duplex.send(output_request([RETURNED[0]], SENT[0]))
    is_payload(next(duplex.call), RETURNED[0])
    duplex.call.cancel()
    fails(Code.CANCELLED, next, duplex.call)
    duplex.half_close()


def timeout_on_sleeping_server(stub, _):
    duplex = Duplex(stub, timeout=0.001)
    duplex.send(output_request([], SENT[0]))
    fails(Code.DEADLINE_EXCEEDED, next, duplex.call)
    duplex.half_close()


def run(name):
    """Run a case on a connection that calls come and go on, before it (so
    that a deadline or a cancel finds the server at work, not a handshake) and
    after it."""
    with connect() as channel:
        stub = test_pb2_grpc.TestServiceStub(channel)
        stub.EmptyCall(empty_pb2.Empty(), timeout=SECONDS)
        globals()[name](stub, channel)
        stub.EmptyCall(empty_pb2.Empty(), timeout=SECONDS)


def main():
    failures = 0
    for name in sys.argv[2:]:
        try:
            run(name)
            result = "ok"
        except (AssertionError, grpc.RpcError) as error:
            failures += 1
            result = "FAILED: " + " ".join(str(error).split())
        print("python %s %s" % (name, result), flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
