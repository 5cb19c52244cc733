package customersdotstub

import (
	"context"
	"fmt"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
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
	if err != nil {
		return control.TokenResult{}, err
	}
	good, err := token.Sign(key, s.claims(st, f, catalog.Decide(f.edition.catalog, f.Facts)), token.SignOptions{WithKeyID: true})
	if err != nil {
		return control.TokenResult{}, err
	}
	raw, err := s.spoil(key, good, r.Header, r.Claims, r.Stranger, r.Forgery())
	if err != nil {
		return control.TokenResult{}, err
	}
	return control.TokenResult{Raw: raw, Token: journalToken(raw)}, nil
}

// spoil signs a good token anew, with other claims and headers laid over, by the key that
// signed it or by a stranger's, and forged as told.
func (s *Stub) spoil(key *token.Key, good string, header, claims map[string]any, stranger bool, f token.Forgery) (string, error) {
	decoded, err := token.Decode(good)
	if err != nil {
		return "", fmt.Errorf("the good token: %w", err)
	}
	if stranger {
		if key, err = s.options.Keys.Get(strangerKey); err != nil {
			return "", err
		}
		decoded.Header["kid"] = key.ID()
	}
	overlay(decoded.Header, header)
	overlay(decoded.Claims, claims)
	return token.ForgeAs(key, decoded.Header, decoded.Claims, f)
}

// misissue has an instance get spoilt tokens from now on, as a defect of CustomersDot
// would, or good ones again.
func (s *Stub) misissue(_ context.Context, r control.MisissueRequest) (control.Done, error) {
	return s.change(r.Instance, func(sub *subscription, _ time.Time) error {
		sub.wrong = &r
		if len(r.Claims) == 0 && len(r.Header) == 0 && !r.Stranger {
			sub.wrong = nil
		}
		return nil
	})
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
	file := world.LicenseFile{}
	if len(sub.sold) > 0 {
		file = sub.current(s.service.Clock().Now())
	}
	return s.factsOf(st, sub, file, version), nil
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
