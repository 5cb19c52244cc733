package cmd

import (
	"fmt"
	"slices"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/internal/world"
)

// The kinds of deployments, as people name them.
const (
	kindGitLabCom   = "GitLab.com"
	kindSelfManaged = "self-managed"
	kindDedicated   = "Dedicated"
)

// kinds are the words for a kind of deployment that stand for an instance of it.
func kinds() []string { return []string{"saas", "self-managed", "dedicated"} }

// kindOf is the kind of an instance.
func kindOf(i world.Instance) string {
	switch {
	case i.Realm == world.SaaS:
		return kindGitLabCom
	case i.Dedicated:
		return kindDedicated
	}
	return kindSelfManaged
}

// findInstance finds an instance by its name or, failing that, the first one of a kind.
func findInstance(w world.World, word string) (world.Instance, error) {
	if i, ok := w.Instance(word); ok {
		return i, nil
	}
	kind := map[string]string{"saas": kindGitLabCom, "self-managed": kindSelfManaged, "dedicated": kindDedicated}[word]
	var known []string
	for _, i := range w.Instances {
		if kindOf(i) == kind {
			return i, nil
		}
		known = append(known, i.Name)
	}
	err := usagef("unknown instance %q, expected one of %s, or a kind: %s", word, list(known), list(kinds()))
	if near := strictyaml.Suggest(word, append(known, kinds()...)); near != "" {
		err = hint(err, "did you mean %q?", near)
	}
	return world.Instance{}, err
}

func list(words []string) string {
	text := ""
	for n, w := range words {
		if n > 0 {
			text += ", "
		}
		text += w
	}
	return text
}

// The first GitLab versions that do something in another way.
var (
	firstWithKeyID        = mustVersion("17.5")
	firstWithOwnKey       = mustVersion("17.9")
	firstWithAudienceList = mustVersion("18.3")
)

func mustVersion(text string) catalog.Version {
	v, err := catalog.ParseVersion(text)
	if err != nil {
		panic(err) // the texts stand above
	}
	return v
}

// keysOf names the keys of an instance in the pool; the last one signs.
func keysOf(i world.Instance) []string {
	names := []string{i.Name + ".openid-connect"}
	if v, err := catalog.ParseVersion(i.GitLabVersion); err == nil && v.AtLeast(firstWithOwnKey) {
		names = append(names, i.Name+".cloud-connector-1")
	}
	return names
}

// addressOf is where `ccmock up` has a service of a world, by its default ports.
func addressOf(service string, w world.World) string {
	ports := ecosystem.DefaultPorts()
	port := ports.GitLab
	switch {
	case service == ecosystem.CustomersDot:
		port = ports.CustomersDot
	case service != world.GitLabCom:
		others := []string{}
		for _, i := range w.Instances {
			if i.Name != world.GitLabCom {
				others = append(others, i.Name)
			}
		}
		port += slices.Index(others, service) + 1
	}
	return fmt.Sprintf("http://127.0.0.1:%d", port)
}
