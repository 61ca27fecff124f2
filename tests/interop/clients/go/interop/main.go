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
	"io"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	. "client"
	pb "testingpb"
)

const (
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

func connect(options ...grpc.DialOption) *grpc.ClientConn {
	return Connect("127.0.0.1:"+os.Getenv("INTEROP_PORT"),
		os.Getenv("INTEROP_CA"), os.Getenv("INTEROP_CERT"),
		os.Getenv("INTEROP_KEY"), options...)
}

func isEnd(err error) {
	Check(err == io.EOF, "end of the stream: %v", err)
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
	Check(payload.GetType() == pb.PayloadType_COMPRESSABLE, "type: %v",
		payload.GetType())
	Check(bytes.Equal(payload.GetBody(), make([]byte, size)),
		"payload: %d bytes, not %d zeros", len(payload.GetBody()), size)
}

func emptyUnary(c client) {
	response, err := c.EmptyCall(c.context, &pb.Empty{})
	IsOK(err)
	Check(response != nil && response.XXX_Size() == 0, "not empty: %v",
		response)
}

func largeUnary(c client) {
	response, err := c.UnaryCall(c.context, largeRequest())
	IsOK(err)
	isPayload(response.Payload, responseSize)
}

func clientCompressedUnary(c client) {
	yes, no := largeRequest(), largeRequest()
	yes.ExpectCompressed = &pb.BoolValue{Value: true}
	no.ExpectCompressed = &pb.BoolValue{Value: false}

	_, err := c.UnaryCall(c.context, yes)
	HasCode(err, codes.InvalidArgument)
	response, err := c.UnaryCall(c.context, yes,
		grpc.UseCompressor(gzip.Name))
	IsOK(err)
	isPayload(response.Payload, responseSize)
	response, err = c.UnaryCall(c.context, no)
	IsOK(err)
	isPayload(response.Payload, responseSize)
}

// grpc-go says that it accepts gzip where it sends gzip.
func serverCompressedUnary(c client) {
	seen := &Sizes{}
	connection := connect(grpc.WithStatsHandler(seen))
	defer connection.Close()
	for _, compressed := range []bool{true, false} {
		request := largeRequest()
		request.ResponseCompressed = &pb.BoolValue{Value: compressed}
		response, err := pb.NewTestServiceClient(connection).UnaryCall(
			c.context, request, grpc.UseCompressor(gzip.Name))
		IsOK(err)
		isPayload(response.Payload, responseSize)
	}
	seen.Compressed(true, false)
}

func clientStreaming(c client) {
	stream, err := c.StreamingInputCall(c.context)
	IsOK(err)
	for _, size := range sent {
		IsOK(stream.Send(&pb.StreamingInputCallRequest{
			Payload: zeros(size)}))
	}
	response, err := stream.CloseAndRecv()
	IsOK(err)
	Check(response.AggregatedPayloadSize == 74922, "aggregated size: %d",
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
	IsOK(err)
	IsOK(stream.Send(inputRequest(27182, true)))
	_, err = stream.CloseAndRecv()
	HasCode(err, codes.InvalidArgument)

	plain, err := c.StreamingInputCall(c.context)
	IsOK(err)
	uncompressed := &grpc.PreparedMsg{}
	IsOK(uncompressed.Encode(plain, inputRequest(45904, false)))
	_, err = plain.CloseAndRecv()
	IsOK(err)

	stream, err = c.StreamingInputCall(c.context,
		grpc.UseCompressor(gzip.Name))
	IsOK(err)
	IsOK(stream.Send(inputRequest(27182, true)))
	IsOK(stream.SendMsg(uncompressed))
	response, err := stream.CloseAndRecv()
	IsOK(err)
	Check(response.AggregatedPayloadSize == 73086, "aggregated size: %d",
		response.AggregatedPayloadSize)
}

func isOutput(stream pb.TestService_StreamingOutputCallClient,
	sizes ...int32) {
	for _, size := range sizes {
		response, err := stream.Recv()
		IsOK(err)
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
	IsOK(err)
	isOutput(stream, returned...)
}

func serverCompressedStreaming(c client) {
	seen := &Sizes{}
	connection := connect(grpc.WithStatsHandler(seen))
	defer connection.Close()
	stream, err := pb.NewTestServiceClient(connection).StreamingOutputCall(
		c.context, &pb.StreamingOutputCallRequest{
			ResponseParameters: []*pb.ResponseParameters{
				{Size: 31415, Compressed: &pb.BoolValue{Value: true}},
				{Size: 92653, Compressed: &pb.BoolValue{Value: false}},
			}}, grpc.UseCompressor(gzip.Name))
	IsOK(err)
	isOutput(stream, 31415, 92653)
	seen.Compressed(true, false)
}

func pingPong(c client) {
	stream, err := c.FullDuplexCall(c.context)
	IsOK(err)
	for i, size := range returned {
		IsOK(stream.Send(outputRequest(size, sent[i])))
		response, err := stream.Recv()
		IsOK(err)
		isPayload(response.Payload, size)
	}
	IsOK(stream.CloseSend())
	_, err = stream.Recv()
	isEnd(err)
}

func emptyStream(c client) {
	stream, err := c.FullDuplexCall(c.context)
	IsOK(err)
	IsOK(stream.CloseSend())
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
		Check(len(echo.have) == 1 && echo.have[0] == echo.want,
			"%s metadata: %q, not %q", echo.name, echo.have, echo.want)
	}
}

func customMetadata(c client) {
	var initial, trailing metadata.MD
	with := metadata.AppendToOutgoingContext(c.context,
		initialKey, initialValue, trailingKey, trailingValue)

	unary, err := c.UnaryCall(with, largeRequest(),
		grpc.Header(&initial), grpc.Trailer(&trailing))
	IsOK(err)
	isPayload(unary.Payload, responseSize)
	isEchoed(initial, trailing)

	stream, err := c.FullDuplexCall(with)
	IsOK(err)
	IsOK(stream.Send(outputRequest(responseSize, requestSize)))
	IsOK(stream.CloseSend())
	initial, err = stream.Header()
	IsOK(err)
	response, err := stream.Recv()
	IsOK(err)
	isPayload(response.Payload, responseSize)
	_, err = stream.Recv()
	isEnd(err)
	isEchoed(initial, stream.Trailer())
}

func isStatus(err error, message string) {
	HasCode(err, codes.Unknown)
	Check(status.Convert(err).Message() == message, "message: %q, not %q",
		status.Convert(err).Message(), message)
}

func statusCodeAndMessage(c client) {
	want := &pb.EchoStatus{Code: 2, Message: "test status message"}

	_, err := c.UnaryCall(c.context, &pb.SimpleRequest{ResponseStatus: want})
	isStatus(err, want.Message)

	stream, err := c.FullDuplexCall(c.context)
	IsOK(err)
	IsOK(stream.Send(&pb.StreamingOutputCallRequest{ResponseStatus: want}))
	IsOK(stream.CloseSend())
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
	HasCode(err, codes.Unimplemented)
}

func unimplementedService(c client) {
	_, err := pb.NewUnimplementedServiceClient(
		c.connection).UnimplementedCall(c.context, &pb.Empty{})
	HasCode(err, codes.Unimplemented)
}

func cancelAfterBegin(c client) {
	begun, cancel := context.WithCancel(c.context)
	defer cancel()
	stream, err := c.StreamingInputCall(begun)
	IsOK(err)
	cancel()
	_, err = stream.CloseAndRecv()
	HasCode(err, codes.Canceled)
}

func cancelAfterFirstResponse(c client) {
	begun, cancel := context.WithCancel(c.context)
	defer cancel()
	stream, err := c.FullDuplexCall(begun)
	IsOK(err)
	IsOK(stream.Send(outputRequest(returned[0], sent[0])))
	response, err := stream.Recv()
	IsOK(err)
	isPayload(response.Payload, returned[0])
	cancel()
	_, err = stream.Recv()
	HasCode(err, codes.Canceled)
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
	HasCode(err, codes.DeadlineExceeded)
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

// A case on a connection that calls come and go on, before it (so that a
// deadline or a cancel finds the server at work, not a handshake) and after it.
func runCase(name string, limited context.Context) {
	Check(cases[name] != nil, "there is no such case")
	connection := connect()
	defer connection.Close()
	c := client{pb.NewTestServiceClient(connection), connection, limited}
	emptyUnary(c)
	cases[name](c)
	emptyUnary(c)
}

func main() {
	failures := 0
	for _, name := range os.Args[1:] {
		if !Run(name, func(c context.Context) { runCase(name, c) }) {
			failures++
		}
	}
	if failures > 0 {
		os.Exit(1)
	}
}
