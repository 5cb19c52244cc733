package explain_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/explain"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/token"
)

var cutOff = time.Date(2024, 2, 15, 0, 0, 0, 0, time.UTC)

// story is a journal in the making: a token synced by acme two weeks after the cut-off,
// and one call with it.
type story struct {
	dropped, granted journal.Scope
	sync, job        journal.Entry
	rails, gateway   journal.Entry
	foo              journal.Entry
}

func claims(issued time.Time, scopes ...any) map[string]any {
	if scopes == nil {
		scopes = []any{}
	}
	return map[string]any{
		"iss": "http://portal", "sub": "uuid-of-acme", "scopes": scopes,
		"iat": float64(issued.Unix()), "exp": float64(issued.Add(72 * time.Hour).Unix()),
	}
}

func newStory() *story {
	s := &story{
		dropped: journal.Scope{Name: "new_feature_scope", Rule: "add_on_missing", Why: "duo_pro was not bought and the cut-off (2024-02-15) passed 14 days ago"},
		granted: journal.Scope{Name: "new_feature_scope", Granted: true, Rule: "add_on", Why: "duo_pro was bought"},
	}
	at := cutOff.AddDate(0, 0, 14)
	s.sync = journal.Entry{
		At: at, Service: "customersdot", Kind: journal.CustomersDot, Method: "POST", Path: "/graphql", Status: 200, RequestID: "sync",
		Issued: &journal.Token{Digest: "aaa", Claims: claims(at)}, Scopes: []journal.Scope{s.dropped},
	}
	s.job = journal.Entry{
		At: at, Service: "acme", Kind: journal.Rails, Route: "job:sync_service_token", RequestID: "sync",
		Token: s.sync.Issued, Detail: "succeeded: service_access_tokens: created",
	}
	call := at.Add(time.Minute)
	s.rails = journal.Entry{At: call, Service: "acme", Kind: journal.Rails, Method: "POST", Status: 403, RequestID: "call", Upstream: "http://gateway/foo", Token: s.sync.Issued}
	s.gateway = journal.Entry{At: call, Service: "gateway", Kind: journal.Gateway, Method: "POST", Status: 403, RequestID: "call", Upstream: "http://foo", Token: &journal.Token{Digest: "aaa"}}
	s.foo = journal.Entry{
		At: call, Service: "foo", Kind: journal.Backend, Method: "POST", Status: 403, RequestID: "call", Token: s.sync.Issued,
		Scope: "new_feature_scope", Reason: string(token.MissingScope), Detail: `scopes [] do not hold "new_feature_scope"`,
	}
	return s
}

// entries are in the order in which they are written: the innermost service is the first
// to have answered.
func (s *story) entries() []journal.Entry {
	return []journal.Entry{s.sync, s.job, s.foo, s.gateway, s.rails}
}

func ask(s *story) explain.Explanation {
	return explain.Call(s.entries(), explain.Question{RequestID: "call"})
}

func (s *story) good() {
	s.sync.Issued = &journal.Token{Digest: "aaa", Claims: claims(s.sync.At, "new_feature_scope")}
	s.sync.Scopes = []journal.Scope{s.granted}
	s.rails.Token, s.foo.Token, s.job.Token = s.sync.Issued, s.sync.Issued, s.sync.Issued
	s.rails.Status, s.gateway.Status, s.foo.Status = 200, 200, 200
	s.foo.Reason, s.foo.Detail = "", ""
}

func TestTheChainOfARefusal(t *testing.T) {
	x := ask(newStory())
	require.Equal(t, explain.Explanation{
		By: "foo", Reason: "missing_scope",
		Text: "refused by foo: the token lacks new_feature_scope; customersdot dropped it for acme because " +
			"duo_pro was not bought and the cut-off (2024-02-15) passed 14 days ago",
		Chain: []explain.Link{
			{Part: explain.Issuer, Service: "customersdot", Verdict: explain.Refused, Text: "issued the token on 2024-02-29 00:00:00 UTC and dropped new_feature_scope: duo_pro was not bought and the cut-off (2024-02-15) passed 14 days ago"},
			{Part: explain.Token, Verdict: explain.Refused, Text: "lacks new_feature_scope, expires in 2 days 23 h"},
			{Part: explain.GitLab, Service: "acme", Verdict: explain.Passed, Text: "passed it on"},
			{Part: explain.Gateway, Service: "gateway", Verdict: explain.Passed, Text: "passed it on"},
			{Part: explain.Verifier, Service: "foo", Verdict: explain.Passed, Text: "took the token"},
			{Part: explain.Backend, Service: "foo", Verdict: explain.Refused, Text: `missing_scope: scopes [] do not hold "new_feature_scope"`},
		},
	}, x)
}

func TestWhatLedToARefusal(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*story)
		by    string
		text  string
	}{
		{"a good call", (*story).good, "", "granted: foo answered 200 OK; customersdot granted new_feature_scope for acme because duo_pro was bought; the token expires in 2 days 23 h"},
		{"a later token has the scope", func(s *story) {
			later := s.sync
			later.At = s.sync.At.Add(time.Second)
			later.Issued = &journal.Token{Digest: "bbb", Claims: claims(later.At, "new_feature_scope")}
			later.Scopes = []journal.Scope{s.granted}
			s.job = later
		}, "foo", "refused by foo: the token lacks new_feature_scope; customersdot dropped it for acme because duo_pro was not bought and the cut-off (2024-02-15) passed 14 days ago; a later token has it (duo_pro was bought), but the call went out with the old one"},
		{"another instance's later token does not count", func(s *story) {
			later := s.sync
			later.At = s.sync.At.Add(time.Second)
			later.Issued = &journal.Token{Digest: "bbb", Claims: map[string]any{"sub": "another"}}
			later.Scopes = []journal.Scope{s.granted}
			s.job = later
		}, "foo", "refused by foo: the token lacks new_feature_scope; customersdot dropped it for acme because duo_pro was not bought and the cut-off (2024-02-15) passed 14 days ago"},
		{"the catalog does not have the scope", func(s *story) { s.sync.Scopes = []journal.Scope{{Name: "other"}} }, "foo", "refused by foo: the token lacks new_feature_scope; customersdot has no new_feature_scope in its catalog"},
		{"a forged token", func(s *story) { s.sync.Issued = nil }, "foo", "refused by foo: the token lacks new_feature_scope; no issuer here has it in its journal, so it was forged, or is older than the journal"},
		{"granted, but scopes is a text", func(s *story) {
			s.sync.Scopes = []journal.Scope{s.granted}
			s.sync.Issued.Claims["scopes"] = "new_feature_scope"
			s.foo.Detail = "claim scopes must be a list of strings, got a string"
		}, "foo", "refused by foo: claim scopes must be a list of strings, got a string; customersdot granted it (duo_pro was bought), so what was sent is not what was issued"},
		{"expired", func(s *story) {
			s.good()
			s.foo.At = s.sync.At.Add(74 * time.Hour)
			s.foo.Reason, s.foo.Detail = string(token.Expired), "token expired 2h0m0s ago"
		}, "foo", "refused by foo: the token expired 2 h ago; customersdot issued it on 2024-02-29 00:00:00 UTC; acme was not synced again"},
		{"expired, and a sync failed", func(s *story) {
			s.good()
			s.foo.At = s.sync.At.Add(74 * time.Hour)
			s.foo.Reason = string(token.Expired)
			s.job.At, s.job.Detail = s.sync.At.Add(24*time.Hour), "failed: HTTP status code: 503"
		}, "foo", "refused by foo: the token expired 2 h ago; customersdot issued it on 2024-02-29 00:00:00 UTC; the last sync of acme, on 2024-03-01 00:00:00 UTC, failed (HTTP status code: 503)"},
		{"a clock that is off", func(s *story) {
			s.good()
			s.foo.Reason, s.foo.Detail = string(token.NotYetValid), "token is valid from 2024-03-01 on"
		}, "foo", "refused by foo: token is valid from 2024-03-01 on"},
		{"no detail", func(s *story) { s.foo.Reason, s.foo.Detail = string(token.WrongAuthType), "" }, "foo", "refused by foo: wrong auth type"},
		{"another audience", func(s *story) {
			s.foo.Reason, s.foo.Detail = string(token.WrongAudience), `aud is "x", expected "y"`
		}, "foo", `refused by foo: aud is "x", expected "y"; customersdot issued it on 2024-02-29 00:00:00 UTC`},
		{"no answer", func(s *story) {
			s.foo = journal.Entry{}
			s.gateway.Status, s.gateway.Reason, s.gateway.Detail = 502, "origin_unreachable", "origin http://foo of /foo cannot be reached"
		}, "gateway", "refused by gateway: origin http://foo of /foo cannot be reached"},
		{"a fault", func(s *story) {
			s.good()
			s.foo.Status, s.foo.Fault = 503, "busy"
		}, "foo", `broken at foo: the fault "busy" was applied`},
		{"an error without a reason", func(s *story) {
			s.good()
			s.foo.Status, s.foo.Detail = 422, "the body is no JSON"
		}, "foo", "foo answered 422 Unprocessable Entity, for no reason that it names (the body is no JSON)"},
		{"never synced", func(s *story) {
			s.sync, s.job, s.foo, s.gateway = journal.Entry{}, journal.Entry{}, journal.Entry{}, journal.Entry{}
			s.rails = journal.Entry{Service: "acme", Kind: journal.Rails, Method: "POST", Status: 401, RequestID: "call", Reason: "no_token", Detail: "acme has no token"}
		}, "acme", "refused by acme: acme has no token; acme has not synced yet"},
		{"synced, and lost the token", func(s *story) {
			s.foo, s.gateway = journal.Entry{}, journal.Entry{}
			s.job.Token, s.job.Detail = nil, "succeeded: service_access_tokens: cleanup_all"
			s.rails = journal.Entry{Service: "acme", Kind: journal.Rails, Method: "POST", Status: 401, RequestID: "call", Reason: "no_token", Detail: "acme has no token"}
		}, "acme", "refused by acme: acme has no token; the last sync of acme, on 2024-02-29 00:00:00 UTC, left it without a token (service_access_tokens: cleanup_all)"},
		{"a self-issued token", func(s *story) {
			s.sync.Service, s.sync.Kind, s.rails.Service = "gitlab", journal.Rails, "gitlab"
			s.sync.RequestID = "earlier"
		}, "foo", "refused by foo: the token lacks new_feature_scope; gitlab dropped it because duo_pro was not bought and the cut-off (2024-02-15) passed 14 days ago"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory()
			c.spoil(s)
			x := ask(s)
			require.Equal(t, c.text, x.Text)
			require.Equal(t, c.by, x.By)
			require.Equal(t, c.by == "", x.Granted)
			require.NotNil(t, x.Chain)
		})
	}
}

func TestPartsThatACallDidNotReach(t *testing.T) {
	s := newStory()
	s.foo, s.gateway = journal.Entry{}, journal.Entry{}
	s.rails.Reason, s.rails.Detail = "seat_missing", "ada has no seat"
	var got []string
	for _, link := range ask(s).Chain {
		got = append(got, string(link.Part)+" "+string(link.Verdict))
	}
	require.Equal(t, []string{"issuer passed", "token passed", "gitlab refused", "gateway not reached", "backend not reached"}, got)
}

func TestACallThatNobodySaw(t *testing.T) {
	for _, id := range []string{"another", ""} {
		x := explain.Call(newStory().entries(), explain.Question{RequestID: id})
		require.False(t, x.Granted)
		require.Equal(t, "no service has seen this call", x.Text)
		require.Empty(t, x.Chain)
	}
}

func TestHopsLeaveKeyFetchesOut(t *testing.T) {
	s := newStory()
	fetch := journal.Entry{Service: "gitlab", Kind: journal.Rails, Method: "GET", Path: "/oauth/discovery/keys", Status: 200, RequestID: "call"}
	names := func(entries []journal.Entry) []string {
		var got []string
		for _, h := range explain.Hops(entries, "call") {
			got = append(got, h.Service)
		}
		return got
	}
	require.Equal(t, []string{"acme", "gateway", "foo"}, names(append([]journal.Entry{fetch}, s.entries()...)))
	require.Equal(t, []string{"gitlab"}, names([]journal.Entry{fetch}), "unless they are all there is")
}

func TestSpans(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", time.Second: "1 s", -time.Second: "1 s", 90 * time.Second: "1 min 30 s", time.Hour: "1 h",
		25 * time.Hour: "1 day 1 h", 72 * time.Hour: "3 days", 48*time.Hour + 30*time.Minute: "2 days", 61 * time.Minute: "1 h 1 min",
	} {
		require.Equal(t, want, explain.Span(d))
	}
	now := cutOff
	require.Equal(t, "expires in 1 h", explain.Expiry(now.Add(time.Hour), now))
	require.Equal(t, "expires at this very second", explain.Expiry(now, now))
	require.Equal(t, "expired 2 days ago", explain.Expiry(now.Add(-48*time.Hour), now))
}
