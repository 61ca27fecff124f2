// Ask in Go, with grpc-go and golang/protobuf.
//
// Usage: receipt FOLDER
// Of each N.request in FOLDER the response goes to N.sent in the bytes that
// came, and to N.again as protobuf serializes it again.  Where the daemon is,
// and the folder of the certificates, is told by the environment (see
// with_vouchd.py).  It is built twice: with the .proto files as they are, and
// as they were years ago.
package main

import (
	"context"
	"io/ioutil"
	"os"
	"path/filepath"
	"strings"

	"github.com/golang/protobuf/proto"
	"google.golang.org/grpc"

	. "client"
	pb "vouchpb"
)

const method = "/vouch.v1.VerificationService/VerifyCredential"

// A codec of bytes, as they are on the wire.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(message interface{}) ([]byte, error) {
	return *message.(*[]byte), nil
}

func (raw) Unmarshal(data []byte, message interface{}) error {
	*message.(*[]byte) = append([]byte(nil), data...)
	return nil
}

func certificate(name string) string {
	return filepath.Join(os.Getenv("VOUCH_CERTS"), name)
}

func ask(c context.Context, connection *grpc.ClientConn, base string) {
	request, err := ioutil.ReadFile(base + ".request")
	IsOK(err)
	var sent []byte
	IsOK(connection.Invoke(c, method, &request, &sent,
		grpc.ForceCodec(raw{})))
	IsOK(ioutil.WriteFile(base+".sent", sent, 0600))
	response := &pb.VerifyCredentialResponse{}
	IsOK(proto.Unmarshal(sent, response))
	again, err := proto.Marshal(response)
	IsOK(err)
	IsOK(ioutil.WriteFile(base+".again", again, 0600))
}

func main() {
	if !Run("receipt", func(c context.Context) {
		connection := Connect(os.Getenv("VOUCH_ADDRESS"),
			certificate("root.pem"), certificate("employer.pem"),
			certificate("employer.key"))
		defer connection.Close()
		paths, err := filepath.Glob(filepath.Join(os.Args[1], "*.request"))
		IsOK(err)
		for _, path := range paths {
			ask(c, connection, strings.TrimSuffix(path, ".request"))
		}
	}) {
		os.Exit(1)
	}
}
