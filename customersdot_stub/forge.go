package customersdotstub

import (
	"context"
	"fmt"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/token"
)

// sign makes a token that CustomersDot never would: that of an instance, licensed or not,
// with other claims and headers laid over.
func (s *Stub) sign(_ context.Context, r control.SignRequest) (control.TokenResult, error) {
	if r.Service != Name {
		return control.TokenResult{}, control.ErrNotHere
	}
	st := s.state.Load()
	f, err := s.factsToForge(st, r.Instance)
	if err != nil {
		return control.TokenResult{}, err
	}
	key, err := st.keys.Current()
	if r.Stranger {
		key, err = s.options.Keys.Get(strangerKey)
	}
	if err != nil {
		return control.TokenResult{}, err
	}
	good, err := token.Sign(key, s.claims(f, catalog.Decide(f.edition.catalog, f.Facts)), token.SignOptions{WithKeyID: true})
	if err != nil {
		return control.TokenResult{}, err
	}
	decoded, err := token.Decode(good)
	if err != nil {
		return control.TokenResult{}, fmt.Errorf("the good token: %w", err)
	}
	overlay(decoded.Header, r.Header)
	overlay(decoded.Claims, r.Claims)
	raw, err := token.ForgeAs(key, decoded.Header, decoded.Claims, r.Forgery())
	if err != nil {
		return control.TokenResult{}, err
	}
	return control.TokenResult{Raw: raw, Token: journalToken(raw)}, nil
}

func (s *Stub) factsToForge(st *state, instance string) (facts, error) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	sub, err := st.instanceToForge(instance)
	if err != nil {
		return facts{}, err
	}
	version, err := catalog.ParseVersion(sub.instance.GitLabVersion)
	if err != nil {
		return facts{}, err
	}
	return s.factsOf(st, sub, version), nil
}

// overlay lays changes over members. Null removes one.
func overlay(members, changes map[string]any) {
	for name, value := range changes {
		if value == nil {
			delete(members, name)
		} else {
			members[name] = value
		}
	}
}
