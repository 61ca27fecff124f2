// gRPC's interop cases for a client, in Go: grpc-go.
//
// Usage: interop CASE...
// The server and the certificates are told by the environment (see run.py).
// Prints a line a case; fails if one did not hold.  The cases are those of
// gRPC's doc/interop-test-descriptions.md.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"io/ioutil"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	pb "testingpb"
)

const (
	limit        = 30 * time.Second
	requestSize  = 271828
	responseSize = 314159

	initialKey    = "x-grpc-test-echo-initial"
	initialValue  = "test_initial_metadata_value"
	trailingKey   = "x-grpc-test-echo-trailing-bin"
	trailingValue = "\xab\xab\xab"
)

var (
	sent     = []int{27182, 8, 1828, 45904}
	returned = []int32{31415, 9, 2653, 58979}
)

// A failure is what a case panics with, so that run can tell it.
type failure string

func check(truth bool, format string, a ...interface{}) {
	if !truth {
		panic(failure(fmt.Sprintf(format, a...)))
	}
}

func isOK(err error) {
	check(err == nil, "%v", err)
}

func isEnd(err error) {
	check(err == io.EOF, "end of the stream: %v", err)
}

func hasCode(err error, code codes.Code) {
	check(status.Code(err) == code, "status: %v, not %v", err, code)
}

func read(variable string) []byte {
	data, err := ioutil.ReadFile(os.Getenv(variable))
	isOK(err)
	return data
}

func connect(options ...grpc.DialOption) *grpc.ClientConn {
	roots := x509.NewCertPool()
	check(roots.AppendCertsFromPEM(read("INTEROP_CA")), "no root")
	own, err := tls.X509KeyPair(read("INTEROP_CERT"), read("INTEROP_KEY"))
	isOK(err)
	config := &tls.Config{RootCAs: roots,
		Certificates: []tls.Certificate{own}}
	options = append(options,
		grpc.WithTransportCredentials(credentials.NewTLS(config)))
	connection, err := grpc.Dial("localhost:"+os.Getenv("INTEROP_PORT"),
		options...)
	isOK(err)
	return connection
}

// A client is what a case is run with.
type client struct {
	pb.TestServiceClient
	connection *grpc.ClientConn
	context    context.Context
}

func zeros(size int) *pb.Payload {
	return &pb.Payload{Body: make([]byte, size)}
}

func largeRequest() *pb.SimpleRequest {
	return &pb.SimpleRequest{ResponseSize: responseSize,
		Payload: zeros(requestSize)}
}

func outputRequest(size int32, sent int) *pb.StreamingOutputCallRequest {
	return &pb.StreamingOutputCallRequest{Payload: zeros(sent),
		ResponseParameters: []*pb.ResponseParameters{{Size: size}}}
}

func isPayload(payload *pb.Payload, size int32) {
	check(payload.GetType() == pb.PayloadType_COMPRESSABLE, "type: %v",
		payload.GetType())
	check(bytes.Equal(payload.GetBody(), make([]byte, size)),
		"payload: %d bytes, not %d zeros", len(payload.GetBody()), size)
}

func emptyUnary(c client) {
	response, err := c.EmptyCall(c.context, &pb.Empty{})
	isOK(err)
	check(response != nil && response.XXX_Size() == 0, "not empty: %v",
		response)
}

func largeUnary(c client) {
	response, err := c.UnaryCall(c.context, largeRequest())
	isOK(err)
	isPayload(response.Payload, responseSize)
}

func clientCompressedUnary(c client) {
	yes, no := largeRequest(), largeRequest()
	yes.ExpectCompressed = &pb.BoolValue{Value: true}
	no.ExpectCompressed = &pb.BoolValue{Value: false}

	_, err := c.UnaryCall(c.context, yes)
	hasCode(err, codes.InvalidArgument)
	response, err := c.UnaryCall(c.context, yes,
		grpc.UseCompressor(gzip.Name))
	isOK(err)
	isPayload(response.Payload, responseSize)
	response, err = c.UnaryCall(c.context, no)
	isOK(err)
	isPayload(response.Payload, responseSize)
}

// A sizes handler notes of each message that comes whether its size on the wire
// was that of what it holds.
type sizes struct {
	mutex      sync.Mutex
	compressed []bool
}

func (s *sizes) TagRPC(c context.Context, _ *stats.RPCTagInfo) context.Context {
	return c
}

func (s *sizes) TagConn(c context.Context, _ *stats.ConnTagInfo) context.Context {
	return c
}

func (s *sizes) HandleConn(context.Context, stats.ConnStats) {}

func (s *sizes) HandleRPC(_ context.Context, what stats.RPCStats) {
	if in, ok := what.(*stats.InPayload); ok {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.compressed = append(s.compressed, in.WireLength < in.Length)
	}
}

func (s *sizes) check(want ...bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	check(fmt.Sprint(s.compressed) == fmt.Sprint(want),
		"compressed: %v, not %v", s.compressed, want)
}

// grpc-go says that it accepts gzip where it sends gzip.
func serverCompressedUnary(c client) {
	seen := &sizes{}
	connection := connect(grpc.WithStatsHandler(seen))
	defer connection.Close()
	for _, compressed := range []bool{true, false} {
		request := largeRequest()
		request.ResponseCompressed = &pb.BoolValue{Value: compressed}
		response, err := pb.NewTestServiceClient(connection).UnaryCall(
			c.context, request, grpc.UseCompressor(gzip.Name))
		isOK(err)
		isPayload(response.Payload, responseSize)
	}
	seen.check(true, false)
}

func clientStreaming(c client) {
	stream, err := c.StreamingInputCall(c.context)
	isOK(err)
	for _, size := range sent {
		isOK(stream.Send(&pb.StreamingInputCallRequest{
			Payload: zeros(size)}))
	}
	response, err := stream.CloseAndRecv()
	isOK(err)
	check(response.AggregatedPayloadSize == 74922, "aggregated size: %d",
		response.AggregatedPayloadSize)
}

func inputRequest(size int, expect bool) *pb.StreamingInputCallRequest {
	return &pb.StreamingInputCallRequest{Payload: zeros(size),
		ExpectCompressed: &pb.BoolValue{Value: expect}}
}

// A stream compresses all its messages or none, but for a message that was
// encoded by another stream.
func clientCompressedStreaming(c client) {
	stream, err := c.StreamingInputCall(c.context)
	isOK(err)
	isOK(stream.Send(inputRequest(27182, true)))
	_, err = stream.CloseAndRecv()
	hasCode(err, codes.InvalidArgument)

	plain, err := c.StreamingInputCall(c.context)
	isOK(err)
	uncompressed := &grpc.PreparedMsg{}
	isOK(uncompressed.Encode(plain, inputRequest(45904, false)))
	_, err = plain.CloseAndRecv()
	isOK(err)

	stream, err = c.StreamingInputCall(c.context,
		grpc.UseCompressor(gzip.Name))
	isOK(err)
	isOK(stream.Send(inputRequest(27182, true)))
	isOK(stream.SendMsg(uncompressed))
	response, err := stream.CloseAndRecv()
	isOK(err)
	check(response.AggregatedPayloadSize == 73086, "aggregated size: %d",
		response.AggregatedPayloadSize)
}

func isOutput(stream pb.TestService_StreamingOutputCallClient,
	sizes ...int32) {
	for _, size := range sizes {
		response, err := stream.Recv()
		isOK(err)
		isPayload(response.Payload, size)
	}
	_, err := stream.Recv()
	isEnd(err)
}

func serverStreaming(c client) {
	request := &pb.StreamingOutputCallRequest{}
	for _, size := range returned {
		request.ResponseParameters = append(request.ResponseParameters,
			&pb.ResponseParameters{Size: size})
	}
	stream, err := c.StreamingOutputCall(c.context, request)
	isOK(err)
	isOutput(stream, returned...)
}

func serverCompressedStreaming(c client) {
	seen := &sizes{}
	connection := connect(grpc.WithStatsHandler(seen))
	defer connection.Close()
	stream, err := pb.NewTestServiceClient(connection).StreamingOutputCall(
		c.context, &pb.StreamingOutputCallRequest{
			ResponseParameters: []*pb.ResponseParameters{
				{Size: 31415, Compressed: &pb.BoolValue{Value: true}},
				{Size: 92653, Compressed: &pb.BoolValue{Value: false}},
			}}, grpc.UseCompressor(gzip.Name))
	isOK(err)
	isOutput(stream, 31415, 92653)
	seen.check(true, false)
}

func pingPong(c client) {
	stream, err := c.FullDuplexCall(c.context)
	isOK(err)
	for i, size := range returned {
		isOK(stream.Send(outputRequest(size, sent[i])))
		response, err := stream.Recv()
		isOK(err)
		isPayload(response.Payload, size)
	}
	isOK(stream.CloseSend())
	_, err = stream.Recv()
	isEnd(err)
}

func emptyStream(c client) {
	stream, err := c.FullDuplexCall(c.context)
	isOK(err)
	isOK(stream.CloseSend())
	_, err = stream.Recv()
	isEnd(err)
}

func isEchoed(initial, trailing metadata.MD) {
	for _, echo := range []struct {
		have       []string
		name, want string
	}{
		{initial.Get(initialKey), "initial", initialValue},
		{trailing.Get(trailingKey), "trailing", trailingValue},
	} {
		check(len(echo.have) == 1 && echo.have[0] == echo.want,
			"%s metadata: %q, not %q", echo.name, echo.have, echo.want)
	}
}

func customMetadata(c client) {
	var initial, trailing metadata.MD
	with := metadata.AppendToOutgoingContext(c.context,
		initialKey, initialValue, trailingKey, trailingValue)

	unary, err := c.UnaryCall(with, largeRequest(),
		grpc.Header(&initial), grpc.Trailer(&trailing))
	isOK(err)
	isPayload(unary.Payload, responseSize)
	isEchoed(initial, trailing)

	stream, err := c.FullDuplexCall(with)
	isOK(err)
	isOK(stream.Send(outputRequest(responseSize, requestSize)))
	isOK(stream.CloseSend())
	initial, err = stream.Header()
	isOK(err)
	response, err := stream.Recv()
	isOK(err)
	isPayload(response.Payload, responseSize)
	_, err = stream.Recv()
	isEnd(err)
	isEchoed(initial, stream.Trailer())
}

func isStatus(err error, message string) {
	hasCode(err, codes.Unknown)
	check(status.Convert(err).Message() == message, "message: %q, not %q",
		status.Convert(err).Message(), message)
}

func statusCodeAndMessage(c client) {
	want := &pb.EchoStatus{Code: 2, Message: "test status message"}

	_, err := c.UnaryCall(c.context, &pb.SimpleRequest{ResponseStatus: want})
	isStatus(err, want.Message)

	stream, err := c.FullDuplexCall(c.context)
	isOK(err)
	isOK(stream.Send(&pb.StreamingOutputCallRequest{ResponseStatus: want}))
	isOK(stream.CloseSend())
	_, err = stream.Recv()
	isStatus(err, want.Message)
}

func specialStatusMessage(c client) {
	want := &pb.EchoStatus{Code: 2, Message: "\t\ntest with whitespace" +
		"\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n"}

	_, err := c.UnaryCall(c.context, &pb.SimpleRequest{ResponseStatus: want})
	isStatus(err, want.Message)
}

func unimplementedMethod(c client) {
	_, err := c.UnimplementedCall(c.context, &pb.Empty{})
	hasCode(err, codes.Unimplemented)
}

func unimplementedService(c client) {
	_, err := pb.NewUnimplementedServiceClient(
		c.connection).UnimplementedCall(c.context, &pb.Empty{})
	hasCode(err, codes.Unimplemented)
}

func cancelAfterBegin(c client) {
	begun, cancel := context.WithCancel(c.context)
	defer cancel()
	stream, err := c.StreamingInputCall(begun)
	isOK(err)
	cancel()
	_, err = stream.CloseAndRecv()
	hasCode(err, codes.Canceled)
}

func cancelAfterFirstResponse(c client) {
	begun, cancel := context.WithCancel(c.context)
	defer cancel()
	stream, err := c.FullDuplexCall(begun)
	isOK(err)
	isOK(stream.Send(outputRequest(returned[0], sent[0])))
	response, err := stream.Recv()
	isOK(err)
	isPayload(response.Payload, returned[0])
	cancel()
	_, err = stream.Recv()
	hasCode(err, codes.Canceled)
}

func timeoutOnSleepingServer(c client) {
	short, cancel := context.WithTimeout(c.context, time.Millisecond)
	defer cancel()
	stream, err := c.FullDuplexCall(short)
	if err == nil {
		// It may be over by now, which Recv tells.
		_ = stream.Send(&pb.StreamingOutputCallRequest{
			Payload: zeros(sent[0])})
		_, err = stream.Recv()
	}
	hasCode(err, codes.DeadlineExceeded)
}

var cases = map[string]func(client){
	"empty_unary":                 emptyUnary,
	"large_unary":                 largeUnary,
	"client_compressed_unary":     clientCompressedUnary,
	"server_compressed_unary":     serverCompressedUnary,
	"client_streaming":            clientStreaming,
	"client_compressed_streaming": clientCompressedStreaming,
	"server_streaming":            serverStreaming,
	"server_compressed_streaming": serverCompressedStreaming,
	"ping_pong":                   pingPong,
	"empty_stream":                emptyStream,
	"custom_metadata":             customMetadata,
	"status_code_and_message":     statusCodeAndMessage,
	"special_status_message":      specialStatusMessage,
	"unimplemented_method":        unimplementedMethod,
	"unimplemented_service":       unimplementedService,
	"cancel_after_begin":          cancelAfterBegin,
	"cancel_after_first_response": cancelAfterFirstResponse,
	"timeout_on_sleeping_server":  timeoutOnSleepingServer,
}

// Run a case; afterwards, calls on the same connection must go on.
func run(name string) (result string) {
	defer func() {
		if what := recover(); what != nil {
			text, ok := what.(failure)
			if !ok {
				panic(what)
			}
			result = "FAILED: " + strings.Join(
				strings.Fields(string(text)), " ")
		}
	}()
	check(cases[name] != nil, "there is no such case")
	connection := connect()
	defer connection.Close()
	limited, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	c := client{pb.NewTestServiceClient(connection), connection, limited}
	cases[name](c)
	emptyUnary(c)
	return "ok"
}

func main() {
	failures := 0
	for _, name := range os.Args[1:] {
		result := run(name)
		if result != "ok" {
			failures++
		}
		fmt.Println("go", name, result)
	}
	if failures > 0 {
		os.Exit(1)
	}
}
