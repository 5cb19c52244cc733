package railsstub

import (
	"strings"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/graphql"
	"github.com/ccmock/ccmock/internal/world"
)

// release is a GitLab version as it is installed on an instance: all that follows from
// the two and does not change until the next upgrade.
type release struct {
	Generation
	version   catalog.Version
	text      string // Gitlab::VERSION, such as "16.9.2-ee"
	headers   [suggestions + 1]headerSet
	connector map[string]string // CloudConnector.headers(nil), for CustomersDot
	discovery []byte            // the body of the OIDC discovery document
	schema    *graphql.Schema
}

func (i *Instance) newRelease(given world.Instance) (*release, error) {
	v, err := catalog.ParseVersion(given.GitLabVersion)
	if err != nil {
		return nil, err
	}
	schema, err := i.stub.schemas.of(behaviour(v))
	if err != nil {
		return nil, err
	}
	r := &release{Generation: generationOf(v), version: v, text: v.Core() + "-ee", schema: schema}
	if strings.ContainsAny(v.String(), "-+") {
		r.text = v.String()
	}
	c := &caller{instance: given, host: i.address.Hostname(), version: v}
	for to := range r.headers {
		r.headers[to] = newHeaderSet(c, reach(to))
	}
	r.connector = map[string]string{}
	if r.syncRule.headers {
		for name, values := range r.headers[everyCall].fixed {
			if name != "Content-Type" && name != "User-Agent" {
				r.connector[name] = values[0]
			}
		}
	}
	r.discovery = discoveryDocument(i.url, r.ciClaims)
	return r, nil
}
