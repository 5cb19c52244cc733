package scenarios

import (
	"path"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/internal/world"
)

// Format is the only format of flow files so far.
const Format = 1

// Flow is a story that was read and found to make sense: what is given, and what then
// happens, step by step.
type Flow struct {
	File        string
	Scenario    string
	Description string
	// Features are those that the flow is about. An ecosystem started for it has no others.
	Features []feature.Feature
	// World is what is given, completed.
	World world.World
	Steps []Step

	doc    *strictyaml.Document
	text   string       // as it was read
	beside []besideFile // that it names
}

// besideFile is a file beside a flow.
type besideFile struct{ name, text string }

// Name is the flow's file name without folder and ending.
func (f Flow) Name() string {
	base := path.Base(f.File)
	return strings.TrimSuffix(base, path.Ext(base))
}

// feature is the flow's feature of that name.
func (f Flow) feature(name string) (feature.Feature, bool) {
	for _, known := range f.Features {
		if known.Name == name {
			return known, true
		}
	}
	return feature.Feature{}, false
}

// file is a flow as it is written.
type file struct {
	Format      int      `yaml:"format,required"`
	Scenario    string   `yaml:"scenario,required"`
	Description string   `yaml:"description"`
	Features    []string `yaml:"features,required"`
	Given       given    `yaml:"given,required"`
	Steps       []Step   `yaml:"steps,required"`
}

// given is the world as it is written: names are keys.
type given struct {
	Now       time.Time                 `yaml:"now,required"`
	Instances map[string]world.Instance `yaml:"instances"`
	Users     map[string]world.User     `yaml:"users"`
	// Catalog is the text of a cloud_connector.yml to use in place of the one that the
	// features make up; CatalogFile is a file with it, beside the flow.
	Catalog     string `yaml:"catalog"`
	CatalogFile string `yaml:"catalog_file"`
	// DuoWorkflow is how the Duo Workflow Service is deployed, and what it does with
	// workflows.
	DuoWorkflow *world.DuoWorkflow `yaml:"duo_workflow"`
	// CatalogName is what explanations call Catalog when they name one of its lines.
	CatalogName string `yaml:"catalog_name"`
	// SeatCountEnforced is that of the world.
	SeatCountEnforced bool `yaml:"seat_count_enforced"`
	// AIGateway is how the AI gateway is deployed, and what its models answer.
	AIGateway *world.AIGateway `yaml:"ai_gateway"`
	// CustomersDot is that of the world.
	CustomersDot world.CustomersDot `yaml:"customersdot"`
}

// world makes a World of what is given. It is not completed.
func (g given) world() world.World {
	w := world.World{
		Now:               g.Now,
		Catalog:           g.Catalog,
		CatalogName:       g.CatalogName,
		SeatCountEnforced: g.SeatCountEnforced,
		CustomersDot:      g.CustomersDot,
		AIGateway:         g.AIGateway,
	}
	w.DuoWorkflow = g.DuoWorkflow
	for name, i := range g.Instances {
		i.Name = name
		w.Instances = append(w.Instances, i)
	}
	for name, u := range g.Users {
		u.Name = name
		w.Users = append(w.Users, u)
	}
	return w
}
