package gateway

import (
	"errors"
	"net/http"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
)

// edge verifies tokens before they reach an origin.
type edge struct {
	keys  *token.RemoteKeys
	clock clock.Clock
}

func newEdge(c clock.Clock, issuers []token.Issuer) *edge {
	client := stub.NewClient(token.DefaultTimeout)
	return &edge{keys: token.NewRemoteKeys(c, client, issuers, token.RemoteOptions{AnySlash: true}), clock: c}
}

// check refuses a request without a token that one of the issuers signed and that is
// valid now. For whom the token is, and for what, the backend decides.
func (e *edge) check(r *http.Request, entry *journal.Entry) error {
	raw, err := token.FromHeader(r.Header)
	if err != nil {
		return refused(err)
	}
	d, err := token.Decode(raw)
	if err != nil {
		return refused(err)
	}
	entry.Token.ID, entry.Token.Header, entry.Token.Claims = d.Text("jti"), d.Header, d.Claims
	audience := d.List("aud")
	if len(audience) == 0 {
		return refused(&token.Refusal{Reason: token.WrongAudience, Detail: "no aud, expected the name of a backend"})
	}
	v := token.Verifier{Keys: e.keys, Audience: audience[0], Clock: e.clock}
	if _, err := v.Verify(r.Context(), raw); err != nil {
		return refused(err)
	}
	return nil
}

func refused(err error) error {
	var r *token.Refusal
	if !errors.As(err, &r) {
		return err
	}
	status := http.StatusUnauthorized
	if r.Reason == token.KeysUnavailable { // of which the caller is not to blame
		status = http.StatusServiceUnavailable
	}
	return &stub.Error{Status: status, Message: http.StatusText(status), Reason: string(r.Reason), Detail: r.Detail}
}

// carried names the token of a request, decoded only by those who look into it; nil if
// there is none.
func carried(r *http.Request) *journal.Token {
	raw, err := token.FromHeader(r.Header)
	if err != nil {
		return nil
	}
	return &journal.Token{Digest: token.Digest(raw)}
}
