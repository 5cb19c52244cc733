package derive

import (
	"time"

	"github.com/ccmock/ccmock/internal/token"
)

// outages take an issuer's discovery document or key set away.
var outages = []drill{
	{"issuer-down-at-start", "GitLab.com's discovery document cannot be had when the backend first needs keys.", downAtStart},
	{"issuer-down-at-refill", "GitLab.com's key set cannot be had when that of the backend is a day old.", downAtRefill},
	{"issuer-down-for-one-realm", "CustomersDot's discovery document cannot be had when the backend first needs keys.", downForOneRealm},
}

// inVain is how often an issuer is asked whose discovery document cannot be had. The AI gateway tries a second time.
const inVain = 1

func (r *rotation) inVain() int {
	if r.asksAgain() {
		return inVain
	}
	return 2 * inVain
}

// issuerDown takes a route of an issuer away, and issuerUp gives it back. All else that
// the issuer serves goes on.
func (r *rotation) issuerDown(issuer, route string) {
	r.add("", object{{"fault", object{
		{"name", route + " is down"},
		{"where", object{{"service", issuer}, {"route", route}}},
		{"do", object{{"status", 503}}},
	}}})
}

func (r *rotation) issuerUp(route string) { r.add("", object{{"heal", route + " is down"}}) }

// keysMissing is what a backend without the issuer's keys answers. To the AI gateway, the
// token is as good as forged.
func (r *rotation) keysMissing() ruling {
	if r.asksAgain() {
		return ruling{status: 503, says: "Keys of the token's issuer are not available", reason: token.KeysUnavailable}
	}
	return no(token.KeysUnavailable)
}

// afterADay has the AI gateway, which takes what it got for all there is, ask again.
func (r *rotation) afterADay() {
	r.advance(keepsKeys - time.Minute)
	r.issue("still")
	r.call("it takes what it got for all there is", "still", r.keysMissing(), fromCache)
	r.advance(time.Minute)
	r.call("until its set is a day old", "still", accepted, anew)
}

func downAtStart(r *rotation) {
	r.issuerDown(saas, "openid.configuration")
	r.issue("first")
	r.call("the backend has no keys", "first", r.keysMissing(), r.inVain())
	r.issuerUp("openid.configuration")
	if !r.asksAgain() {
		r.afterADay()
		return
	}
	r.advance(time.Minute)
	r.call("it asks again as soon as it may", "first", accepted, anew)
}

func downAtRefill(r *rotation) {
	r.issue("first")
	r.call("the backend fetches the keys", "first", accepted, anew)
	r.issuerDown(saas, "openid.keys")
	r.advance(keepsKeys)
	r.issue("second")
	if !r.asksAgain() {
		r.call("the old set is kept after a second try", "second", accepted, 2*anew)
		r.issuerUp("openid.keys")
		r.advance(keepsKeys - time.Minute)
		r.issue("third")
		r.call("and counts as new", "third", accepted, fromCache)
		r.advance(time.Minute)
		r.call("for another day", "third", accepted, anew)
		return
	}
	r.call("the old set is good enough", "second", accepted, anew)
	r.issuerUp("openid.keys")
	r.advance(time.Minute)
	r.call("it asks again as soon as it may", "second", accepted, anew)
}

// downForOneRealm: self-managed instances have their tokens from CustomersDot.
func downForOneRealm(r *rotation) {
	r.issuerDown("customersdot", "openid.configuration")
	r.issue("saas")
	r.call("users of GitLab.com are served", "saas", accepted, anew)
	r.add("", object{{"sign", object{{"service", "customersdot"}, {"instance", selfHosted}}}, {"save", "managed"}})
	managed := func(name string, want ruling, fetches int) {
		r.callAs(selfManagedUser, "customersdot", name, "managed", want, fetches)
	}
	fetches := fromCache // of all issuers at once
	if r.asksAgain() {
		fetches = inVain // of each when it is needed
	}
	managed("those of self-managed instances are not", r.keysMissing(), fetches)
	r.issuerUp("openid.configuration")
	if r.asksAgain() {
		r.advance(time.Minute)
	} else {
		r.advance(keepsKeys - time.Minute)
		managed("until the set is a day old", r.keysMissing(), fromCache)
		r.advance(time.Minute)
	}
	managed("all are served", accepted, anew)
}
