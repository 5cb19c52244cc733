package duoworkflow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/ccmock/ccmock/internal/duocontract"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
)

// The limits of the real service, in bytes.
const (
	maxMessage  = 4 << 20
	maxMetadata = 24 << 10
)

// call is a call under way. On the wire, a call with one message is a stream like others,
// so that all are served alike.
type call struct {
	*connect.BidiStream[dynamicpb.Message, dynamicpb.Message]
	service  *Service
	running  *process
	method   duocontract.Method
	entry    *journal.Entry
	metadata http.Header
	control  *http.ResponseController
	user     *token.AIGatewayUser // nil where nobody needs to be known
}

// refusal is why a call ends other than well. Reason and detail are for the journal.
type refusal struct {
	code           duocontract.Code
	says           string
	reason, detail string
}

func (r *refusal) Error() string { return fmt.Sprintf("%s: %s", r.code, r.says) }

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
	routes.Raw(stub.NoRoute, "/{rest:.*}", s.serve(anything, authenticated(func(_ context.Context, c *call) error {
		return &refusal{code: duocontract.Unimplemented, says: "Method not found!"}
	})))
}

type controlKey struct{}

// serve makes a handler of a method. What is no gRPC over HTTP/2 gets a plain HTTP error.
func (s *Service) serve(m duocontract.Method, handle func(context.Context, *call) error) http.Handler {
	initialize := func(d dynamicMaker) func(connect.Spec, any) error {
		return func(_ connect.Spec, message any) error {
			if empty, ok := message.(*dynamicpb.Message); ok {
				*empty = *d()
			}
			return nil
		}
	}
	served := connect.NewBidiStreamHandler(m.Path(), func(ctx context.Context, stream *connect.BidiStream[dynamicpb.Message, dynamicpb.Message]) error {
		c := &call{
			BidiStream: stream, service: s, running: s.running.Load(), method: m,
			entry: journal.Of(ctx), metadata: lastOfEach(stream.RequestHeader()),
		}
		c.control, _ = ctx.Value(controlKey{}).(*http.ResponseController)
		err := checkMetadata(stream.RequestHeader())
		if err == nil {
			err = handle(ctx, c)
		}
		return c.end(ctx, err)
	},
		connect.WithSchema(m.MethodDescriptor),
		connect.WithRequestInitializer(initialize(m.Request)),
		connect.WithReadMaxBytes(maxMessage),
		connect.WithCompressMinBytes(math.MaxInt), // the real one sends as it is
	)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := checkProtocol(r); err != nil {
			s.service.Fail(w, r, err)
			return
		}
		r.Header.Set("Content-Type", "application/grpc") // which the real one does not look at
		w.Header()["Date"] = nil                         // a gRPC server has none
		out := flushing{w, http.NewResponseController(w)}
		served.ServeHTTP(out, r.WithContext(context.WithValue(r.Context(), controlKey{}, out.control)))
	})
}

// flushing is a response of which each message is sent at once. Connect asks for the old
// interface.
type flushing struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (f flushing) Flush() { _ = f.control.Flush() }

type dynamicMaker func() *dynamicpb.Message

func checkProtocol(r *http.Request) error {
	if r.ProtoMajor == 2 && r.Method == http.MethodPost {
		return nil
	}
	return &stub.Error{
		Status: http.StatusUnsupportedMediaType, Message: "Unsupported Media Type",
		Header: http.Header{"Accept-Post": {"application/grpc"}},
		Detail: fmt.Sprintf("expected gRPC, a POST over HTTP/2, got a %s over %s", short(r.Method), r.Proto),
	}
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
	return &refusal{
		code: duocontract.ResourceExhausted,
		says: fmt.Sprintf("received metadata size exceeds soft limit (%d vs. %d)", size, maxMetadata),
	}
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

// receive returns the next message of the client, and io.EOF after the last.
func (c *call) receive() (*dynamicpb.Message, error) {
	m, err := c.Receive()
	if err == nil || errors.Is(err, io.EOF) {
		return m, err
	}
	var failed *connect.Error
	if !errors.As(err, &failed) {
		return nil, err
	}
	r := &refusal{code: duocontract.Code(failed.Code()), says: failed.Message(), detail: failed.Message()}
	var size int
	switch {
	case failed.Code() == connect.CodeResourceExhausted:
		if _, err := fmt.Sscanf(failed.Message(), "message size %d is larger", &size); err == nil {
			r.says = fmt.Sprintf("SERVER: Received message larger than max (%d vs. %d)", size, maxMessage)
		}
	case failed.Code() == connect.CodeInternal && strings.Contains(failed.Message(), "compressed message"):
		r.says = "Compression bit set but no encoding configured"
	case failed.Code() == connect.CodeInvalidArgument && strings.HasPrefix(failed.Message(), "unmarshal message"):
		r.code = duocontract.Unknown
		r.says = fmt.Sprintf("Unexpected <class 'google.protobuf.message.DecodeError'>: Error parsing message with type '%s': Wire format was corrupt", c.method.Input().FullName())
	}
	return nil, r
}

// only returns the one message of a call that takes one.
func (c *call) only() (*dynamicpb.Message, error) {
	m, err := c.receive()
	if errors.Is(err, io.EOF) {
		return nil, &refusal{code: duocontract.Internal, says: "the call ended without a message"}
	}
	return m, err
}

// answer sends a message, given as its JSON.
func (c *call) answer(v any) error {
	m := c.method.Response()
	if err := duocontract.Fill(m, v); err != nil {
		return err
	}
	return c.Send(m)
}

// end notes in the journal how the call ended, and words it for the client.
func (c *call) end(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var r *refusal
	if !errors.As(err, &r) {
		r = &refusal{code: duocontract.Unknown, says: err.Error()}
		switch {
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			r = &refusal{code: duocontract.DeadlineExceeded, says: "Deadline Exceeded"}
		case ctx.Err() != nil:
			r = &refusal{code: duocontract.Cancelled, says: "RPC cancelled by client"}
		}
	}
	if r.code == duocontract.OK {
		c.ResponseTrailer().Set("Grpc-Message", r.says)
		c.note(r.says)
		return nil
	}
	c.entry.Reason = r.reason
	text := r.Error()
	if r.detail != "" && r.detail != r.says {
		text += ": " + r.detail
	}
	c.note(text)
	return connect.NewError(connect.Code(r.code), errors.New(r.says))
}

// note adds to what the journal says of the call.
func (c *call) note(text string) {
	if c.entry.Detail != "" {
		c.entry.Detail += "; "
	}
	c.entry.Detail += text
}

// forever lets the client take any time between its messages.
func (c *call) forever() { _ = c.control.SetReadDeadline(time.Time{}) }

// stopReading has a receive that waits come back.
func (c *call) stopReading() { _ = c.control.SetReadDeadline(longAgo) }

var longAgo = time.Unix(1, 0)

// short cuts what a client sent to a length fit for the journal.
func short(s string) string {
	const limit = 64
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "..."
}
