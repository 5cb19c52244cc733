package derive

import (
	"fmt"
	"time"

	"github.com/ccmock/ccmock/internal/feature"
)

// spoilt is a call that is good but for one thing.
type spoilt struct {
	name string
	// before are steps that come first, sign and call the changes to the two steps that
	// every case has. A case without sign and before uses the good token.
	before []object
	sign   object
	call   object
	after  object // expected beside the verdict
	// strict and gateway are what the two verifier profiles answer.
	strict, gateway ruling
	only            feature.Profile // the profile that the case is for; empty: both
	// stubOnly says that the case needs a backend that can be steered, or a clock that stands
	// still, or is about more than the token.
	stubOnly bool
	// open says that RFC 7519 allows either, of a token that an issuer did sign.
	open bool
}

// tokens derives the calls with forged and spoilt tokens, and the good one.
func (d deriver) tokens() []Case {
	var cases []Case
	for _, s := range d.spoilt() {
		if s.only != "" && s.only != d.feature.Backend.Profile {
			continue
		}
		cases = append(cases, d.tokenCase(s))
	}
	return cases
}

func (d deriver) tokenCase(s spoilt) Case {
	r := d.ruling(s)
	return Case{
		Feature: d.feature.Name, Kind: Token, Name: s.name, YAML: d.tokenFlow(s).text(), Reason: r.reason, Open: s.open, Gap: r.gap,
	}
}

// The other parties of these flows: an instance that is not the caller, and one whose
// owner publishes keys of his own.
const (
	bystander = "other"
	attacker  = "mallory"
)

// ruling is what the feature's backend makes of a call.
func (d deriver) ruling(s spoilt) ruling {
	if d.feature.Backend.Profile == feature.AIGateway {
		return s.gateway
	}
	return s.strict
}

// tokenFlow writes one call as a flow.
func (d deriver) tokenFlow(s spoilt) story {
	f, want := d.feature, d.ruling(s)
	steps := append([]object{}, s.before...)
	call := object{{"feature", f.Name}, {"user", user}}
	if !has(s.call, "token") {
		sign := object{{"service", "customersdot"}, {"instance", selfHosted}}
		for _, m := range s.sign {
			sign = sign.set(m.key, m.value)
		}
		steps = append(steps, object{{"sign", sign}, {"save", "token"}})
		call = call.with("token", "token")
	}
	if body := callBody(f); body != nil {
		call = call.with("body", body)
	}
	for _, m := range s.call {
		call = call.set(m.key, m.value)
	}
	expect := d.expected(want)
	if d.real == nil {
		for _, m := range s.after {
			expect = expect.with(m.key, m.value)
		}
	}
	steps = append(steps, object{{"call", call}, {"expect", expect}})
	return story{
		scenario:    f.Name + ": token, " + s.name,
		description: d.describe(want),
		feature:     f.Name, catalog: d.catalog, given: d.tokenWorld(), steps: steps,
	}
}

func (d deriver) describe(r ruling) string {
	if r.gap {
		return "Derived from " + d.feature.Name + ". That this gets in is a gap of the real AI gateway, measured and imitated."
	}
	return "Derived from " + d.feature.Name + "; one thing is changed of a call that is good."
}

// expected is a ruling as a flow expects it.
func (d deriver) expected(r ruling) object {
	f := d.feature
	if r.status == 200 {
		return object{{"status", f.Backend.Status}}
	}
	expect := object{{"status", r.status}}
	switch {
	case d.real != nil:
		return expect
	case r.status == 403 && r.says == "":
		expect = expect.with("body", object{{"detail", lacksScope(f)}})
	case r.status == 403:
		expect = expect.with("body", object{{"detail", r.says}})
	default:
		expect = expect.with("body", object{{"error", r.says}})
	}
	return expect.with("refused", object{{"by", f.Backend.Name}, {"reason", string(r.reason)}})
}

// set is o with a member changed or, if there is none, added.
func (o object) set(key string, value any) object {
	for n, m := range o {
		if m.key == key {
			changed := append(object{}, o...)
			changed[n].value = value
			return changed
		}
	}
	return o.with(key, value)
}

func has(o object, key string) bool {
	for _, m := range o {
		if m.key == key {
			return true
		}
	}
	return false
}

// tokenWorld is a world in which the feature is free, so that nothing but the token counts;
// of a real service's feature, that is its author's to see to.
func (d deriver) tokenWorld() object {
	now := sometime
	if cutOff := d.feature.CloudConnector.CutOff; d.real != nil {
		now = d.real.Now
	} else if cutOff != nil {
		now = cutOff.AddDate(0, -1, 0)
	}
	version := d.newVersion()
	instance := func(licensed bool) object {
		i := object{{"realm", "self-managed"}, {"gitlab_version", version}}
		if licensed {
			i = i.with("license", object{{"kind", "online_cloud"}})
		}
		return i
	}
	return object{
		{"now", now.UTC().Format(time.RFC3339)},
		{"instances", object{
			{saas, object{{"realm", "saas"}, {"gitlab_version", version}}},
			{selfHosted, instance(true)},
			{bystander, instance(true)},
			{attacker, instance(false)},
		}},
		{"users", object{{user, object{{"instance", selfHosted}}}}},
	}
}

// newVersion is the newest version, or the feature's minimum if that is newer still.
func (d deriver) newVersion() string {
	newest := numbers(lastVersion)
	for _, m := range d.minimums() {
		if n := numbers(m); compare(n, newest) > 0 {
			newest = n
		}
	}
	return fmt.Sprintf("%d.%d.%d", newest[0], newest[1], newest[2])
}
