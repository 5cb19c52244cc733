package scenarios

import (
	"slices"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/world"
)

// The services that are in every ecosystem beside instances and backends.
const (
	customersDot = string(journal.CustomersDot)
	gateway      = string(journal.Gateway)
)

// instances are the names of the flow's instances.
func (f *Flow) instances() []string {
	names := make([]string, 0, len(f.World.Instances)+1)
	for _, i := range f.World.Instances {
		names = append(names, i.Name)
	}
	if !slices.Contains(names, world.GitLabCom) {
		names = append(names, world.GitLabCom)
	}
	slices.Sort(names)
	return names
}

// users are the names of the flow's users.
func (f *Flow) users() []string {
	names := make([]string, 0, len(f.World.Users))
	for _, u := range f.World.Users {
		names = append(names, u.Name)
	}
	slices.Sort(names)
	return names
}

// backends are the names of the backends of the flow's features.
func (f *Flow) backends() []string {
	var names []string
	for _, known := range f.Features {
		names = append(names, known.Backend.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// services are the names of everything that answers requests.
func (f *Flow) services() []string {
	return slices.Concat(f.instances(), []string{customersDot, gateway}, f.backends())
}

// addOns are those that GitLab knows, and those of the features and of the flow's catalog.
func addOns(features []feature.Feature, own *catalog.Catalog) []string {
	known := []string{
		"duo_pro", "duo_enterprise", "duo_core", "duo_amazon_q", "self_hosted_dap", "product_analytics", "code_suggestions",
	}
	for _, f := range features {
		for _, b := range f.CloudConnector.Bundles {
			known = append(known, b.AddOn)
		}
	}
	if own != nil {
		known = append(known, own.AddOns()...)
	}
	slices.Sort(known)
	return slices.DeleteFunc(slices.Compact(known), func(name string) bool { return name == "" })
}
