// vouchd as a client in C++ sees it, in each of the ways that libgrpc++ can
// call: waiting for the answer, by a completion queue, and by callbacks.
//
// Usage: vouch
// Where the daemon is, and the folder of the certificates, is told by the
// environment (see with_vouchd.py).  Prints a line a test; fails if one did.

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "client.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "vouch/v1/publishing_service.grpc.pb.h"
#include "vouch/v1/verification_service.grpc.pb.h"

namespace {

using grpc::ClientContext;
using grpc::Status;
using grpc::StatusCode;
using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using namespace vouch::v1;
using std::chrono::milliseconds;
using std::chrono::system_clock;

constexpr char kAssociation[] = "ascp-boc", kType[] = "ascp-pbt";

// With the certificate of that name, or none.
Channel ConnectAs(const std::string &name,
                  const grpc::ChannelArguments &arguments = {})
{
    const std::string base = Variable("VOUCH_CERTS") + "/";

    return Connect(Variable("VOUCH_ADDRESS"), Read(base + "root.pem"),
        name.empty() ? "" : Read(base + name + ".key"),
        name.empty() ? "" : Read(base + name + ".pem"), arguments);
}

// Of those who wait and those who answer on another thread.
class Event {
public:
    void Set()
    {
        std::lock_guard<std::mutex> lock(mutex_);

        set_ = true;
        condition_.notify_all();
    }

    void Wait()
    {
        std::unique_lock<std::mutex> lock(mutex_);

        Check(condition_.wait_for(lock, 2 * kLimit, [this] { return set_; }),
              "nothing was called back");
    }

private:
    std::mutex mutex_;
    std::condition_variable condition_;
    bool set_ = false;
};

// A random UUID, version 4.
std::string Uuid()
{
    static std::random_device random;
    std::array<unsigned, 4> word;
    char text[40];

    for (unsigned &w : word)
        w = random();
    snprintf(text, sizeof(text), "%08x-%04x-4%03x-a%03x-%08x%04x", word[0],
             word[1] >> 16, word[1] & 0xfff, word[2] >> 20, word[3],
             word[2] & 0xffff);
    return text;
}

VerifyCredentialRequest Ask(const std::string &number,
                            const std::string &family = "Interop")
{
    VerifyCredentialRequest request;
    Claim *claim = request.mutable_claim();

    request.set_request_id(Uuid());
    claim->set_association_id(kAssociation);
    claim->set_credential_type_id(kType);
    claim->set_number(number);
    claim->mutable_name()->set_family(family);
    claim->mutable_birth_date()->set_year(1981);
    return request;
}

PublishCredentialsRequest Header(const std::string &request_id)
{
    PublishCredentialsRequest request;

    request.mutable_header()->set_request_id(request_id);
    request.mutable_header()->set_association_id(kAssociation);
    request.mutable_header()->set_mode(PUBLICATION_MODE_DELTA);
    return request;
}

// Rows of the lines ${from} + 2 to ${to} + 1, whose numbers begin so.
PublishCredentialsRequest Rows(const std::string &prefix, int from, int to)
{
    PublishCredentialsRequest request;

    for (int i = from; i < to; i++) {
        CredentialRow *row = request.add_rows();

        row->set_line(i + 2);
        row->set_credential_type_id(kType);
        row->set_number(prefix + std::to_string(i));
        row->mutable_name()->set_family("Interop");
        row->mutable_name()->set_given("Pat");
        row->mutable_birth_date()->set_year(1981);
        row->mutable_issued_on()->set_year(2020);
        row->mutable_issued_on()->set_month(1);
        row->mutable_issued_on()->set_day(2);
        row->set_raw_status("ACTIVE");
    }
    return request;
}

// What an upload of Rows(prefix, 0, count) must have been answered.
void IsPublished(const std::vector<PublishCredentialsResponse> &responses,
                 int count)
{
    std::vector<int> times(static_cast<size_t>(count) + 2);

    Check(!responses.empty(), "no response");
    for (const auto &response : responses) {
        Same(response.rejects_size(), 0, "rejects");
        for (const auto &range : response.accepted())
            for (int64_t line = range.first(); line <= range.last(); line++)
                times.at(static_cast<size_t>(line))++;
        Same(response.has_summary(), &response == &responses.back(),
             "has a summary");
    }
    Same(std::count(times.begin() + 2, times.end(), 1), count,
         "lines that were accepted once");
    Same(responses.back().summary().new_count(), count, "new");
}

void IsConfirmed(const VerifyCredentialRequest &request,
                 const VerifyCredentialResponse &response)
{
    Same(response.answer().verdict(), VERDICT_CONFIRMED, "verdict");
    Same(response.answer().conclusion(), CONCLUSION_YES, "conclusion");
    Same(response.question().request_id(), request.request_id(), "id");
    Same(response.question().claim().number(), request.claim().number(),
         "number");
    Same(response.question().asker(),
         "spiffe://dev.vouch.invalid/employer/dev-employer", "asker");
}

// Upload ${count} rows, that many in a message.
Status Publish(const Channel &channel, const std::string &prefix, int count,
               int batch, ClientContext &context,
               std::vector<PublishCredentialsResponse> &responses)
{
    PublishCredentialsResponse response;
    auto stream = PublishingService::NewStub(channel)->PublishCredentials(
        &context);
    bool ok = stream->Write(Header(Uuid()));

    for (int i = 0; i < count && ok; i += batch)
        ok = stream->Write(Rows(prefix, i, std::min(i + batch, count)));
    stream->WritesDone();
    while (stream->Read(&response))
        responses.push_back(response);
    return stream->Finish();
}

// -- the tests

void WaitForPublishAndVerify(const Channel &employer,
                             const Channel &association)
{
    Context publish, verify, other;
    std::vector<PublishCredentialsResponse> responses;
    VerifyCredentialResponse response;
    auto stub = VerificationService::NewStub(employer);
    VerifyCredentialRequest request = Ask("WAIT-7");

    Ended(Publish(association, "WAIT-", 300, 300, publish, responses),
          StatusCode::OK);
    IsPublished(responses, 300);
    Ended(stub->VerifyCredential(&verify, request, &response),
          StatusCode::OK);
    IsConfirmed(request, response);

    Ended(stub->VerifyCredential(&other, Ask("WAIT-7", "Other"), &response),
          StatusCode::OK);
    Same(response.answer().verdict(), VERDICT_NO_MATCH, "verdict");
    Check(!response.answer().has_status(), "a status without a match");
}

// 200 calls at a time on one connection, by a completion queue.
void VerifyByQueue(const Channel &employer, const Channel &)
{
    struct Call {
        Context context;
        VerifyCredentialRequest request;
        VerifyCredentialResponse response;
        Status status;
        std::unique_ptr<grpc::ClientAsyncResponseReader<
            VerifyCredentialResponse>> reader;
    };
    grpc::CompletionQueue queue;
    std::vector<Call> calls(200);
    auto stub = VerificationService::NewStub(employer);

    for (size_t i = 0; i < calls.size(); i++) {
        Call &call = calls[i];

        call.request = Ask("WAIT-" + std::to_string(i));
        call.reader = stub->AsyncVerifyCredential(&call.context,
                                                  call.request, &queue);
        call.reader->Finish(&call.response, &call.status, &call);
    }
    for (size_t i = 0; i < calls.size(); i++) {
        void *tag;
        bool ok;

        Check(queue.Next(&tag, &ok) && ok, "the queue ended");
    }
    for (const Call &call : calls) {
        Ended(call.status, StatusCode::OK);
        IsConfirmed(call.request, call.response);
    }
}

class Uploader : public grpc::ClientBidiReactor<PublishCredentialsRequest,
                                                PublishCredentialsResponse> {
public:
    Uploader(const Channel &channel, std::string prefix, int count)
        : stub_(PublishingService::NewStub(channel)),
          messages_{Header(Uuid()), Rows(std::move(prefix), 0, count)}
    {
        stub_->async()->PublishCredentials(&context_, this);
        StartRead(&response_);
        OnWriteDone(true);
        StartCall();
    }

    void OnWriteDone(bool ok) override
    {
        if (ok && next_ < messages_.size())
            StartWrite(&messages_[next_++]);
        else
            StartWritesDone();
    }

    void OnReadDone(bool ok) override
    {
        if (ok) {
            responses.push_back(response_);
            StartRead(&response_);
        }
    }

    void OnDone(const Status &end) override
    {
        status = end;
        over.Set();
    }

    std::vector<PublishCredentialsResponse> responses;
    Status status;
    Event over;

private:
    std::unique_ptr<PublishingService::Stub> stub_;
    Context context_;
    PublishCredentialsResponse response_;
    std::vector<PublishCredentialsRequest> messages_;
    size_t next_ = 0;
};

void CallBack(const Channel &employer, const Channel &association)
{
    Uploader uploader(association, "BACK-", 500);
    Context context;
    Event answered;
    Status status;
    VerifyCredentialResponse response;
    VerifyCredentialRequest request = Ask("BACK-499");
    auto stub = VerificationService::NewStub(employer);

    uploader.over.Wait();
    Ended(uploader.status, StatusCode::OK);
    IsPublished(uploader.responses, 500);

    stub->async()->VerifyCredential(&context, &request, &response,
                                    [&](Status end) {
                                        status = end;
                                        answered.Set();
                                    });
    answered.Wait();
    Ended(status, StatusCode::OK);
    IsConfirmed(request, response);
}

void CompressedRequests(const Channel &employer, const Channel &association)
{
    Context publish, large, verify;
    std::vector<PublishCredentialsResponse> responses, none;
    VerifyCredentialRequest request = Ask("GZIP-1999");
    VerifyCredentialResponse response;

    publish.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    Ended(Publish(association, "GZIP-", 2000, 500, publish, responses),
          StatusCode::OK);
    IsPublished(responses, 2000);
    // A message that is small only as long as it is compressed.
    large.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    Ended(Publish(association, "LARGE-", 5000, 5000, large, none),
          StatusCode::RESOURCE_EXHAUSTED);
    // Long enough that compressing it makes it smaller.
    request.mutable_claim()->set_authorization_ref(std::string(60, 'r'));
    verify.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    Ended(VerificationService::NewStub(employer)->VerifyCredential(
              &verify, request, &response), StatusCode::OK);
    IsConfirmed(request, response);
}

void ErrorDetails(const Channel &employer, const Channel &)
{
    Context context;
    VerifyCredentialRequest request = Ask("WAIT-7");
    VerifyCredentialResponse response;
    google::rpc::Status details;
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    int found = 0;

    request.mutable_claim()->clear_birth_date();
    Status status = VerificationService::NewStub(employer)->VerifyCredential(
        &context, request, &response);
    Ended(status, StatusCode::INVALID_ARGUMENT);
    Check(details.ParseFromString(status.error_details()), "no details");
    Same(details.code(), static_cast<int>(status.error_code()), "code");
    Same(details.message(), status.error_message(), "message");
    for (const auto &any : details.details())
        found += any.UnpackTo(&info) + any.UnpackTo(&bad);
    Same(found, 2, "kinds of details");
    Check(!info.reason().empty(), "no reason");
    Same(bad.field_violations_size(), 1, "fields");
    Same(bad.field_violations(0).field(), "claim.birth_date", "field");
}

void RolesAndCertificates(const Channel &employer, const Channel &association)
{
    Context publish, verify, none;
    std::vector<PublishCredentialsResponse> responses;
    VerifyCredentialResponse response;

    Ended(Publish(employer, "ROLE-", 2, 2, publish, responses),
          StatusCode::PERMISSION_DENIED);
    Ended(VerificationService::NewStub(association)->VerifyCredential(
              &verify, Ask("WAIT-7"), &response),
          StatusCode::PERMISSION_DENIED);
    Ended(VerificationService::NewStub(ConnectAs(""))->VerifyCredential(
              &none, Ask("WAIT-7"), &response), StatusCode::UNAVAILABLE);
}

void AdviceOnServiceConfig(const Channel &, const Channel &)
{
    grpc::ChannelArguments arguments;
    Context context;
    VerifyCredentialRequest request = Ask("WAIT-7");
    VerifyCredentialResponse response;

    arguments.SetServiceConfigJSON(Read(Variable("VOUCH_SERVICE_CONFIG")));
    Ended(VerificationService::NewStub(ConnectAs("employer", arguments))
              ->VerifyCredential(&context, request, &response),
          StatusCode::OK);
    IsConfirmed(request, response);
}

void HealthCheck(const Channel &employer, const Channel &)
{
    auto stub = Health::NewStub(employer);
    HealthCheckRequest request;
    HealthCheckResponse response;

    for (const char *service : {"", "vouch.v1.VerificationService",
                                "vouch.v1.PublishingService"}) {
        Context context;

        request.set_service(service);
        Ended(stub->Check(&context, request, &response), StatusCode::OK);
        Same(response.status(), HealthCheckResponse::SERVING, "health");
    }
    Context context;
    request.set_service("no.such.Service");
    Ended(stub->Check(&context, request, &response), StatusCode::NOT_FOUND);
}

// A watch by callbacks, until the first response and a cancel.
class Watcher : public grpc::ClientReadReactor<HealthCheckResponse> {
public:
    Watcher(const Channel &channel, const char *service)
        : stub_(Health::NewStub(channel))
    {
        request_.set_service(service);
        stub_->async()->Watch(&context_, &request_, this);
        StartRead(&response);
        StartCall();
    }

    void OnReadDone(bool ok) override
    {
        if (ok) {
            count++;
            context_.TryCancel();
        }
    }

    void OnDone(const Status &end) override
    {
        status = end;
        over.Set();
    }

    HealthCheckResponse response;
    int count = 0;
    Status status;
    Event over;

private:
    std::unique_ptr<Health::Stub> stub_;
    Context context_;
    HealthCheckRequest request_;
};

void HealthWatch(const Channel &employer, const Channel &)
{
    const std::pair<const char *, HealthCheckResponse::ServingStatus> wanted[] =
        {{"", HealthCheckResponse::SERVING},
         {"no.such.Service", HealthCheckResponse::SERVICE_UNKNOWN}};

    for (const auto &[service, status] : wanted) {
        Watcher watcher(employer, service);

        watcher.over.Wait();
        Ended(watcher.status, StatusCode::CANCELLED);
        Same(watcher.count, 1, "responses");
        Same(watcher.response.status(), status, "health");
    }
}

void DeadlineOfAWatch(const Channel &employer, const Channel &)
{
    const auto begun = system_clock::now();
    Context context(milliseconds(300));
    HealthCheckResponse response;
    auto watch = Health::NewStub(employer)->Watch(&context,
                                                  HealthCheckRequest());

    Check(watch->Read(&response), "no response");
    Same(response.status(), HealthCheckResponse::SERVING, "health");
    Check(!watch->Read(&response), "another response");
    Ended(watch->Finish(), StatusCode::DEADLINE_EXCEEDED);
    Check(system_clock::now() - begun < milliseconds(10000), "too late");
}

void CancelledUpload(const Channel &, const Channel &association)
{
    const std::string id = Uuid();
    Context context, get, again;
    PublishCredentialsResponse response;
    GetPublicationRequest request;
    GetPublicationResponse found;
    std::vector<PublishCredentialsResponse> responses;
    auto stub = PublishingService::NewStub(association);
    auto stream = stub->PublishCredentials(&context);

    Check(stream->Write(Header(id)) &&
          stream->Write(Rows("GONE-", 0, 100)), "cannot write");
    Check(stream->Read(&response), "no response");
    context.TryCancel();
    while (stream->Read(&response))
        ;
    Ended(stream->Finish(), StatusCode::CANCELLED);
    request.set_request_id(id);
    Ended(stub->GetPublication(&get, request, &found),
          StatusCode::NOT_FOUND);
    Ended(Publish(association, "GONE-", 100, 100, again, responses),
          StatusCode::OK);
    IsPublished(responses, 100);
}

const std::pair<const char *, void (*)(const Channel &, const Channel &)>
kTests[] = {
    {"wait for publish and verify", WaitForPublishAndVerify},
    {"verify by queue", VerifyByQueue},
    {"call back", CallBack},
    {"compressed requests", CompressedRequests},
    {"error details", ErrorDetails},
    {"roles and certificates", RolesAndCertificates},
    {"advice on service config", AdviceOnServiceConfig},
    {"health check", HealthCheck},
    {"health watch", HealthWatch},
    {"deadline of a watch", DeadlineOfAWatch},
    {"cancelled upload", CancelledUpload},
};

}  // namespace

int main()
{
    int rc = EXIT_SUCCESS;

    setenv("GRPC_VERBOSITY", "NONE", 0);    // failures are expected
    for (const auto &[name, test] : kTests) {
        const auto call = test;

        if (!Run(name, [&] { call(ConnectAs("employer"),
                                  ConnectAs("association")); }))
            rc = EXIT_FAILURE;
    }
    return rc;
}
