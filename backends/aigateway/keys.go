package aigateway

import (
	"errors"
	"fmt"
	"maps"

	"github.com/ccmock/ccmock/backends/internal/fastapi"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// keyName names the gateway's first key in the pool.
func (g *Gateway) keyName() string { return "backend-" + g.options.Name }

// RotateKeys changes the keys for user tokens, as a deployment with other keys does, so
// that caches are empty after it: create adds the validation key, rotate swaps it with the
// signing key, trim drops it, list changes nothing.
func (g *Gateway) RotateKeys(step string) (control.KeysResult, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var err error
	switch step {
	case "create":
		err = g.createKey()
	case "rotate":
		err = g.ring.Rotate()
	case "trim":
		_, err = g.ring.Trim()
	case "list":
	default:
		err = fmt.Errorf("unknown step %q, expected create, rotate, trim or list", step)
	}
	if err != nil {
		return control.KeysResult{}, err
	}
	if step != "list" {
		g.start()
	}
	signing, err := g.ring.Current()
	if err != nil {
		return control.KeysResult{}, err
	}
	return control.KeysResult{Published: g.ring.KeySet().IDs(), Signing: signing.ID()}, nil
}

func (g *Gateway) createKey() error {
	if len(g.ring.Rows()) > 1 {
		return errors.New("there is a signing and a validation key, and room for no other: trim first")
	}
	key, err := g.options.Keys.Get(fmt.Sprintf("%s-%d", g.keyName(), g.created+2))
	if err != nil {
		return err
	}
	g.created++
	g.ring.Create(key)
	return nil
}

// Sign makes a user token that the gateway never would: a good one for the first user of
// the instance, with other claims and headers laid over; null removes one.
func (g *Gateway) Sign(in control.SignRequest) (control.TokenResult, error) {
	g.mu.Lock()
	key, err := g.ring.Current()
	w := g.world
	g.mu.Unlock()
	if in.Stranger {
		key, err = g.options.Keys.Get(g.keyName() + "-stranger")
	}
	if err != nil {
		return control.TokenResult{}, err
	}
	name := in.Instance
	if name == "" {
		name = world.GitLabCom
	}
	i, ok := w.Instance(name)
	if !ok {
		return control.TokenResult{}, fmt.Errorf("instance: no instance %q", in.Instance)
	}
	now := g.service.Clock().Now()
	claims := map[string]any{
		"jti": g.env.Random.UUID(), "iss": g.name, "aud": g.name, "sub": i.UUID,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(userTokenLife).Unix(),
		"gitlab_realm": string(i.Realm), "gitlab_instance_id": i.UUID, "scopes": userScopes,
	}
	for _, u := range w.Users {
		if u.Instance == i.Name {
			claims["sub"] = i.GlobalUserID(u)
			break
		}
	}
	header := map[string]any{"alg": "RS256", "typ": "JWT"}
	overlay(header, in.Header)
	overlay(claims, in.Claims)
	raw, err := token.ForgeAs(key, header, claims, in.Forgery())
	if err != nil {
		return control.TokenResult{}, err
	}
	result := control.TokenResult{Raw: raw}
	if d, err := token.Decode(raw); err == nil {
		result.Token = fastapi.Journaled(d)
	}
	return result, nil
}

// overlay lays changes over members. Null removes one.
func overlay(members, changes map[string]any) {
	maps.Copy(members, changes)
	maps.DeleteFunc(members, func(_ string, value any) bool { return value == nil })
}
