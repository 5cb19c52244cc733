package scenarios

import (
	"cmp"
	"maps"
	"net/http"
	"slices"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/token"
)

// Proof is one thing that a run can show of a scope on a deployment.
type Proof string

// The proofs.
const (
	ProofIssued   Proof = "issued"           // an issuer put the scope into a token
	ProofAccepted Proof = "accepted"         // a backend that requires it answered
	ProofMissing  Proof = "refused_missing"  // a backend refused a token without it
	ProofExpired  Proof = "refused_expired"  // likewise an expired token
	ProofAudience Proof = "refused_audience" // one for another audience
	ProofInstance Proof = "refused_instance" // one of another instance
)

// Proofs lists them, in the order in which they are shown.
func Proofs() []Proof {
	return []Proof{ProofIssued, ProofAccepted, ProofMissing, ProofExpired, ProofAudience, ProofInstance}
}

// refusals are the proofs that a refusal is, by its reason.
var refusals = map[token.Reason]Proof{
	token.MissingScope:     ProofMissing,
	token.Expired:          ProofExpired,
	token.WrongAudience:    ProofAudience,
	token.InstanceMismatch: ProofInstance,
}

// Coverage is what the journals of a run show, whatever its flows meant to show.
type Coverage struct {
	// Covered and Total count the cells of the table: six proofs for each scope on each
	// deployment.
	Covered int     `json:"covered"`
	Total   int     `json:"total"`
	Percent float64 `json:"percent"`
	// Rows are by scope and, of each, by deployment. There is a scope for each endpoint of
	// the flows' features, and for each that a backend was seen to require.
	Rows []CoverageRow `json:"rows"`
	// NotRequired are the scopes that issuers decided on and no endpoint required, so that
	// nothing but their issue can be seen.
	NotRequired []string `json:"not_required"`
	// Untouched is what was there and was not used.
	Untouched Untouched `json:"untouched"`
}

// CoverageRow is a scope on a deployment, and how often each proof was seen. A proof that
// was not seen is absent.
type CoverageRow struct {
	Scope      string           `json:"scope"`
	Deployment Deployment       `json:"deployment"`
	Seen       map[Proof]*Sight `json:"seen"`
}

// Sight is how often a proof was seen, and in which step first.
type Sight struct {
	Times int    `json:"times"`
	File  string `json:"file"`
	Line  int    `json:"line"`
}

// Untouched is what no flow used.
type Untouched struct {
	Routes        []StubRoute `json:"routes"`         // of stubs
	ControlRoutes []string    `json:"control_routes"` // of the control plane
	Actions       []string    `json:"actions"`        // likewise
}

// StubRoute is a route of a stub, by the name that journals give it. All GitLab instances
// have the same routes, so they count as one.
type StubRoute struct {
	Service string `json:"service"`
	Route   string `json:"route"`
}

// gitLabInstances is what StubRoute calls every instance.
const gitLabInstances = "GitLab instances"

func stubRoute(service string, kind journal.Kind, route string) StubRoute {
	if kind == journal.Rails {
		service = gitLabInstances
	}
	return StubRoute{service, route}
}

// Cover works out what the report's journals show.
func (r *Report) Cover() *Coverage {
	c := &covering{
		rows:  map[string]map[Deployment]map[Proof]*Sight{},
		known: map[string]bool{},
	}
	for _, flow := range r.Flows {
		if flow.Stage != nil {
			c.flow(flow)
		}
	}
	return c.coverage(r)
}

// covering is a coverage as it grows.
type covering struct {
	rows  map[string]map[Deployment]map[Proof]*Sight // by scope
	known map[string]bool                            // scopes that issuers decided on
}

func (c *covering) flow(r *Result) {
	f := newFlowFacts(r)
	for _, e := range r.Stage.Endpoints {
		c.row(e.Scope)
	}
	for _, s := range r.Steps {
		for n := range s.Journal {
			e := &s.Journal[n]
			if e.Issued != nil && (e.Kind == journal.Rails || e.Kind == journal.CustomersDot) {
				c.issued(f, s, e)
			}
			if e.Kind == journal.Backend {
				c.judged(f, s, e)
			}
		}
	}
}

// row makes sure that the table has the scope.
func (c *covering) row(scope string) {
	if scope != "" && c.rows[scope] == nil {
		c.rows[scope] = map[Deployment]map[Proof]*Sight{}
	}
}

func (c *covering) issued(f *flowFacts, s *StepResult, e *journal.Entry) {
	d := f.issuedTo(e)
	for _, scope := range e.Scopes {
		c.known[scope.Name] = true
		if scope.Granted {
			c.saw(scope.Name, d, ProofIssued, s)
		}
	}
}

// judged looks at what a backend made of a request.
func (c *covering) judged(f *flowFacts, s *StepResult, e *journal.Entry) {
	scope := f.required(e)
	c.row(scope)
	proof := refusals[token.Reason(e.Reason)]
	if e.Reason == "" && e.Fault == "" && e.Scope != "" && e.Status < http.StatusBadRequest {
		proof = ProofAccepted
	}
	if scope != "" && proof != "" {
		c.saw(scope, f.caller(e), proof, s)
	}
}

func (c *covering) saw(scope string, d Deployment, p Proof, s *StepResult) {
	if d == "" {
		return // nobody of the flow's world
	}
	// Scopes that turn out not to be required are taken out in the end.
	c.row(scope)
	cells := c.rows[scope][d]
	if cells == nil {
		cells = map[Proof]*Sight{}
		c.rows[scope][d] = cells
	}
	if cells[p] == nil {
		cells[p] = &Sight{File: s.File, Line: s.Line}
	}
	cells[p].Times++
}

func (c *covering) coverage(r *Report) *Coverage {
	required := requiredScopes(r)
	result := &Coverage{Rows: []CoverageRow{}, NotRequired: []string{}, Untouched: r.untouched()}
	for _, scope := range slices.Sorted(maps.Keys(required)) {
		for _, d := range Deployments() {
			row := CoverageRow{Scope: scope, Deployment: d, Seen: map[Proof]*Sight{}}
			maps.Copy(row.Seen, c.rows[scope][d])
			result.Rows = append(result.Rows, row)
			result.Covered += len(row.Seen)
			result.Total += len(Proofs())
		}
	}
	for _, scope := range slices.Sorted(maps.Keys(c.known)) {
		if !required[scope] {
			result.NotRequired = append(result.NotRequired, scope)
		}
	}
	if result.Total > 0 {
		result.Percent = 100 * float64(result.Covered) / float64(result.Total)
	}
	return result
}

// requiredScopes are those of the features' endpoints, and those that backends were seen
// to ask for.
func requiredScopes(r *Report) map[string]bool {
	required := map[string]bool{}
	for _, flow := range r.Flows {
		if flow.Stage == nil {
			continue
		}
		for _, e := range flow.Stage.Endpoints {
			required[e.Scope] = true
		}
		for _, s := range flow.Steps {
			for _, e := range s.Journal {
				if e.Kind == journal.Backend && e.Scope != "" {
					required[e.Scope] = true
				}
			}
		}
	}
	return required
}

// flowFacts say who and what the entries of a flow's journal are about.
type flowFacts struct {
	byName, byID map[string]Deployment
	callers      map[string]string // the instance that made a request, by request id
	endpoints    map[string]string // scopes, by service, method and path
}

func newFlowFacts(r *Result) *flowFacts {
	f := &flowFacts{
		byName: map[string]Deployment{}, byID: map[string]Deployment{},
		callers: map[string]string{}, endpoints: map[string]string{},
	}
	for _, i := range r.Stage.Instances {
		f.byName[i.Name] = i.Deployment
		f.byID[i.ID] = i.Deployment
	}
	for _, e := range r.Stage.Endpoints {
		f.endpoints[e.Service+" "+e.Method+" "+e.Path] = e.Scope
	}
	for _, s := range r.Steps {
		for _, e := range s.Journal {
			if e.Kind == journal.Rails && e.Upstream != "" {
				f.callers[e.RequestID] = e.Service
			}
		}
	}
	return f
}

// issuedTo is whom a token was issued to: GitLab.com signs its own, CustomersDot names the
// instance as the subject.
func (f *flowFacts) issuedTo(e *journal.Entry) Deployment {
	if e.Kind == journal.Rails {
		return f.byName[e.Service]
	}
	return f.subject(e.Issued)
}

func (f *flowFacts) subject(t *journal.Token) Deployment {
	if t == nil {
		return ""
	}
	sub, _ := t.Claims["sub"].(string)
	return f.byID[sub]
}

// caller is who a request came from: the instance that was seen to make it, else the one
// that the request says, else the token's.
func (f *flowFacts) caller(e *journal.Entry) Deployment {
	return cmp.Or(f.byName[f.callers[e.RequestID]], f.byID[e.InstanceID], f.subject(e.Token))
}

// required is the scope that the request's endpoint asks for, which a backend notes only
// when it has taken the token.
func (f *flowFacts) required(e *journal.Entry) string {
	return cmp.Or(e.Scope, f.endpoints[e.Service+" "+e.Method+" "+e.Path])
}

// untouched compares what there was with what was used.
func (r *Report) untouched() Untouched {
	routes, controlled := map[StubRoute]bool{}, false // true: used
	called, actions := map[string]bool{}, map[string]bool{}
	for _, flow := range r.Flows {
		if flow.Stage == nil {
			continue
		}
		for _, s := range flow.Stage.Services {
			controlled = true
			for _, name := range s.Routes {
				known(routes, stubRoute(s.Name, s.Kind, name))
			}
		}
		for _, name := range flow.Stage.Actions {
			known(actions, name)
		}
		for _, name := range flow.Stage.CalledRoutes {
			called[name] = true
		}
		for _, name := range flow.Stage.CalledActions {
			actions[name] = true
		}
	}
	for _, flow := range r.Flows {
		for _, s := range flow.Steps {
			for _, e := range s.Journal {
				routes[stubRoute(e.Service, e.Kind, e.Route)] = true
			}
		}
	}
	if controlled {
		for _, route := range control.Routes() {
			known(called, route)
		}
	}
	left := Untouched{Routes: []StubRoute{}, ControlRoutes: unused(called), Actions: unused(actions)}
	for route, used := range routes {
		if !used {
			left.Routes = append(left.Routes, route)
		}
	}
	slices.SortFunc(left.Routes, func(a, b StubRoute) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Route, b.Route))
	})
	return left
}

// known adds what is there, used or not.
func known[K comparable](used map[K]bool, key K) {
	if !used[key] {
		used[key] = false
	}
}

func unused(used map[string]bool) []string {
	names := []string{}
	for _, name := range slices.Sorted(maps.Keys(used)) {
		if !used[name] {
			names = append(names, name)
		}
	}
	return names
}
