package customersdotstub

import (
	"context"
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
	key, err := st.keys.Loaded()
	if err != nil {
		return control.TokenResult{}, err
	}
	raw, err := s.spoil(key, s.claims(st, f, catalog.Decide(f.edition.catalog, f.Facts)), r.Header, r.Claims, r.Stranger, r.Forgery())
	if err != nil {
		return control.TokenResult{}, err
	}
	return control.TokenResult{Raw: raw, Token: journalToken(raw)}, nil
}

// spoil signs what would be a good token with other claims and headers laid over, by the
// key that would sign it or by a stranger's, and forged as told.
func (s *Stub) spoil(key *token.Key, good token.Claims, header, claims map[string]any, stranger bool, f token.Forgery) (string, error) {
	if stranger {
		var err error
		if key, err = s.options.Keys.Get(strangerKey); err != nil {
			return "", err
		}
	}
	h, c, err := token.Unsigned(key, good, token.SignOptions{WithKeyID: true})
	if err != nil {
		return "", err
	}
	overlay(h, header)
	overlay(c, claims)
	return token.ForgeAs(key, h, c, f)
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
