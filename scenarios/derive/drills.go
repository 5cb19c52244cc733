package derive

import (
	"time"

	"github.com/ccmock/ccmock/internal/feature"
)

// drill is something that befalls an issuer's keys, its tokens or somebody's clock: what
// is done, who is refused by whom from when to when, and how often the backend fetches keys.
type drill struct {
	name, says string
	steps      func(*rotation)
}

// drills derives the flows about keys, tokens and clocks.
func (d deriver) drills() []Case {
	all := []drill{}
	for _, i := range issuers {
		for _, known := range rotations {
			name, by := i.prefix+known.name, i
			all = append(all, drill{name, i.whose + " " + known.says, func(r *rotation) {
				r.issuer = by
				known.steps(r)
			}})
		}
	}
	all = append(all, outages...)
	all = append(all, skews...)
	all = append(all, d.lives()...)
	cases := make([]Case, len(all))
	for n, known := range all {
		r := &rotation{deriver: d, issuer: gitLabCom, given: d.drillWorld()}
		known.steps(r)
		flow := story{
			scenario:    d.feature.Name + ": drill, " + known.name,
			description: "Derived from " + d.feature.Name + ". " + known.says,
			feature:     d.feature.Name, catalog: d.catalog, given: r.given, steps: r.steps,
		}
		cases[n] = Case{Feature: d.feature.Name, Kind: Drill, Name: known.name, YAML: flow.text()}
	}
	return cases
}

// issuer is one of the two issuers of tokens, as the documents have them.
type issuer struct {
	service string
	prefix  string // of the names of its drills
	whose   string // for their descriptions
	ttl     time.Duration
	beside  int    // keys that are published beside those that sign
	user    string // who has its tokens, and where
	at      string
}

var (
	gitLabCom    = issuer{saas, "", "At GitLab.com:", time.Hour, 1, user, saas} // the OpenID Connect key
	customersDot = issuer{"customersdot", "customersdot-", "At CustomersDot:", 72 * time.Hour, 0, selfManagedUser, selfHosted}
	issuers      = []issuer{gitLabCom, customersDot}
)

// selfManagedUser is the one of these flows who is not a user of GitLab.com.
const selfManagedUser = "bob"

// drillWorld is that of the tokens, with users of both realms.
func (d deriver) drillWorld() object {
	return d.tokenWorld().set("users", object{
		{user, object{{"instance", saas}}},
		{selfManagedUser, object{{"instance", selfHosted}}},
	})
}

// How often an issuer is asked, by what makes the backend ask.
const (
	fromCache = 0 // the key set is at hand
	again     = 1 // the key set only, for the sake of an unknown key
	anew      = 2 // the discovery document and the key set: they are a day old, or were never had
	uncounted = -1
)

// keepsKeys is how long a backend goes by a key set that it has.
const keepsKeys = 24 * time.Hour

// rotation writes the steps of a drill.
type rotation struct {
	deriver
	issuer  issuer
	given   object
	steps   []object
	at      time.Duration // since the beginning
	fetched time.Duration // when the backend last fetched the issuer's keys because they were due
	has     bool          // whether it ever did
}

func (r *rotation) add(name string, step object) {
	if name != "" {
		step = append(object{{"name", name}}, step...)
	}
	r.steps = append(r.steps, step)
}

// rotate takes a step of the rotation; signing are the keys that are published of those
// that sign, or did, or will.
func (r *rotation) rotate(step string, signing int, changes string, extra ...member) {
	r.add("", object{
		{"rotate_keys", append(object{{"service", r.issuer.service}, {"step", step}}, extra...)},
		{"expect", object{{"keys", object{{"published", signing + r.issuer.beside}, {"signing", changes}}}}},
	})
}

// advance lets time go by.
func (r *rotation) advance(by time.Duration) {
	r.at += by
	r.add("", object{{"advance", span(by)}})
}

// span writes a duration without the units that say nothing.
func span(d time.Duration) string {
	text := d.String()
	for _, none := range []string{"0s", "0m"} {
		if n := len(text) - len(none); n > 0 && text[n:] == none && text[n-1] > '9' {
			text = text[:n]
		}
	}
	return text
}

func (r *rotation) restart(name, service string) {
	r.has = r.has && service != r.feature.Backend.Name
	r.add(name, object{{"restart", service}})
}

// issue has the issuer issue a token now: GitLab.com for the call, CustomersDot for the
// instance, which syncs it.
func (r *rotation) issue(as string) {
	if r.issuer.at != saas {
		r.add("", object{{"sync", object{{"instance", r.issuer.at}, {"force", true}}}})
	}
	r.add("", object{
		{"access_token", object{{"instance", r.issuer.at}, {"scopes", []string{r.feature.Backend.Scope}}}},
		{"save", as},
	})
}

// due is how often the backend asks for the issuer's keys at the next call, if all that
// makes it ask is their age.
func (r *rotation) due() int {
	if r.has && r.at-r.fetched < keepsKeys {
		return fromCache
	}
	r.has, r.fetched = true, r.at
	return anew
}

// call sends a call of the issuer's user with a token, and says what comes of it and how
// often the backend asks for the issuer's keys meanwhile.
func (r *rotation) call(name, with string, want ruling, fetches int) {
	r.callAs(r.issuer.user, r.issuer.service, name, with, want, fetches)
}

func (r *rotation) callAs(who, issuer, name, with string, want ruling, fetches int) {
	call := object{{"feature", r.feature.Name}, {"user", who}, {"token", with}}
	if body := callBody(r.feature); body != nil {
		call = call.with("body", body)
	}
	expect := r.expected(want)
	if fetches != uncounted {
		expect = expect.with("calls", object{{issuer, fetches}})
	}
	r.add(name, object{{"call", call}, {"expect", expect}})
}

// asksAgain reports whether the backend fetches a key set for the sake of an unknown key.
// The AI gateway waits until its set is a day old.
func (r *rotation) asksAgain() bool { return r.feature.Backend.Profile != feature.AIGateway }

// aMoment is the time around the end of a token in which the profiles differ: a second
// before it both take it, a second after it neither.
const aMoment = time.Second
