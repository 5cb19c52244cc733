package duoworkflow_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// credits is a CustomersDot that is asked for credits.
type credits struct {
	mu     sync.Mutex
	status int
	asked  []*http.Request
}

func (c *credits) answer(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

func (c *credits) requests() []*http.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

func newCredits(t testing.TB) (*rig, *credits) {
	t.Helper()
	r := newRig(t, &world.DuoWorkflow{Quota: true})
	issuer, err := url.Parse(r.cdot.URL)
	require.NoError(t, err)
	c := &credits{status: http.StatusOK}
	discovery := httputil.NewSingleHostReverseProxy(issuer)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path != "/api/v1/consumers/resolve" {
			discovery.ServeHTTP(w, req)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.asked = append(c.asked, req)
		w.Header().Set("Cache-Control", "max-age=60")
		w.WriteHeader(c.status)
	}))
	t.Cleanup(server.Close)
	r.start(t, token.Issuer{Name: "CustomersDot", URL: server.URL})
	return r, c
}

func TestCredits(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/credits/messages", "duoworkflow/credits/unavailable", "duoworkflow/credits/who")
	r, cdot := newCredits(t)
	for name, tt := range map[string]struct {
		status int
		code   codes.Code
		says   string
		reason string
	}{
		"none left":    {http.StatusPaymentRequired, codes.ResourceExhausted, "Consumer does not have sufficient credits for this request. Error code: USAGE_QUOTA_EXCEEDED", ""},
		"not entitled": {http.StatusForbidden, codes.PermissionDenied, "Consumer does not have entitlements to use this feature. Error code: USAGE_QUOTA_NOT_ENTITLED", ""},
		"no answer":    {http.StatusInternalServerError, codes.PermissionDenied, "Usage quota check is temporarily unavailable. Error code: USAGE_QUOTA_NOT_ENTITLED", "quota_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			cdot.answer(tt.status)
			r.Restart()
			s := r.stream(t, r.good(t).with("scopes", []any{})) // credits come before scopes
			s.say(t, start)
			end := s.ends(t)
			require.Equal(t, tt.code, end.Code())
			require.Equal(t, tt.says, end.Message())
			require.Equal(t, tt.reason, r.last(t, "ExecuteWorkflow").Reason)

			_, got := r.call(t, r.good(t).says("x-gitlab-version", "18.8.3"), "DuoWorkflow/GenerateToken", object{})
			require.Equal(t, tt.code, got.Code())
			require.Equal(t, tt.says, got.Message())

			s = open(t, r.conn, r.good(t).context(t), "DuoWorkflow/TrackSelfHostedExecuteWorkflow")
			s.say(t, object{"requestID": "a"})
			require.Equal(t, tt.code, s.ends(t).Code())
		})
	}
	t.Run("who is let in without", func(t *testing.T) {
		cdot.answer(http.StatusPaymentRequired)
		r.Restart()
		asked := len(cdot.requests())
		s := r.stream(t, r.good(t).with("skip_usage_cutoff", true))
		s.say(t, start)
		require.Contains(t, s.must(t), "newCheckpoint")
		require.NoError(t, s.CloseSend())
		for _, version := range []string{"18.9.0", "19.0.1-ee"} {
			_, got := r.call(t, r.good(t).says("x-gitlab-version", version), "DuoWorkflow/GenerateToken", object{})
			require.Equal(t, codes.OK, got.Code(), version)
		}
		_, got := r.call(t, r.good(t).with("gitlab_realm", "saas").says("x-gitlab-realm", "saas").says("x-gitlab-version", "18.8.0"), "DuoWorkflow/GenerateToken", object{})
		require.Equal(t, codes.OK, got.Code())
		require.Len(t, cdot.requests(), asked, "CustomersDot is not asked at all")
		for _, version := range []string{"", "x"} {
			_, got := r.call(t, r.good(t).says("x-gitlab-version", version), "DuoWorkflow/GenerateToken", object{})
			require.Equal(t, codes.ResourceExhausted, got.Code(), "a version that cannot be read is an old one")
		}
	})
}

func TestTheQuestionForCredits(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/credits/question")
	r, cdot := newCredits(t)
	ask := func(workflow string) {
		s := r.stream(t, r.good(t).says("x-gitlab-host-name", "acme.test").says("x-gitlab-root-namespace-id", "9"))
		s.say(t, object{"startRequest": object{"workflowDefinition": workflow}})
		require.Contains(t, s.must(t), "newCheckpoint")
		require.NoError(t, s.CloseSend())
	}
	ask("developer/v1")
	require.Len(t, cdot.requests(), 1)
	asked := cdot.requests()[0]
	require.Equal(t, http.MethodHead, asked.Method)
	require.Equal(t, "call-1", asked.Header.Get("X-Request-Id"))
	require.NotEmpty(t, asked.Header.Get("X-Admin-Email"))
	require.NotEmpty(t, asked.Header.Get("X-Admin-Token"))
	require.Equal(t, url.Values{
		"instance_id": {r.acme().UUID}, "unique_instance_id": {"uid-1"}, "instance_version": {"18.9.0"},
		"host_name": {"acme.test"}, "root_namespace_id": {"9"}, "user_id": {"7"}, "global_user_id": {r.ada()},
		"realm": {"self-managed"}, "correlation_id": {"call-1"}, "event_type": {"duo_agent_platform_workflow_on_execute"},
		"feature_qualified_name": {"developer/v1"}, "feature_ai_catalog_item": {""},
	}, asked.URL.Query())

	ask("developer/v1")
	require.Len(t, cdot.requests(), 1, "the answer is remembered")
	ask("chat")
	require.Len(t, cdot.requests(), 2, "for the same feature")
	r.clock.Advance(67 * time.Second) // a minute, and a tenth of it at most
	ask("developer/v1")
	require.Len(t, cdot.requests(), 3, "as long as CustomersDot said")
}
