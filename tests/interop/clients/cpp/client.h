// What the clients of this folder share.
#ifndef CLIENT_H
#define CLIENT_H

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>

#include <grpcpp/grpcpp.h>

constexpr std::chrono::milliseconds kLimit{30000};

using Channel = std::shared_ptr<grpc::Channel>;

struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline void Check(bool truth, const std::string &text)
{
    if (!truth)
        throw Failure(text);
}

template <typename A, typename B>
void Same(const A &have, const B &want, const char *what)
{
    std::ostringstream text;

    text << what << ": " << have << ", not " << want;
    Check(have == want, text.str());
}

inline void Ended(const grpc::Status &status, grpc::StatusCode code)
{
    std::ostringstream text;

    text << "status: " << status.error_code() << " ("
         << status.error_message() << "), not " << code;
    Check(status.error_code() == code, text.str());
}

inline std::string Variable(const char *name)
{
    const char *value = getenv(name);

    Check(value != nullptr, std::string("there is no ") + name);
    return value;
}

inline std::string Read(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;

    text << file.rdbuf();
    Check(file.good(), "cannot read " + path);
    return text.str();
}

// With those roots, key and certificate, in PEM, and a connection of its own.
inline Channel Connect(const std::string &address, const std::string &roots,
                       const std::string &key, const std::string &certificate,
                       grpc::ChannelArguments arguments = {})
{
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(address,
        grpc::SslCredentials({roots, key, certificate}), arguments);
}

// A context whose call ends within that.
struct Context : grpc::ClientContext {
    explicit Context(std::chrono::milliseconds limit = kLimit)
    {
        set_deadline(std::chrono::system_clock::now() + limit);
    }
};

// Run a test, print a line, and return whether it passed.
inline bool Run(const std::string &name, const std::function<void()> &test)
{
    std::string result = "ok";

    try {
        test();
    } catch (const std::exception &failure) {
        result = std::string("FAILED: ") + failure.what();
        std::replace(result.begin(), result.end(), '\n', ' ');
    }
    printf("cpp %s %s\n", name.c_str(), result.c_str());
    fflush(stdout);
    return result == "ok";
}

#endif  // CLIENT_H
