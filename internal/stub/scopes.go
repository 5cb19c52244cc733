package stub

import (
	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/journal"
)

// Scopes are an issuer's decisions as its journal keeps them.
func Scopes(d catalog.Decision) []journal.Scope {
	scopes := make([]journal.Scope, len(d.Scopes))
	for n, of := range d.Scopes {
		scopes[n] = journal.Scope{
			Name: of.Scope, Granted: of.Granted, Rule: string(of.Rule), Why: of.Why,
			Place: of.Place.String(), AudiencePlace: of.AudiencePlace.String(),
		}
	}
	return scopes
}
