package duocontract

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
)

// MaxMessage is the size of a message, in bytes, that neither side takes more than.
const MaxMessage = 4 << 20

// Status is how a call ends. It is an error of any code; with OK, the call ended well, and
// the message is said all the same.
type Status struct {
	Code    Code
	Message string
}

func (s *Status) Error() string { return fmt.Sprintf("%s: %s", s.Code, s.Message) }

type stream = connect.BidiStream[dynamicpb.Message, dynamicpb.Message]

// ServerStream is the server's side of a call. On the wire, a call with one message is a
// stream like others, so that all are served alike.
type ServerStream struct {
	*stream
	method  Method
	control *http.ResponseController
}

// Handler serves a method: handle is called for each call, and its error ends it, which is
// a *Status or as good as one of UNKNOWN. It takes requests of HTTP/2 only, whatever their
// content type is, which the real service does not look at either.
func Handler(m Method, handle func(context.Context, *ServerStream) error) http.Handler {
	type key struct{}
	served := connect.NewBidiStreamHandler(m.Path(), func(ctx context.Context, s *stream) error {
		control, _ := ctx.Value(key{}).(*http.ResponseController)
		err := handle(ctx, &ServerStream{s, m, control})
		var end *Status
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &end):
			return connect.NewError(connect.CodeUnknown, err)
		case end.Code == OK:
			s.ResponseTrailer().Set("Grpc-Message", end.Message)
			return nil
		}
		return connect.NewError(connect.Code(end.Code), errors.New(end.Message))
	},
		connect.WithSchema(m.MethodDescriptor),
		connect.WithRequestInitializer(func(_ connect.Spec, message any) error { return become(message, m.Request()) }),
		connect.WithReadMaxBytes(MaxMessage),
		connect.WithCompressMinBytes(math.MaxInt), // the real service sends as it is
	)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Content-Type", "application/grpc")
		w.Header()["Date"] = nil // a gRPC server sends none
		out := flushing{w, http.NewResponseController(w)}
		served.ServeHTTP(out, r.WithContext(context.WithValue(r.Context(), key{}, out.control)))
	})
}

// become makes a message that connect allocated one of a type.
func become(message any, empty *dynamicpb.Message) error {
	m, ok := message.(*dynamicpb.Message)
	if !ok {
		return fmt.Errorf("expected a dynamic message, got %T", message)
	}
	*m = *empty
	return nil
}

// flushing is a response of which each message is sent at once. Connect asks for the old
// interface.
type flushing struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (f flushing) Flush() { _ = f.control.Flush() }

// Metadata are those of the call.
func (s *ServerStream) Metadata() http.Header { return s.RequestHeader() }

// Receive returns the client's next message, and io.EOF after the last. What is no message
// is a *Status, worded as gRPC for Python does.
func (s *ServerStream) Receive() (*dynamicpb.Message, error) {
	m, err := s.stream.Receive()
	if err == nil || errors.Is(err, io.EOF) {
		return m, err
	}
	var failed *connect.Error
	if !errors.As(err, &failed) {
		return nil, err
	}
	end := &Status{Code(failed.Code()), failed.Message()}
	var size int
	switch {
	case end.Code == ResourceExhausted:
		if _, err := fmt.Sscanf(failed.Message(), "message size %d is larger", &size); err == nil {
			end.Message = fmt.Sprintf("SERVER: Received message larger than max (%d vs. %d)", size, MaxMessage)
		}
	case end.Code == Internal && strings.Contains(failed.Message(), "compressed message"):
		end.Message = "Compression bit set but no encoding configured"
	case end.Code == InvalidArgument && strings.HasPrefix(failed.Message(), "unmarshal message"):
		end.Code = Unknown
		end.Message = fmt.Sprintf("Unexpected <class 'google.protobuf.message.DecodeError'>: Error parsing message with type '%s': Wire format was corrupt", s.method.Input().FullName())
	}
	return nil, end
}

// Answer sends a message, given as its JSON.
func (s *ServerStream) Answer(v any) error {
	m := s.method.Response()
	if err := Fill(m, v); err != nil {
		return err
	}
	return s.Send(m)
}

// Forever lets the client take any time between its messages.
func (s *ServerStream) Forever() { _ = s.control.SetReadDeadline(time.Time{}) }

// StopReading has a Receive that waits come back, with an error.
func (s *ServerStream) StopReading() { _ = s.control.SetReadDeadline(longAgo) }

var longAgo = time.Unix(1, 0)
