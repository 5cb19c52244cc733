package cmd

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/world"
)

// printReady says for people what --json says for machines.
func (u *up) printReady(w io.Writer, r ready, o ecosystem.Options) {
	standing := "and running"
	if r.Frozen {
		standing = "and standing still"
	}
	line(w, "ccmock %s is up. It is %s here, %s.\n", r.Version, r.Now.Format("2006-01-02 15:04:05 UTC"), standing)

	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	line(t, "SERVICE\tURL\tABOUT")
	for _, s := range sorted(r.Services) {
		line(t, "%s\t%s\t%s", s.Name, s.URL, about(s, o))
	}
	if r.GatewayTLS != "" {
		line(t, "\t%s\tthe gateway with TLS", r.GatewayTLS)
	}
	line(t, "control\t%s\tclock, faults, journal", r.Control)
	_ = t.Flush()

	if len(r.Users) > 0 {
		line(w, "")
		line(t, "USER\tINSTANCE\tACCESS TOKEN")
		for _, user := range r.Users {
			line(t, "%s\t%s\t%s", user.Name, user.Instance, user.Token)
		}
		_ = t.Flush()
	}
	if try := firstCall(r, o); try != "" {
		line(w, "\nTry:\n  %s", try)
	}
	switch {
	case u.tlsCert != "":
		line(w, "\nThe gateway's certificate is in %s.", u.tlsCert)
	case r.Certificate != "":
		line(w, "\nThe gateway's certificate, for clients to trust:\n%s", strings.TrimSpace(r.Certificate))
	}
	line(w, "\nCtrl-C stops it.")
}

// sorted orders services as a call passes them, GitLab.com first.
func sorted(services []control.Service) []control.Service {
	kinds := []journal.Kind{journal.Rails, journal.CustomersDot, journal.Gateway, journal.Backend}
	return slices.SortedFunc(slices.Values(services), func(a, b control.Service) int {
		return cmp.Or(
			cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)),
			-cmp.Compare(truth(a.Name == world.GitLabCom), truth(b.Name == world.GitLabCom)),
			strings.Compare(a.Name, b.Name),
		)
	})
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// about is a few words on a service.
func about(s control.Service, o ecosystem.Options) string {
	switch s.Kind {
	case journal.Rails:
		if i, ok := o.World.Instance(s.Name); ok {
			return aboutInstance(i)
		}
	case journal.CustomersDot:
		return "licences and tokens for all but GitLab.com"
	case journal.Gateway:
		return "/" + strings.Join(prefixesOf(o.Features), ", /")
	case journal.Backend:
		var names []string
		for _, f := range o.Features {
			if f.Backend.Name == s.Name {
				names = append(names, f.Name)
			}
		}
		return strings.Join(names, ", ")
	}
	return ""
}

// aboutInstance is a few words on an instance.
func aboutInstance(i world.Instance) string {
	words := []string{kindOf(i), "GitLab " + i.GitLabVersion}
	if i.Realm == world.SelfManaged {
		switch {
		case i.License == nil:
			words = append(words, "no licence")
		case i.NotActivated:
			words = append(words, "licence not activated")
		default:
			words = append(words, strings.ReplaceAll(string(i.License.Kind), "_", " ")+" licence")
		}
	}
	for _, p := range i.AddOns {
		words = append(words, p.AddOn)
	}
	return strings.Join(words, ", ")
}

// prefixesOf lists the path prefixes of features at the gateway, each once.
func prefixesOf(features []feature.Feature) []string {
	var names []string
	for _, f := range features {
		names = append(names, f.Backend.Prefix())
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// firstCall is a command that a person may try first: a feature whose endpoint takes any
// body, by a user of GitLab.com if there is one.
func firstCall(r ready, o ecosystem.Options) string {
	plain := slices.IndexFunc(o.Features, func(f feature.Feature) bool { return f.Backend.Profile == feature.Strict })
	if plain < 0 || len(r.Users) == 0 {
		return ""
	}
	user := r.Users[0]
	if n := slices.IndexFunc(r.Users, func(u readyUser) bool { return u.Instance == world.GitLabCom }); n >= 0 {
		user = r.Users[n]
	}
	n := slices.IndexFunc(r.Services, func(s control.Service) bool { return s.Name == user.Instance })
	if n < 0 {
		return ""
	}
	endpoint := o.Features[plain].Rails.Endpoint
	body := " -H 'Content-Type: application/json' -d '{}'"
	if endpoint.Method == "GET" || endpoint.Method == "HEAD" {
		body = ""
	}
	return fmt.Sprintf("curl -X %s -H 'Private-Token: %s'%s %s%s", endpoint.Method, user.Token, body, r.Services[n].URL, endpoint.Path)
}
