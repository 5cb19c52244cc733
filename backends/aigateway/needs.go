package aigateway

import (
	"net/http"

	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
)

// needs is what a caller must be allowed to. Scope is the unit primitive, if it is the same for all requests.
type needs struct {
	scope string
	check func(*request) error
}

// demand is one unit primitive, and what is said to who lacks it.
func demand(scope, says string) needs {
	return needs{scope, func(r *request) error { return r.permit(scope, says) }}
}

// notOwn is demand of everybody but those who come with a token of the gateway's own.
func (g *Gateway) notOwn(scope, says string) needs {
	return needs{scope, func(r *request) error { return r.permit(scope, says, g.name) }}
}

// codeProvider is demand, but for the provider that has a unit primitive of its own.
func codeProvider(scope, says string) needs {
	return needs{scope, func(r *request) error {
		if r.body.text("model_provider") == "amazon_q" {
			return r.permit(amazonQ, says)
		}
		return r.permit(scope, says)
	}}
}

// uncaught is demand where the gateway does not catch the refusal: it answers 500.
func uncaught(scope string) needs {
	return needs{scope, func(r *request) error { return r.permitOrCrash(scope) }}
}

// permit refuses whoever lacks the scope, or comes with a token of an issuer that is not allowed here. Says, if set,
// replaces the words of a 403.
func (r *request) permit(scope, says string, disallowedIssuers ...string) error {
	journal.Of(r.Context()).Scope = scope
	return refusal(r.user.Can(scope, disallowedIssuers...), says)
}

// permitOrCrash is permit where the real gateway's refusal is an exception that nothing catches.
func (r *request) permitOrCrash(scope string) error {
	journal.Of(r.Context()).Scope = scope
	verdict := r.user.Can(scope)
	if !verdict.OK() {
		verdict.Status, verdict.Says = http.StatusInternalServerError, "Internal Server Error"
	}
	return refusal(verdict, "")
}

// refusal turns a verdict that is not OK into an error.
func refusal(v token.Verdict, says string) error {
	if v.OK() {
		return nil
	}
	if says == "" || v.Status != http.StatusForbidden {
		says = v.Says
	}
	detail := v.Detail
	if v.Log != "" {
		detail += " (its log: " + v.Log + ")"
	}
	return &stub.Error{Status: v.Status, Message: says, Reason: string(v.Reason), Detail: detail}
}
