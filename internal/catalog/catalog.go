package catalog

import (
	"errors"
	"fmt"
	"time"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// DefaultAudience is the audience of a service that names no backend: the
// tutorial's files have no such key, and knew the AI gateway alone.
const DefaultAudience = "gitlab-ai-gateway"

// DefaultEnvironment is the block that Parse takes when it is asked for none.
const DefaultEnvironment = "development"

// Generation is a form of cloud_connector.yml.
type Generation int

// The forms, as they followed each other.
const (
	G0 Generation = iota // the tutorial, 16.8: the service is the scope, bundled_with names one add-on
	G1                   // 16.11: a backend, which becomes the audience
	G2                   // 17.0 to 17.6: cut_off_date, bundled_with lists unit primitives per add-on
)

// Catalog is what a cloud_connector.yml says for one environment.
type Catalog struct {
	Services []Service // in file order
}

// Service is an entry under services: a group of scopes that are sold and
// dated together.
type Service struct {
	Name                    string
	Generation              Generation
	Backend                 string     // audience; empty means DefaultAudience
	CutOff                  *time.Time // end of free access; nil: free for ever
	MinVersion              Version
	MinVersionForFreeAccess Version
	Bundles                 []Bundle // never empty after Parse
	LicenseTypes            []string // plans that may use it; empty: any
}

// Bundle is what one add-on opens of a service. An AddOn that is empty or a
// dummy (_irrelevant_) cannot be bought.
type Bundle struct {
	AddOn          string
	UnitPrimitives []string
}

// Audience is the backend that the service's scopes are for.
func (s Service) Audience() string {
	if s.Backend == "" {
		return DefaultAudience
	}
	return s.Backend
}

// Parse reads a cloud_connector.yml and takes the block of env
// (DefaultEnvironment if empty), or "defaults" if the file has no such block.
// The error is strictyaml.Problems.
func Parse(file string, data []byte, env string) (*Catalog, error) {
	return nil, errors.New("not implemented yet")
}

// ParseService reads one service, the block found at path in doc.
func ParseService(doc *strictyaml.Document, path, name string) (Service, error) {
	return Service{}, errors.New("not implemented yet")
}

// Merge is base with more services behind its own. A service that base has
// already, and a scope that two services share, are errors.
func Merge(base *Catalog, more ...Service) (*Catalog, error) {
	return nil, fmt.Errorf("not implemented yet")
}

// YAML renders c as a cloud_connector.yml.
func (c *Catalog) YAML() []byte { return nil }

// Scopes lists every unit primitive of c once, in file order.
func (c *Catalog) Scopes() []string { return nil }

// AddOns lists every add-on of c that can be bought once, in file order, normalized.
func (c *Catalog) AddOns() []string { return nil }
