package compare

import (
	"slices"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/world"
)

// Kind is what becomes of a scope.
type Kind string

// The kinds.
const (
	Gains    Kind = "gains"
	Loses    Kind = "loses"
	Audience Kind = "audience" // granted before and after, to another backend
)

// Change is what becomes of one scope of one instance, for as long as it is so.
type Change struct {
	Instance string `json:"instance"`
	Scope    string `json:"scope"`
	Kind     Kind   `json:"kind"`
	// From and Until bound the time, From included; zero means without bound.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Old and New are the decisions at From, nil where the catalog does not know the scope.
	Old *catalog.ScopeDecision `json:"old"`
	New *catalog.ScopeDecision `json:"new"`
}

// Over are the changes at all times, by instance and scope in the order of the catalogs,
// and then by time.
func Over(before, after *catalog.Catalog, w world.World) []Change {
	var all []Change
	for _, i := range w.Instances {
		f, ok := facts(i)
		if !ok {
			continue
		}
		spans := split(moments(f, before, after))
		for _, scope := range scopes(before, after) {
			var last *Change
			for _, span := range spans {
				c, differs := at(before, after, f, i.Name, scope, span.decided)
				c.From, c.Until = span.from, span.until
				switch {
				case !differs:
					last = nil
				case last != nil && goesOn(*last, c):
					last.Until = c.Until
				default:
					all = append(all, c)
					last = &all[len(all)-1]
				}
			}
		}
	}
	return all
}

// At are the changes at one time.
func At(before, after *catalog.Catalog, w world.World, now time.Time) []Change {
	var all []Change
	for _, i := range w.Instances {
		f, ok := facts(i)
		if !ok {
			continue
		}
		for _, scope := range scopes(before, after) {
			if c, differs := at(before, after, f, i.Name, scope, now); differs {
				all = append(all, c)
			}
		}
	}
	return all
}

// facts are what a decision about an instance depends on, but the time. They are false for
// a version that cannot be read, which a world that was completed has complained about.
func facts(i world.Instance) (catalog.Facts, bool) {
	v, err := catalog.ParseVersion(i.GitLabVersion)
	return catalog.Facts{
		Version: v, License: i.License, Purchases: i.AddOns, SelfIssued: i.Realm == world.SaaS,
	}, err == nil
}

func at(before, after *catalog.Catalog, f catalog.Facts, instance, scope string, now time.Time) (Change, bool) {
	f.Now = now
	c := Change{Instance: instance, Scope: scope}
	if d, ok := catalog.Decide(before, f).Of(scope); ok {
		c.Old = &d
	}
	if d, ok := catalog.Decide(after, f).Of(scope); ok {
		c.New = &d
	}
	had, has := c.Old != nil && c.Old.Granted, c.New != nil && c.New.Granted
	switch {
	case has && !had:
		c.Kind = Gains
	case had && !has:
		c.Kind = Loses
	case had && !slices.Equal(audiences(c.Old), audiences(c.New)):
		c.Kind = Audience
	default:
		return c, false
	}
	return c, true
}

func audiences(d *catalog.ScopeDecision) []string {
	all := append([]string{d.Audience}, d.AlsoFor...)
	slices.Sort(all)
	return all
}

// goesOn reports whether next says no more than last, of the time right after it.
func goesOn(last, next Change) bool {
	return last.Kind == next.Kind && rule(last.Old) == rule(next.Old) && rule(last.New) == rule(next.New)
}

func rule(d *catalog.ScopeDecision) catalog.Rule {
	if d == nil {
		return ""
	}
	return d.Rule
}

// scopes are those of both catalogs.
func scopes(before, after *catalog.Catalog) []string {
	all := before.Scopes()
	for _, scope := range after.Scopes() {
		if !slices.Contains(all, scope) {
			all = append(all, scope)
		}
	}
	return all
}

// moments are when a decision may change, each once and in order.
func moments(f catalog.Facts, catalogs ...*catalog.Catalog) []time.Time {
	var all []time.Time
	for _, c := range catalogs {
		for _, s := range c.Services {
			if s.CutOff != nil {
				all = append(all, *s.CutOff)
			}
		}
	}
	for _, p := range f.Purchases {
		all = append(all, p.StartsOn, p.ExpiresOn)
	}
	if l := f.License; l != nil && !f.SelfIssued {
		all = append(all, l.StartsAt)
		if !l.NoExpiry && !l.ExpiresAt.IsZero() {
			// The end of the grace period is the last instant of it.
			all = append(all, l.ExpiresAt, l.ExpiresAt.Add(catalog.GracePeriod+time.Nanosecond))
		}
	}
	all = slices.DeleteFunc(all, time.Time.IsZero)
	for n, t := range all {
		all[n] = t.UTC()
	}
	slices.SortFunc(all, time.Time.Compare)
	return slices.CompactFunc(all, time.Time.Equal)
}

// span is a time in which no decision changes.
type span struct{ from, until, decided time.Time }

// split divides all time at the moments.
func split(moments []time.Time) []span {
	if len(moments) == 0 {
		return []span{{decided: time.Unix(0, 0).UTC()}} // any time is as good as another
	}
	spans := []span{{until: moments[0], decided: moments[0].AddDate(0, 0, -1)}}
	for n, t := range moments {
		s := span{from: t, decided: t}
		if n+1 < len(moments) {
			s.until = moments[n+1]
		}
		spans = append(spans, s)
	}
	return spans
}
