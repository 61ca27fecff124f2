// gRPC's interop cases for a client, in C++: libgrpc++.
//
// Usage: interop CASE...
// The server and the certificates are told by the environment (see run.py).
// Prints a line a case; fails if one did not hold.  The cases are those of
// gRPC's doc/interop-test-descriptions.md.

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/generic/generic_stub.h>

#include "client.h"
#include "grpc/testing/test.grpc.pb.h"

namespace {

using grpc::ClientContext;
using grpc::Status;
using grpc::StatusCode;
using grpc::testing::Empty;
using grpc::testing::SimpleRequest;
using grpc::testing::SimpleResponse;
using grpc::testing::StreamingInputCallRequest;
using grpc::testing::StreamingInputCallResponse;
using grpc::testing::StreamingOutputCallRequest;
using grpc::testing::StreamingOutputCallResponse;
using grpc::testing::TestService;
using grpc::testing::UnimplementedService;

constexpr int kRequestSize = 271828, kResponseSize = 314159;
constexpr int kSent[] = {27182, 8, 1828, 45904};
constexpr int kReturned[] = {31415, 9, 2653, 58979};
constexpr char kInitial[] = "x-grpc-test-echo-initial";
constexpr char kInitialValue[] = "test_initial_metadata_value";
constexpr char kTrailing[] = "x-grpc-test-echo-trailing-bin";
constexpr char kTrailingValue[] = "\xab\xab\xab";
constexpr char kGzipMagic[] = "\x1f\x8b";

void Answered(const Status &status)
{
    Ended(status, StatusCode::OK);
    Same(status.error_message(), "", "message");
}

Channel ConnectToServer(bool decompress = true)
{
    grpc::ChannelArguments arguments;

    arguments.SetInt(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, decompress);
    return Connect("127.0.0.1:" + Variable("INTEROP_PORT"),
        Read(Variable("INTEROP_CA")), Read(Variable("INTEROP_KEY")),
        Read(Variable("INTEROP_CERT")), arguments);
}

template <typename Request>
void SetZeros(Request &request, int size)
{
    request.mutable_payload()->set_body(
        std::string(static_cast<size_t>(size), '\0'));
}

SimpleRequest LargeRequest()
{
    SimpleRequest request;

    request.set_response_size(kResponseSize);
    SetZeros(request, kRequestSize);
    return request;
}

StreamingOutputCallRequest OutputRequest(int size, int sent)
{
    StreamingOutputCallRequest request;

    request.add_response_parameters()->set_size(size);
    SetZeros(request, sent);
    return request;
}

template <typename Response>
void IsPayload(const Response &response, int size)
{
    const std::string &body = response.payload().body();

    Same(response.payload().type(), grpc::testing::COMPRESSABLE, "type");
    Same(body.size(), static_cast<size_t>(size), "size of payload");
    Check(std::count(body.begin(), body.end(), '\0') == size,
          "payload is not zeros");
}

// All of a stream that is still to come must be its end.
template <typename Stream>
Status EndOf(Stream &stream)
{
    StreamingOutputCallResponse response;

    Check(!stream.Read(&response), "a response after the last");
    return stream.Finish();
}

// -- the cases

void EmptyUnary(const Channel &channel)
{
    Context context;
    Empty response;

    Answered(TestService::NewStub(channel)->EmptyCall(&context, Empty(),
                                                      &response));
    Same(response.ByteSizeLong(), 0u, "bytes of the response");
}

void LargeUnary(const Channel &channel)
{
    Context context;
    SimpleResponse response;

    Answered(TestService::NewStub(channel)->UnaryCall(
        &context, LargeRequest(), &response));
    IsPayload(response, kResponseSize);
}

Status ExpectCompressed(const Channel &channel, bool expect, bool compress,
                        SimpleResponse &response)
{
    Context context;
    SimpleRequest request = LargeRequest();

    if (compress)
        context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    request.mutable_expect_compressed()->set_value(expect);
    return TestService::NewStub(channel)->UnaryCall(&context, request,
                                                    &response);
}

void ClientCompressedUnary(const Channel &channel)
{
    SimpleResponse probe;

    Ended(ExpectCompressed(channel, true, false, probe),
          StatusCode::INVALID_ARGUMENT);
    for (bool compress : {true, false}) {
        SimpleResponse response;

        Answered(ExpectCompressed(channel, compress, compress, response));
        IsPayload(response, kResponseSize);
    }
}

std::string Bytes(grpc::ByteBuffer &buffer)
{
    std::vector<grpc::Slice> slices;
    std::string bytes;

    Check(buffer.Dump(&slices).ok(), "a message cannot be read");
    for (const grpc::Slice &slice : slices)
        bytes.append(reinterpret_cast<const char *>(slice.begin()),
                     slice.size());
    return bytes;
}

// The responses to a request, each as it came: compressed or not.
std::vector<std::string> Raw(const char *method,
                             const google::protobuf::Message &request)
{
    Channel channel = ConnectToServer(false);
    grpc::GenericStub stub(channel);
    Context context;
    grpc::CompletionQueue queue;
    std::vector<std::string> messages;
    grpc::Slice slice(request.SerializeAsString());
    grpc::ByteBuffer buffer(&slice, 1);
    Status status;
    auto call = stub.PrepareCall(&context,
        std::string("/grpc.testing.TestService/") + method, &queue);
    const auto next = [&queue] {
        void *tag;
        bool ok;

        return queue.Next(&tag, &ok) && ok;
    };

    call->StartCall(nullptr);
    Check(next(), "cannot start the call");
    call->WriteLast(buffer, grpc::WriteOptions(), nullptr);
    Check(next(), "cannot write the request");
    for (;;) {
        grpc::ByteBuffer response;

        call->Read(&response, nullptr);
        if (!next())
            break;
        messages.push_back(Bytes(response));
    }
    call->Finish(&status, nullptr);
    Check(next(), "cannot finish the call");
    Answered(status);
    return messages;
}

// A message as it came.  That it can be decompressed, the usual call tells.
template <typename Response>
void IsMessage(const std::string &bytes, bool compressed, int size)
{
    Same(bytes.compare(0, 2, kGzipMagic) == 0, compressed, "compressed");
    if (compressed) {
        Check(bytes.size() < static_cast<size_t>(size), "no smaller");
    } else {
        Response response;

        Check(response.ParseFromString(bytes), "cannot parse a response");
        IsPayload(response, size);
    }
}

void ServerCompressedUnary(const Channel &channel)
{
    for (bool compressed : {true, false}) {
        Context context;
        SimpleRequest request = LargeRequest();
        SimpleResponse response;

        request.mutable_response_compressed()->set_value(compressed);
        Answered(TestService::NewStub(channel)->UnaryCall(
            &context, request, &response));
        IsPayload(response, kResponseSize);

        const auto raw = Raw("UnaryCall", request);
        Same(raw.size(), 1u, "responses");
        IsMessage<SimpleResponse>(raw[0], compressed, kResponseSize);
    }
}

void ClientStreaming(const Channel &channel)
{
    Context context;
    StreamingInputCallResponse response;
    auto writer = TestService::NewStub(channel)->StreamingInputCall(
        &context, &response);

    for (int size : kSent) {
        StreamingInputCallRequest request;

        SetZeros(request, size);
        Check(writer->Write(request), "cannot write");
    }
    Check(writer->WritesDone(), "cannot half-close");
    Answered(writer->Finish());
    Same(response.aggregated_payload_size(), 74922, "aggregated size");
}

struct Input {
    int size;
    bool expect, compress;
};

Status Send(const Channel &channel, const std::vector<Input> &inputs,
            StreamingInputCallResponse &response)
{
    Context context;
    context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    auto writer = TestService::NewStub(channel)->StreamingInputCall(
        &context, &response);

    for (const Input &input : inputs) {
        StreamingInputCallRequest request;
        grpc::WriteOptions options;

        SetZeros(request, input.size);
        request.mutable_expect_compressed()->set_value(input.expect);
        if (!input.compress)
            options.set_no_compression();
        if (!writer->Write(request, options))
            break;      // the server ended the call: Finish() tells how
    }
    writer->WritesDone();
    return writer->Finish();
}

void ClientCompressedStreaming(const Channel &channel)
{
    StreamingInputCallResponse probe, response;

    Ended(Send(channel, {{27182, true, false}}, probe),
          StatusCode::INVALID_ARGUMENT);
    Answered(Send(channel, {{27182, true, true}, {45904, false, false}},
                  response));
    Same(response.aggregated_payload_size(), 73086, "aggregated size");
}

void IsOutput(const Channel &channel,
              const StreamingOutputCallRequest &request)
{
    Context context;
    StreamingOutputCallResponse response;
    auto reader = TestService::NewStub(channel)->StreamingOutputCall(
        &context, request);

    for (const auto &parameters : request.response_parameters()) {
        Check(reader->Read(&response), "a response is missing");
        IsPayload(response, parameters.size());
    }
    Answered(EndOf(*reader));
}

void ServerStreaming(const Channel &channel)
{
    StreamingOutputCallRequest request;

    for (int size : kReturned)
        request.add_response_parameters()->set_size(size);
    IsOutput(channel, request);
}

void ServerCompressedStreaming(const Channel &channel)
{
    StreamingOutputCallRequest request;

    for (int size : {31415, 92653}) {
        auto *parameters = request.add_response_parameters();

        parameters->set_size(size);
        parameters->mutable_compressed()->set_value(size == 31415);
    }
    IsOutput(channel, request);

    const auto raw = Raw("StreamingOutputCall", request);
    Same(raw.size(), 2u, "responses");
    IsMessage<StreamingOutputCallResponse>(raw[0], true, 31415);
    IsMessage<StreamingOutputCallResponse>(raw[1], false, 92653);
}

void PingPong(const Channel &channel)
{
    Context context;
    StreamingOutputCallResponse response;
    auto stream = TestService::NewStub(channel)->FullDuplexCall(&context);

    for (size_t i = 0; i < std::size(kSent); i++) {
        Check(stream->Write(OutputRequest(kReturned[i], kSent[i])),
              "cannot write");
        Check(stream->Read(&response), "a response is missing");
        IsPayload(response, kReturned[i]);
    }
    Check(stream->WritesDone(), "cannot half-close");
    Answered(EndOf(*stream));
}

void EmptyStream(const Channel &channel)
{
    Context context;
    auto stream = TestService::NewStub(channel)->FullDuplexCall(&context);

    Check(stream->WritesDone(), "cannot half-close");
    Answered(EndOf(*stream));
}

void AddEcho(ClientContext &context)
{
    context.AddMetadata(kInitial, kInitialValue);
    context.AddMetadata(kTrailing, kTrailingValue);
}

void IsEchoed(const ClientContext &context)
{
    const auto &initial = context.GetServerInitialMetadata();
    const auto &trailing = context.GetServerTrailingMetadata();

    Same(initial.count(kInitial), 1u, "initial metadata");
    Same(initial.find(kInitial)->second, kInitialValue, "initial metadata");
    Same(trailing.count(kTrailing), 1u, "trailing metadata");
    Check(trailing.find(kTrailing)->second == kTrailingValue,
          "trailing metadata: other bytes");
}

void CustomMetadata(const Channel &channel)
{
    Context unary, duplex;
    SimpleResponse response;
    StreamingOutputCallResponse output;

    AddEcho(unary);
    Answered(TestService::NewStub(channel)->UnaryCall(&unary, LargeRequest(),
                                                      &response));
    IsPayload(response, kResponseSize);
    IsEchoed(unary);

    AddEcho(duplex);
    auto stream = TestService::NewStub(channel)->FullDuplexCall(&duplex);
    Check(stream->Write(OutputRequest(kResponseSize, kRequestSize)),
          "cannot write");
    Check(stream->WritesDone(), "cannot half-close");
    Check(stream->Read(&output), "a response is missing");
    IsPayload(output, kResponseSize);
    Answered(EndOf(*stream));
    IsEchoed(duplex);
}

void UnaryStatus(const Channel &channel, const char *message)
{
    Context context;
    SimpleRequest request;
    SimpleResponse response;

    request.mutable_response_status()->set_code(StatusCode::UNKNOWN);
    request.mutable_response_status()->set_message(message);
    Status status = TestService::NewStub(channel)->UnaryCall(
        &context, request, &response);
    Ended(status, StatusCode::UNKNOWN);
    Same(status.error_message(), message, "message");
}

void StatusCodeAndMessage(const Channel &channel)
{
    constexpr char message[] = "test status message";
    Context context;
    StreamingOutputCallRequest request;

    UnaryStatus(channel, message);
    request.mutable_response_status()->set_code(StatusCode::UNKNOWN);
    request.mutable_response_status()->set_message(message);
    auto stream = TestService::NewStub(channel)->FullDuplexCall(&context);
    Check(stream->Write(request), "cannot write");
    stream->WritesDone();       // the server may have ended the call
    Status status = EndOf(*stream);
    Ended(status, StatusCode::UNKNOWN);
    Same(status.error_message(), message, "message");
}

void SpecialStatusMessage(const Channel &channel)
{
    UnaryStatus(channel, "\t\ntest with whitespace\r\nand Unicode BMP "
                         "\u263a and non-BMP \U0001f608\t\n");
}

void UnimplementedMethod(const Channel &channel)
{
    Context context;
    Empty response;

    Ended(TestService::NewStub(channel)->UnimplementedCall(
              &context, Empty(), &response), StatusCode::UNIMPLEMENTED);
}

void UnimplementedServiceCase(const Channel &channel)
{
    Context context;
    Empty response;

    Ended(UnimplementedService::NewStub(channel)->UnimplementedCall(
              &context, Empty(), &response), StatusCode::UNIMPLEMENTED);
}

void CancelAfterBegin(const Channel &channel)
{
    Context context;
    StreamingInputCallResponse response;
    auto writer = TestService::NewStub(channel)->StreamingInputCall(
        &context, &response);

    context.TryCancel();
    Ended(writer->Finish(), StatusCode::CANCELLED);
}

void CancelAfterFirstResponse(const Channel &channel)
{
    Context context;
    StreamingOutputCallResponse response;
    auto stream = TestService::NewStub(channel)->FullDuplexCall(&context);

    Check(stream->Write(OutputRequest(kReturned[0], kSent[0])),
          "cannot write");
    Check(stream->Read(&response), "a response is missing");
    IsPayload(response, kReturned[0]);
    context.TryCancel();
    Ended(EndOf(*stream), StatusCode::CANCELLED);
}

void TimeoutOnSleepingServer(const Channel &channel)
{
    Context context(std::chrono::milliseconds(1));
    StreamingOutputCallRequest request;
    auto stream = TestService::NewStub(channel)->FullDuplexCall(&context);

    SetZeros(request, kSent[0]);
    stream->Write(request);     // it may be over by now
    Ended(EndOf(*stream), StatusCode::DEADLINE_EXCEEDED);
}

const std::map<std::string, void (*)(const Channel &)> kCases = {
    {"empty_unary", EmptyUnary},
    {"large_unary", LargeUnary},
    {"client_compressed_unary", ClientCompressedUnary},
    {"server_compressed_unary", ServerCompressedUnary},
    {"client_streaming", ClientStreaming},
    {"client_compressed_streaming", ClientCompressedStreaming},
    {"server_streaming", ServerStreaming},
    {"server_compressed_streaming", ServerCompressedStreaming},
    {"ping_pong", PingPong},
    {"empty_stream", EmptyStream},
    {"custom_metadata", CustomMetadata},
    {"status_code_and_message", StatusCodeAndMessage},
    {"special_status_message", SpecialStatusMessage},
    {"unimplemented_method", UnimplementedMethod},
    {"unimplemented_service", UnimplementedServiceCase},
    {"cancel_after_begin", CancelAfterBegin},
    {"cancel_after_first_response", CancelAfterFirstResponse},
    {"timeout_on_sleeping_server", TimeoutOnSleepingServer},
};

// A case on a connection that calls come and go on, before it (so that a
// deadline or a cancel finds the server at work, not a handshake) and after it.
void RunCase(const std::string &name)
{
    const auto found = kCases.find(name);

    Check(found != kCases.end(), "there is no such case");
    Channel channel = ConnectToServer();
    EmptyUnary(channel);
    found->second(channel);
    EmptyUnary(channel);
}

}  // namespace

int main(int argc, char *argv[])
{
    int rc = EXIT_SUCCESS;

    setenv("GRPC_VERBOSITY", "NONE", 0);    // failures are expected
    for (int i = 1; i < argc; i++)
        if (!Run(argv[i], [&] { RunCase(argv[i]); }))
            rc = EXIT_FAILURE;
    return rc;
}
