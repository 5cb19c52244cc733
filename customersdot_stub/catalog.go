package customersdotstub

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/strictyaml"
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
	alone *catalog.Catalog // the service on its own
	entry availableService
}

func newEdition(c *catalog.Catalog, describe func(service string) string) (*edition, error) {
	wire, err := wireCatalog(c, describe)
	if err != nil {
		return nil, err
	}
	e := &edition{catalog: c, json: anyJSON{wire}, audiences: []string{}}
	for _, of := range c.Services {
		if !slices.Contains(e.audiences, of.Audience()) {
			e.audiences = append(e.audiences, of.Audience())
		}
		alone := &catalog.Catalog{Services: []catalog.Service{of}}
		entry := availableService{Name: of.Name, BundledWith: alone.AddOns()}
		if entry.BundledWith == nil {
			entry.BundledWith = []string{}
		}
		if of.CutOff != nil {
			entry.ServiceStartTime = &iso8601{*of.CutOff}
		}
		e.services = append(e.services, service{alone, entry})
	}
	return e, nil
}

// available lists the services of which the version is not too low for every scope.
func (e *edition) available(f catalog.Facts) []availableService {
	list := []availableService{}
	for _, s := range e.services {
		if slices.ContainsFunc(catalog.Decide(s.alone, f).Scopes, inReach) {
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

// parse reads the text of a cloud_connector.yml.
func (s *Stub) parse(name string, text []byte) (*edition, error) {
	c, err := catalog.Parse(name, text, s.options.Environment)
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

// firstEdition is the catalogue of the start: of the file, or else of the features.
func (s *Stub) firstEdition() (*edition, error) {
	if s.options.CatalogFile == "" {
		services := make([]catalog.Service, len(s.options.Features))
		for n, f := range s.options.Features {
			services[n] = f.CloudConnector
		}
		c, err := catalog.Merge(&catalog.Catalog{}, services...)
		if err != nil {
			return nil, fmt.Errorf("customersdot: catalogue: %w", err)
		}
		return newEdition(c, s.describe)
	}
	text, err := readFile(s.options.CatalogFile)
	if err != nil {
		return nil, fmt.Errorf("customersdot: catalogue: %w", err)
	}
	s.file.text = text
	return s.parse(s.options.CatalogFile, text)
}

// pollInterval is how often the catalogue's file is looked at, in real time.
const pollInterval = time.Second

// watched is what was last seen of the catalogue's file.
type watched struct {
	mu      sync.Mutex
	text    []byte
	problem string // why the file could not be read; empty when it could
}

// reload looks at the catalogue's file and, if it has changed, puts it in force or says
// why it cannot be. What is in force stays in force until a good text replaces it.
func (s *Stub) reload() {
	s.file.mu.Lock()
	defer s.file.mu.Unlock()
	text, err := readFile(s.options.CatalogFile)
	if err != nil {
		if s.file.problem != err.Error() {
			s.file.problem = err.Error()
			s.report(slog.LevelWarn, "the catalogue stays as it was: "+err.Error())
		}
		return
	}
	back := s.file.problem != ""
	s.file.problem = ""
	if bytes.Equal(text, s.file.text) {
		if back {
			s.report(slog.LevelInfo, "the catalogue's file is back as it was")
		}
		return
	}
	s.file.text = text
	next, err := s.parse(s.options.CatalogFile, text)
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

// readFile reads a file, and no more of it than could be YAML of ours.
func readFile(name string) (_ []byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, strictyaml.MaxSize+1))
	if err != nil {
		return nil, err
	}
	return text, nil
}
