package aigateway

import (
	"github.com/ccmock/ccmock/backends/internal/ownkeys"
	"github.com/ccmock/ccmock/internal/control"
)

// RotateKeys changes the keys for user tokens, as a deployment with other keys does, so
// that caches are empty after it: create adds the validation key, rotate swaps it with the
// signing key, trim drops it, list changes nothing.
func (g *Gateway) RotateKeys(step string) (control.KeysResult, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	result, changed, err := g.ring.Step(step)
	if changed {
		g.start()
	}
	return result, err
}

// Sign makes a user token that the gateway never would: a good one for the first user of
// the instance, with other claims and headers laid over; null removes one.
func (g *Gateway) Sign(in control.SignRequest) (control.TokenResult, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ring.Forge(in, ownkeys.Good{
		Service: g.name, ID: g.env.Random.UUID(), Scopes: userScopes, Now: g.service.Clock().Now(), World: g.world,
	})
}
