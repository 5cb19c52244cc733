package control

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/internal/world"
)

// Part is one stub as the control plane sees it.
type Part interface {
	// Services lists what the part serves at present.
	Services() []Service
	// Seed makes the part forget everything and know the world. It is handed a complete one.
	Seed(w world.World) error
	// Skew returns the skew of one of its services, nil if the part has no such service.
	Skew(service string) *clock.Skew
	// Actions returns what the part can be asked to do, by name.
	Actions() map[string]Action
}

// Routed is a Part that tells which routes one of its services has, none if the part has
// no such service.
type Routed interface {
	Routes(service string) []string
}

// Action does something behind the imitated APIs. Its errors are the caller's: bad
// arguments, or a state in which it cannot be done. ErrNotHere passes the action on to
// the next part that knows it.
type Action func(ctx context.Context, args json.RawMessage) (any, error)

// ErrNotHere says that the named service belongs to another part.
var ErrNotHere = errors.New("no such service here")

// Do makes an Action of a function with typed arguments. Unknown argument names are
// errors.
func Do[In, Out any](f func(context.Context, In) (Out, error)) Action {
	return func(ctx context.Context, args json.RawMessage) (any, error) {
		var in In
		if err := decode(bytes.NewReader(args), &in); err != nil {
			return nil, err
		}
		return f(ctx, in)
	}
}

// decode reads JSON of which every name is known. Empty input leaves v as it is.
func decode(r io.Reader, v any) error {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("cannot read the arguments: %w", err)
	}
	return nil
}

// Options are what a control plane steers.
type Options struct {
	Version string
	Seed    uint64
	Clock   *clock.Adjustable
	Jobs    *clock.Schedule
	Journal *journal.Journal
	Faults  *fault.Set
	Parts   []Part
	// World is what Reset goes back to.
	World world.World
	// Token must be sent as a bearer token with every request; empty means that none is
	// asked for, which is for loopback only.
	Token string
	Log   *slog.Logger
}

// Server serves a control plane.
type Server struct {
	options Options
	mux     *http.ServeMux
	steer   sync.Mutex // one change of clock or world at a time
}

// maxBody bounds the body of a control request, in bytes.
const maxBody = 8 << 20

// NewServer returns the handler of a control plane.
func NewServer(o Options) *Server {
	s := &Server{options: o, mux: http.NewServeMux()}
	s.mux.HandleFunc(healthRoute, s.health)
	for route, h := range s.routes() {
		s.mux.Handle(route, s.adapt(h))
	}
	return s
}

// healthRoute needs no token, and has no JSON to read.
const healthRoute = "GET /v1/health"

// routes are all others.
func (s *Server) routes() map[string]func(*http.Request) (any, error) {
	return map[string]func(*http.Request) (any, error){
		"GET /v1/info":             s.info,
		"GET /v1/clock":            s.clock,
		"PUT /v1/clock":            s.setClock,
		"PUT /v1/skew":             s.setSkew,
		"GET /v1/faults":           s.faults,
		"POST /v1/faults":          s.addFault,
		"DELETE /v1/faults":        s.clearFaults,
		"DELETE /v1/faults/{name}": s.removeFault,
		"GET /v1/journal":          s.journal,
		"GET /v1/explain":          s.explain,
		"PUT /v1/world":            s.setWorld,
		"POST /v1/reset":           s.reset,
		"POST /v1/do/{action}":     s.do,
	}
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"status":"ok"}`+"\n")
}

// ServeHTTP answers a control request. It refuses what a browser sends on behalf of a
// page, so that no web site can steer a developer's ecosystem.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Mode") == "cors" {
		refuse(w, http.StatusForbidden, Failure{Error: "the control plane is not for browsers"})
		return
	}
	if s.options.Token != "" && r.URL.Path != "/v1/health" {
		given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if subtle.ConstantTimeCompare([]byte(given), []byte(s.options.Token)) != 1 {
			refuse(w, http.StatusUnauthorized, Failure{
				Error: "the control token is missing or wrong",
				Hint:  "send the token that ccmock was started with as Authorization: Bearer",
			})
			return
		}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	s.mux.ServeHTTP(w, r)
}

// hinted is an error with a hint.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// notFound is an error that is answered with 404.
type notFound struct{ error }

func (s *Server) adapt(h func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := h(r)
		if err != nil {
			failure, status := Failure{Error: err.Error()}, http.StatusUnprocessableEntity
			var withHint hinted
			if errors.As(err, &withHint) {
				failure.Hint = withHint.hint
			}
			var missing notFound
			if errors.As(err, &missing) {
				status = http.StatusNotFound
			}
			refuse(w, status, failure)
			return
		}
		text, err := json.Marshal(answer)
		if err != nil {
			refuse(w, http.StatusInternalServerError, Failure{Error: err.Error()})
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(append(text, '\n'))
	})
}

func refuse(w http.ResponseWriter, status int, f Failure) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(f)
}

func (s *Server) info(*http.Request) (any, error) {
	info := Info{Version: s.options.Version, Seed: s.options.Seed, Services: []Service{}, Actions: s.actions()}
	for _, p := range s.options.Parts {
		services := p.Services()
		if routed, ok := p.(Routed); ok {
			for n := range services {
				services[n].Routes = routed.Routes(services[n].Name)
			}
		}
		info.Services = append(info.Services, services...)
	}
	return info, nil
}

func (s *Server) actions() []string {
	names := map[string]bool{}
	for _, p := range s.options.Parts {
		for name := range p.Actions() {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (s *Server) clock(*http.Request) (any, error) { return s.clockState(), nil }

func (s *Server) clockState() Clock {
	c := Clock{Now: s.options.Clock.Now(), Frozen: s.options.Clock.Frozen(), Skews: map[string]time.Duration{}}
	c.NextJob, _ = s.options.Jobs.Next()
	for _, p := range s.options.Parts {
		for _, service := range p.Services() {
			if skew := p.Skew(service.Name); skew != nil && skew.Get() != 0 {
				c.Skews[service.Name] = skew.Get()
			}
		}
	}
	return c
}

func (s *Server) setClock(r *http.Request) (any, error) {
	var set SetClock
	if err := decode(r.Body, &set); err != nil {
		return nil, err
	}
	s.steer.Lock()
	defer s.steer.Unlock()
	clk := s.options.Clock
	if set.Frozen != nil && *set.Frozen != clk.Frozen() {
		if *set.Frozen {
			clk.Freeze()
		} else {
			clk.Resume()
		}
	}
	if set.Now != nil {
		clk.Set(*set.Now)
	}
	if set.Run {
		s.options.Jobs.RunDue(r.Context(), clk.Now())
	}
	return s.clockState(), nil
}

func (s *Server) setSkew(r *http.Request) (any, error) {
	var set SetSkew
	if err := decode(r.Body, &set); err != nil {
		return nil, err
	}
	for _, p := range s.options.Parts {
		if skew := p.Skew(set.Service); skew != nil {
			skew.Set(set.By)
			return Done{}, nil
		}
	}
	return nil, s.unknownService(set.Service)
}

func (s *Server) unknownService(name string) error {
	var known []string
	for _, p := range s.options.Parts {
		for _, service := range p.Services() {
			known = append(known, service.Name)
		}
	}
	hint := "here are: " + strings.Join(known, ", ")
	if near := strictyaml.Suggest(name, known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return hinted{notFound{fmt.Errorf("unknown service %q", name)}, hint}
}

func (s *Server) faults(*http.Request) (any, error) {
	return Faults{Faults: s.options.Faults.States()}, nil
}

func (s *Server) addFault(r *http.Request) (any, error) {
	var rule fault.Rule
	if err := decode(r.Body, &rule); err != nil {
		return nil, err
	}
	if err := s.options.Faults.Add(rule); err != nil {
		return nil, err
	}
	return Done{}, nil
}

func (s *Server) clearFaults(*http.Request) (any, error) {
	s.options.Faults.Clear()
	return Done{}, nil
}

func (s *Server) removeFault(r *http.Request) (any, error) {
	if name := r.PathValue("name"); !s.options.Faults.Remove(name) {
		return nil, notFound{fmt.Errorf("no fault %q is in force", name)}
	}
	return Done{}, nil
}

func (s *Server) journal(r *http.Request) (any, error) {
	q := r.URL.Query()
	f := journal.Filter{RequestID: q.Get("request"), Service: q.Get("service")}
	if after := q.Get("after"); after != "" {
		n, err := strconv.ParseUint(after, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("after: %q is not an entry's number", after)
		}
		f.After = n
	}
	return Entries{Entries: s.options.Journal.Entries(f), Last: s.options.Journal.Last()}, nil
}

func (s *Server) setWorld(r *http.Request) (any, error) {
	var w world.World
	if err := decode(r.Body, &w); err != nil {
		return nil, err
	}
	var errs []error
	for _, complaint := range w.Complete() {
		errs = append(errs, complaint)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s.seed(w)
}

func (s *Server) reset(*http.Request) (any, error) { return s.seed(s.options.World) }

// seed starts over in the given world: frozen at its time, with no faults, skews or
// journal left.
func (s *Server) seed(w world.World) (any, error) {
	s.steer.Lock()
	defer s.steer.Unlock()
	s.options.Faults.Clear()
	s.options.Journal.Reset()
	s.options.Jobs.Clear()
	s.options.Clock.Set(w.Now)
	for _, p := range s.options.Parts {
		for _, service := range p.Services() {
			if skew := p.Skew(service.Name); skew != nil {
				skew.Set(0)
			}
		}
		if err := p.Seed(w); err != nil {
			return nil, err
		}
	}
	return s.info(nil)
}

func (s *Server) do(r *http.Request) (any, error) {
	name := r.PathValue("action")
	args, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("cannot read the arguments: %w", err)
	}
	known := false
	for _, p := range s.options.Parts {
		action, ok := p.Actions()[name]
		if !ok {
			continue
		}
		known = true
		answer, err := action(r.Context(), args)
		if errors.Is(err, ErrNotHere) {
			continue
		}
		return answer, err
	}
	if known {
		return nil, notFound{fmt.Errorf("%s: %w", name, ErrNotHere)}
	}
	hint := "here are: " + strings.Join(s.actions(), ", ")
	if near := strictyaml.Suggest(name, s.actions()); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return nil, hinted{notFound{fmt.Errorf("unknown action %q", name)}, hint}
}
