package railsstub

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
)

const (
	directAccessPath    = suggestionsPath + "direct_access"
	directAccessTimeout = 30 * time.Second
	userTokenPath       = "/auth/v1/code/user_access_token"
)

// userToken is the gateway's answer, good or bad.
type userToken struct {
	Token     string          `json:"token"`
	ExpiresAt json.RawMessage `json:"expires_at"`
	Message   json.RawMessage `json:"message"`
	ErrorCode json.RawMessage `json:"error_code"`
	Error     json.RawMessage `json:"error"`
}

// directAccess answers "POST /api/v4/code_suggestions/direct_access": a token with which
// the user's editor calls the AI gateway by itself.
func (i *Instance) directAccess(f *endpoint) stub.Handler {
	base := strings.TrimSuffix(i.stub.options.GatewayURL, "/")
	text := base + userTokenPath
	target, badURL := url.Parse(text)
	return func(r *http.Request) (stub.Reply, error) {
		rel, now := i.installed(), i.service.Clock().Now()
		switch {
		case badURL != nil:
			return stub.Reply{}, badURL
		case !rel.directAccess:
			return stub.Reply{}, notYet(rel, "direct access")
		}
		p, right, err := i.admit(r, f, rel, now)
		if err != nil {
			return stub.Reply{}, err
		}
		if err := i.directForbidden(); err != nil {
			return stub.Reply{}, err
		}
		if err := i.limitRate("direct_access", p, rel.directLimit, nil); err != nil {
			return stub.Reply{}, err
		}
		t, err := i.tokenFor(p, f, rel, now)
		if err != nil {
			return stub.Reply{}, err
		}
		entry := journal.Of(r.Context())
		note(entry, t)
		if t.raw == "" && !rel.emptyBearer {
			return stub.Reply{}, tokenCreationFailed(string(token.NoToken), i.noToken())
		}
		h := i.header(suggestions, rel, p, right, t, now, r)
		ctx, cancel := context.WithTimeout(r.Context(), directAccessTimeout)
		defer cancel()
		entry.Upstream = text
		status, answer, err := i.stub.userToken(ctx, target, h)
		switch {
		case err != nil:
			return stub.Reply{}, tokenCreationFailed(string(GatewayUnreachable), unreachable(err))
		case status/100 != 2 || answer.Token == "":
			return stub.Reply{}, i.refusedToken(rel, status, answer)
		}
		if err := i.defaultGroupMissing(p, rel); err != nil {
			return stub.Reply{}, err
		}
		return stub.JSON(http.StatusCreated, struct {
			BaseURL   string            `json:"base_url"`
			Token     string            `json:"token"`
			ExpiresAt json.RawMessage   `json:"expires_at"`
			Headers   map[string]string `json:"headers"`
		}{base + "/" + f.Backend.Name, answer.Token, answer.ExpiresAt, publicHeaders(h)}), nil
	}
}

const maxUserToken = 1 << 20 // of the gateway's answer, in bytes

func (s *Stub) userToken(ctx context.Context, target *url.URL, h http.Header) (int, userToken, error) {
	resp, err := s.send(ctx, http.MethodPost, target, h, nil)
	if err != nil {
		return 0, userToken{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxUserToken))
	if err != nil {
		return 0, userToken{}, err
	}
	var answer userToken
	if json.Unmarshal(body, &answer) != nil {
		answer = userToken{} // not JSON: as good as no answer
	}
	return resp.StatusCode, answer, nil
}

func tokenCreationFailed(reason, detail string) error {
	return &stub.Error{
		Status: http.StatusServiceUnavailable, Reason: reason, Detail: detail, Message: "Token creation failed",
	}
}

// refusedToken is the answer when the gateway gave no token. From 18.3 on it tells the
// gateway's own reasons, under the gateway's status.
func (i *Instance) refusedToken(rel *release, status int, answer userToken) error {
	message, detail := "Token creation failed", "the gateway answered "+http.StatusText(status)
	if status/100 == 2 {
		message, detail = "Token is missing in response", detail+" without a token"
		if i.given.Settings.MissingUserToken503 {
			status = http.StatusServiceUnavailable
		}
	}
	if !rel.tellsWhy {
		return tokenCreationFailed(string(GatewayRefused), detail)
	}
	return &stub.Error{
		Status: status, Reason: string(GatewayRefused), Detail: detail,
		Body: struct {
			Message          string          `json:"message"`
			ErrorDescription json.RawMessage `json:"error_description"`
			ErrorCode        json.RawMessage `json:"error_code"`
			Error            json.RawMessage `json:"error"`
		}{message, answer.Message, answer.ErrorCode, answer.Error},
	}
}

// publicHeaders are those of a call that the editor is to send too.
func publicHeaders(h http.Header) map[string]string {
	public := map[string]string{}
	for name, values := range h {
		if strings.HasPrefix(name, "X-Gitlab-") && name != "X-Gitlab-Rails-Send-Start" {
			public[name] = values[0]
		}
	}
	return public
}
