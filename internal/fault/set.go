package fault

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
)

// State is a rule and what became of it.
type State struct {
	Rule    Rule `json:"rule"`
	Seen    int  `json:"seen"`    // matching requests
	Applied int  `json:"applied"` // requests that it was applied to
}

// Set holds the rules in force. Its zero value is empty and ready. It is safe for
// concurrent use.
type Set struct {
	seed  uint64
	mu    sync.RWMutex
	rules []*inForce
}

// NewSet returns an empty set whose lots are drawn from a seed.
func NewSet(seed uint64) *Set { return &Set{seed: seed} }

// inForce is a rule in force.
type inForce struct {
	State
	lots *rand.Rand
}

// drawn reports whether the lot of the next request falls on it.
func (f *inForce) drawn() bool {
	p := f.Rule.Probability
	return p == nil || f.lots.Float64() < *p
}

// newInForce has lots of its own, so that no rule depends on what others meet.
func (s *Set) newInForce(r Rule) *inForce {
	name := fnv.New64a()
	_, _ = name.Write([]byte(r.Name)) // a hash takes everything
	return &inForce{State{Rule: r}, rand.New(rand.NewPCG(s.seed, name.Sum64()))}
}

// Add puts a rule in force, after the ones that are. A rule of the same name is
// replaced, and its counts and lots start anew.
func (s *Set) Add(r Rule) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("fault %q: %w", r.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, old := range s.rules {
		if old.Rule.Name == r.Name {
			s.rules[i] = s.newInForce(r)
			return nil
		}
	}
	s.rules = append(s.rules, s.newInForce(r))
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
		states = append(states, st.State)
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
		if st.Seen <= st.Rule.Skip || !st.drawn() {
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
