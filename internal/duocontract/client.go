package duocontract

import (
	"context"
	"errors"
	"io"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// ClientStream is the client's side of a call, of any method.
type ClientStream struct {
	*connect.BidiStreamForClient[dynamicpb.Message, dynamicpb.Message]
	method Method
}

// Call begins a call of a method at the server of that base URL, with metadata. The client
// must speak HTTP/2. Nothing is sent before the first message, or Done.
func Call(ctx context.Context, client *http.Client, base string, m Method, metadata http.Header) *ClientStream {
	c := connect.NewClient[dynamicpb.Message, dynamicpb.Message](client, base+m.Path(),
		connect.WithGRPC(),
		connect.WithSchema(m.MethodDescriptor),
		connect.WithResponseInitializer(func(_ connect.Spec, message any) error { return become(message, m.Response()) }),
		connect.WithReadMaxBytes(MaxMessage),
	)
	s := c.CallBidiStream(ctx)
	for name, values := range metadata {
		s.RequestHeader()[name] = values
	}
	return &ClientStream{s, m}
}

// Say sends a message, given as its JSON. That the server has ended the call is no error:
// Receive tells how.
func (s *ClientStream) Say(v any) error {
	m := s.method.Request()
	if err := Fill(m, v); err != nil {
		return err
	}
	if err := s.Send(m); err != nil && !errors.Is(err, io.EOF) {
		return ended(err)
	}
	return nil
}

// Done says that no other message follows.
func (s *ClientStream) Done() error { return s.CloseRequest() }

// Receive returns the server's next message. When the call has ended well it is io.EOF,
// else a *Status.
func (s *ClientStream) Receive() (*dynamicpb.Message, error) {
	m, err := s.BidiStreamForClient.Receive()
	if err != nil {
		return nil, ended(err)
	}
	return m, nil
}

func ended(err error) error {
	var failed *connect.Error
	if errors.Is(err, io.EOF) || !errors.As(err, &failed) {
		return err
	}
	return &Status{Code(failed.Code()), failed.Message()}
}
