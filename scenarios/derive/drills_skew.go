package derive

import (
	"time"

	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/token"
)

// skews put the clock of one service ahead of the others, and behind them. A token counts
// from five seconds before its issuer's time until an hour (GitLab.com) or three days
// (CustomersDot) after it, and neither profile grants more than the claims say.
var skews = []drill{
	{"skew-gitlab", "The clock of GitLab.com, which signs for its users, runs ahead and behind.", func(r *rotation) { skewedIssuer(r) }},
	{"skew-customersdot", "The clock of CustomersDot runs ahead and behind.", func(r *rotation) {
		r.issuer = customersDot
		skewedIssuer(r)
	}},
	{"skew-backend", "The clock of the backend runs ahead and behind.", skewedBackend},
	{"skew-instance", "The clock of a self-managed instance runs ahead and behind.", skewedInstance},
}

// backdate is how long before its issue a token begins to count.
const backdate = 5 * time.Second

func (r *rotation) skew(name, service string, by time.Duration) {
	r.add(name, object{{"skew", object{{"service", service}, {"by", span(by)}}}})
}

// tooOld is how long after its end the backend begins to refuse a token: the strict profile
// does so at the end itself, the AI gateway a second later.
func (r *rotation) tooOld() time.Duration {
	if r.feature.Backend.Profile == feature.AIGateway {
		return time.Second
	}
	return 0
}

// nobodysJobs keeps an instance from getting new tokens by itself.
func (r *rotation) nobodysJobs() {
	r.add("", object{{"jobs", object{{"instance", selfHosted}, {"run", false}}}})
}

func skewedIssuer(r *rotation) {
	r.nobodysJobs()
	by, ttl := r.issuer.service, r.issuer.ttl
	fresh := func(name string, want ruling) {
		r.issue("fresh")
		r.call(name, "fresh", want, uncounted)
	}
	r.skew("the issuer is five seconds ahead", by, backdate)
	fresh("which is what nbf is set back by", accepted)
	r.skew("the issuer is six seconds ahead", by, backdate+time.Second)
	fresh("its tokens do not count yet", no(token.NotYetValid))
	r.advance(time.Second)
	r.call("a second later that one does", "fresh", accepted, uncounted)
	r.skew("the issuer is a minute ahead", by, time.Minute)
	fresh("fresh tokens do not count", no(token.NotYetValid))
	r.advance(time.Minute - backdate - time.Second)
	r.call("for as long as the minute lasts, but for five seconds", "fresh", no(token.NotYetValid), uncounted)
	r.advance(time.Second)
	r.call("and then do", "fresh", accepted, uncounted)

	if r.issuer.at == saas {
		end := ttl + r.tooOld()
		r.skew("the issuer is behind by all but a second of a token's life", by, -(end - time.Second))
		fresh("its tokens count for that second", accepted)
		r.skew("the issuer is behind by a token's life", by, -end)
		fresh("fresh tokens have expired", no(token.Expired))
	} else {
		r.expiredOnArrival()
	}
	r.skew("the issuer's clock is right again", by, 0)
	fresh("all is well", accepted)
}

// expiredOnArrival: CustomersDot's tokens go through an instance, which does not use those
// that have expired by its own clock.
func (r *rotation) expiredOnArrival() {
	by, ttl := r.issuer.service, r.issuer.ttl
	r.skew("the issuer is behind by all but a second of a token's life", by, -(ttl - time.Second))
	r.issue("fresh")
	r.call("its tokens count for that second", "fresh", accepted, uncounted)
	r.advance(time.Second + r.tooOld())
	r.call("and then have expired", "fresh", no(token.Expired), uncounted)
	r.advance(ttl + time.Minute) // an older token that lasts would be used instead
	r.skew("the issuer is behind by a token's life", by, -ttl)
	r.add("the instance syncs", object{{"sync", object{{"instance", selfHosted}, {"force", true}}}})
	r.use("what it was given has expired, and it does not use it", r.withoutToken(r.newVersion()))
}

func skewedBackend(r *rotation) {
	by := r.feature.Backend.Name
	r.nobodysJobs()
	for _, i := range issuers {
		r.issuer = i
		end := i.ttl + r.tooOld()
		r.issue("fresh")
		r.skew("the backend is five seconds behind, and gets a token of "+i.service, by, -backdate)
		r.call("which is what nbf is set back by", "fresh", accepted, uncounted)
		r.skew("the backend is six seconds behind", by, -backdate-time.Second)
		r.call("fresh tokens do not count yet", "fresh", no(token.NotYetValid), uncounted)
		r.advance(time.Second)
		r.call("those a second old do", "fresh", accepted, uncounted)
		r.issue("fresh")
		r.skew("the backend is ahead by all but a second of a token's life", by, end-time.Second)
		r.call("fresh tokens count for that second", "fresh", accepted, uncounted)
		r.skew("the backend is ahead by a token's life", by, end)
		r.call("fresh tokens have expired", "fresh", no(token.Expired), uncounted)
		r.skew("the backend's clock is right again", by, 0)
		r.call("all is well", "fresh", accepted, uncounted)
	}
}

// skewedInstance: an instance hands a token on for as long as it counts by its own clock.
func skewedInstance(r *rotation) {
	r.issuer = customersDot
	r.nobodysJobs()
	ttl := r.issuer.ttl
	gone := r.withoutToken(r.newVersion())
	r.issue("token")
	r.skew("the instance is ahead by all but a second of a token's life", selfHosted, ttl-time.Second)
	r.use("it has the token for that second", whoAnswers{ruling: accepted})
	r.skew("the instance is ahead by a token's life", selfHosted, ttl)
	r.use("it takes the token for expired", gone)
	r.call("which it is to nobody else", "token", accepted, uncounted)
	r.skew("the instance's clock is right again", selfHosted, 0)
	r.use("all is well", whoAnswers{ruling: accepted})
	r.advance(ttl + r.tooOld())
	r.use("the token runs out, and the instance has none", gone)
	r.skew("the instance is behind by a second more than that", selfHosted, -r.tooOld()-time.Second)
	r.use("it still has the token, and it is the backend that refuses it", whoAnswers{ruling: no(token.Expired)})
	r.skew("the instance's clock is right again", selfHosted, 0)
	r.use("the instance has none", gone)
	r.sync("another is synced")
	r.use("all is well", whoAnswers{ruling: accepted})
}
