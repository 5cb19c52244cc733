package cmd

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/explain"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/world"
	"github.com/ccmock/ccmock/scenarios"
)

// actOut has a call made in an ecosystem of its own and explains it. So an explanation
// never says anything else than what would happen.
func (x *explainCall) actOut(ctx context.Context) (explained, error) {
	w, err := x.read()
	if err != nil {
		return explained{}, err
	}
	features, err := x.load()
	if err != nil {
		return explained{}, err
	}
	f, scope, err := x.demanding(features)
	if err != nil {
		return explained{}, err
	}
	i, err := x.find(w)
	if err != nil {
		return explained{}, err
	}
	if err := x.change(&i); err != nil {
		return explained{}, err
	}
	w.Instances[slices.IndexFunc(w.Instances, func(other world.Instance) bool { return other.Name == i.Name })] = i
	user := caller(&w, i)
	for _, c := range w.Complete() {
		return explained{}, usagef("%w", c)
	}
	i, _ = w.Instance(i.Name)
	answer := explained{Scope: scope, Instance: i.Name, At: w.Now}
	if answer.Decision, err = decide(w, i, features, scope); err != nil {
		return explained{}, err
	}
	if f == nil {
		answer.about = subject(scope, "", i)
		answer.Explanation = issuerOnly(*answer.Decision, i)
		return answer, nil
	}
	answer.User, answer.about = user.Name, subject(scope, user.Name, i)
	if i.Realm == world.SaaS {
		answer.Decision = nil // up to GitLab 17.0 and from 18.3 on, it is not asked like this
	}
	pool, err := x.keys()
	if err != nil {
		return explained{}, err
	}
	e, err := ecosystem.Start(ctx, ecosystem.Options{World: w, Features: stubbed(features), Keys: pool, Version: scenarios.Version()})
	if err != nil {
		return explained{}, notStarted(err)
	}
	defer func() { _ = e.Close(context.Background()) }()
	client, err := control.Connect(ctx, "", e.ControlURL())
	if err != nil {
		return explained{}, notStarted(err)
	}
	defer client.Close()
	if i.Realm == world.SelfManaged {
		if _, err := control.Call[control.SyncResult](ctx, client, control.ActionSync, control.SyncRequest{Instance: i.Name}); err != nil {
			return explained{}, notStarted(err)
		}
	}
	id := "explain"
	if err := use(ctx, client, *f, user, id); err != nil {
		return explained{}, notStarted(err)
	}
	entries, err := client.Journal(ctx, nil, "")
	if err != nil {
		return explained{}, notStarted(err)
	}
	answer.Explanation = explain.Call(entries, explain.Question{RequestID: id, Instance: i.Name, Scope: scope})
	return answer, nil
}

// caller is a user of the instance who has a seat of every add-on: an explanation is about
// the instance, and a user who lacks a seat is another question.
func caller(w *world.World, i world.Instance) world.User {
	seats := []string{}
	for _, p := range i.AddOns {
		seats = append(seats, p.AddOn)
	}
	for n, u := range w.Users {
		if u.Instance == i.Name && !u.Blocked && u.TokenExpiresOn.IsZero() {
			w.Users[n].Seats = seats
			return w.Users[n]
		}
	}
	u := world.User{Name: "somebody", Instance: i.Name, Token: "glpat-somebody", Seats: seats}
	w.Users = append(w.Users, u)
	return u
}

// stubbed are the features with stubs in place of real services, which nobody is to ask.
func stubbed(features []feature.Feature) []feature.Feature {
	all := slices.Clone(features)
	for n := range all {
		all[n].Backend.URL = ""
	}
	return all
}

// anyBody satisfies every endpoint: a chat question and an open file.
const anyBody = `{"content": "Hello", "current_file": {"file_name": "main.go", "content_above_cursor": "package main", "content_below_cursor": ""}}`

// use calls a feature as a user does.
func use(ctx context.Context, client *control.Client, f feature.Feature, user world.User, id string) error {
	at, ok := client.Service(user.Instance)
	if !ok {
		return fmt.Errorf("no instance %q is up", user.Instance)
	}
	var body io.Reader
	if f.Rails.Endpoint.Method != http.MethodGet && f.Rails.Endpoint.Method != http.MethodHead {
		body = strings.NewReader(anyBody)
	}
	req, err := http.NewRequestWithContext(ctx, f.Rails.Endpoint.Method, at.URL+f.Rails.Endpoint.Path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Private-Token", user.Token)
	req.Header.Set("X-Request-Id", id)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	caller := stub.NewClient(0)
	defer caller.CloseIdleConnections()
	resp, err := caller.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// decide is what CustomersDot, or GitLab.com for itself, decides on a scope.
func decide(w world.World, i world.Instance, features []feature.Feature, scope string) (*catalog.ScopeDecision, error) {
	version, err := catalog.ParseVersion(i.GitLabVersion)
	if err != nil {
		return nil, err
	}
	var c *catalog.Catalog
	if w.Catalog != "" {
		c, err = catalog.Parse(w.CatalogName, []byte(w.Catalog), "")
	} else {
		c, err = catalog.Merge(nil, cloudConnectors(features)...)
	}
	if err != nil {
		return nil, err
	}
	d, ok := catalog.Decide(c, catalog.Facts{
		Now: w.Now, Version: version, License: i.License, Purchases: i.AddOns, SelfIssued: i.Realm == world.SaaS,
	}).Of(scope)
	if !ok {
		return nil, usagef("the world's catalog has no scope %q", scope)
	}
	return &d, nil
}

// issuerOnly explains a scope that no endpoint here demands.
func issuerOnly(d catalog.ScopeDecision, i world.Instance) explain.Explanation {
	issuer := ecosystem.CustomersDot
	if i.Realm == world.SaaS {
		issuer = i.Name
	}
	link := explain.Link{
		Part: explain.Issuer, Service: issuer, Verdict: explain.Passed, Text: fmt.Sprintf("grants %s: %s", d.Scope, d.Why),
	}
	x := explain.Explanation{Granted: true}
	verb := "granted by"
	if !d.Granted {
		link.Verdict, link.Text = explain.Refused, fmt.Sprintf("drops %s: %s", d.Scope, d.Why)
		x.Granted, x.By, x.Reason = false, issuer, string(d.Rule)
		verb = "dropped by"
	}
	x.Chain = []explain.Link{link}
	x.Text = fmt.Sprintf("%s %s because %s; no endpoint of these features demands it", verb, issuer, d.Why)
	return x
}
