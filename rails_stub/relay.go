package railsstub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"

	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
)

// note puts the token that a call goes on with into the journal.
func note(entry *journal.Entry, t accessToken) {
	entry.Token = t.token
	if t.issued {
		entry.Issued, entry.Scopes = t.token, t.scopes
	}
}

// relay sends a call on to the gateway and its answer back, as Workhorse does with what
// Rails hands it: status, headers and body as they come, each piece of the body at once.
func (i *Instance) relay(w http.ResponseWriter, r *http.Request, f *endpoint, h http.Header, body []byte) error {
	target := f.target
	if r.URL.RawQuery != "" {
		withQuery := *target
		withQuery.RawQuery = r.URL.RawQuery
		target = &withQuery
	}
	entry := journal.Of(r.Context())
	entry.Upstream = f.text
	resp, err := i.stub.send(r.Context(), f.Backend.Endpoint.Method, target, h, body)
	if err != nil {
		return noAnswer(r.Context(), err)
	}
	defer func() { _ = resp.Body.Close() }()
	out := w.Header()
	for name, values := range resp.Header {
		if !notRelayed[name] {
			out[name] = values
		}
	}
	ownRelayHeaders(out, entry)
	out["Date"] = []string{i.service.Clock().Now().UTC().Format(http.TimeFormat)}
	w.WriteHeader(resp.StatusCode)
	if err := pass(w, resp); err != nil {
		entry.Reason, entry.Detail = string(GatewayUnreachable), "the answer broke off: "+err.Error()
		if r.Context().Err() != nil {
			entry.Reason, entry.Detail = string(ClientGone), "the client went away during the answer"
		}
		panic(http.ErrAbortHandler) // the status is out: only a broken connection still tells
	}
	return nil
}

// notRelayed are headers of the answer that concern the connection to the gateway alone,
// and those that Workhorse keeps from Rails.
var notRelayed = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Connection": true, "Transfer-Encoding": true,
	"Te": true, "Trailer": true, "Upgrade": true,
	"Cache-Control": true, "Expires": true, "Date": true, "Pragma": true,
}

// ownRelayHeaders are those of Rails that stay, and its request id if the other side sent
// none.
func ownRelayHeaders(h http.Header, e *journal.Entry) {
	h["Cache-Control"] = []string{"max-age=0, private, must-revalidate"}
	if len(h["X-Request-Id"]) == 0 {
		h["X-Request-Id"] = []string{e.RequestID}
	}
}

// send makes one call to the gateway. Redirects are answers like others.
func (s *Stub) send(ctx context.Context, method string, target *url.URL, h http.Header, body []byte) (*http.Response, error) {
	req := &http.Request{
		Method: method, URL: target, Host: target.Host, Header: h,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if len(body) > 0 {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	return s.gateway.RoundTrip(req.WithContext(ctx))
}

// noAnswer is what the user gets when the gateway does not answer: Workhorse's plain 500.
// A client that went away gets nothing.
func noAnswer(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		entry := journal.Of(ctx)
		entry.Reason, entry.Detail = string(ClientGone), "the client went away before the answer"
		panic(http.ErrAbortHandler)
	}
	return &stub.Error{
		Status: http.StatusInternalServerError, Message: workhorseError,
		Reason: string(GatewayUnreachable), Detail: unreachable(err),
	}
}

// workhorseError is the message of an error that Workhorse answers, and not Rails.
const workhorseError = "Internal Server Error"

// unreachable says in words why there was no answer.
func unreachable(err error) string {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "the gateway did not answer in time"
	}
	return fmt.Sprintf("the gateway does not answer: %v", err)
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 16<<10); return &b }}

// pass copies the body. A body of unknown length is a stream, and is flushed piece by
// piece.
func pass(w http.ResponseWriter, resp *http.Response) error {
	buffer, _ := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	streaming := resp.ContentLength < 0
	var control *http.ResponseController
	if streaming {
		control = http.NewResponseController(w)
		if err := control.Flush(); err != nil {
			return err
		}
	}
	for {
		n, err := resp.Body.Read(*buffer)
		if n > 0 {
			if _, err := w.Write((*buffer)[:n]); err != nil {
				return err
			}
			if streaming {
				if err := control.Flush(); err != nil {
					return err
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
