// Package ownkeys is what the backends have in common that sign tokens of their own for
// GitLab's users: a signing key and a validation key, and tokens that they never would
// sign.
package ownkeys

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/ccmock/ccmock/backends/internal/fastapi"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// Life is how long a user's token is good.
const Life = time.Hour

// Ring is a service's signing key and, during a rotation, its validation key. Its rows
// are the keys whose tokens the service takes.
type Ring struct {
	*token.Keyring
	pool    *token.Pool
	name    string
	created int // keys made beside the first
}

// New returns the ring of a backend with its first key.
func New(pool *token.Pool, backend string) (*Ring, error) {
	r := &Ring{pool: pool, name: "backend-" + backend}
	key, err := pool.Get(r.name)
	if err != nil {
		return nil, fmt.Errorf("the key for user tokens: %w", err)
	}
	r.Keyring = token.NewKeyring(key)
	return r, nil
}

// Step changes the keys, as a deployment with other keys does: create adds the validation
// key, rotate swaps it with the signing key, trim drops it, list changes nothing. Changed
// says whether the service starts anew with them. Steps may not run at the same time.
func (r *Ring) Step(step string) (result control.KeysResult, changed bool, err error) {
	switch step {
	case "create":
		err = r.create()
	case "rotate":
		err = r.Rotate()
	case "trim":
		_, err = r.Trim()
	case "list":
	default:
		err = fmt.Errorf("unknown step %q, expected create, rotate, trim or list", step)
	}
	if err != nil {
		return control.KeysResult{}, false, err
	}
	signing, err := r.Current()
	if err != nil {
		return control.KeysResult{}, false, err
	}
	return control.KeysResult{Published: r.KeySet().IDs(), Signing: signing.ID()}, step != "list", nil
}

func (r *Ring) create() error {
	if len(r.Rows()) > 1 {
		return errors.New("there is a signing and a validation key, and room for no other: trim first")
	}
	key, err := r.pool.Get(fmt.Sprintf("%s-%d", r.name, r.created+2))
	if err != nil {
		return err
	}
	r.created++
	r.Create(key)
	return nil
}

// Good are the claims of a user's token that a service would sign, but for the user's.
type Good struct {
	Service string // which is issuer and audience
	ID      string
	Scopes  []string
	Now     time.Time
	World   world.World
}

// Forge makes a token that the service never would: a good one for the first user of the
// instance, with other claims and headers laid over; null removes one.
func (r *Ring) Forge(in control.SignRequest, good Good) (control.TokenResult, error) {
	key, err := r.Current()
	if in.Stranger {
		key, err = r.pool.Get(r.name + "-stranger")
	}
	if err != nil {
		return control.TokenResult{}, err
	}
	name := in.Instance
	if name == "" {
		name = world.GitLabCom
	}
	i, ok := good.World.Instance(name)
	if !ok {
		return control.TokenResult{}, fmt.Errorf("instance: no instance %q", in.Instance)
	}
	claims := map[string]any{
		"jti": good.ID, "iss": good.Service, "aud": good.Service, "sub": i.UUID,
		"iat": good.Now.Unix(), "nbf": good.Now.Unix(), "exp": good.Now.Add(Life).Unix(),
		"gitlab_realm": string(i.Realm), "gitlab_instance_id": i.UUID, "scopes": good.Scopes,
	}
	for _, u := range good.World.Users {
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
