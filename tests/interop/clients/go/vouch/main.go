// vouchd as a client in Go sees it: grpc-go, as Debian ships it.
//
// Usage: vouch
// Where the daemon is, and the folder of the certificates, is told by the
// environment (see with_vouchd.py).  Prints a line a test; fails if one did.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"io/ioutil"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	_ "google.golang.org/grpc/health" // asks for the health of a service
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	reflection "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"

	. "client"
	pb "vouchpb"
)

const (
	association = "ascp-boc"
	kind        = "ascp-pbt"
)

func path(name string) string {
	return filepath.Join(os.Getenv("VOUCH_CERTS"), name)
}

// connect with the certificate of that name, or none.
func connect(name string, options ...grpc.DialOption) *grpc.ClientConn {
	certificate, key := "", ""
	if name != "" {
		certificate, key = path(name+".pem"), path(name+".key")
	}
	return Connect(os.Getenv("VOUCH_ADDRESS"), path("root.pem"),
		certificate, key, options...)
}

// Those who ask, and what they have to ask within.
type clients struct {
	employer, association *grpc.ClientConn
	context               context.Context
}

func uuid() string {
	var b [16]byte
	_, err := rand.Read(b[:])
	IsOK(err)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10],
		b[10:])
}

func ask(number, family string) *pb.VerifyCredentialRequest {
	return &pb.VerifyCredentialRequest{RequestId: uuid(), Claim: &pb.Claim{
		AssociationId: association, CredentialTypeId: kind,
		Number: number, Name: &pb.HumanName{Family: family},
		BirthDate: &pb.Date{Year: 1981}}}
}

func verify(c context.Context, connection *grpc.ClientConn,
	request *pb.VerifyCredentialRequest,
	options ...grpc.CallOption) (*pb.VerifyCredentialResponse, error) {
	return pb.NewVerificationServiceClient(connection).VerifyCredential(
		c, request, options...)
}

func isConfirmed(request *pb.VerifyCredentialRequest,
	response *pb.VerifyCredentialResponse) {
	Same(response.Answer.Verdict, pb.Verdict_VERDICT_CONFIRMED, "verdict")
	Same(response.Answer.Conclusion, pb.Conclusion_CONCLUSION_YES,
		"conclusion")
	Same(response.Question.RequestId, request.RequestId, "id")
	Same(response.Question.Claim.Number, request.Claim.Number, "number")
	Same(response.Question.Asker,
		"spiffe://dev.vouch.invalid/employer/dev-employer", "asker")
}

// rows of the lines from + 2 to to + 1, whose numbers begin with that prefix.
func rows(prefix string, from, to int) *pb.PublishCredentialsRequest {
	request := &pb.PublishCredentialsRequest{}
	for i := from; i < to; i++ {
		request.Rows = append(request.Rows, &pb.CredentialRow{
			Line: int64(i + 2), CredentialTypeId: kind,
			Number:    prefix + strconv.Itoa(i),
			Name:      &pb.HumanName{Family: "Interop", Given: "Pat"},
			BirthDate: &pb.Date{Year: 1981},
			IssuedOn:  &pb.Date{Year: 2020, Month: 1, Day: 2},
			RawStatus: "ACTIVE"})
	}
	return request
}

func header(id string) *pb.PublishCredentialsRequest {
	return &pb.PublishCredentialsRequest{Header: &pb.PublicationHeader{
		RequestId: id, AssociationId: association,
		Mode: pb.PublicationMode_PUBLICATION_MODE_DELTA}}
}

// publish those messages, and return all that is answered.  Messages go out
// while answers come in, as both sides of such a call may.
func publish(c context.Context, connection *grpc.ClientConn,
	messages []*pb.PublishCredentialsRequest, options ...grpc.CallOption) (
	responses []*pb.PublishCredentialsResponse, err error) {
	stream, err := pb.NewPublishingServiceClient(
		connection).PublishCredentials(c, options...)
	IsOK(err)
	go func() {
		for _, message := range messages {
			if stream.Send(message) != nil {
				return // Recv tells why
			}
		}
		_ = stream.CloseSend()
	}()
	for {
		response, err := stream.Recv()
		if err == io.EOF {
			return responses, nil
		}
		if err != nil {
			return responses, err
		}
		responses = append(responses, response)
	}
}

// isPublished holds what an upload of rows(..., 0, count) was answered against
// what it must have been.
func isPublished(responses []*pb.PublishCredentialsResponse, count int) {
	accepted := map[int64]int{}
	for i, response := range responses {
		Same(len(response.Rejects), 0, "rejects")
		Same(response.Summary != nil, i == len(responses)-1, "summary")
		for _, lines := range response.Accepted {
			for line := lines.First; line <= lines.Last; line++ {
				accepted[line]++
			}
		}
	}
	Same(len(accepted), count, "lines accepted")
	for line, times := range accepted {
		Check(times == 1 && line >= 2 && line < int64(count)+2,
			"line %d is accepted %d times", line, times)
	}
	Same(responses[len(responses)-1].Summary.NewCount, int64(count), "new")
}

func publishAndVerify(c clients) {
	request := ask("UNARY-7", "Interop")
	responses, err := publish(c.context, c.association,
		[]*pb.PublishCredentialsRequest{header(uuid()), rows("UNARY-", 0, 300)})
	IsOK(err)
	isPublished(responses, 300)

	response, err := verify(c.context, c.employer, request)
	IsOK(err)
	isConfirmed(request, response)

	response, err = verify(c.context, c.employer, ask("UNARY-7", "Other"))
	IsOK(err)
	Same(response.Answer.Verdict, pb.Verdict_VERDICT_NO_MATCH, "verdict")
	Check(response.Answer.Status == nil, "a status without a match")
}

// Many at a time, on one connection.
func concurrentCalls(c clients) {
	var group sync.WaitGroup
	failures := make(chan interface{}, 200)

	for i := 0; i < 200; i++ {
		group.Add(1)
		go func(number string) {
			defer group.Done()
			defer func() {
				if what := recover(); what != nil {
					failures <- what
				}
			}()
			request := ask(number, "Interop")
			response, err := verify(c.context, c.employer, request)
			IsOK(err)
			isConfirmed(request, response)
		}("UNARY-" + strconv.Itoa(i))
	}
	group.Wait()
	select {
	case what := <-failures:
		panic(what)
	default:
	}
}

// An answer to each batch while the upload lasts.
func answersWhileSending(c clients) {
	stream, err := pb.NewPublishingServiceClient(
		c.association).PublishCredentials(c.context)
	IsOK(err)
	IsOK(stream.Send(header(uuid())))
	for line := int64(2); line < 12; line++ {
		batch := rows("DUPLEX-"+strconv.FormatInt(line, 10), 0, 1)
		batch.Rows[0].Line = line
		IsOK(stream.Send(batch))
		response, err := stream.Recv()
		IsOK(err)
		Same(len(response.Accepted), 1, "ranges")
		Same(response.Accepted[0].First, line, "first")
		Same(response.Accepted[0].Last, line, "last")
	}
	IsOK(stream.CloseSend())
	response, err := stream.Recv()
	IsOK(err)
	Same(response.Summary.NewCount, int64(10), "new")
	_, err = stream.Recv()
	Check(err == io.EOF, "end of the upload: %v", err)
}

func compressedRequests(c clients) {
	request := ask("GZIP-1999", "Interop")
	gzipped := grpc.UseCompressor(gzip.Name)
	messages := []*pb.PublishCredentialsRequest{header(uuid())}
	for i := 0; i < 2000; i += 500 {
		messages = append(messages, rows("GZIP-", i, i+500))
	}
	responses, err := publish(c.context, c.association, messages, gzipped)
	IsOK(err)
	isPublished(responses, 2000)
	response, err := verify(c.context, c.employer, request, gzipped)
	IsOK(err)
	isConfirmed(request, response)

	// A message that is small only as long as it is compressed.
	_, err = publish(c.context, c.association,
		[]*pb.PublishCredentialsRequest{header(uuid()),
			rows("LARGE-", 0, 5000)}, gzipped)
	HasCode(err, codes.ResourceExhausted)
}

// What everybody may read comes compressed.  An answer about a person never
// does: the length would tell of what is in it beside the asker's own words.
func compressedAnswers(c clients) {
	seen := &Sizes{}
	connection := connect("employer", grpc.WithStatsHandler(seen))
	defer connection.Close()
	gzipped := grpc.UseCompressor(gzip.Name)
	list, err := pb.NewCatalogServiceClient(connection).ListAssociations(
		c.context, &pb.ListAssociationsRequest{}, gzipped)
	IsOK(err)
	Check(len(list.Associations) > 10, "associations: %v", list)

	request := ask("UNARY-7", "Interop")
	response, err := verify(c.context, connection, request, gzipped)
	IsOK(err)
	isConfirmed(request, response)
	seen.Compressed(true, false)
}

func cancelledUpload(c clients) {
	begun, cancel := context.WithCancel(c.context)
	defer cancel()
	id := uuid()
	service := pb.NewPublishingServiceClient(c.association)
	stream, err := service.PublishCredentials(begun)
	IsOK(err)
	IsOK(stream.Send(header(id)))
	IsOK(stream.Send(rows("GONE-", 0, 100)))
	_, err = stream.Recv()
	IsOK(err)
	cancel()
	for err == nil {
		_, err = stream.Recv()
	}
	HasCode(err, codes.Canceled)
	_, err = service.GetPublication(c.context,
		&pb.GetPublicationRequest{RequestId: id})
	HasCode(err, codes.NotFound)
}

func errorDetails(c clients) {
	request := ask("UNARY-7", "Interop")
	request.Claim.BirthDate = nil
	_, err := verify(c.context, c.employer, request)
	HasCode(err, codes.InvalidArgument)
	var info *errdetails.ErrorInfo
	var bad *errdetails.BadRequest
	for _, detail := range status.Convert(err).Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			info = d
		case *errdetails.BadRequest:
			bad = d
		}
	}
	Check(info != nil && info.Reason != "", "no reason")
	Check(bad != nil && len(bad.FieldViolations) == 1, "fields: %v", bad)
	Same(bad.FieldViolations[0].Field, "claim.birth_date", "field")
}

func rolesAndCertificates(c clients) {
	_, err := publish(c.context, c.employer,
		[]*pb.PublishCredentialsRequest{header(uuid()), rows("ROLE-", 0, 2)})
	HasCode(err, codes.PermissionDenied)
	_, err = verify(c.context, c.association, ask("UNARY-7", "Interop"))
	HasCode(err, codes.PermissionDenied)
	nobody := connect("")
	defer nobody.Close()
	_, err = verify(c.context, nobody, ask("UNARY-7", "Interop"))
	HasCode(err, codes.Unavailable)
}

func healthCheck(c clients) {
	client := health.NewHealthClient(c.employer)
	for _, service := range []string{"", "vouch.v1.VerificationService",
		"vouch.v1.PublishingService"} {
		response, err := client.Check(c.context,
			&health.HealthCheckRequest{Service: service})
		IsOK(err)
		Same(response.Status, health.HealthCheckResponse_SERVING, service)
	}
	_, err := client.Check(c.context,
		&health.HealthCheckRequest{Service: "no.such.Service"})
	HasCode(err, codes.NotFound)
}

func healthWatch(c clients) {
	client := health.NewHealthClient(c.employer)
	for service, want := range map[string]health.HealthCheckResponse_ServingStatus{
		"":                health.HealthCheckResponse_SERVING,
		"no.such.Service": health.HealthCheckResponse_SERVICE_UNKNOWN,
	} {
		watching, cancel := context.WithCancel(c.context)
		watch, err := client.Watch(watching,
			&health.HealthCheckRequest{Service: service})
		IsOK(err)
		response, err := watch.Recv()
		IsOK(err)
		Same(response.Status, want, "health")
		cancel()
		_, err = watch.Recv()
		HasCode(err, codes.Canceled)
	}

	begun := time.Now()
	short, cancel := context.WithTimeout(c.context, 300*time.Millisecond)
	defer cancel()
	watch, err := client.Watch(short, &health.HealthCheckRequest{})
	IsOK(err)
	_, err = watch.Recv()
	IsOK(err)
	_, err = watch.Recv()
	HasCode(err, codes.DeadlineExceeded)
	Check(time.Since(begun) < 10*time.Second, "too late")
}

// A connection that round_robin uses once the service's watch says SERVING,
// and one that it never uses, of a service that there is not.
func healthOfABalancer(c clients) {
	config := func(service string) grpc.DialOption {
		return grpc.WithDefaultServiceConfig(`{
			"loadBalancingConfig": [{"round_robin": {}}],
			"healthCheckConfig": {"serviceName": "` + service + `"}}`)
	}
	served := connect("employer", config("vouch.v1.VerificationService"))
	defer served.Close()
	request := ask("UNARY-7", "Interop")
	response, err := verify(c.context, served, request)
	IsOK(err)
	isConfirmed(request, response)

	unserved := connect("employer", config("no.such.Service"))
	defer unserved.Close()
	_, err = verify(c.context, unserved, ask("UNARY-7", "Interop"))
	HasCode(err, codes.Unavailable)
}

func adviceOnServiceConfig(c clients) {
	config, err := ioutil.ReadFile(os.Getenv("VOUCH_SERVICE_CONFIG"))
	IsOK(err)
	connection := connect("employer",
		grpc.WithDefaultServiceConfig(string(config)))
	defer connection.Close()
	request := ask("UNARY-7", "Interop")
	response, err := verify(c.context, connection, request)
	IsOK(err)
	isConfirmed(request, response)
}

// A client that connects before it calls, waits for a server to be there, and
// keeps its connection alive as usual.
func dialOptions(c clients) {
	connection := connect("employer", grpc.WithBlock(),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: 10 * time.Second, PermitWithoutStream: true}))
	defer connection.Close()
	request := ask("UNARY-7", "Interop")
	response, err := verify(c.context, connection, request,
		grpc.WaitForReady(true))
	IsOK(err)
	isConfirmed(request, response)
}

func reflect1alpha(c clients) {
	stream, err := reflection.NewServerReflectionClient(
		c.employer).ServerReflectionInfo(c.context)
	IsOK(err)
	IsOK(stream.Send(&reflection.ServerReflectionRequest{
		MessageRequest: &reflection.ServerReflectionRequest_ListServices{}}))
	response, err := stream.Recv()
	IsOK(err)
	listed := map[string]bool{}
	for _, service := range response.GetListServicesResponse().Service {
		listed[service.Name] = true
	}
	Check(listed["vouch.v1.VerificationService"] &&
		listed["grpc.health.v1.Health"], "services: %v", listed)

	IsOK(stream.Send(&reflection.ServerReflectionRequest{
		MessageRequest: &reflection.ServerReflectionRequest_FileContainingSymbol{
			FileContainingSymbol: "vouch.v1.Claim"}}))
	response, err = stream.Recv()
	IsOK(err)
	Check(len(response.GetFileDescriptorResponse().GetFileDescriptorProto()) > 0,
		"no file has Claim")
	IsOK(stream.CloseSend())
	_, err = stream.Recv()
	Check(err == io.EOF, "end of the stream: %v", err)
}

var tests = []struct {
	name string
	test func(clients)
}{
	{"publish and verify", publishAndVerify},
	{"concurrent calls", concurrentCalls},
	{"answers while sending", answersWhileSending},
	{"compressed requests", compressedRequests},
	{"compressed answers", compressedAnswers},
	{"cancelled upload", cancelledUpload},
	{"error details", errorDetails},
	{"roles and certificates", rolesAndCertificates},
	{"health check", healthCheck},
	{"health watch", healthWatch},
	{"health of a balancer", healthOfABalancer},
	{"advice on service config", adviceOnServiceConfig},
	{"dial options", dialOptions},
	{"reflection", reflect1alpha},
}

func main() {
	failures := 0
	employer, association := connect("employer"), connect("association")
	for _, t := range tests {
		if !Run(t.name, func(limited context.Context) {
			t.test(clients{employer, association, limited})
		}) {
			failures++
		}
	}
	if failures > 0 {
		os.Exit(1)
	}
}
