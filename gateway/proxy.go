package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"sync"

	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
)

// The headers that the edge adds, in Go's canonical form.
const (
	rayHeader       = "Cf-Ray"
	clientHeader    = "Cf-Connecting-Ip"
	requestIDHeader = "X-Request-Id"
)

// forwarded are the headers that httputil.ReverseProxy takes away and that pass here.
var forwarded = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}

// newRay makes a request's CF-Ray: 16 hexadecimal digits and the name of a data centre,
// of which there is none by this name.
func newRay(random *stub.Random) string { return random.Hex(8) + "-TST" }

// proxy handles the requests of one route.
type proxy struct {
	stub    *Stub
	route   *route
	reverse *httputil.ReverseProxy
}

func (s *Stub) newProxy(r *route, env stub.Env) *proxy {
	p := &proxy{stub: s, route: r}
	p.reverse = &httputil.ReverseProxy{
		Transport:  s.origins,
		BufferPool: &buffers,
		ErrorLog:   slog.NewLogLogger(env.Log.Handler(), slog.LevelDebug),
		Rewrite: func(pr *httputil.ProxyRequest) {
			query := pr.In.URL.RawQuery // with what cannot be parsed
			r.rewrite(pr.Out.URL)
			pr.Out.URL.RawQuery = query
			pr.Out.Host = ""
			h := pr.Out.Header
			for _, name := range forwarded {
				if v, ok := pr.In.Header[name]; ok {
					h[name] = v
				}
			}
			if h.Get(requestIDHeader) == "" {
				h[requestIDHeader] = []string{journal.Of(pr.In.Context()).RequestID}
			}
			h[clientHeader] = []string{clientIP(pr.In)}
			h[rayHeader] = []string{newRay(env.Random)}
		},
		ModifyResponse: p.answered,
		ErrorHandler:   p.failed,
	}
	return p
}

func clientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s, entry := p.stub, journal.Of(r.Context())
	entry.Token = carried(r)
	if err := s.limits.admit(p.route.name, r); err != nil {
		s.service.Fail(w, r, err)
		return
	}
	if s.edge != nil {
		if err := s.edge.check(r, entry); err != nil {
			s.limits.unauthorized(p.route.name, r)
			s.service.Fail(w, r, err)
			return
		}
	}
	entry.Upstream = p.route.upstream(r.URL)
	if r.ContentLength != 0 {
		u := newUpload(w, r.Body)
		r.Body, w = u, &uploading{w, u}
	}
	p.reverse.ServeHTTP(w, r)
}

// atOnce is the announced length, in bytes, up to which an answer is passed on in one
// piece: who knows the length has the body at hand, and a flush more is a system call
// more.
const atOnce = 4 << 10

// answered sees every answer of an origin before the client does.
func (p *proxy) answered(resp *http.Response) error {
	h := resp.Header
	h[rayHeader] = resp.Request.Header[rayHeader]
	if len(h["Date"]) == 0 {
		h.Set("Date", p.stub.service.Clock().Now().UTC().Format(http.TimeFormat))
	}
	entry := journal.Of(resp.Request.Context())
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		p.stub.limits.unauthorized(p.route.name, resp.Request)
	case http.StatusSwitchingProtocols:
		entry.Status = resp.StatusCode
		return nil // its body is the connection, and must stay what it is
	}
	if resp.ContentLength > atOnce {
		// Has the proxy flush each piece, as it does by itself where no length is announced.
		// What the client is told of the length stands in the header.
		resp.ContentLength = -1
	}
	resp.Body = &download{ReadCloser: resp.Body, ctx: resp.Request.Context(), route: p.route}
	return nil
}

// failed answers for an origin that did not.
func (p *proxy) failed(w http.ResponseWriter, r *http.Request, err error) {
	origin := p.route.describe()
	e := &stub.Error{Status: http.StatusBadGateway, Message: "Bad Gateway", Err: err}
	var network net.Error
	switch fromClient := uploadFailure(w, r, err); {
	case errors.Is(fromClient, os.ErrDeadlineExceeded):
		e.Status, e.Message, e.Err = http.StatusRequestTimeout, "Request Timeout", fromClient
		e.Detail = "the client stopped sending its body"
	case fromClient != nil:
		e.Status, e.Message, e.Err = http.StatusBadRequest, "Bad Request", fromClient
		e.Detail = "the client's body broke off"
	case r.Context().Err() != nil:
		// Nobody is left to read it; the status is what nginx logs then.
		e.Status, e.Message = statusClientGone, "Client Closed Request"
		e.Detail = "the client went away before " + origin + " answered"
	case errors.As(err, &network) && network.Timeout():
		e.Status, e.Message, e.Reason = http.StatusGatewayTimeout, "Gateway Timeout", OriginUnreachable
		e.Detail = origin + " did not answer in time"
	default:
		e.Reason = OriginUnreachable
		e.Detail = origin + " cannot be reached or broke off"
	}
	p.stub.service.Fail(w, r, e)
}

const statusClientGone = 499

func (r *route) describe() string { return fmt.Sprintf("origin %s of %s", r.text, r.prefix) }

// download is the body of an answer. It notes in the journal where it breaks off, as the
// client is only told by a closed connection.
type download struct {
	io.ReadCloser
	ctx   context.Context
	route *route
	read  int64
}

func (d *download) Read(p []byte) (int, error) {
	n, err := d.ReadCloser.Read(p)
	d.read += int64(n)
	if err != nil && err != io.EOF {
		entry := journal.Of(d.ctx)
		if d.ctx.Err() != nil {
			entry.Detail = fmt.Sprintf("the client went away after %d bytes of the answer", d.read)
		} else {
			entry.Detail = fmt.Sprintf("%s broke off after %d bytes of its answer: %v", d.route.describe(), d.read, err)
		}
	}
	return n, err
}

// bufferSize is what one read of a body takes at most.
const bufferSize = 32 << 10

// bufferPool keeps copy buffers between requests.
type bufferPool struct{ pool sync.Pool }

var buffers = bufferPool{sync.Pool{New: func() any { return new([bufferSize]byte) }}}

func (b *bufferPool) Get() []byte { return b.pool.Get().(*[bufferSize]byte)[:] }

func (b *bufferPool) Put(buffer []byte) { b.pool.Put((*[bufferSize]byte)(buffer)) }
