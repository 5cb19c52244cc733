// Package fastapi is what the backends have in common: they answer as a FastAPI service
// with GitLab's Cloud Connector middleware does.
package fastapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
)

// RequestIDHeader names a call through all hops. It is echoed.
const RequestIDHeader = "X-Request-Id"

// Headers are those of every answer.
func Headers(h http.Header, e *journal.Entry) { h[RequestIDHeader] = []string{e.RequestID} }

// Style words errors: the middleware says "error" where it refuses a token or cannot tell,
// everything else says "detail", and a crash is plain text.
func Style(e *stub.Error) stub.Reply {
	switch e.Status {
	case http.StatusUnauthorized, http.StatusServiceUnavailable:
		return stub.JSON(e.Status, map[string]string{"error": e.Message})
	case http.StatusInternalServerError:
		return stub.Text(e.Status, "Internal Server Error")
	}
	return stub.JSON(e.Status, map[string]string{"detail": e.Message})
}

// NotFound is the answer to an unknown path.
func NotFound() error { return &stub.Error{Status: http.StatusNotFound, Message: "Not Found"} }

// NotAllowed is the answer to a method that a path does not take.
func NotAllowed(allowed []string) error {
	return &stub.Error{
		Status: http.StatusMethodNotAllowed, Message: "Method Not Allowed",
		Header: http.Header{"Allow": {strings.Join(allowed, ", ")}},
	}
}

// Invalid is the answer to a body that does not fit; detail says why, to the journal only.
func Invalid(format string, args ...any) error {
	return &stub.Error{
		Status: http.StatusUnprocessableEntity, Message: "Validation error",
		Detail: fmt.Sprintf(format, args...),
	}
}

// CheckBody reads a request's body to its end. If it claims to be JSON it must be, else
// 422; beyond that nothing is known of it.
func CheckBody(r *http.Request) error {
	body, err := stub.ReadBody(r)
	if err != nil {
		return err
	}
	if len(body) > 0 && isJSON(r, false) && !json.Valid(body) {
		return Invalid("the body is not JSON")
	}
	return nil
}

// Carried is the token that a request carries, verified or not; nil if there is none.
func Carried(h http.Header) *journal.Token {
	raw, err := token.FromHeader(h)
	if err != nil {
		return nil
	}
	d, err := token.Decode(raw)
	if err != nil {
		return &journal.Token{Digest: token.Digest(raw)}
	}
	return Journaled(d)
}

// Journaled is a token as the journal keeps it.
func Journaled(d *token.Decoded) *journal.Token {
	return &journal.Token{Digest: token.Digest(d.Raw), ID: d.Text("jti"), Header: d.Header, Claims: d.Claims}
}

// NewKeyClient is a client for discovery documents and key sets. Its requests bear the id
// of the call for which they are made.
func NewKeyClient() *http.Client { return NewClient(token.DefaultTimeout) }

// NewClient is a client for calls on behalf of a request, whose id they bear.
func NewClient(timeout time.Duration) *http.Client {
	c := stub.NewClient(timeout)
	c.Transport = identified{c.Transport}
	return c
}

type identified struct{ http.RoundTripper }

func (t identified) RoundTrip(r *http.Request) (*http.Response, error) {
	if id := journal.Of(r.Context()).RequestID; id != "" {
		r = r.Clone(r.Context()) // a RoundTripper leaves the request as it is
		r.Header.Set(RequestIDHeader, id)
	}
	return t.RoundTripper.RoundTrip(r)
}
