package derive

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// The oracle says what ought to come of a situation. It is written from the documented
// rules alone and shares nothing with package catalog, which decides in the services: no
// function, no type that decides. Where the documents are silent it follows the choices
// that the documentation of that package states.

// entry is a service of cloud_connector.yml, or a unit primitive of the library, as its
// author means it.
type entry struct {
	name, audience string
	alsoFor        []string // further audiences
	tutorialForm   bool     // one bundled_with, as GitLab 16 wrote it
	cutOff         *time.Time
	minVersion     string
	minForFree     string
	bundles        []bundle
	licenseTypes   []string // empty: any
	operators      []operator
}

// operator is who may run it, and what that one asks for.
type operator struct{ addOns, licenseTypes []string }

type bundle struct {
	addOn  string
	scopes []string
}

// subject is the feature that is used.
type subject struct {
	service  string // its entry
	scope    string // what the backend asks for
	asked    []string
	audience string // what the backend takes
	backend  string
	chat     bool // GitLab answers 404 where it answers 401 elsewhere
	told     bool // GitLab tells what the backend says in words of its own
	lacks    string
	ok       int
}

// situation is everything else that counts.
type situation struct {
	saas      bool
	now       time.Time
	version   string
	instance  string
	purchases []purchase
	license   license
}

type purchase struct {
	addOn     string
	expiresOn time.Time // zero: never
}

type license struct {
	kind      string // online_cloud, offline_cloud, legacy
	plan      string // empty: ultimate
	trial     bool
	expiresAt time.Time
}

// verdict is what ought to come of a situation.
type verdict struct {
	syncError string   // what the sync job complains of; empty: it succeeds
	scopes    []string // of the token; nil: there is none
	answer    answer
}

// answer is what a user gets. Reason is empty where nobody refuses.
type answer struct {
	status     int
	by, reason string
	body       any // a text or an object; nil: whatever
}

// Judge: GitLab decides whether the user may, then whether there is a token, and then the
// backend looks at that.
func judge(entries []entry, f subject, s situation) verdict {
	v := verdict{}
	if s.saas {
		v.scopes = selfIssued(entries, f, s)
	} else {
		v.syncError = syncError(s)
		if v.syncError == "" {
			v.scopes = entitled(entries, s, true)
		}
	}
	v.answer = use(entries, f, s, v)
	if f.told && v.answer.by != s.instance {
		v.answer = tell(v.answer)
	}
	return v
}

// free: there is no cut-off date or it lies ahead; at the date itself free access is over
// (customersdot_and_gateway 2.4, rule 1: "in the future").
func (e entry) free(now time.Time) bool { return e.cutOff == nil || now.Before(*e.cutOff) }

// minimum is the GitLab version that CustomersDot asks for at a time: the one for free
// access before the cut-off (2.4, rule 2; unset: any version), min_gitlab_version after it
// (rule 3). The tutorial's form has one minimum, for the time before the cut-off too
// (rule 6).
func (e entry) minimum(now time.Time) string {
	switch {
	case !e.free(now):
		return e.minVersion
	case e.minForFree == "" && e.tutorialForm:
		return e.minVersion
	}
	return e.minForFree
}

// reached: versions compare by their numbers, and what follows a dash does not count
// (2.4, rule 7; -pre is not established, and read kindly).
func reached(version, minimum string) bool {
	if minimum == "" {
		return true
	}
	return compare(numbers(version), numbers(minimum)) >= 0
}

func compare(a, b [3]int) int { return slices.Compare(a[:], b[:]) }

func numbers(version string) (n [3]int) {
	core, _, _ := strings.Cut(version, "-")
	for i, text := range strings.SplitN(core, ".", 3) {
		n[i], _ = strconv.Atoi(text)
	}
	return n
}

// active: not on the day of expires_on itself (rails 1.3).
func (p purchase) active(now time.Time) bool {
	return p.expiresOn.IsZero() || now.UTC().Format(time.DateOnly) < p.expiresOn.UTC().Format(time.DateOnly)
}

func holds(purchases []purchase, addOn string, now time.Time) bool {
	return slices.ContainsFunc(purchases, func(p purchase) bool { return p.addOn == addOn && p.active(now) })
}

// scopes are those that an entry gives: of all bundles while it is free (2.4, rule 2), and
// then of the bundles whose add-on was bought and is active (rule 3); any add-on that
// lists a scope will do (rule 4). CustomersDot looks at versions, licence types and
// operators besides.
func (e entry) scopes(s situation, customersDot bool) []string {
	if customersDot && (!reached(s.version, e.minimum(s.now)) || !s.license.isOf(e.licenseTypes) || !e.operated(s)) {
		return nil
	}
	var found []string
	for _, b := range e.bundles {
		if e.free(s.now) || holds(s.purchases, b.addOn, s.now) {
			found = append(found, b.scopes...)
		}
	}
	return found
}

// isOf: any licence type of a list will do, and an empty list asks for none (2.4, rule 5).
func (l license) isOf(types []string) bool {
	plan := l.plan
	if plan == "" {
		plan = "ultimate"
	}
	return len(types) == 0 || slices.Contains(types, plan)
}

// operated: where operators are named, the demands of one must be met, also in free access
// (2.4, rule 5, and the choices of package catalog).
func (e entry) operated(s situation) bool {
	return len(e.operators) == 0 || slices.ContainsFunc(e.operators, func(o operator) bool {
		bought := slices.ContainsFunc(o.addOns, func(addOn string) bool { return holds(s.purchases, addOn, s.now) })
		return (bought || len(o.addOns) == 0) && s.license.isOf(o.licenseTypes)
	})
}

// entitled is the union over all entries, each scope once. Versions, licence types and
// operators count for CustomersDot and never for GitLab itself (rails 1.3).
func entitled(entries []entry, s situation, customersDot bool) []string {
	found := []string{}
	for _, e := range entries {
		for _, scope := range e.scopes(s, customersDot) {
			if !slices.Contains(found, scope) {
				found = append(found, scope)
			}
		}
	}
	return found
}

// selfIssued are the scopes of GitLab.com's own token. Up to 17.0 they are what the caller
// asked for, up to 18.2 those of the one service, and then of the whole catalogue
// (rails 1.3). Users here have a seat of whatever was bought.
func selfIssued(entries []entry, f subject, s situation) []string {
	switch {
	case !reached(s.version, "17.1"):
		return f.asked
	case !reached(s.version, "18.3"):
		return entitled(only(entries, f.service), s, false)
	}
	return entitled(entries, s, false)
}

func only(entries []entry, service string) []entry {
	for _, e := range entries {
		if e.name == service {
			return []entry{e}
		}
	}
	return nil
}

const day = 24 * time.Hour

// syncError is why a self-managed instance does not even ask for a token (rails 2.3; the
// objection to trials went with 18.0).
func syncError(s situation) string {
	switch l := s.license; {
	case l.kind != "online_cloud":
		return "License is not an online cloud license"
	case s.now.After(l.expiresAt.Add(14 * day)):
		return "License grace period has been expired"
	case l.trial && !reached(s.version, "18.0"):
		return "License can't be on trial"
	}
	return ""
}

// use is what becomes of a user's call.
func use(entries []entry, f subject, s situation, v verdict) answer {
	if reason := gate(entries, f, s, v.syncError == ""); reason != "" {
		return denied(f, s, reason)
	}
	if v.scopes == nil {
		// Up to 18.2 GitLab makes no call without a token; later ones send an empty bearer,
		// which no verifier takes (rails 2.1, verifier_verdicts "empty bearer"), and Duo Chat
		// always has (chosen).
		if !f.told && !reached(s.version, "18.3") {
			return answer{401, s.instance, "no_token", object{{"message", "401 Unauthorized"}}}
		}
		return answer{401, f.backend, "no_token", forbidden}
	}
	if !slices.Contains(audiences(entries, s, v), f.audience) {
		return answer{401, f.backend, "wrong_audience", forbidden}
	}
	if !slices.Contains(v.scopes, f.scope) {
		return answer{403, f.backend, "missing_scope", object{{"detail", f.lacks}}}
	}
	return answer{status: f.ok}
}

// tell is what Duo Chat makes of the backend's answer: the status is 201 whatever it is,
// and error codes tell a 403 from the rest (rails 5.5, 5.8).
func tell(a answer) answer {
	switch a.status {
	case 401:
		a.body = "I'm sorry, I can't generate a response. Please try again. Error code: A9999"
	case 403:
		a.body = "I'm sorry, you don't have the GitLab Duo subscription required to use Duo Chat. Please contact your administrator. Error code: M3006"
	}
	a.status = 201
	return a
}

var forbidden = object{{"error", "Forbidden by auth provider"}}

// audiences are the aud of the token: GitLab 16 and 17.0 know the AI gateway only
// (rails 1.2); otherwise the backends of the scopes in it, and of all services where there
// is none.
func audiences(entries []entry, s situation, v verdict) []string {
	if s.saas && !reached(s.version, "17.1") {
		return []string{"gitlab-ai-gateway"}
	}
	var granted, all []string
	for _, e := range entries {
		if e.audience == "" {
			continue
		}
		all = append(append(all, e.audience), e.alsoFor...)
		if slices.ContainsFunc(e.scopes(s, !s.saas), func(scope string) bool { return slices.Contains(v.scopes, scope) }) {
			granted = append(append(granted, e.audience), e.alsoFor...)
		}
	}
	if len(granted) == 0 {
		return all
	}
	return granted
}

// gate is GitLab's own decision whether the user may: none up to 17.0, where that is the
// caller's affair, then by service, and from 18.3 on by scope (rails 2.6).
func gate(entries []entry, f subject, s situation, synced bool) string {
	found := only(entries, f.service)
	switch {
	case !reached(s.version, "17.1"):
		return ""
	case len(found) == 0:
		return "feature_unknown"
	}
	e, byScope := found[0], reached(s.version, "18.3")
	switch {
	case s.saas:
	case !byScope && s.license.kind != "online_cloud":
		return "license_insufficient" // 17.1 and later need an online cloud licence
	case s.license.kind == "offline_cloud":
		// The catalogue that comes with GitLab is used: it needs no sync (rails 2.5).
	case !synced:
		return "feature_unknown" // there is no catalogue to find it in
	case !byScope && !reached(s.version, e.minimum(s.now)):
		return "feature_unknown" // availableServices leaves out what the version is too low for
	}
	for _, b := range e.bundles {
		if (!byScope || slices.Contains(b.scopes, f.scope)) && holds(s.held(), b.addOn, s.now) {
			return ""
		}
	}
	if !e.free(s.now) {
		return "add_on_missing"
	}
	return ""
}

// held are the purchases that GitLab keeps: of Amazon Q, Enterprise and Pro a self-managed
// instance holds the first that is active only (rails 2.6, provisioning).
func (s situation) held() []purchase {
	if s.saas {
		return s.purchases
	}
	exclusive := []string{"duo_amazon_q", "duo_enterprise", "duo_pro"}
	for n, name := range exclusive {
		if holds(s.purchases, name, s.now) {
			others := slices.Delete(slices.Clone(exclusive), n, n+1)
			return slices.DeleteFunc(slices.Clone(s.purchases), func(p purchase) bool { return slices.Contains(others, p.addOn) })
		}
	}
	return s.purchases
}

// denied is GitLab's answer to a user who may not: 401, and 404 from chat (rails 5.1, 5.5).
func denied(f subject, s situation, reason string) answer {
	if f.chat {
		return answer{404, s.instance, reason, object{{"message", "404 Not Found"}}}
	}
	return answer{401, s.instance, reason, object{{"message", "401 Unauthorized"}}}
}
