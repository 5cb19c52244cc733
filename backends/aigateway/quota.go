package aigateway

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// What the usage quota of an endpoint is asked for.
const (
	forCompletions = "code_completions"
	forGenerations = "code_generations"
)

// Quota checks, as the gateway makes them of CustomersDot.
const (
	resolvePath  = "/api/v1/consumers/resolve"
	quotaTimeout = time.Second // in real time
	quotaTTL     = time.Hour   // of an answer that does not say how long it is good
)

// Reasons for which the gateway refuses when it has asked CustomersDot.
const (
	ReasonInsufficientCredits = "insufficient_credits" // 402
	ReasonNotEntitled         = "not_entitled"         // 403
	ReasonQuotaUnavailable    = "quota_unavailable"    // 403: CustomersDot did not say
)

// consumer is whose usage is checked, and of what: the fields by which answers are kept.
type consumer struct {
	realm, userID, globalUserID, rootNamespaceID, uniqueInstanceID string
	enablement, event                                              string
}

// quotas keeps the answers of CustomersDot.
type quotas struct {
	mu    sync.Mutex
	known map[consumer]quota
}

func (q *quotas) forget() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.known = nil
}

type quota struct {
	status int
	until  time.Time
}

// checkQuota asks CustomersDot whether the caller may use more, where the world has usage
// quotas. It comes before the endpoint looks at the body or at scopes. When CustomersDot
// cannot say, the answer is no (since 2026-05).
func (g *Gateway) checkQuota(r *http.Request, u *token.AIGatewayUser, event string) error {
	g.mu.Lock()
	on := g.world.AIGateway != nil && g.world.AIGateway.Quota
	g.mu.Unlock()
	if !on || len(g.options.Issuers) < 2 || truthy(u.Claims["skip_usage_cutoff"]) {
		return nil
	}
	c := consumerOf(r.Header, u.Claims, event)
	switch status, why := g.quota(r.Context(), c, r.Header); {
	case status/100 == 2:
		return nil
	case status == http.StatusPaymentRequired:
		return &stub.Error{
			Status: status, Reason: ReasonInsufficientCredits, Detail: why,
			Body: quotaRefusal{"insufficient_credits", "USAGE_QUOTA_EXCEEDED", "Consumer does not have sufficient credits for this request"},
		}
	default:
		reason := ReasonNotEntitled
		if status == 0 {
			reason = ReasonQuotaUnavailable
		}
		return &stub.Error{
			Status: http.StatusForbidden, Reason: reason, Detail: why,
			Body: quotaRefusal{"not_entitled", "USAGE_QUOTA_NOT_ENTITLED", "Consumer does not have entitlements to use this feature."},
		}
	}
}

type quotaRefusal struct {
	Error   string `json:"error"`
	Code    string `json:"error_code"`
	Message string `json:"message"`
}

func consumerOf(h http.Header, claims map[string]any, event string) consumer {
	c := consumer{
		realm: text(claims, "gitlab_realm"), userID: h.Get("X-Gitlab-User-Id"), globalUserID: h.Get(token.UserHeader),
		enablement: h.Get("X-Gitlab-Feature-Enablement-Type"), event: event,
	}
	if c.realm == string(world.SaaS) {
		if c.rootNamespaceID = text(claims, "gitlab_root_namespace_id"); c.rootNamespaceID == "" {
			c.rootNamespaceID = h.Get("X-Gitlab-Root-Namespace-Id")
		}
	} else {
		c.uniqueInstanceID = text(claims, "gitlab_instance_uid")
	}
	return c
}

// quota is the status that CustomersDot answers, or answered not long ago, and what there
// is to say of it. 0 is no answer, which is not kept.
func (g *Gateway) quota(ctx context.Context, c consumer, h http.Header) (status int, why string) {
	now := g.service.Clock().Now()
	g.quotas.mu.Lock()
	defer g.quotas.mu.Unlock() // calls for the same consumer wait for one answer
	if q, ok := g.quotas.known[c]; ok && now.Before(q.until) {
		return q.status, "CustomersDot said so until " + q.until.UTC().Format(time.RFC3339)
	}
	ctx, cancel := context.WithTimeout(ctx, quotaTimeout)
	defer cancel()
	target := strings.TrimSuffix(g.options.Issuers[1].URL, "/") + resolvePath + "?" + c.query(h, journal.Of(ctx).RequestID).Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, target, http.NoBody)
	if err != nil {
		return 0, err.Error()
	}
	req.Header = http.Header{
		"X-Admin-Email": {"gl_com_api@gitlab.com"}, "X-Admin-Token": {"customer_admin_token"},
	}
	resp, err := g.client.Do(req)
	if err != nil {
		return 0, "CustomersDot does not say: " + err.Error()
	}
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 && resp.StatusCode != http.StatusPaymentRequired && resp.StatusCode != http.StatusForbidden {
		return 0, "CustomersDot does not say: it answers " + resp.Status
	}
	if g.quotas.known == nil {
		g.quotas.known = map[consumer]quota{}
	}
	g.quotas.known[c] = quota{resp.StatusCode, now.Add(maxAge(resp.Header))}
	return resp.StatusCode, "CustomersDot answers " + resp.Status
}

// query are the parameters of a quota check; those without a value are not sent. The id of
// the call is one of them, and no header.
func (c consumer) query(h http.Header, id string) url.Values {
	q := url.Values{"feature_ai_catalog_item": {"false"}}
	for name, value := range map[string]string{
		"environment": "production", "source": "ai_gateway", "realm": c.realm, "event_type": c.event,
		"feature_qualified_name": "code_suggestions", "user_id": c.userID, "global_user_id": c.globalUserID,
		"root_namespace_id": c.rootNamespaceID, "unique_instance_id": c.uniqueInstanceID,
		"instance_id": h.Get(token.InstanceHeader), "instance_version": h.Get("X-Gitlab-Version"),
		"host_name": h.Get("X-Gitlab-Host-Name"), "deployment_type": h.Get("X-Gitlab-Deployment-Type"),
		"feature_enablement_type": c.enablement, "correlation_id": id,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// maxAge is for how long an answer says that it is good.
func maxAge(h http.Header) time.Duration {
	for part := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		if text, ok := strings.CutPrefix(strings.TrimSpace(part), "max-age="); ok {
			if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
				return time.Duration(seconds) * time.Second
			}
		}
	}
	return quotaTTL
}

// truthy is Python's bool for what a JSON claim can hold.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	}
	return true
}
