// Package client is what the clients of this folder share.
package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/ioutil"
	"reflect"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// Limit of the calls of a test.
const Limit = 30 * time.Second

// A Failure is what a test panics with, so that Run can tell it.
type Failure string

// Check fails unless truth.
func Check(truth bool, format string, a ...interface{}) {
	if !truth {
		panic(Failure(fmt.Sprintf(format, a...)))
	}
}

// IsOK fails where there is an error.
func IsOK(err error) {
	Check(err == nil, "%v", err)
}

// HasCode fails unless the error is one of that code.
func HasCode(err error, code codes.Code) {
	Check(status.Code(err) == code, "status: %v, not %v", err, code)
}

// Same fails unless the two are.
func Same(have, want interface{}, what string) {
	Check(reflect.DeepEqual(have, want), "%s: %v, not %v", what, have, want)
}

// Connect to address, trusting the roots of a file; with the certificate of
// two others, or none.
func Connect(address, roots, certificate, key string,
	options ...grpc.DialOption) *grpc.ClientConn {
	trusted, err := ioutil.ReadFile(roots)
	IsOK(err)
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	Check(config.RootCAs.AppendCertsFromPEM(trusted), "no root")
	if certificate != "" {
		own, err := tls.LoadX509KeyPair(certificate, key)
		IsOK(err)
		config.Certificates = []tls.Certificate{own}
	}
	options = append(options,
		grpc.WithTransportCredentials(credentials.NewTLS(config)))
	connection, err := grpc.Dial(address, options...)
	IsOK(err)
	return connection
}

// Sizes, a stats handler, notes of each message that comes whether its size on
// the wire was less than that of what it holds.
type Sizes struct {
	mutex      sync.Mutex
	compressed []bool
}

// TagRPC has nothing to add.
func (s *Sizes) TagRPC(c context.Context, _ *stats.RPCTagInfo) context.Context {
	return c
}

// TagConn has nothing to add.
func (s *Sizes) TagConn(c context.Context, _ *stats.ConnTagInfo) context.Context {
	return c
}

// HandleConn has nothing to note.
func (s *Sizes) HandleConn(context.Context, stats.ConnStats) {}

// HandleRPC notes the messages that come.
func (s *Sizes) HandleRPC(_ context.Context, what stats.RPCStats) {
	if in, ok := what.(*stats.InPayload); ok {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.compressed = append(s.compressed, in.WireLength < in.Length)
	}
}

// Compressed fails unless so were the messages that came.
func (s *Sizes) Compressed(want ...bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	Same(s.compressed, want, "compressed")
}

// Run a test, print a line, and return whether it passed.
func Run(name string, test func(context.Context)) (ok bool) {
	defer func() {
		if what := recover(); what != nil {
			text, ours := what.(Failure)
			if !ours {
				panic(what)
			}
			fmt.Println("go", name, "FAILED:",
				strings.Join(strings.Fields(string(text)), " "))
		}
	}()
	limited, cancel := context.WithTimeout(context.Background(), Limit)
	defer cancel()
	test(limited)
	fmt.Println("go", name, "ok")
	return true
}
