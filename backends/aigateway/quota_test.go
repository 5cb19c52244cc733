package aigateway_test

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/world"
)

// counted is a CustomersDot that answers quota checks.
type counted struct {
	status atomic.Int64
	maxAge atomic.Value // the Cache-Control of the answer
	asked  atomic.Int64
	query  atomic.Value
	header atomic.Value
}

// withQuotas is a gateway in a world with usage quotas.
func withQuotas(t testing.TB) (*rig, *counted) {
	t.Helper()
	r, c := newRig(t), &counted{}
	c.status.Store(http.StatusOK)
	c.maxAge.Store("")
	r.cdot.Handle("HEAD /api/v1/consumers/resolve", func(w http.ResponseWriter, req *http.Request) {
		c.asked.Add(1)
		c.query.Store(req.URL.Query())
		c.header.Store(req.Header)
		w.Header().Set("Cache-Control", c.maxAge.Load().(string))
		w.WriteHeader(int(c.status.Load()))
	})
	r.world.AIGateway = &world.AIGateway{Quota: true}
	require.NoError(t, r.Seed(r.world))
	return r, c
}

func TestQuotaIsAskedOnlyWhereThereIsOne(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "aigateway/quota/endpoints", "aigateway/quota/skip")
	r, c := withQuotas(t)
	c.status.Store(http.StatusPaymentRequired)
	require.Equal(t, http.StatusOK, r.send(t, r.good(t).to("/v1/chat/agent", chatBody)).StatusCode, "chat has none")
	skips := r.good(t)
	skips.claims["skip_usage_cutoff"] = true
	require.Equal(t, http.StatusOK, r.send(t, skips).StatusCode)
	require.Zero(t, c.asked.Load())
	for _, path := range []string{"/v2/code/completions", "/v2/completions", "/v2/code/generations", "/v1/code/user_access_token"} {
		call := r.good(t).to(path, `no JSON, which is not looked at yet`)
		call.claims["scopes"] = []string{}
		require.Equal(t, http.StatusPaymentRequired, r.send(t, call).StatusCode, path)
	}

	r.world.AIGateway = nil
	require.NoError(t, r.Seed(r.world))
	require.Equal(t, http.StatusOK, r.send(t, r.good(t)).StatusCode)
}

func TestQuotaRefusals(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "aigateway/quota/exceeded", "aigateway/quota/not-entitled", "aigateway/quota/fails-closed")
	const none = `{"error":"not_entitled","error_code":"USAGE_QUOTA_NOT_ENTITLED","message":"Consumer does not have entitlements to use this feature."}`
	for _, c := range []struct {
		answer, want int
		body, reason string
	}{
		{http.StatusPaymentRequired, http.StatusPaymentRequired, `{"error":"insufficient_credits","error_code":"USAGE_QUOTA_EXCEEDED","message":"Consumer does not have sufficient credits for this request"}`, "insufficient_credits"},
		{http.StatusForbidden, http.StatusForbidden, none, "not_entitled"},
		{http.StatusInternalServerError, http.StatusForbidden, none, "quota_unavailable"},
	} {
		r, cdot := withQuotas(t)
		cdot.status.Store(int64(c.answer))
		got := r.send(t, r.good(t))
		require.Equal(t, c.want, got.StatusCode)
		require.JSONEq(t, c.body, got.body)
		require.Equal(t, c.reason, got.entry.Reason)
	}
	r, _ := withQuotas(t)
	require.Equal(t, http.StatusOK, r.send(t, r.good(t)).StatusCode)
	r.clock.Advance(2 * time.Hour)
	r.cdot.SetDown(true)
	require.Equal(t, http.StatusForbidden, r.send(t, r.good(t)).StatusCode, "nobody can say")
	r.cdot.SetDown(false)
	require.Equal(t, http.StatusOK, r.send(t, r.good(t)).StatusCode, "which is not kept")
}

func TestQuotaIsKept(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "aigateway/quota/kept")
	for says, kept := range map[string]time.Duration{"": time.Hour, "private, max-age=60": time.Minute, "no-store": time.Hour} {
		r, c := withQuotas(t)
		c.maxAge.Store(says)
		ask := func() { require.Equal(t, http.StatusOK, r.send(t, r.good(t)).StatusCode) }
		ask()
		r.clock.Advance(kept - time.Second)
		ask()
		require.EqualValues(t, 1, c.asked.Load(), says)
		r.clock.Advance(time.Second)
		ask()
		require.EqualValues(t, 2, c.asked.Load(), says)
		r.Restart()
		ask()
		require.EqualValues(t, 3, c.asked.Load(), "a restart forgets it")
		other := r.good(t)
		other.header.Set("X-Gitlab-Global-User-Id", "somebody")
		require.Equal(t, http.StatusOK, r.send(t, other).StatusCode)
		require.EqualValues(t, 4, c.asked.Load(), "each user is one for himself")
	}
}

func TestQuotaQuestion(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "aigateway/quota/question")
	r, c := withQuotas(t)
	call := r.good(t)
	call.claims["gitlab_instance_uid"] = "uid-of-acme"
	require.Equal(t, http.StatusOK, r.send(t, call).StatusCode)
	q, h := c.query.Load().(url.Values), c.header.Load().(http.Header)
	for name, want := range map[string]string{
		"realm": "self-managed", "unique_instance_id": "uid-of-acme", "root_namespace_id": "", "event_type": "code_completions",
		"feature_qualified_name": "code_suggestions", "global_user_id": r.ada(), "instance_id": r.instance("acme").UUID,
		"correlation_id": "call-1", "feature_ai_catalog_item": "false",
	} {
		require.Equal(t, want, q.Get(name), name)
	}
	require.NotEmpty(t, h.Get("X-Admin-Email"))
	require.NotEmpty(t, h.Get("X-Admin-Token"))

	saas := r.good(t).saas(t, r)
	saas.header.Set("X-Gitlab-Root-Namespace-Id", "7")
	require.Equal(t, http.StatusOK, r.send(t, saas).StatusCode)
	q = c.query.Load().(url.Values)
	require.Equal(t, "saas", q.Get("realm"))
	require.Equal(t, "7", q.Get("root_namespace_id"))
	require.Empty(t, q.Get("unique_instance_id"))
	_, known := r.world.Instance(world.GitLabCom)
	require.True(t, known)
}
