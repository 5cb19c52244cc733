package customersdotstub

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/world"
)

// edition is a catalogue as it was put in force, with all that is worked out of it once.
// It never changes.
type edition struct {
	catalog   *catalog.Catalog
	audiences []string // of all services
	services  []service
	json      anyJSON
}

// service is one service as availableServices lists it.
type service struct {
	alone   *catalog.Catalog // the service on its own
	entry   availableService
	bundled map[world.BundledWithForm]anyJSON
}

func newEdition(c *catalog.Catalog, describe func(service string) string) (*edition, error) {
	wire, err := json.Marshal(c.AsLibrary(describe))
	if err != nil {
		return nil, err
	}
	e := &edition{catalog: c, json: anyJSON{wire}, audiences: c.Audiences()}
	for _, of := range c.LegacyServices(catalog.SelfManaged) {
		s := service{
			alone: &catalog.Catalog{Services: []catalog.Service{of}}, entry: availableService{Name: of.Name},
			bundled: map[world.BundledWithForm]anyJSON{},
		}
		if of.CutOff != nil {
			s.entry.ServiceStartTime = &iso8601{*of.CutOff}
		}
		list, scopes := []string{}, map[string][]string{}
		for _, b := range of.Bundles {
			if addOn := catalog.NormalizeAddOn(b.AddOn); b.Sold() {
				if scopes[addOn] == nil {
					list = append(list, addOn)
				}
				scopes[addOn] = append(scopes[addOn], b.UnitPrimitives...)
			}
		}
		for form, value := range map[world.BundledWithForm]any{world.BundledWithList: list, world.BundledWithMap: scopes} {
			text, err := json.Marshal(value)
			if err != nil {
				return nil, err
			}
			s.bundled[form] = anyJSON{text}
		}
		s.bundled[""] = s.bundled[world.BundledWithList]
		e.services = append(e.services, s)
	}
	return e, nil
}

// available lists the services of which the version is not too low for every scope.
func (e *edition) available(f catalog.Facts, form world.BundledWithForm) []availableService {
	list := []availableService{}
	for _, s := range e.services {
		if slices.ContainsFunc(catalog.Decide(s.alone, f).Scopes, inReach) {
			s.entry.BundledWith = s.bundled[form]
			list = append(list, s.entry)
		}
	}
	return list
}

func inReach(d catalog.ScopeDecision) bool {
	return d.Rule != catalog.RuleVersionTooLow && d.Rule != catalog.RuleVersionTooLowForFreeAccess
}

// edition is the catalogue in force. The caller holds st.mu.
func (s *Stub) edition(st *state) *edition {
	if st.override != nil {
		return st.override
	}
	return s.deployed.Load()
}

// parse reads the text of a catalogue.
func (s *Stub) parse(name string, text []byte) (*edition, error) {
	return s.published(catalog.Parse(name, text, s.options.Environment))
}

// published makes an edition of what was read.
func (s *Stub) published(c *catalog.Catalog, err error) (*edition, error) {
	if err != nil {
		return nil, err
	}
	return newEdition(c, s.describe)
}

// describe is what the feature files say of a service.
func (s *Stub) describe(service string) string {
	for _, f := range s.options.Features {
		if f.Name == service {
			return f.Description
		}
	}
	return ""
}

// firstEdition is the catalogue of the start: of the features, of a file or a folder, or
// the one that ccmock comes with under the features.
func (s *Stub) firstEdition() (*edition, error) {
	c, err := s.firstCatalog()
	if err != nil {
		return nil, fmt.Errorf("customersdot: catalogue: %w", err)
	}
	return newEdition(c, s.describe)
}

func (s *Stub) firstCatalog() (*catalog.Catalog, error) {
	services := make([]catalog.Service, len(s.options.Features))
	for n, f := range s.options.Features {
		services[n] = f.CloudConnector
	}
	switch s.options.CatalogFile {
	case "":
		return catalog.Merge(&catalog.Catalog{}, services...)
	case catalog.Default:
		return catalog.WithDefault(services...)
	}
	source, err := catalog.Open(s.options.CatalogFile)
	if err != nil {
		return nil, err
	}
	s.file.source = source
	return source.Catalog(s.options.Environment)
}

// pollInterval is how often the catalogue's file is looked at, in real time.
const pollInterval = time.Second

// watched is what was last seen of the catalogue's file, or of its folder.
type watched struct {
	mu      sync.Mutex
	source  catalog.Source
	problem string // why the file could not be read; empty when it could
}

// reload looks at the catalogue's file and, if it has changed, puts it in force or says
// why it cannot be. What is in force stays in force until a good text replaces it.
func (s *Stub) reload() {
	s.file.mu.Lock()
	defer s.file.mu.Unlock()
	source, err := catalog.Open(s.options.CatalogFile)
	if err != nil {
		if s.file.problem != err.Error() {
			s.file.problem = err.Error()
			s.report(slog.LevelWarn, "the catalogue stays as it was: "+err.Error())
		}
		return
	}
	back := s.file.problem != ""
	s.file.problem = ""
	if source.Same(s.file.source) {
		if back {
			s.report(slog.LevelInfo, "the catalogue's file is back as it was")
		}
		return
	}
	s.file.source = source
	next, err := s.published(source.Catalog(s.options.Environment))
	if err != nil {
		s.report(slog.LevelWarn, "the catalogue stays as it was: "+err.Error())
		return
	}
	s.deployed.Store(next)
	s.report(slog.LevelInfo, fmt.Sprintf("the catalogue was reloaded from %s: %d services", s.options.CatalogFile, len(next.catalog.Services)))
}

// report tells log and journal what became of the catalogue's file.
func (s *Stub) report(level slog.Level, detail string) {
	s.service.Log().Log(context.Background(), level, "the catalogue's file has changed", "service", Name, "outcome", detail)
	s.service.Record(journal.Entry{Route: "job:reload_catalog", Detail: detail})
}
