// Ask in C++, with libgrpc++ and libprotobuf.
//
// Usage: receipt FOLDER
// Of each N.request in FOLDER the response goes to N.sent in the bytes that
// came, and to N.again as protobuf serializes it again.  Where the daemon is,
// and the folder of the certificates, is told by the environment (see
// with_vouchd.py).  It is built twice: with the .proto files as they are, and
// as they were years ago.

#include <filesystem>
#include <fstream>
#include <vector>

#include <grpcpp/generic/generic_stub.h>

#include "client.h"
#include "vouch/v1/verification_service.grpc.pb.h"

namespace {

using vouch::v1::VerifyCredentialResponse;

constexpr char kMethod[] = "/vouch.v1.VerificationService/VerifyCredential";

std::string Bytes(const grpc::ByteBuffer &buffer)
{
    std::vector<grpc::Slice> slices;
    std::string bytes;

    Check(buffer.Dump(&slices).ok(), "there are no bytes");
    for (const grpc::Slice &slice : slices)
        bytes.append(reinterpret_cast<const char *>(slice.begin()),
                     slice.size());
    return bytes;
}

grpc::ByteBuffer Ask(grpc::GenericStub &stub, const std::string &request)
{
    const grpc::Slice slice(request);
    const grpc::ByteBuffer out(&slice, 1);
    grpc::ByteBuffer in;
    grpc::CompletionQueue queue;
    grpc::Status status;
    Context context;
    bool ok = false;
    void *tag = nullptr;
    auto call = stub.PrepareUnaryCall(&context, kMethod, out, &queue);

    call->StartCall();
    call->Finish(&in, &status, &status);
    Check(queue.Next(&tag, &ok) && ok, "the call did not end");
    Ended(status, grpc::StatusCode::OK);
    return in;
}

void Write(const std::filesystem::path &path, const std::string &bytes)
{
    std::ofstream file(path, std::ios::binary);

    file << bytes;
    file.close();
    Check(file.good(), "cannot write " + path.string());
}

void AskAll(const std::string &folder)
{
    const std::string base = Variable("VOUCH_CERTS") + "/";
    grpc::GenericStub stub(Connect(Variable("VOUCH_ADDRESS"),
        Read(base + "root.pem"), Read(base + "employer.key"),
        Read(base + "employer.pem")));

    for (const auto &entry : std::filesystem::directory_iterator(folder)) {
        std::filesystem::path path = entry.path();

        if (path.extension() != ".request")
            continue;
        grpc::ByteBuffer came = Ask(stub, Read(path.string()));
        VerifyCredentialResponse response;

        Write(path.replace_extension(".sent"), Bytes(came));
        // As a generated stub does it.
        Check(grpc::SerializationTraits<VerifyCredentialResponse>::Deserialize(
            &came, &response).ok(), "that is no response");
        Write(path.replace_extension(".again"), response.SerializeAsString());
    }
}

}  // namespace

int main(int argc, char **argv)
{
    return argc == 2 && Run("receipt", [argv] { AskAll(argv[1]); }) ? 0 : 1;
}
