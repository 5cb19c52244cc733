package explain

import (
	"fmt"
	"strings"

	"github.com/ccmock/ccmock/internal/journal"
)

// Issue explains why scopes are in a token or not, by the journal entry of its issuer. Text
// is empty where no journal has the token. Of several scopes, the first one gives Reason,
// which is a catalog.Rule or not_in_catalog, and Place.
func Issue(entries []journal.Entry, digest string, scopes []string) Explanation {
	c := &call{all: entries}
	for n := range entries {
		if t := entries[n].Issued; t != nil && t.Digest == digest {
			c.issued, c.token, c.at = &entries[n], Full(entries, t), entries[n].At
		}
	}
	x := Explanation{Chain: []Link{}}
	if c.issued == nil {
		return x
	}
	var texts []string
	for n, name := range scopes {
		c.Scope = name
		x.Chain = append(x.Chain, c.issuerLink())
		d, known := c.decision()
		if !known {
			d, _ = c.nearest()
			d.Granted, d.Rule = false, notInCatalog
		}
		if n == 0 {
			x.Granted, x.Place = d.Granted, d.Place
			if !d.Granted {
				x.By, x.Reason = c.issued.Service, d.Rule
			}
		}
		switch {
		case !known:
			texts = append(texts, c.unlisted())
		case d.Granted:
			texts = append(texts, fmt.Sprintf("%s granted %s because %s%s", c.issued.Service, name, d.Why, in(d.Place)))
		default:
			texts = append(texts, fmt.Sprintf("%s dropped %s because %s%s", c.issued.Service, name, d.Why, in(d.Place)))
		}
	}
	x.Text = strings.Join(texts, "; ")
	return x
}

// notInCatalog is why a scope is dropped that the catalog does not have.
const notInCatalog = "not_in_catalog"
