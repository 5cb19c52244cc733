package derive

import (
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/token"
)

// crash is what the real AI gateway answers where it does not catch an exception.
var crash = ruling{status: 500, says: "Internal Server Error", reason: token.Malformed}

// nulls are claims that are there and say nothing. To the strict profile null is a value of
// the wrong type, but for scopes, where it is none. So it is to the AI gateway's library
// where that looks at types, and it crashes where it does arithmetic or looks something up
// (verifier_verdicts).
func nulls() []spoilt {
	null := func(claim, name string, strict, gateway ruling) spoilt {
		return spoilt{name: name + "-null", sign: object{{"nulls", []string{claim}}}, strict: strict, gateway: gateway}
	}
	malformed := no(token.Malformed)
	return []spoilt{
		null("exp", "expiry", malformed, crash),
		either(null("nbf", "valid-from", malformed, crash)),
		null("aud", "audience", malformed, malformed),
		null("iss", "issuer", malformed, gap),
		null("scopes", "scope", noScope, crash),
		either(null("sub", "subject", malformed, malformed)),
		null("gitlab_realm", "realm", malformed, gap),
		either(null("jti", "id", malformed, malformed)),
	}
}

// encodings are about how the segments are written.
func encodings() []spoilt {
	return []spoilt{
		{name: "deeply-nested", sign: object{{"spoil", "deep_payload"}}, strict: accepted, gateway: crash},
		{name: "padded-base64", sign: object{{"spoil", "padded_base64"}}, strict: no(token.Malformed), gateway: no(token.BadSignature)},
		{name: "standard-base64", sign: object{{"spoil", "standard_base64"}}, strict: no(token.Malformed), gateway: gap},
	}
}

// spellings are the ways to write none that the other cases leave out: in each, some of
// the letters are capitals.
func spellings() []spoilt {
	wrong := no(token.WrongAlgorithm)
	var all []spoilt
	for mask := 1; mask < 15; mask++ {
		spelling, name := []byte("none"), []byte("----")
		for n := range spelling {
			if mask>>n&1 == 1 {
				name[n] = spelling[n]
				spelling[n] -= 'a' - 'A'
			}
		}
		if s := string(spelling); s == "None" || s == "nOnE" {
			continue
		}
		all = append(all, spoilt{
			name: "alg-none-capitals-" + string(name), sign: object{{"alg", "none"}}.with("header", object{{"alg", string(spelling)}}),
			strict: wrong, gateway: wrong,
		})
	}
	return all
}

// stagings are tokens of another environment's issuer: a third one, which signs with keys
// of its own and publishes them where anybody can fetch them, and which nobody here trusts.
// Its keys are not even asked for.
func (d deriver) stagings() []spoilt {
	unknown := no(token.UnknownKey)
	aud, scopes := member{"aud", []string{d.feature.Backend.Audience}}, member{"scopes", []string{d.feature.Backend.Scope}}
	by := func(name string, more ...member) spoilt {
		sign := object{{"service", staging}, {"instance", selfHosted}, {"claims", append(object{aud, scopes}, more...)}}
		return spoilt{name: name, sign: sign, after: object{{"calls", object{{staging, 0}}}}, strict: unknown, gateway: unknown}
	}
	return []spoilt{
		by("of-staging"),
		by("of-staging-that-names-production", member{"iss", "${customersdot.url}"}),
	}
}

// repeats are headers beside realm and instance that are sent twice.
func (d deriver) repeats() []spoilt {
	twice := func(name, key, first, second string, strict, gateway ruling) spoilt {
		call := headers(member{key, first}).with("also", object{{key, second}})
		return spoilt{name: "header-" + name, call: call, strict: strict, gateway: gateway}
	}
	return []spoilt{
		either(twice("type-twice-good-first", token.AuthTypeHeader, "oidc", "api-key", wrongType, gap)),
		twice("type-twice-good-last", token.AuthTypeHeader, "api-key", "oidc", wrongType, wrongType),
		twice("user-twice", token.UserHeader, "${ada.global_id}", "somebody", accepted, accepted), // no instance's token has a user
		{
			name: "user-token-without-user", only: feature.AIGateway,
			sign: object{{"service", d.feature.Backend.Name}}, call: headers(member{token.UserHeader, nil}),
			gateway: mismatch(token.UserHeader, token.MissingHeader), stubOnly: true,
		},
	}
}
