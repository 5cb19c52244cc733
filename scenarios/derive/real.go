package derive

import (
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/token"
)

// Real is what is known of a real service in a backend's place. It goes by the system's
// clock, words its refusals in its own way, and nobody can steer it.
type Real struct {
	// Now is the time, of which the dates of licences are made.
	Now time.Time
	// Leeway is how far its clock may be off by its own account: so long after exp and before
	// nbf a token is still good. Whole seconds count.
	Leeway time.Duration
}

// callTakes is how long a call may take in real time. A token that is not yet valid has to be
// so until the service looks.
const callTakes = 10 * time.Second

// longAgo is more than any leeway.
const longAgo = 24 * time.Hour

// Good is the case of the call that all others of kind Token are made of.
const Good = "good"

// The cases that only a real service has: GitLab.com's own token, which none is made of, and
// times that tell leeway from no check at all.
const (
	GoodOfGitLab = "good-of-gitlab"
	LongExpired  = "expired-by-a-day"
	LongToCome   = "not-valid-for-a-day"
)

// RealCases derives the cases of kind Token for a real service, the good calls first. Of an
// answer, they expect the status alone. Left are the names of those that need a stub.
func RealCases(f feature.Feature, about Real) (cases []Case, left []string) {
	d := deriver{feature: f, services: []catalog.Service{f.CloudConnector}, real: &about}
	for _, s := range d.spoilt() {
		switch {
		case s.only != "" && s.only != f.Backend.Profile:
		case s.stubOnly:
			left = append(left, s.name)
		default:
			cases = append(cases, d.tokenCase(s))
		}
		if s.name == Good {
			cases = append(cases, d.goodOfGitLab())
		}
	}
	expired, early := no(token.Expired), no(token.NotYetValid)
	for _, s := range []spoilt{
		{name: LongExpired, sign: claims(member{"exp", fromNow(-longAgo)}), strict: expired, gateway: expired},
		{name: LongToCome, sign: claims(member{"nbf", fromNow(longAgo)}), strict: early, gateway: early},
	} {
		cases = append(cases, d.tokenCase(s))
	}
	return cases, left
}

// goodOfGitLab is a call that GitLab.com makes for nobody in particular.
func (d deriver) goodOfGitLab() Case {
	call := object{{"feature", d.feature.Name}, {"instance", saas}}
	if body := callBody(d.feature); body != nil {
		call = call.with("body", body)
	}
	flow := story{
		scenario:    d.feature.Name + ": token, " + GoodOfGitLab,
		description: d.describe(accepted),
		feature:     d.feature.Name, given: d.tokenWorld(),
		steps: []object{{{"call", call}, {"expect", d.expected(accepted)}}},
	}
	return Case{Feature: d.feature.Name, Kind: Token, Name: GoodOfGitLab, YAML: flow.text()}
}
