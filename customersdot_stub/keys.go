package customersdotstub

import (
	"context"
	"fmt"

	"github.com/ccmock/ccmock/internal/control"
)

// The names of the keys in the pool. Keys that are made for rotations are numbered from
// the second on.
const (
	firstKey    = "customersdot"
	nextKey     = "customersdot-next"
	strangerKey = "customersdot-stranger"
)

// rotateKeys goes through a rotation as the operators do: create publishes the validation
// key, rotate swaps it with the signing key, trim drops the one that does not sign. A rotate
// is a deployment, so that processes load the other key, unless it is told that those which
// issue tokens were left running.
func (s *Stub) rotateKeys(_ context.Context, r control.KeysRequest) (control.KeysResult, error) {
	if r.Service != Name {
		return control.KeysResult{}, control.ErrNotHere
	}
	st := s.state.Load()
	st.rotation.Lock()
	defer st.rotation.Unlock()
	var err error
	switch r.Step {
	case "create":
		err = s.createKey(st)
	case "rotate":
		if err = st.keys.Rotate(); err == nil && !r.NoRestart {
			st.keys.Reload()
		}
	case "trim":
		_, err = st.keys.Trim()
	case "list":
	default:
		err = fmt.Errorf("unknown step %q, expected create, rotate, trim or list", r.Step)
	}
	if err != nil {
		return control.KeysResult{}, err
	}
	signing, err := st.keys.Loaded()
	if err != nil {
		return control.KeysResult{}, err
	}
	return control.KeysResult{Published: st.keys.KeySet().IDs(), Signing: signing.ID()}, nil
}

// restart has the processes load the signing key anew.
func (s *Stub) restart(_ context.Context, r control.RestartRequest) (control.Done, error) {
	if r.Service != Name {
		return control.Done{}, control.ErrNotHere
	}
	s.state.Load().keys.Reload()
	return control.Done{}, nil
}

func (s *Stub) createKey(st *state) error {
	if n := len(st.keys.Rows()); n > 1 {
		return fmt.Errorf("%d keys are published, and there is room for one signing and one validation key: trim first", n)
	}
	name := nextKey
	if st.created > 0 {
		name = fmt.Sprintf("%s-%d", nextKey, st.created+1)
	}
	key, err := s.options.Keys.Get(name)
	if err != nil {
		return err
	}
	st.created++
	st.keys.Create(key)
	return nil
}
