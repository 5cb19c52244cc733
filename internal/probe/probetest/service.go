package probetest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
)

// The scope and the audience of the backend.
const (
	Scope    = "new_feature_scope"
	Audience = "gitlab-foo"
)

// Service is a backend with a flaw. Until it is told its issuers it answers 503. What it gets
// as a body it answers with.
type Service struct {
	Flaw Flaw

	mu      sync.Mutex
	issuers []string // GitLab.com and CustomersDot
	keys    []key
}

// Trust tells the backend its issuers.
func (s *Service) Trust(gitlab, customersDot string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issuers, s.keys = []string{gitlab, customersDot}, nil
	if s.Flaw == OneIssuer {
		s.issuers[0] = customersDot
	}
}

// published are the keys of the issuers, fetched once.
func (s *Service) published(ctx context.Context) ([]key, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		for _, issuer := range s.issuers {
			s.keys = append(s.keys, fetch(ctx, issuer+"/oauth/discovery/keys", issuer)...)
		}
	}
	return s.keys, s.issuers != nil
}

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(s.status(r))
	_, _ = io.Copy(w, io.LimitReader(r.Body, 1<<20))
}

func (s *Service) status(r *http.Request) int {
	keys, ready := s.published(r.Context())
	if !ready {
		return http.StatusServiceUnavailable
	}
	t, status := s.token(r)
	if status != 0 {
		return status
	}
	issuer, signed := s.signer(r.Context(), t, keys)
	if !signed || s.Flaw == RefusesAll || !s.inTime(t.claims) || !s.compared(r.Header, t.claims) {
		return http.StatusUnauthorized
	}
	if iss, _ := t.claims["iss"].(string); s.Flaw != NoIssuer && iss != issuer {
		return http.StatusUnauthorized
	}
	if !s.mayUse(t.claims["scopes"]) {
		return http.StatusForbidden
	}
	return http.StatusOK
}

// unverified is a token that was read.
type unverified struct {
	header, claims map[string]any
	signed         string // what the signature is of
	signature      []byte
}

// token reads the token. A status other than 0 is a refusal.
func (s *Service) token(r *http.Request) (unverified, int) {
	authorization := r.Header.Values("Authorization")
	if len(authorization) != 1 {
		return unverified{}, http.StatusUnauthorized
	}
	scheme, raw, _ := strings.Cut(authorization[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return unverified{}, http.StatusUnauthorized
	}
	malformed := http.StatusUnauthorized
	if s.Flaw == Crashes {
		malformed = http.StatusInternalServerError
	}
	var t unverified
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return t, malformed
	}
	payload := decoded(parts[1])
	if s.Flaw == Lenient {
		payload = bytes.TrimPrefix(payload, []byte("\ufeff"))
	} else if bytes.Count(payload, []byte(`"scopes"`)) > 1 {
		return t, http.StatusUnauthorized
	}
	if json.Unmarshal(decoded(parts[0]), &t.header) != nil || json.Unmarshal(payload, &t.claims) != nil {
		return t, malformed
	}
	t.signed, t.signature = parts[0]+"."+parts[1], decoded(parts[2])
	return t, 0
}

func (s *Service) inTime(claims map[string]any) bool {
	now, leeway := clock.Real{}.Now(), time.Duration(0)
	if s.Flaw == Leeway {
		leeway = 30 * time.Second
	}
	at := func(claim string) (time.Time, bool) {
		seconds, ok := claims[claim].(float64)
		return time.Unix(int64(seconds), 0), ok
	}
	exp, ok := at("exp")
	if s.Flaw != NoExpiry && (!ok || !now.Before(exp.Add(leeway))) {
		return false
	}
	nbf, ok := at("nbf")
	return s.Flaw == NoNotBefore || !ok || !now.Add(leeway).Before(nbf)
}

// compared compares what else the token says with the request.
func (s *Service) compared(h http.Header, claims map[string]any) bool {
	aud := texts(claims["aud"], true)
	switch s.Flaw {
	case NoAudience:
	case AudienceByPrefix:
		if !slices.ContainsFunc(aud, func(a string) bool { return strings.HasPrefix(a, Audience) }) {
			return false
		}
	default:
		if !slices.Contains(aud, Audience) {
			return false
		}
	}
	if kind := h.Get("X-Gitlab-Authentication-Type"); kind != "" && kind != "oidc" {
		return false
	}
	for name, claim := range map[string]string{"X-Gitlab-Realm": "gitlab_realm", "X-Gitlab-Instance-Id": "sub"} {
		values := h.Values(name)
		switch want, _ := claims[claim].(string); {
		case s.Flaw == NoHeaders:
		case s.Flaw == LastHeader && len(values) > 1 && values[len(values)-1] == want:
		case len(values) != 1 || values[0] != want:
			return false
		}
	}
	return true
}

func (s *Service) mayUse(scopes any) bool {
	if s.Flaw == NoScope {
		return true
	}
	if s.Flaw == ScopeBySubstring {
		text, _ := json.Marshal(scopes)
		return bytes.Contains(text, []byte(Scope))
	}
	return slices.Contains(texts(scopes, false), Scope)
}

// texts are those of a list, or the one text where that is fine too.
func texts(v any, one bool) []string {
	var all []string
	switch v := v.(type) {
	case string:
		if one {
			all = []string{v}
		}
	case []any:
		for _, item := range v {
			text, _ := item.(string)
			all = append(all, text)
		}
	}
	return all
}
