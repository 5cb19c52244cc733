// Package fault makes things go wrong on demand: addressed, counted and reported when
// unused. A rule is data, so that a scenario can say it in YAML.
package fault

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Rule says what goes wrong, where, and how often.
type Rule struct {
	Name  string `json:"name" yaml:"name"`
	Where Match  `json:"where" yaml:"where"`
	// Skip lets this many matching requests through first; Times is how often the rule is
	// then applied, 0 meaning until it is removed.
	Skip  int    `json:"skip,omitempty" yaml:"skip"`
	Times int    `json:"times,omitempty" yaml:"times"`
	Do    Action `json:"do" yaml:"do"`
}

// Match says which requests a rule is for. An empty field matches any.
type Match struct {
	Service string `json:"service,omitempty" yaml:"service"`
	Route   string `json:"route,omitempty" yaml:"route"` // a route's name, as the journal shows it
	Method  string `json:"method,omitempty" yaml:"method"`
	Path    string `json:"path,omitempty" yaml:"path"` // the whole path
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
	// Delay is how long the answer waits, in real time.
	Delay time.Duration `json:"delay,omitempty" yaml:"delay"`
}

// MaxDelay bounds Action.Delay, so that a scenario ends.
const MaxDelay = time.Minute

// Request is what a rule is matched against.
type Request struct {
	Service, Route, Method, Path string
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
	if where := r.Do.CorruptSignature; where != "" && !slices.Contains(Signatures(), where) {
		errs = append(errs, fmt.Errorf("do.corrupt_signature: unknown %q, expected %s", where, strings.Join(Signatures(), ", ")))
	}
	switch kinds := r.Do.kinds(); {
	case len(kinds) > 1:
		errs = append(errs, fmt.Errorf("do: %s exclude one another", strings.Join(kinds, " and ")))
	case len(kinds) == 0 && r.Do.Delay == 0:
		errs = append(errs, errors.New("do: nothing is set, expected one of "+
			"status, reset, cut_after, truncate, malformed, keys, corrupt_signature, delay"))
	}
	return errors.Join(errs...)
}

// kinds names what is set of that of which there may be one.
func (a Action) kinds() []string {
	var kinds []string
	for _, k := range []struct {
		name string
		set  bool
	}{
		{"status", a.Status != 0},
		{"reset", a.Reset},
		{"cut_after", a.CutAfter > 0},
		{"truncate", a.Truncate > 0},
		{"malformed", a.Malformed},
		{"keys", a.Keys != ""},
		{"corrupt_signature", a.CorruptSignature != ""},
	} {
		if k.set {
			kinds = append(kinds, k.name)
		}
	}
	return kinds
}

func (m Match) matches(r Request) bool {
	if m.Service != "" && m.Service != r.Service ||
		m.Route != "" && m.Route != r.Route ||
		m.Method != "" && !strings.EqualFold(m.Method, r.Method) ||
		m.Path != "" && m.Path != r.Path {
		return false
	}
	for name, value := range m.Header {
		if r.Header.Get(name) != value {
			return false
		}
	}
	return true
}

// State is a rule and what became of it.
type State struct {
	Rule    Rule `json:"rule"`
	Seen    int  `json:"seen"`    // matching requests
	Applied int  `json:"applied"` // requests that it was applied to
}

// Set holds the rules in force. Its zero value is empty and ready. It is safe for
// concurrent use.
type Set struct {
	mu    sync.RWMutex
	rules []*State
}

// Add puts a rule in force, after the ones that are. A rule of the same name is
// replaced and its counts start anew.
func (s *Set) Add(r Rule) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("fault %q: %w", r.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, old := range s.rules {
		if old.Rule.Name == r.Name {
			s.rules[i] = &State{Rule: r}
			return nil
		}
	}
	s.rules = append(s.rules, &State{Rule: r})
	return nil
}

// Remove takes a rule out of force and reports whether it was there.
func (s *Set) Remove(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, st := range s.rules {
		if st.Rule.Name == name {
			s.rules = append(s.rules[:i], s.rules[i+1:]...)
			return true
		}
	}
	return false
}

// Clear removes all rules.
func (s *Set) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
}

// States returns the rules in force with their counts; never nil.
func (s *Set) States() []State {
	s.mu.RLock()
	defer s.mu.RUnlock()
	states := make([]State, 0, len(s.rules))
	for _, st := range s.rules {
		states = append(states, *st)
	}
	return states
}

// Match counts r against the rules and returns the first that is to be applied to it.
func (s *Set) Match(r Request) (Rule, bool) {
	s.mu.RLock()
	none := len(s.rules) == 0
	s.mu.RUnlock()
	if none {
		return Rule{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.rules {
		if !st.Rule.Where.matches(r) || st.Rule.Times > 0 && st.Applied == st.Rule.Times {
			continue
		}
		st.Seen++
		if st.Seen <= st.Rule.Skip {
			continue
		}
		st.Applied++
		return st.Rule, true
	}
	return Rule{}, false
}

// Missed takes back one application of a rule: the request matched, and held nothing that
// the rule could change.
func (s *Set) Missed(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.rules {
		if st.Rule.Name == name && st.Applied > 0 {
			st.Applied--
		}
	}
}
