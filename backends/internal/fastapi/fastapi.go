// Package fastapi is what the backends have in common: they answer as a FastAPI service
// with GitLab's Cloud Connector middleware does.
package fastapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

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

// ReadObject reads a request's JSON object into v. As in FastAPI, a body is JSON if its
// content type says so or it has none, and anything else fits no model: 422.
func ReadObject(r *http.Request, v any) error {
	body, err := stub.ReadBody(r)
	switch {
	case err != nil:
		return err
	case len(body) == 0:
		return Invalid("the body is empty, expected a JSON object")
	case !isJSON(r, true):
		return Invalid("the content type is %q, expected application/json", short(r.Header.Get("Content-Type")))
	case !utf8.Valid(body):
		return &stub.Error{
			Status: http.StatusBadRequest, Message: "There was an error parsing the body",
			Detail: "the body is not UTF-8",
		}
	}
	if body = bytes.TrimLeft(body, " \t\r\n"); len(body) > 0 && body[0] != '{' {
		return Invalid("the body is not a JSON object")
	}
	if err := json.Unmarshal(body, v); err != nil {
		return Invalid("the body is not what was expected: %v", err)
	}
	return nil
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

func isJSON(r *http.Request, unsaid bool) bool {
	kind := r.Header.Get("Content-Type")
	switch kind {
	case "application/json":
		return true
	case "":
		return unsaid
	}
	media, _, err := mime.ParseMediaType(kind)
	return err == nil && (media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json"))
}

// short cuts what a client sent to a length fit for the journal.
func short(s string) string {
	const limit = 64
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "..."
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
func NewKeyClient() *http.Client {
	c := stub.NewClient(token.DefaultTimeout)
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
