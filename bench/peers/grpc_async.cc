// What somebody would write instead of Vouch: VerificationService on gRPC C++
// with asynchronous completion queues, mutual TLS, and SQLite.
//
//   grpc_async fill N DB
//       make DB, of N generated records
//   grpc_async ready|made DB PORT THREADS CERT KEY CA MISS ANSWER...
//       serve on loopback; MISS and each ANSWER are files of one
//       VerifyCredentialResponse each, as JSON, as `vouch verify -o json`
//       prints it: what is answered to a claim that nothing matches, and to
//       one about the credential type that ANSWER names
//
// It is generous to itself: one lookup by primary key and two comparisons.  It
// normalizes, folds, judges and limits nothing.  `made`: each call makes its
// Answer of what stands in memory, as every server has to whose answers differ,
// and is logged by one line.  `ready`: there is no log, and an Answer was made
// when it started, of which only the time is set.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>
#include <sqlite3.h>

#include "bench/records/record.h"
#include "vouch/v1/verification_service.grpc.pb.h"

namespace {

using vouch::v1::VerificationService;
using vouch::v1::VerifyCredentialRequest;
using vouch::v1::VerifyCredentialResponse;

// Calls that each queue waits for at a time.
constexpr int kWaiting = 512;

constexpr char kAsker[] = "spiffe://dev.vouch.invalid/employer/dev-employer";

[[noreturn]] void Fatal(const std::string &what)
{
    fprintf(stderr, "grpc_async: %s\n", what.c_str());
    exit(1);
}

std::string ReadFile(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;

    text << file.rdbuf();
    if (!file || text.str().empty())
        Fatal("cannot read " + path);
    return text.str();
}

void Check(sqlite3 *db, int rc)
{
    if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
        Fatal(sqlite3_errmsg(db));
}

int Fill(unsigned long n, const char *path)
{
    sqlite3 *db;
    sqlite3_stmt *insert;

    if (n == 0 || n > RECORD_MOST)
        Fatal("how many records?");
    remove(path);
    Check(nullptr, sqlite3_open(path, &db));
    Check(db, sqlite3_exec(db, "PRAGMA journal_mode = WAL;"
        "CREATE TABLE credential (association TEXT, number TEXT, type TEXT,"
        " family TEXT, birth_year INT, status TEXT, issued_on TEXT,"
        " expires_on TEXT, PRIMARY KEY (association, number, type))"
        " WITHOUT ROWID; BEGIN", nullptr, nullptr, nullptr));
    Check(db, sqlite3_prepare_v2(db, "INSERT INTO credential VALUES"
        " (?, ?, ?, ?, ?, 'ACTIVE', '2019-02-04', '2098-12-31')", -1, &insert,
        nullptr));
    for (uint32_t i = 0; i < n; i++) {
        record r;

        record_make(i, &r);
        sqlite3_bind_text(insert, 1, RECORD_ASSOCIATION, -1, SQLITE_STATIC);
        sqlite3_bind_text(insert, 2, r.number, -1, SQLITE_STATIC);
        sqlite3_bind_text(insert, 3, r.type, -1, SQLITE_STATIC);
        sqlite3_bind_text(insert, 4, r.family, -1, SQLITE_STATIC);
        sqlite3_bind_int(insert, 5, r.birth_year);
        Check(db, sqlite3_step(insert));
        Check(db, sqlite3_reset(insert));
    }
    sqlite3_finalize(insert);
    Check(db, sqlite3_exec(db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)",
        nullptr, nullptr, nullptr));
    return sqlite3_close(db) == SQLITE_OK ? 0 : 1;
}

// The register, by one thread.
class Register {
public:
    explicit Register(const char *path)
    {
        Check(nullptr, sqlite3_open_v2(path, &db_,
            SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr));
        Check(db_, sqlite3_exec(db_, "PRAGMA mmap_size = 1099511627776",
            nullptr, nullptr, nullptr));
        Check(db_, sqlite3_prepare_v2(db_, "SELECT family, birth_year, status,"
            " issued_on, expires_on FROM credential WHERE association = ?"
            " AND number = ? AND type = ?", -1, &select_, nullptr));
    }

    // One statement is one transaction.
    bool Holds(const vouch::v1::Claim &claim)
    {
        bool found = false;

        Bind(1, claim.association_id());
        Bind(2, claim.number());
        Bind(3, claim.credential_type_id());
        if (sqlite3_step(select_) == SQLITE_ROW)
            found = claim.name().family() == reinterpret_cast<const char *>(
                sqlite3_column_text(select_, 0)) &&
                claim.birth_date().year() == sqlite3_column_int(select_, 1);
        Check(db_, sqlite3_reset(select_));
        return found;
    }

private:
    void Bind(int at, const std::string &text)
    {
        sqlite3_bind_text(select_, at, text.data(),
            static_cast<int>(text.size()), SQLITE_STATIC);
    }

    sqlite3 *db_ = nullptr;
    sqlite3_stmt *select_ = nullptr;
};

struct Answers {
    VerifyCredentialResponse miss;
    std::map<std::string, VerifyCredentialResponse> by_type;
};

// What one thread has.
struct Worker {
    Worker(const char *db, const Answers &all, bool ready) : reg(db),
        answers(all), ready(ready) {}

    Register reg;
    Answers answers;
    bool ready;
    std::unique_ptr<grpc::ServerCompletionQueue> queue;
    VerificationService::AsyncService *service = nullptr;
};

class Call {
public:
    explicit Call(Worker *worker) : worker_(worker), responder_(&context_)
    {
        worker->service->RequestVerifyCredential(&context_, &request_,
            &responder_, worker->queue.get(), worker->queue.get(), this);
    }

    void Proceed()
    {
        if (finished_) {
            delete this;
            return;
        }
        new Call(worker_);
        finished_ = true;
        // Finish() serializes at once: the answer is free again.
        if (worker_->ready) {
            VerifyCredentialResponse &response = Find();

            Complete(&response);
            responder_.Finish(response, grpc::Status::OK, this);
        } else {
            int64_t begun = Now();
            VerifyCredentialResponse response(Find());

            Complete(&response);
            responder_.Finish(response, grpc::Status::OK, this);
            Log(begun, response.ByteSizeLong());
        }
    }

private:
    static int64_t Now()
    {
        auto now = std::chrono::system_clock::now().time_since_epoch();

        return std::chrono::duration_cast<std::chrono::microseconds>(now)
            .count();
    }

    VerifyCredentialResponse &Find()
    {
        const vouch::v1::Claim &claim = request_.claim();
        auto known = worker_->answers.by_type.find(claim.credential_type_id());
        bool hit = worker_->reg.Holds(claim);

        return hit && known != worker_->answers.by_type.end() ?
            known->second : worker_->answers.miss;
    }

    void Complete(VerifyCredentialResponse *response)
    {
        response->mutable_answer()->set_answered_at_us(Now());
        *response->mutable_question()->mutable_claim() = request_.claim();
        response->mutable_question()->set_asker(kAsker);
        response->mutable_question()->set_request_id(request_.request_id());
    }

    // Standard output is a file, and has a buffer.
    void Log(int64_t begun, size_t out)
    {
        printf("ts=%lld.%06lld level=info event=call method=VerifyCredential "
            "peer=%s code=OK dur_us=%lld out=%zu\n",
            static_cast<long long>(begun / 1000000),
            static_cast<long long>(begun % 1000000), kAsker,
            static_cast<long long>(Now() - begun), out);
    }

    Worker *worker_;
    grpc::ServerContext context_;
    VerifyCredentialRequest request_;
    grpc::ServerAsyncResponseWriter<VerifyCredentialResponse> responder_;
    bool finished_ = false;
};

void Run(Worker *worker)
{
    void *tag;
    bool ok;

    for (int i = 0; i < kWaiting; i++)
        new Call(worker);
    while (worker->queue->Next(&tag, &ok))
        if (ok)
            static_cast<Call *>(tag)->Proceed();
        else
            delete static_cast<Call *>(tag);
}

VerifyCredentialResponse ReadAnswer(const char *path)
{
    VerifyCredentialResponse response;
    auto status = google::protobuf::util::JsonStringToMessage(ReadFile(path),
        &response);

    if (!status.ok())
        Fatal(std::string(path) + ": " + std::string(status.message()));
    return response;
}

int Serve(int argc, char *argv[], bool ready)
{
    VerificationService::AsyncService service;
    std::vector<std::unique_ptr<Worker>> workers;
    std::vector<std::thread> threads;
    grpc::SslServerCredentialsOptions tls(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    grpc::ServerBuilder builder;
    Answers answers;
    int n = atoi(argv[2]), port = 0;

    if (n < 1 || n > 64)
        Fatal("how many threads?");
    tls.pem_key_cert_pairs.push_back({ReadFile(argv[4]), ReadFile(argv[3])});
    tls.pem_root_certs = ReadFile(argv[5]);
    answers.miss = ReadAnswer(argv[6]);
    for (int i = 7; i < argc; i++) {
        VerifyCredentialResponse response = ReadAnswer(argv[i]);

        answers.by_type[response.answer().credential_type_id()] = response;
    }
    builder.AddListeningPort(std::string("127.0.0.1:") + argv[1],
        grpc::SslServerCredentials(tls), &port);
    builder.RegisterService(&service);
    for (int i = 0; i < n; i++) {
        workers.push_back(std::make_unique<Worker>(argv[0], answers,
            ready));
        workers.back()->service = &service;
        workers.back()->queue = builder.AddCompletionQueue();
    }
    std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (server == nullptr)
        Fatal("cannot listen");
    printf("%d\nready\n", port);
    fflush(stdout);
    for (auto &worker : workers)
        threads.emplace_back(Run, worker.get());
    for (auto &thread : threads)
        thread.join();
    return 0;
}

}  // namespace

int main(int argc, char *argv[])
{
    if (argc == 4 && std::string(argv[1]) == "fill")
        return Fill(strtoul(argv[2], nullptr, 10), argv[3]);
    if (argc >= 10 && std::string(argv[1]) == "ready")
        return Serve(argc - 2, argv + 2, true);
    if (argc >= 10 && std::string(argv[1]) == "made")
        return Serve(argc - 2, argv + 2, false);
    fprintf(stderr, "usage: grpc_async fill N DB\n"
        "       grpc_async ready|made DB PORT THREADS CERT KEY CA MISS "
        "ANSWER...\n");
    return 2;
}
