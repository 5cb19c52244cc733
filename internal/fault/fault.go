// Package fault makes things go wrong on demand: addressed, counted, drawn by lot from a
// seed, and reported when unused. A rule is data, so that a scenario can say it in YAML.
package fault

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Rule says what goes wrong, where, and how often.
type Rule struct {
	Name  string `json:"name" yaml:"name"`
	Where Match  `json:"where" yaml:"where"`
	// Skip lets this many matching requests through first; Times is how often the rule is
	// then applied, 0 meaning until it is removed.
	Skip  int `json:"skip,omitempty" yaml:"skip"`
	Times int `json:"times,omitempty" yaml:"times"`
	// Probability, where it is given, is the share of the requests after Skip that the rule
	// is applied to. Which ones follows from the set's seed, the rule's name and the order of
	// the requests. Times then says how often at most, after which all goes well.
	Probability *float64 `json:"probability,omitempty" yaml:"probability"`
	Do          Action   `json:"do" yaml:"do"`
}

// Match says which requests a rule is for. An empty field matches any.
type Match struct {
	Service string `json:"service,omitempty" yaml:"service"`
	Route   string `json:"route,omitempty" yaml:"route"` // a route's name, as the journal shows it
	Method  string `json:"method,omitempty" yaml:"method"`
	Path    string `json:"path,omitempty" yaml:"path"` // the whole path
	// Protocol is HTTP/1.1 or HTTP/2.
	Protocol string `json:"protocol,omitempty" yaml:"protocol"`
	// Header names headers and the value that each must have.
	Header map[string]string `json:"header,omitempty" yaml:"header"`
}

// Action is what happens to a matching request. Delay goes with any of the others; of
// the rest, exactly one is set (or none, with a Delay).
type Action struct {
	// Status answers with this status, Header and Body in place of the service.
	Status int               `json:"status,omitempty" yaml:"status"`
	Header map[string]string `json:"header,omitempty" yaml:"headers"`
	Body   string            `json:"body,omitempty" yaml:"body"`
	// Reset closes the connection without an answer.
	Reset bool `json:"reset,omitempty" yaml:"reset"`
	// CutAfter lets the service answer and closes the connection after this many bytes of
	// its body.
	CutAfter int `json:"cut_after,omitempty" yaml:"cut_after"`
	// Truncate lets the service answer with only this many bytes of its body, as if that
	// were all: the length that it announces is right.
	Truncate int `json:"truncate,omitempty" yaml:"truncate"`
	// Malformed makes the JSON of the service's answer invalid.
	Malformed bool `json:"malformed,omitempty" yaml:"malformed"`
	// Keys changes the key set that the service answers: without_first or without_last
	// leaves that key out, stale is the set before a key was last added or dropped.
	Keys string `json:"keys,omitempty" yaml:"keys"`
	// CorruptSignature changes the signature of the token in the Authorization header of the
	// request, before the service sees it, or of every token in the body of the answer.
	CorruptSignature string `json:"corrupt_signature,omitempty" yaml:"corrupt_signature"`
	// Strip takes headers of these names away, on the way to the service and on the way back.
	Strip []string `json:"strip,omitempty" yaml:"strip"`
	// Delay is how long the answer waits, in real time.
	Delay time.Duration `json:"delay,omitempty" yaml:"delay"`
}

// MaxDelay bounds Action.Delay, so that a scenario ends.
const MaxDelay = time.Minute

// Request is what a rule is matched against.
type Request struct {
	Service, Route, Method, Path string
	Protocol                     string // HTTP/1.1 or HTTP/2
	Header                       http.Header
}

// Validate says everything that is wrong with the rule, or nil.
func (r Rule) Validate() error {
	var errs []error
	if r.Name == "" {
		errs = append(errs, errors.New("name: missing"))
	}
	if r.Skip < 0 {
		errs = append(errs, fmt.Errorf("skip: %d is negative", r.Skip))
	}
	if r.Times < 0 {
		errs = append(errs, fmt.Errorf("times: %d is negative", r.Times))
	}
	if p := r.Probability; p != nil && !(*p > 0 && *p <= 1) {
		errs = append(errs, fmt.Errorf("probability: %v is not above 0 and at most 1", *p))
	}
	if s := r.Do.Status; s != 0 && (s < 200 || s > 599) {
		errs = append(errs, fmt.Errorf("do.status: %d is not a status between 200 and 599", s))
	}
	if r.Do.Status == 0 && (len(r.Do.Header) > 0 || r.Do.Body != "") {
		errs = append(errs, errors.New("do: headers and body go with a status"))
	}
	if r.Do.CutAfter < 0 {
		errs = append(errs, fmt.Errorf("do.cut_after: %d is negative", r.Do.CutAfter))
	}
	if d := r.Do.Delay; d < 0 || d > MaxDelay {
		errs = append(errs, fmt.Errorf("do.delay: %s is not between 0s and %s", d, MaxDelay))
	}
	if r.Do.Truncate < 0 {
		errs = append(errs, fmt.Errorf("do.truncate: %d is negative", r.Do.Truncate))
	}
	if r.Do.Keys != "" && !slices.Contains(KeySets(), r.Do.Keys) {
		errs = append(errs, fmt.Errorf("do.keys: unknown %q, expected %s", r.Do.Keys, strings.Join(KeySets(), ", ")))
	}
	if p := r.Where.Protocol; p != "" && !slices.Contains(Protocols(), p) {
		errs = append(errs, fmt.Errorf("where.protocol: unknown %q, expected %s", p, strings.Join(Protocols(), " or ")))
	}
	if slices.Contains(r.Do.Strip, "") {
		errs = append(errs, errors.New("do.strip: a header without a name"))
	}
	if where := r.Do.CorruptSignature; where != "" && !slices.Contains(Signatures(), where) {
		errs = append(errs, fmt.Errorf("do.corrupt_signature: unknown %q, expected %s", where, strings.Join(Signatures(), ", ")))
	}
	switch kinds := r.Do.kinds(); {
	case len(kinds) > 1:
		errs = append(errs, fmt.Errorf("do: %s exclude one another", strings.Join(kinds, " and ")))
	case len(kinds) == 0 && r.Do.Delay == 0:
		errs = append(errs, fmt.Errorf("do: nothing is set, expected one of %s", strings.Join(Kinds(), ", ")))
	}
	return errors.Join(errs...)
}

// exclusive is that of which an action has one at most.
var exclusive = []struct {
	name string
	set  func(Action) bool
}{
	{"status", func(a Action) bool { return a.Status != 0 }},
	{"reset", func(a Action) bool { return a.Reset }},
	{"cut_after", func(a Action) bool { return a.CutAfter > 0 }},
	{"truncate", func(a Action) bool { return a.Truncate > 0 }},
	{"malformed", func(a Action) bool { return a.Malformed }},
	{"keys", func(a Action) bool { return a.Keys != "" }},
	{"corrupt_signature", func(a Action) bool { return a.CorruptSignature != "" }},
	{"strip", func(a Action) bool { return len(a.Strip) > 0 }},
}

// Kinds names what can be done to a request.
func Kinds() []string {
	kinds := make([]string, 0, len(exclusive)+1)
	for _, k := range exclusive {
		kinds = append(kinds, k.name)
	}
	return append(kinds, "delay")
}

// kinds names what is set of that of which there may be one.
func (a Action) kinds() []string {
	var kinds []string
	for _, k := range exclusive {
		if k.set(a) {
			kinds = append(kinds, k.name)
		}
	}
	return kinds
}

func (m Match) matches(r Request) bool {
	if m.Service != "" && m.Service != r.Service ||
		m.Route != "" && m.Route != r.Route ||
		m.Method != "" && !strings.EqualFold(m.Method, r.Method) ||
		m.Path != "" && m.Path != r.Path ||
		m.Protocol != "" && m.Protocol != r.Protocol {
		return false
	}
	for name, value := range m.Header {
		if r.Header.Get(name) != value {
			return false
		}
	}
	return true
}
