package cmd

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/explain"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/internal/world"
)

func newExplain() *cobra.Command {
	x := &explainCall{}
	c := &cobra.Command{
		Use:   "explain --instance NAME --scope SCOPE",
		Short: "Say which hop grants or refuses a call, and why",
		Long: `explain says of a scope whether an instance gets it at a time, and what every hop does
with a call that needs it: the issuer, the instance, the gateway, the backend. It asks
nobody: it acts the call out in an ecosystem of its own, with the instance of --world
as the flags change it.

With --request it explains a call that a running ecosystem has seen, by its journal.`,
		Example: `  ccmock explain --instance acme --scope new_feature_scope --at 2024-02-29
  ccmock explain --instance saas --gitlab-version 17.1.0 --scope duo_chat
  ccmock explain --instance dedicated --scope new_feature_scope --add-on none
  ccmock explain --request 01JABC... --control http://127.0.0.1:7070`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return x.run(c) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&x.instance, "instance", "acme", "`NAME` of an instance, or a kind: saas, self-managed, dedicated")
	f.StringVar(&x.scope, "scope", "", "`SCOPE`, or a feature, which stands for the scope of its endpoint")
	x.worldFlags(c)
	f.StringVar(&x.version, "gitlab-version", "", "`VERSION` of the instance (default: the world's)")
	f.StringVar(&x.license, "license", "", "`KIND` of its licence: online_cloud, offline_cloud, legacy or none (default: the world's)")
	f.StringVar(&x.realm, "realm", "", "`REALM`, saas or self-managed; takes the place of --instance")
	f.StringArrayVar(&x.addOns, "add-on", nil, "add-on that it has bought, `NAME[:SEATS]` or none; repeatable (default: the world's)")
	x.keyFlags(c)
	f.StringVar(&x.request, "request", "", "`ID` of a call that a running ecosystem has seen, its X-Request-Id")
	f.StringArrayVar(&x.control, "control", nil, "control plane to ask for it, `URL`; repeatable (default: "+defaultControlURL+")")
	f.StringVar(&x.controlToken, "control-token", "", "`TOKEN` that it asks for (default: $"+controlTokenVariable+")")
	f.BoolVar(&x.json, "json", false, "print one JSON object")
	_ = c.RegisterFlagCompletionFunc("instance", x.completeInstances)
	_ = c.RegisterFlagCompletionFunc("scope", x.completeScopes)
	_ = c.RegisterFlagCompletionFunc("realm", cobra.FixedCompletions([]string{"saas", "self-managed"}, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("license", cobra.FixedCompletions(licenses(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

// explainCall is the command with its flags.
type explainCall struct {
	given
	instance, scope, version, license, realm string
	addOns                                   []string
	request, controlToken                    string
	control                                  []string
	json                                     bool
}

// explained is what --json prints.
type explained struct {
	Scope    string `json:"scope,omitempty"`
	Instance string `json:"instance,omitempty"`
	User     string `json:"user,omitempty"`
	Request  string `json:"request,omitempty"`
	// At is the stub time of the call.
	At time.Time `json:"at,omitzero"`
	// Decision is what CustomersDot decides on the scope; GitLab.com decides in other ways.
	Decision *catalog.ScopeDecision `json:"decision,omitempty"`
	explain.Explanation

	about string
}

func (x *explainCall) run(c *cobra.Command) error {
	var answer explained
	var err error
	if x.request != "" {
		answer, err = x.journaled(c.Context())
	} else {
		answer, err = x.actOut(c.Context())
	}
	if err != nil {
		return err
	}
	if x.json {
		return printJSON(c.OutOrStdout(), answer)
	}
	answer.print(c.OutOrStdout())
	return nil
}

// journaled explains a call by the journals of running processes.
func (x *explainCall) journaled(ctx context.Context) (explained, error) {
	planes := x.control
	if len(planes) == 0 {
		planes = []string{defaultControlURL}
	}
	client, err := control.Connect(ctx, controlToken(x.controlToken), planes...)
	if err != nil {
		return explained{}, &exitError{code: exitFailed, err: err}
	}
	defer client.Close()
	entries, err := client.Journal(ctx, nil, "")
	if err != nil {
		return explained{}, &exitError{code: exitFailed, err: err}
	}
	answer := explained{Request: x.request, about: "request " + printable(x.request)}
	for _, e := range entries {
		if e.RequestID == x.request {
			answer.At = e.At
			break
		}
	}
	answer.Explanation = explain.Call(entries, explain.Question{RequestID: x.request, Scope: x.scope})
	if len(answer.Chain) == 0 {
		return explained{}, hint(failedf("no service has seen the request %q", x.request),
			"its id is in the header X-Request-Id of the answer; a part of another process needs its own --control")
	}
	return answer, nil
}

// print says it for people.
func (e explained) print(w io.Writer) {
	line(w, "%s on %s\n", e.about, e.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, link := range e.Chain {
		line(t, "%s\t%s\t%s\t%s", link.Part, link.Service, link.Verdict, printable(link.Text))
	}
	_ = t.Flush()
	line(w, "\n%s", printable(e.Text))
}

// change makes of an instance what the flags say.
func (x *explainCall) change(i *world.Instance) error {
	if x.version != "" {
		if _, err := catalog.ParseVersion(x.version); err != nil {
			return usagef("--gitlab-version: %w", err)
		}
		i.GitLabVersion = x.version
	}
	switch {
	case x.license == "none":
		i.License = nil
	case x.license != "" && i.Realm == world.SaaS:
		return usagef("--license: GitLab.com syncs no token, so it takes no licence")
	case x.license != "":
		var kind catalog.LicenseKind
		if err := kind.UnmarshalText([]byte(x.license)); err != nil {
			return usagef("--license: %w", err)
		}
		i.License = &catalog.License{Kind: kind}
	}
	if len(x.addOns) > 0 {
		i.AddOns = nil
	}
	for _, text := range x.addOns {
		if text == "none" {
			continue
		}
		p, err := purchase(text)
		if err != nil {
			return err
		}
		i.AddOns = append(i.AddOns, p)
	}
	return nil
}

// purchase reads NAME[:SEATS].
func purchase(text string) (catalog.Purchase, error) {
	name, seats, counted := strings.Cut(text, ":")
	p := catalog.Purchase{AddOn: name}
	if counted {
		n, err := strconv.Atoi(seats)
		if err != nil || n < 1 {
			return p, usagef("--add-on is %q, expected NAME:SEATS such as duo_pro:10", text)
		}
		p.Seats = n
	}
	if err := p.Validate(); err != nil {
		return p, usagef("--add-on %q: %w", text, err)
	}
	return p, nil
}

// licenses are what --license takes.
func licenses() []string {
	words := []string{"none"}
	for _, k := range catalog.LicenseKinds() {
		words = append(words, string(k))
	}
	return words
}

// find finds the instance that the flags mean.
func (x *explainCall) find(w world.World) (world.Instance, error) {
	switch x.realm {
	case "":
		return findInstance(w, x.instance)
	case string(world.SaaS), string(world.SelfManaged):
	default:
		return world.Instance{}, usagef("--realm is %q, expected saas or self-managed", x.realm)
	}
	if i, err := findInstance(w, x.instance); err == nil && string(i.Realm) == x.realm {
		return i, nil
	}
	return findInstance(w, x.realm)
}

// demanding finds the feature whose endpoint demands the scope, and the scope itself
// where a feature's name was given for it.
func (x *explainCall) demanding(features []feature.Feature) (*feature.Feature, string, error) {
	if x.scope == "" {
		return nil, "", hint(usagef("--scope is missing"), "scopes and features are %s", list(feature.Names(features)))
	}
	var known []string
	for n, f := range features {
		if f.Backend.Scope == x.scope {
			return &features[n], x.scope, nil
		}
		known = append(append(known, f.Name), f.CloudConnector.Scopes()...)
	}
	for n, f := range features {
		if f.Name == x.scope {
			return &features[n], f.Backend.Scope, nil
		}
	}
	for _, f := range features {
		for _, scope := range f.CloudConnector.Scopes() {
			if scope == x.scope {
				return nil, scope, nil // no endpoint here demands it
			}
		}
	}
	err := usagef("no feature has the scope %q", x.scope)
	if near := strictyaml.Suggest(x.scope, known); near != "" {
		return nil, "", hint(err, "did you mean %q?", near)
	}
	return nil, "", hint(err, "features are %s", list(feature.Names(features)))
}

// subject says in a few words what is explained.
func subject(scope string, user string, i world.Instance) string {
	if user == "" {
		return fmt.Sprintf("%s on %s (%s)", scope, i.Name, aboutInstance(i))
	}
	return fmt.Sprintf("%s for %s on %s (%s)", scope, user, i.Name, aboutInstance(i))
}
