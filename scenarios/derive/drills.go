package derive

import (
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/token"
)

// drill is something that befalls the keys of an issuer, most often of GitLab.com, which
// signs for its own users: what the operators do, who is refused from when to when, and how
// often the backend fetches keys.
type drill struct {
	name, says string
	steps      func(*rotation)
}

var drills = []drill{
	{"overlap", "The new key is published a day before it signs, and the old one goes when its last token has expired: nobody is refused.", overlap},
	{"hard-cut", "The keys are swapped and the old one is dropped, all at once.", hardCut},
	{"rollback", "The new key signs, and then the old one again: nobody is refused.", rollback},
	{"trim-too-early", "The old key is dropped while its tokens are about.", trimTooEarly},
	{"restart-forgotten", "The keys are swapped, but GitLab's processes go on signing with the one that they had loaded.", restartForgotten},
	{"issuer-down-at-start", "GitLab.com's discovery document cannot be had when the backend first needs keys.", downAtStart},
	{"issuer-down-at-refill", "GitLab.com's key set cannot be had when that of the backend is a day old.", downAtRefill},
	{"issuer-down-for-one-realm", "CustomersDot's discovery document cannot be had when the backend first needs keys.", downForOneRealm},
}

// drills derives the flows about keys.
func (d deriver) drills() []Case {
	cases := make([]Case, len(drills))
	for n, known := range drills {
		r := &rotation{deriver: d}
		known.steps(r)
		flow := story{
			scenario:    d.feature.Name + ": drill, " + known.name,
			description: "Derived from " + d.feature.Name + ". " + known.says,
			feature:     d.feature.Name, catalog: d.catalog, given: d.drillWorld(), steps: r.steps,
		}
		cases[n] = Case{d.feature.Name, Drill, known.name, flow.text()}
	}
	return cases
}

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
)

// rotation writes the steps of a drill.
type rotation struct {
	deriver
	steps []object
}

func (r *rotation) add(name string, step object) {
	if name != "" {
		step = append(object{{"name", name}}, step...)
	}
	r.steps = append(r.steps, step)
}

// rotate takes a step of the rotation. Beside the Cloud Connector keys, the OpenID Connect
// key is published.
func (r *rotation) rotate(step string, published int, signing string, extra ...member) {
	r.add("", object{
		{"rotate_keys", append(object{{"service", saas}, {"step", step}}, extra...)},
		{"expect", object{{"keys", object{{"published", published}, {"signing", signing}}}}},
	})
}

func (r *rotation) advance(by string) { r.add("", object{{"advance", by}}) }

func (r *rotation) restart(name, service string) { r.add(name, object{{"restart", service}}) }

// issue has GitLab.com issue a token now.
func (r *rotation) issue(as string) {
	r.add("", object{
		{"access_token", object{{"instance", saas}, {"scopes", []string{r.feature.Backend.Scope}}}},
		{"save", as},
	})
}

// call sends a call of a user of GitLab.com with a token, and says what comes of it and how
// often the backend asks for GitLab.com's keys meanwhile.
func (r *rotation) call(name, with string, want ruling, fetches int) {
	r.callAs(user, saas, name, with, want, fetches)
}

func (r *rotation) callAs(who, issuer, name, with string, want ruling, fetches int) {
	call := object{{"feature", r.feature.Name}, {"user", who}, {"token", with}}
	if body := callBody(r.feature); body != nil {
		call = call.with("body", body)
	}
	r.add(name, object{{"call", call}, {"expect", r.expected(want).with("calls", object{{issuer, fetches}})}})
}

// asksAgain reports whether the backend fetches a key set for the sake of an unknown key.
// The AI gateway waits until its set is a day old.
func (r *rotation) asksAgain() bool { return r.feature.Backend.Profile != feature.AIGateway }

func overlap(r *rotation) {
	r.issue("first")
	r.call("the backend fetches the keys", "first", accepted, anew)
	r.rotate("create", 3, "same")
	r.advance("24h")
	r.issue("old")
	r.call("a day later the new key is known", "old", accepted, anew)
	r.rotate("rotate", 3, "changed")
	r.issue("new")
	r.call("the new key signs", "new", accepted, fromCache)
	r.call("the old token is good", "old", accepted, fromCache)
	r.advance("1h1s") // the AI gateway takes it up to and with the second of its expiry
	r.call("it has expired", "old", no(token.Expired), fromCache)
	r.rotate("trim", 2, "same")
	r.issue("newer")
	r.call("nobody misses the old key", "newer", accepted, fromCache)
	r.advance("24h")
	r.issue("last")
	r.call("nor when it is forgotten", "last", accepted, anew)
}

func hardCut(r *rotation) {
	r.issue("old")
	r.call("the backend fetches the keys", "old", accepted, anew)
	r.rotate("create", 3, "same")
	r.rotate("rotate", 3, "changed")
	r.rotate("trim", 2, "same")
	r.issue("new")
	r.call("the old token is good while its key is remembered", "old", accepted, fromCache)
	if r.asksAgain() {
		r.call("the new key is asked for", "new", accepted, again)
		r.call("which drops the old one", "old", no(token.UnknownKey), fromCache)
		r.advance("1m")
		r.call("and it does not come back", "old", no(token.UnknownKey), again)
		r.call("the new token is good", "new", accepted, fromCache)
		return
	}
	r.call("the new key is unknown", "new", no(token.UnknownKey), fromCache)
	r.advance("23h59m")
	r.issue("newer")
	r.call("for as long as the old set is kept", "newer", no(token.UnknownKey), fromCache)
	r.advance("1m")
	r.call("a day later it is known", "newer", accepted, anew)
}

func rollback(r *rotation) {
	r.issue("first")
	r.call("the backend fetches the keys", "first", accepted, anew)
	r.rotate("create", 3, "same")
	r.advance("24h")
	r.issue("old")
	r.call("a day later the new key is known", "old", accepted, anew)
	r.rotate("rotate", 3, "changed")
	r.issue("new")
	r.call("the new key signs", "new", accepted, fromCache)
	r.rotate("rotate", 3, "changed")
	r.issue("back")
	r.call("the old key signs again", "back", accepted, fromCache)
	r.call("the tokens of the new one are good", "new", accepted, fromCache)
	r.advance("1h")
	r.rotate("trim", 2, "same")
	r.restart("", r.feature.Backend.Name)
	r.issue("last")
	r.call("nobody misses the new key", "last", accepted, anew)
}

func trimTooEarly(r *rotation) {
	r.issue("first")
	r.call("the backend fetches the keys", "first", accepted, anew)
	r.rotate("create", 3, "same")
	r.advance("24h")
	r.issue("old")
	r.call("a day later the new key is known", "old", accepted, anew)
	r.rotate("rotate", 3, "changed")
	r.rotate("trim", 2, "same")
	r.issue("new")
	r.call("the old token is good while its key is remembered", "old", accepted, fromCache)
	r.restart("", r.feature.Backend.Name)
	r.call("a backend that starts now does not know the old key", "old", no(token.UnknownKey), anew)
	r.call("the new token is good", "new", accepted, fromCache)
	r.advance("1h")
	r.issue("last")
	r.call("and after an hour nobody has an old one", "last", accepted, fromCache)
}

func restartForgotten(r *rotation) {
	r.issue("first")
	r.call("the backend fetches the keys", "first", accepted, anew)
	r.rotate("create", 3, "same")
	r.advance("24h")
	r.rotate("rotate", 3, "same", member{"restart", false})
	r.issue("old")
	r.call("the old key signs, and is published", "old", accepted, anew)
	r.advance("1h")
	r.rotate("trim", 2, "same")
	r.issue("unknown")
	r.call("it signs still, and is remembered", "unknown", accepted, fromCache)
	r.advance("24h")
	r.issue("refused")
	r.call("a day later everybody is refused", "refused", no(token.UnknownKey), anew)
	r.restart("GitLab's processes are restarted", saas)
	r.issue("new")
	r.call("the new key signs", "new", accepted, fromCache)
}
