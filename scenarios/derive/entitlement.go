package derive

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
)

// The names that derived flows use.
const (
	saas       = "gitlab"
	selfHosted = "acme"
	user       = "ada"
)

// choice is a value of a factor of the matrix: its name in that of the case, and what it
// changes in the situation.
type choice struct {
	name  string
	apply func(*setup)
}

// setup is a situation with what only the flow needs to know.
type setup struct {
	situation
	dedicated bool
	licensed  bool
}

// entitlement derives who gets the scope: deployment, time, version, add-on and licence.
func (d deriver) entitlement(full bool) []Case {
	factors := [][]choice{deployments, d.times(), d.versions(), d.addOns(), d.licenses()}
	sizes := make([]int, len(factors))
	for n, values := range factors {
		sizes[n] = len(values)
	}
	// GitLab.com has no licence here, and every other instance has one.
	rows := product(sizes, func(r row) bool { return (r[0] == 0) == (r[len(r)-1] == 0) })
	if !full {
		rows = d.some(factors, rows)
	}
	cases := make([]Case, len(rows))
	for n, r := range rows {
		s := setup{}
		names := make([]string, len(r))
		for factor, value := range r {
			names[factor] = factors[factor][value].name
			factors[factor][value].apply(&s)
		}
		if s.saas {
			names = names[:len(names)-1]
		}
		name := strings.Join(names, "_")
		cases[n] = Case{Feature: d.feature.Name, Kind: Entitlement, Name: name, YAML: d.entitlementFlow(names, s).text()}
	}
	return cases
}

// some picks rows: all pairs, and first the neighbours of two plain situations, paid for
// and free, in which one thing alone decides. Among pairs a missing licence often hides
// what the date or the add-on would have done.
func (d deriver) some(factors [][]choice, rows []row) []row {
	last := func(n int) int { return len(factors[n]) - 1 }
	addOn := min(1, last(3))
	paid, free := row{1, last(1), last(2) - 1, addOn, 1}, row{1, 0, last(2) - 1, 0, 1}
	var picked []row
	for _, r := range rows {
		if neighbours(r, paid) || neighbours(r, free) {
			picked = append(picked, r)
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(append(picked, pairwise(rows)...), func(r row) bool {
		key := fmt.Sprint(r)
		again := seen[key]
		seen[key] = true
		return again
	})
}

// neighbours differ in one factor. On GitLab.com, which has no licence, that one does not
// count.
func neighbours(a, b row) bool {
	different := 0
	for n := range a {
		if a[0] == 0 && n == len(a)-1 {
			continue
		}
		if a[n] != b[n] {
			different++
		}
	}
	return different <= 1
}

var deployments = []choice{
	{"saas", func(s *setup) { s.saas, s.instance = true, saas }},
	{"self-managed", func(s *setup) { s.instance = selfHosted }},
	{"dedicated", func(s *setup) { s.instance, s.dedicated = selfHosted, true }},
}

// times are the moments around the cut-off; one moment will do if there is none.
func (d deriver) times() []choice {
	at := func(name string, t time.Time) choice { return choice{name, func(s *setup) { s.now = t.UTC() }} }
	cutOff := d.feature.CloudConnector.CutOff
	if cutOff == nil {
		return []choice{at("no-cut-off", sometime)}
	}
	return []choice{
		at("day-before", cutOff.AddDate(0, 0, -1)),
		at("second-before", cutOff.Add(-time.Second)),
		at("cut-off", *cutOff),
		at("day-after", cutOff.AddDate(0, 0, 1)),
	}
}

// sometime is when it is if the feature names no date.
var sometime = time.Date(2024, time.June, 1, 12, 0, 0, 0, time.UTC)

// versions are below, at and above each minimum, and one of each way in which GitLab
// decides by itself: by caller, by service and by scope.
func (d deriver) versions() []choice {
	var found []string
	for _, m := range d.minimums() {
		n := numbers(m)
		if below := previous(n); below != "" {
			found = append(found, below+"-ee")
		}
		exact := fmt.Sprintf("%d.%d.%d", n[0], n[1], n[2])
		found = append(found, exact+"-pre", exact, fmt.Sprintf("%d.%d.%d-ee", n[0], n[1], n[2]+4))
	}
	found = append(found, "17.0.1", "17.6.0-ee", lastVersion)
	slices.SortStableFunc(found, func(a, b string) int { return compare(numbers(a), numbers(b)) })
	var choices []choice
	for _, v := range slices.Compact(found) {
		choices = append(choices, choice{v, func(s *setup) { s.version = v }})
	}
	return choices
}

// minimums are the GitLab versions that the feature names, lowest first.
func (d deriver) minimums() []string {
	var found []string
	for _, v := range []catalog.Version{d.feature.CloudConnector.MinVersionForFreeAccess, d.feature.CloudConnector.MinVersion} {
		if !v.IsZero() {
			found = append(found, v.String())
		}
	}
	slices.SortFunc(found, func(a, b string) int { return compare(numbers(a), numbers(b)) })
	return slices.Compact(found)
}

// lastVersion is the newest GitLab that the services imitate.
const lastVersion = "18.9.0-pre"

// previous is a version just below, and empty where there is none.
func previous(n [3]int) string {
	switch {
	case n[2] > 0:
		return fmt.Sprintf("%d.%d.%d", n[0], n[1], n[2]-1)
	case n[1] > 0:
		return fmt.Sprintf("%d.%d.9", n[0], n[1]-1)
	case n[0] > 0:
		return fmt.Sprintf("%d.11.9", n[0]-1)
	}
	return ""
}

// addOns are the add-ons that were bought. Users have a seat of each.
func (d deriver) addOns() []choice {
	bought := func(name string, days int, addOns ...string) choice {
		return choice{name, func(s *setup) {
			for _, addOn := range addOns {
				p := purchase{addOn: addOn}
				if days <= 0 {
					p.expiresOn = s.now.Truncate(day).AddDate(0, 0, days)
				}
				s.purchases = append(s.purchases, p)
			}
		}}
	}
	const runs = 1
	sells := (&catalog.Catalog{Services: []catalog.Service{d.feature.CloudConnector}}).AddOns()
	another := other(sells)
	choices := []choice{bought("no-add-on", runs)}
	for _, addOn := range sells {
		choices = append(choices, bought(addOn, runs, addOn))
	}
	choices = append(choices, bought(another, runs, another))
	if len(sells) == 0 {
		return choices
	}
	both := []string{sells[0], another}
	if len(sells) > 1 {
		both[1] = sells[1]
	}
	return append(choices,
		bought(sells[0]+"-until-yesterday", -1, sells[0]),
		bought(sells[0]+"-until-today", 0, sells[0]),
		bought("both", runs, both...),
	)
}

// other is an add-on that exists and does not sell the feature.
func other(sells []string) string {
	for _, name := range []string{"duo_pro", "duo_enterprise", "duo_amazon_q"} {
		if !slices.Contains(sells, name) {
			return name
		}
	}
	return "product_analytics"
}

// licenses are what a self-managed instance may hold. The first is none, for GitLab.com.
func (d deriver) licenses() []choice {
	plan, other := d.plans()
	on := func(plan, name, kind string, trial bool, days int) choice {
		return choice{name, func(s *setup) {
			s.licensed = true
			s.license = license{kind: kind, plan: plan, trial: trial, expiresAt: s.now.AddDate(0, 0, days)}
		}}
	}
	held := func(name, kind string, trial bool, days int) choice { return on(plan, name, kind, trial, days) }
	choices := []choice{
		{"", func(*setup) {}},
		held("online", "online_cloud", false, 300),
		held("offline", "offline_cloud", false, 300),
		held("legacy", "legacy", false, 300),
		held("trial", "online_cloud", true, 20),
		held("in-grace", "online_cloud", false, -10),
		held("past-grace", "online_cloud", false, -15),
	}
	if other != "" {
		choices = append(choices, on(other, "on-"+other, "online_cloud", false, 300))
	}
	return choices
}

// plans are one that the feature is for, empty for the usual one, and one that it is not
// for, empty if it is for all.
func (d deriver) plans() (plan, other string) {
	types := d.feature.CloudConnector.LicenseTypes
	if len(types) == 0 {
		return "", ""
	}
	if !slices.Contains(types, catalog.PlanUltimate) {
		plan = types[0]
	}
	for _, p := range catalog.Plans() {
		if !slices.Contains(types, p) {
			other = p
		}
	}
	return plan, other
}

// entitlementFlow writes a situation and its verdict as a flow.
func (d deriver) entitlementFlow(names []string, s setup) story {
	v := judge(d.entries(), d.subject(), s.situation)
	v.scopes = d.inOrder(v.scopes)
	f := d.feature
	steps := []object{}
	if !s.saas {
		expect := object{{"token", object{{"scopes", v.scopes}}}}
		if v.syncError != "" {
			expect = object{{"outcome", "failed"}, {"message", v.syncError}, {"token", object{{"absent", true}}}}
		}
		steps = append(steps, object{{"sync", s.instance}, {"expect", expect}})
	}
	expect := object{{"status", v.answer.status}}
	if v.answer.body != nil {
		expect = expect.with("body", v.answer.body)
	}
	switch {
	case v.answer.reason != "":
		expect = expect.with("refused", object{{"by", v.answer.by}, {"reason", v.answer.reason}})
	case s.saas:
		expect = expect.with("token", object{{"scopes", v.scopes}, {"issuer", saas}})
	default:
		expect = expect.with("token", object{{"scopes", v.scopes}, {"issuer", "customersdot"}})
	}
	if v.answer.by == s.instance {
		expect = expect.with("calls", object{{"gateway", 0}})
	}
	use := any(f.Name)
	if body := useBody(f); body != nil {
		use = object{{"feature", f.Name}, {"body", body}}
	}
	steps = append(steps, object{{"use", use}, {"as", user}, {"expect", expect}})

	return story{
		scenario:    f.Name + ": " + strings.Join(names, ", "),
		description: "Derived from " + f.Name + "; what is expected follows from the documented rules.",
		feature:     f.Name, catalog: d.catalog, given: s.given(), steps: steps,
	}
}

// given is the world of a situation.
func (s setup) given() object {
	i := object{{"realm", "self-managed"}, {"gitlab_version", s.version}}
	if s.saas {
		i[0].value = "saas"
	}
	if s.dedicated {
		i = i.with("dedicated", true)
	}
	if s.licensed {
		l := object{{"kind", s.license.kind}}
		if s.license.plan != "" {
			l = l.with("plan", s.license.plan)
		}
		if s.license.trial {
			l = l.with("trial", true)
		}
		i = i.with("license", l.with("expires_at", s.license.expiresAt.Format(time.RFC3339)))
	}
	u := object{{"instance", s.instance}}
	var addOns, seats []any
	for _, p := range s.purchases {
		bought := object{{"add_on", p.addOn}}
		if !p.expiresOn.IsZero() {
			bought = bought.with("expires_on", p.expiresOn.Format(time.DateOnly))
		}
		addOns, seats = append(addOns, bought), append(seats, p.addOn)
	}
	if len(addOns) > 0 {
		i, u = i.with("add_ons", addOns), u.with("seats", seats)
	}
	return object{
		{"now", s.now.Format(time.RFC3339)},
		{"instances", object{{s.instance, i}}},
		{"users", object{{user, u}}},
	}
}
