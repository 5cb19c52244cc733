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
// key, rotate swaps it with the signing key, trim drops the one that does not sign.
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
		err = st.keys.Rotate()
	case "trim":
		_, err = st.keys.Trim()
	case "list":
	default:
		err = fmt.Errorf("unknown step %q, expected create, rotate, trim or list", r.Step)
	}
	if err != nil {
		return control.KeysResult{}, err
	}
	signing, err := st.keys.Current()
	if err != nil {
		return control.KeysResult{}, err
	}
	return control.KeysResult{Published: st.keys.KeySet().IDs(), Signing: signing.ID()}, nil
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
