package aigateway

import (
	"fmt"
	"net/http"

	"github.com/ccmock/ccmock/backends/internal/quota"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
)

// quotaEvent is what credits are asked for.
type quotaEvent struct{ event, feature string }

var (
	codeCompletions = quotaEvent{"code_completions", "code_suggestions"}
	codeGenerations = quotaEvent{"code_generations", "code_suggestions"}
	amazonQUse      = quotaEvent{amazonQ, amazonQ}
	proxyUse        = quotaEvent{"ai_gateway_proxy_use", "ai_gateway_proxy_use"}
)

// quotaFor is what a request needs credits for.
type quotaFor func(*request) quotaEvent

func event(e quotaEvent) quotaFor { return func(*request) quotaEvent { return e } }

// byComponent is what the first component asks for.
func byComponent(r *request) quotaEvent {
	if r.body.component().text("type") == editorGeneration {
		return codeGenerations
	}
	return codeCompletions
}

// The answers to who has no credits, and to who may not have any, which is also what is said when CustomersDot cannot be
// asked.
var (
	insufficientCredits = map[string]string{
		"error": "insufficient_credits", "error_code": "USAGE_QUOTA_EXCEEDED",
		"message": "Consumer does not have sufficient credits for this request",
	}
	notEntitled = map[string]string{
		"error": "not_entitled", "error_code": "USAGE_QUOTA_NOT_ENTITLED",
		"message": "Consumer does not have entitlements to use this feature.",
	}
)

// Reasons for which the gateway refuses when it has asked CustomersDot.
const (
	ReasonInsufficientCredits = "insufficient_credits" // 402
	ReasonNotEntitled         = "not_entitled"         // 403
)

// credits asks CustomersDot whether the consumer may go on.
func (g *Gateway) credits(r *request) error {
	if r.route.quota == nil || !r.Quota || r.release == release2025 || token.PythonTrue(r.user.Claims["skip_usage_cutoff"]) {
		return nil
	}
	status, err := g.quota.Resolve(r.Context(), g.quotaQuery(r, r.route.quota(r)))
	refuse := &stub.Error{Status: http.StatusForbidden, Message: "not_entitled", Body: notEntitled, Reason: ReasonNotEntitled}
	switch {
	case err != nil:
		refuse.Reason, refuse.Detail = quota.ReasonUnavailable, "CustomersDot cannot be asked for credits: "+err.Error()
	case status == http.StatusOK:
		return nil
	case status == http.StatusPaymentRequired:
		refuse.Status, refuse.Body, refuse.Reason = status, insufficientCredits, ReasonInsufficientCredits
		refuse.Detail = "CustomersDot says that there are no credits left"
	default:
		refuse.Detail = "CustomersDot says that the consumer is not entitled"
	}
	return refuse
}

// quotaQuery is what CustomersDot is told. Without internal events little is known.
func (g *Gateway) quotaQuery(r *request, e quotaEvent) []quota.Field {
	claim := func(name string) string { return text(r.user.Claims, name) }
	header := func(name string) string {
		if r.NoInternalEvents {
			return ""
		}
		return r.Header.Get(name)
	}
	realm := claim("gitlab_realm")
	if r.user.Debug {
		realm = r.Header.Get("X-Gitlab-Realm")
	}
	return []quota.Field{
		{Name: "environment", Keyed: true, Value: "development"},
		{Name: "source", Value: "ai-gateway-python"},
		{Name: "instance_id", Value: header("X-Gitlab-Instance-Id")},
		{Name: "unique_instance_id", Keyed: true, Value: claim("gitlab_instance_uid")},
		{Name: "instance_version", Value: header("X-Gitlab-Version")},
		{Name: "host_name", Value: header("X-Gitlab-Host-Name")},
		{Name: "project_id", Value: header("X-Gitlab-Project-Id")},
		{Name: "namespace_id", Value: header("X-Gitlab-Namespace-Id")},
		{Name: "root_namespace_id", Keyed: true, Value: rootNamespace(r, header)},
		{Name: "user_id", Keyed: true, Value: header("X-Gitlab-User-Id")},
		{Name: "global_user_id", Keyed: true, Value: header("X-Gitlab-Global-User-Id")},
		{Name: "realm", Keyed: true, Value: realm},
		{Name: "deployment_type", Value: header("X-Gitlab-Deployment-Type")},
		{Name: "feature_enablement_type", Keyed: true, Value: header("X-Gitlab-Feature-Enablement-Type")},
		{Name: "correlation_id", Value: journal.Of(r.Context()).RequestID},
		{Name: "event_type", Keyed: true, Value: e.event},
		{Name: "feature_qualified_name", Keyed: true, Value: e.feature},
		{Name: "feature_ai_catalog_item", Value: "false"},
		{Name: "model_id", Keyed: true, Value: r.modelName()},
		{Name: "organization_id", Value: header("X-Gitlab-Organization-Id")},
	}
}

// rootNamespace is the token's, where GitLab.com signed one in.
func rootNamespace(r *request, header func(string) string) string {
	if claim, ok := r.user.Claims["gitlab_root_namespace_id"]; ok && claim != nil && text(r.user.Claims, "gitlab_realm") == "saas" {
		return fmt.Sprint(claim)
	}
	return header("X-Gitlab-Root-Namespace-Id")
}

// modelName is the model that a body names; "" for none.
func (r *request) modelName() string {
	if name := r.body.text("model_name"); name != "" {
		return name
	}
	return r.body.component().in("payload").text("model_name")
}
