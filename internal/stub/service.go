package stub

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/gorilla/mux"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/journal"
)

// Env is what the stubs of one process share.
type Env struct {
	Clock   clock.Clock
	Journal *journal.Journal
	Faults  *fault.Set
	Random  *Random
	Log     *slog.Logger
}

// Options say what a service is.
type Options struct {
	Name string // as the journal and fault rules name it
	Kind journal.Kind
	// Style words this service's errors.
	Style Style
	// MaxBody bounds request bodies, in bytes; 0 means 4 MiB, -1 no bound.
	MaxBody int64
	// Headers are sent with every reply that the service makes itself. It may be nil.
	Headers func(h http.Header, e *journal.Entry)
}

// DefaultMaxBody is the bound on request bodies of a service that sets none.
const DefaultMaxBody = 4 << 20

// Service is one imitated service: routes, and around them journal and faults.
type Service struct {
	options Options
	env     Env
	skew    clock.Skew
	clock   clock.Clock
	router  *Router
}

// NewService returns a service without routes.
func NewService(env Env, o Options) *Service {
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	s := &Service{options: o, env: env}
	s.clock = clock.Skewed(env.Clock, &s.skew)
	s.router = &Router{mux: mux.NewRouter().UseEncodedPath().SkipClean(true), adapt: s.adapt}
	return s
}

// Name returns the service's name.
func (s *Service) Name() string { return s.options.Name }

// Kind returns the service's kind.
func (s *Service) Kind() journal.Kind { return s.options.Kind }

// Clock is the service's own clock: the ecosystem's, shifted by its skew.
func (s *Service) Clock() clock.Clock { return s.clock }

// Skew is how far the service's clock is off.
func (s *Service) Skew() *clock.Skew { return &s.skew }

// Routes is where the service's routes are added, before it serves.
func (s *Service) Routes() *Router { return s.router }

// Log returns the service's logger.
func (s *Service) Log() *slog.Logger { return s.env.Log }

// Record adds an entry for work that no request asked for, such as a job.
func (s *Service) Record(e journal.Entry) {
	e.Service, e.Kind = s.options.Name, s.options.Kind
	if e.At.IsZero() {
		e.At = s.clock.Now()
	}
	s.env.Journal.Add(e)
}

// ServeHTTP answers a request.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	elapsed := clock.Stopwatch()
	out := &response{ResponseWriter: w}
	route, handler, r := s.router.match(r)
	entry := &journal.Entry{
		At: s.clock.Now(), Service: s.options.Name, Kind: s.options.Kind,
		Route: route, Method: r.Method, Path: r.URL.Path,
		RequestID:  r.Header.Get("X-Request-Id"),
		InstanceID: r.Header.Get("X-Gitlab-Instance-Id"),
	}
	if entry.RequestID == "" {
		entry.RequestID = s.env.Random.Hex(16)
	}
	r = r.WithContext(journal.WithEntry(r.Context(), entry))
	defer func() {
		cause := recover()
		if cause != nil && cause != http.ErrAbortHandler { //nolint:errorlint // the sentinel itself is what net/http panics with
			s.env.Log.ErrorContext(r.Context(), "handler panicked",
				"service", s.options.Name, "route", route, "cause", cause, "stack", string(debug.Stack()))
			entry.Detail = fmt.Sprintf("the handler panicked: %v", cause)
			if !out.wrote {
				s.fail(out, r, &Error{Status: http.StatusInternalServerError, Message: "Internal Server Error"})
			}
		}
		if out.wrote { // else the handler took the connection over and said the status itself
			entry.Status = out.status
		}
		entry.Elapsed = elapsed()
		s.env.Journal.Add(*entry)
		if cause == http.ErrAbortHandler { //nolint:errorlint // as above
			panic(cause) // net/http closes the connection
		}
	}()
	if s.options.MaxBody > 0 && r.Body != nil {
		r.Body = http.MaxBytesReader(out, r.Body, s.options.MaxBody)
	}
	changed, done := s.applyFault(out, r, entry)
	switch {
	case done:
	case changed != nil:
		s.answer(changed, r, route, handler)
		changed.finish()
	default:
		s.answer(out, r, route, handler)
	}
}

// answer is what the service makes of the request.
func (s *Service) answer(w http.ResponseWriter, r *http.Request, route string, handler http.Handler) {
	switch {
	case handler != nil:
		handler.ServeHTTP(w, r)
	case route == MethodNotAllowed:
		s.fail(w, r, &Error{
			Status: http.StatusMethodNotAllowed, Message: "Method Not Allowed",
			Header: http.Header{"Allow": {s.router.allow(r)}},
		})
	default:
		s.fail(w, r, &Error{Status: http.StatusNotFound, Message: "Not Found"})
	}
}

// applyFault does what a matching fault rule says and reports whether the request is
// done with. If not, and the rule changes the answer, changed is what to answer into.
func (s *Service) applyFault(w *response, r *http.Request, e *journal.Entry) (changed *changedBody, done bool) {
	rule, ok := s.env.Faults.Match(fault.Request{
		Service: s.options.Name, Route: e.Route, Method: r.Method, Path: r.URL.Path, Header: r.Header,
	})
	if !ok {
		return nil, false
	}
	e.Fault = rule.Name
	w.Header().Set(FaultHeader, rule.Name)
	if clock.Wait(r.Context(), rule.Do.Delay) != nil {
		panic(http.ErrAbortHandler) // the client gave up waiting
	}
	switch {
	case rule.Do.Reset:
		panic(http.ErrAbortHandler)
	case rule.Do.CutAfter > 0:
		w.cutAfter = rule.Do.CutAfter
	case rule.Do.Status != 0:
		h := http.Header{}
		for name, value := range rule.Do.Header {
			h.Set(name, value)
		}
		s.write(w, r, Reply{Status: rule.Do.Status, Header: h, Body: []byte(rule.Do.Body)})
		return nil, true
	}
	missed := func() { s.missed(w, e, rule) }
	switch {
	case rule.Do.ChangesRequest() && !rule.Do.ChangeRequest(r.Header):
		missed()
	case rule.Do.ChangesBody() && r.Header.Get("Upgrade") != "":
		missed() // the answer is a connection
	case rule.Do.ChangesBody():
		return &changedBody{to: w, do: rule.Do, missed: missed}, false
	}
	return nil, false
}

// missed says that the request matched a fault, and that there was nothing to change.
func (s *Service) missed(w *response, e *journal.Entry, rule fault.Rule) {
	s.env.Faults.Missed(rule.Name)
	w.Header().Del(FaultHeader)
	e.Fault = ""
	if e.Detail == "" {
		e.Detail = fmt.Sprintf("fault %q found nothing to change", rule.Name)
	}
}

func (s *Service) adapt(h Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply, err := h(r)
		if err != nil {
			s.fail(w, r, asError(err))
			return
		}
		if c, ok := w.(*changedBody); ok {
			c.stale = reply.Stale
		}
		s.write(w, r, reply)
	})
}

// Fail answers with an error, for handlers that write the response themselves.
func (s *Service) Fail(w http.ResponseWriter, r *http.Request, err error) { s.fail(w, r, asError(err)) }

func (s *Service) fail(w http.ResponseWriter, r *http.Request, e *Error) {
	entry := journal.Of(r.Context())
	if e.Reason != "" {
		entry.Reason = e.Reason
	}
	if e.Detail != "" {
		entry.Detail = e.Detail
	}
	if e.Place != "" {
		entry.Place = e.Place
	}
	if e.Err != nil {
		if entry.Detail != "" {
			entry.Detail += ": "
		}
		entry.Detail += e.Err.Error()
	}
	if e.Status >= http.StatusInternalServerError && e.Reason == "" {
		s.env.Log.WarnContext(r.Context(), "request failed", "service", s.options.Name, "error", e)
	}
	reply := s.options.Style(e)
	if e.Body != nil {
		reply.JSON, reply.Body = e.Body, nil
	}
	if len(e.Header) > 0 && reply.Header == nil {
		reply.Header = http.Header{}
	}
	for name, values := range e.Header {
		reply.Header[name] = values
	}
	s.write(w, r, reply)
}

func (s *Service) write(w http.ResponseWriter, r *http.Request, reply Reply) {
	if s.options.Headers != nil {
		s.options.Headers(w.Header(), journal.Of(r.Context()))
	}
	write(w, r, reply, s.clock.Now(), s.env.Log)
}

// response notes the status, and cuts the body off where a fault says so.
type response struct {
	http.ResponseWriter
	status   int
	wrote    bool
	sent     int
	cutAfter int
}

func (w *response) WriteHeader(status int) {
	if status >= http.StatusOK && !w.wrote || status == http.StatusSwitchingProtocols {
		w.status, w.wrote = status, true
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(p []byte) (int, error) {
	if !w.wrote {
		w.status, w.wrote = http.StatusOK, true
	}
	if w.cutAfter > 0 && w.sent+len(p) >= w.cutAfter {
		if _, err := w.ResponseWriter.Write(p[:max(0, w.cutAfter-w.sent)]); err == nil {
			_ = http.NewResponseController(w.ResponseWriter).Flush()
		}
		panic(http.ErrAbortHandler)
	}
	n, err := w.ResponseWriter.Write(p)
	w.sent += n
	return n, err
}

// Unwrap lets http.ResponseController flush and hijack.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }
