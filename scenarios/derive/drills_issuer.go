package derive

import "github.com/ccmock/ccmock/internal/token"

// inVain is how often an issuer is asked whose discovery document cannot be had.
const inVain = 1

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
	r.advance("23h59m")
	r.issue("still")
	r.call("it takes what it got for all there is", "still", r.keysMissing(), fromCache)
	r.advance("1m")
	r.call("until its set is a day old", "still", accepted, anew)
}

func downAtStart(r *rotation) {
	r.issuerDown(saas, "openid.configuration")
	r.issue("first")
	r.call("the backend has no keys", "first", r.keysMissing(), inVain)
	r.issuerUp("openid.configuration")
	if !r.asksAgain() {
		r.afterADay()
		return
	}
	r.advance("1m")
	r.call("it asks again as soon as it may", "first", accepted, anew)
}

func downAtRefill(r *rotation) {
	r.issue("first")
	r.call("the backend fetches the keys", "first", accepted, anew)
	r.issuerDown(saas, "openid.keys")
	r.advance("24h")
	r.issue("second")
	if !r.asksAgain() {
		r.call("the old set is dropped", "second", r.keysMissing(), anew)
		r.issuerUp("openid.keys")
		r.afterADay()
		return
	}
	r.call("the old set is good enough", "second", accepted, anew)
	r.issuerUp("openid.keys")
	r.advance("1m")
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
		r.advance("1m")
	} else {
		r.advance("23h59m")
		managed("until the set is a day old", r.keysMissing(), fromCache)
		r.advance("1m")
	}
	managed("all are served", accepted, anew)
}
