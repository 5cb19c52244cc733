package aigateway

import (
	"fmt"
	"math/big"
	"net/http"
	"time"

	"github.com/ccmock/ccmock/backends/internal/fastapi"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// userTokenLife is how long a user token is good.
const userTokenLife = time.Hour

// userScopes are the scopes that a user token may take over, in this order.
var userScopes = []string{completeCode, "ai_gateway_model_provider_proxy"}

// tokenAnswer is the answer to who asks for a user token.
type tokenAnswer struct {
	Token     string `json:"token"`
	ExpiresAt int64  `json:"expires_at"` // seconds since 1970, the token's exp
}

// userAccessToken answers "POST /v1/code/user_access_token": a token with which a user's
// editor may call the gateway without GitLab. It takes no body, and a user token is not
// good for getting another.
func (g *Gateway) userAccessToken(r *http.Request, u *token.AIGatewayUser, declared *fastapi.Answer) (stub.Reply, error) {
	scopes, last := []string{}, token.Verdict{}
	for _, s := range userScopes {
		verdict := u.Can(s, g.name)
		switch {
		case verdict.OK():
			scopes = append(scopes, s)
		case last.Status == 0 || verdict.Status == http.StatusInternalServerError:
			last = verdict
		}
	}
	if len(scopes) == 0 {
		journal.Of(r.Context()).Scope = completeCode
		return stub.Reply{}, refusal(last, "Unauthorized to create user access token")
	}
	if declared != nil {
		return g.answer(r, declared)
	}
	raw, expires, err := g.issue(r.Header, u.Claims, scopes)
	if err != nil {
		return stub.Reply{}, &stub.Error{
			Status: http.StatusInternalServerError, Message: "Failed to generate JWT", Err: err,
			Body: map[string]string{"detail": "Failed to generate JWT"},
		}
	}
	if d, err := token.Decode(raw); err == nil {
		journal.Of(r.Context()).Issued = fastapi.Journaled(d)
	}
	return stub.JSON(http.StatusOK, tokenAnswer{Token: raw, ExpiresAt: expires.Unix()}), nil
}

// issue signs a user token for whom the headers name, on behalf of the instance whose
// claims are given.
func (g *Gateway) issue(h http.Header, caller map[string]any, scopes []string) (string, time.Time, error) {
	g.mu.Lock()
	key, err := g.ring.Current()
	g.mu.Unlock()
	if err != nil {
		return "", time.Time{}, err
	}
	now := g.service.Clock().Now().Truncate(time.Second)
	expires := now.Add(userTokenLife)
	raw, err := token.Sign(key, token.Claims{
		ID: g.env.Random.UUID(), Issuer: g.name, Audience: []string{g.name}, AudienceAsString: true,
		IssuedAt: now, NotBefore: now, ExpiresAt: expires, Scopes: scopes,
		Extra: userClaims(h, caller),
	}, token.SignOptions{})
	return raw, expires, err
}

// callersOwn are the claims of a caller that are not handed on as extra claims.
var callersOwn = map[string]bool{
	"iss": true, "aud": true, "sub": true, "exp": true, "nbf": true, "iat": true, "jti": true, "at_hash": true,
	"scopes": true, "gitlab_realm": true, "gitlab_instance_id": true, "gitlab_instance_uid": true, "duo_seat_count": true,
}

// userClaims are those that depend on the caller. Where the caller lacks a claim, the
// user token has an empty one, which nothing is compared with.
func userClaims(h http.Header, caller map[string]any) map[string]any {
	claims := map[string]any{
		// Without the header, it is null, and the token good for nothing.
		"sub":                header(h, token.UserHeader),
		"gitlab_realm":       text(caller, "gitlab_realm"),
		"gitlab_instance_id": text(caller, "gitlab_instance_id"),
	}
	if seats := caller["duo_seat_count"]; seats != nil && seats != "" {
		claims["duo_seat_count"] = seats
	}
	for name, value := range caller {
		if !callersOwn[name] {
			claims[name] = value
		}
	}
	switch claims["gitlab_realm"] {
	case string(world.SaaS):
		claims["gitlab_project_id"] = header(h, "X-Gitlab-Project-Id")
		claims["gitlab_namespace_id"] = header(h, "X-Gitlab-Namespace-Id")
		root, ok := caller["gitlab_root_namespace_id"]
		if !ok || root == nil {
			root = header(h, "X-Gitlab-Root-Namespace-Id")
		}
		if !positive(root) {
			root = nil
		}
		claims["gitlab_root_namespace_id"] = root
	case string(world.SelfManaged):
		claims["gitlab_instance_uid"] = caller["gitlab_instance_uid"]
	}
	return claims
}

func text(claims map[string]any, name string) string {
	s, _ := claims[name].(string)
	return s
}

// header is a header's value, or nil if it was not sent.
func header(h http.Header, name string) any {
	if values := h.Values(name); len(values) > 0 {
		return values[0]
	}
	return nil
}

// positive says whether v is a positive integer, or one in decimal digits.
func positive(v any) bool {
	switch v := v.(type) {
	case *big.Int:
		return v.Sign() > 0
	case string:
		n, ok := new(big.Int).SetString(v, 10)
		return ok && n.Sign() > 0 && fmt.Sprint(n) == v
	}
	return false
}
