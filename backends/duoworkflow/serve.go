package duoworkflow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/ccmock/ccmock/internal/duocontract"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
)

// maxMetadata is how much metadata the real service takes, in bytes.
const maxMetadata = 24 << 10

// call is a call under way.
type call struct {
	*duocontract.ServerStream
	service  *Service
	running  *process
	entry    *journal.Entry
	metadata http.Header
	user     *token.AIGatewayUser // nil where nobody needs to be known
}

// refusal is why a call ends other than well. Reason and detail are for the journal.
type refusal struct {
	duocontract.Status
	reason, detail string
}

// Unwrap is what the client is told.
func (r *refusal) Unwrap() error { return &r.Status }

// clientGone is the reason of a call that its client gave up.
const clientGone = "client_gone"

// end is how a call ends for no reason that the journal has a name for.
func end(code duocontract.Code, says string) error {
	return &duocontract.Status{Code: code, Message: says}
}

func (s *Service) addRoutes() {
	routes := s.service.Routes()
	for name, handle := range map[string]func(context.Context, *call) error{
		"DuoWorkflow/ExecuteWorkflow":                s.executeWorkflow,
		"DuoWorkflow/GenerateToken":                  s.generateToken,
		"DuoWorkflow/ListCapabilities":               s.listCapabilities,
		"DuoWorkflow/ListTools":                      s.listTools,
		"DuoWorkflow/TrackSelfHostedExecuteWorkflow": s.trackSelfHosted,
		"grpc.health.v1.Health/Check":                s.checkHealth,
		"grpc.health.v1.Health/Watch":                s.watchHealth,
	} {
		m, ok := duocontract.Find(name)
		if !ok {
			panic("duoworkflow: the contract has no " + name)
		}
		if strings.HasPrefix(name, duocontract.DuoWorkflow+"/") {
			handle = authenticated(handle)
		}
		routes.Raw(string(m.Name()), m.Path(), s.serve(m, handle))
	}
	anything, _ := duocontract.Find("DuoWorkflow/ListTools")
	routes.Raw(stub.NoRoute, "/{rest:.*}", s.serve(anything, authenticated(func(context.Context, *call) error {
		return end(duocontract.Unimplemented, "Method not found!")
	})))
}

// serve makes a handler of a method. What is no gRPC over HTTP/2 gets a plain HTTP error.
func (s *Service) serve(m duocontract.Method, handle func(context.Context, *call) error) http.Handler {
	served := duocontract.Handler(m, func(ctx context.Context, stream *duocontract.ServerStream) error {
		c := &call{
			ServerStream: stream, service: s, running: s.running.Load(),
			entry: journal.Of(ctx), metadata: lastOfEach(stream.Metadata()),
		}
		if id := c.metadata.Get("X-Gitlab-Correlation-Id"); id != "" && c.metadata.Get("X-Request-Id") == "" {
			c.entry.RequestID = id
		}
		err := checkMetadata(stream.Metadata())
		if err == nil {
			err = handle(ctx, c)
		}
		return c.noted(ctx, err)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && r.Method == http.MethodPost {
			served.ServeHTTP(w, r)
			return
		}
		s.service.Fail(w, r, &stub.Error{
			Status: http.StatusUnsupportedMediaType, Message: "Unsupported Media Type",
			Header: http.Header{"Accept-Post": {"application/grpc"}},
			Detail: fmt.Sprintf("expected gRPC, a POST over HTTP/2, got a %s over %s", short(r.Method), r.Proto),
		})
	})
}

// checkMetadata refuses more metadata than the real service takes. HTTP/2 counts 32 bytes
// for each header beside its text.
func checkMetadata(h http.Header) error {
	size := 0
	for name, values := range h {
		for _, v := range values {
			size += len(name) + len(v) + 32
		}
	}
	if size <= maxMetadata {
		return nil
	}
	return end(duocontract.ResourceExhausted, fmt.Sprintf("received metadata size exceeds soft limit (%d vs. %d)", size, maxMetadata))
}

// lastOfEach is the metadata as a dictionary, in which the last value of a key remains.
func lastOfEach(h http.Header) http.Header {
	last := make(http.Header, len(h))
	for name, values := range h {
		if len(values) > 0 {
			last[name] = values[len(values)-1:]
		}
	}
	return last
}

// only returns the one message of a call that takes one.
func (c *call) only() (*dynamicpb.Message, error) {
	m, err := c.Receive()
	if errors.Is(err, io.EOF) {
		return nil, end(duocontract.Internal, "the call ended without a message")
	}
	return m, err
}

// noted puts into the journal how the call ended. An error that is none of the service's
// own is about the client's connection, or an exception.
func (c *call) noted(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var status *duocontract.Status
	if !errors.As(err, &status) {
		status = &duocontract.Status{Code: duocontract.Unknown, Message: err.Error()}
		switch {
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			status = &duocontract.Status{Code: duocontract.DeadlineExceeded, Message: "Deadline Exceeded"}
		case ctx.Err() != nil:
			status = &duocontract.Status{Code: duocontract.Cancelled, Message: "RPC cancelled by client"}
		}
	}
	text := status.Error()
	if status.Code == duocontract.OK {
		text = status.Message
	}
	if status.Code == duocontract.Cancelled {
		c.entry.Reason = clientGone
	}
	var r *refusal
	if errors.As(err, &r) {
		c.entry.Reason = r.reason
		if r.detail != "" {
			text += ": " + r.detail
		}
	}
	c.note(text)
	return status
}

// note adds to what the journal says of the call.
func (c *call) note(text string) {
	if c.entry.Detail != "" {
		c.entry.Detail += "; "
	}
	c.entry.Detail += text
}

// short cuts what a client sent to a length fit for the journal.
func short(s string) string {
	const limit = 64
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "..."
}
