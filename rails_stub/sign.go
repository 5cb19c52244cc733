package railsstub

import (
	"fmt"
	"maps"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/token"
)

// forge signs a token that the instance never would: a good one for every scope of the
// catalog, with the given header and claims laid over it.
func (i *Instance) forge(ask control.SignRequest) (control.TokenResult, error) {
	key, err := i.forgingKey(ask.Stranger)
	if err != nil {
		return control.TokenResult{}, err
	}
	about := i
	if ask.Instance != "" {
		if about, err = i.stub.instance(ask.Instance); err != nil {
			return control.TokenResult{}, fmt.Errorf("instance: no instance %q", ask.Instance)
		}
	}
	rel, now := i.installed(), i.service.Clock().Now()
	header := map[string]any{"alg": "RS256", "typ": "JWT"}
	if rel.kid {
		header["kid"] = key.ID()
	}
	claims := map[string]any{
		"jti": i.stub.env.Random.UUID(), "iss": i.url,
		"iat": now.Unix(), "nbf": now.Add(-notBeforeDrift).Unix(), "exp": now.Add(selfIssuedTTL).Unix(),
		"gitlab_realm": string(about.given.Realm),
		"scopes":       i.catalog.Scopes(), "aud": i.audiences(rel),
	}
	if rel.sub {
		claims["sub"] = about.installed().uuid
	}
	overlay(header, ask.Header)
	overlay(claims, ask.Claims)
	raw, err := token.ForgeAs(key, header, claims, ask.Forgery())
	if err != nil {
		return control.TokenResult{}, err
	}
	return control.TokenResult{Raw: raw, Token: newAccessToken(raw).token}, nil
}

// forgingKey is the key that the instance signs with, or one that nobody publishes.
func (i *Instance) forgingKey(stranger bool) (*token.Key, error) {
	if stranger {
		return i.keys.pool.Get("stranger")
	}
	ring, err := i.keys.ring(i.installed().key)
	if err != nil {
		return nil, err
	}
	return ring.Loaded()
}

// audiences is the aud of a token for everything, in the form of the version. A text holds
// one audience only, so it is the AI gateway then.
func (i *Instance) audiences(rel *release) any {
	if rel.aud != ofPrimitive {
		return catalog.DefaultAudience
	}
	return i.catalog.Audiences()
}

// overlay puts changes over m; nil takes a member away.
func overlay(m, changes map[string]any) {
	maps.Copy(m, changes)
	maps.DeleteFunc(m, func(name string, value any) bool {
		_, changed := changes[name]
		return changed && value == nil
	})
}
