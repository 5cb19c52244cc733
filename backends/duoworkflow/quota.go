package duoworkflow

import (
	"context"
	"net/http"

	"github.com/ccmock/ccmock/backends/internal/quota"
	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/duocontract"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// What CustomersDot is told of the occasion.
const (
	onExecute       = "duo_agent_platform_workflow_on_execute"
	onGenerateToken = "duo_agent_platform_workflow_on_generate_token"
	unnamedFeature  = "dap_feature_legacy"
)

// asksItself is the first GitLab version that asks for credits before GenerateToken, which
// then does not.
var asksItself, _ = catalog.ParseVersion("18.9")

// tokenCosts reports whether a token is made only for who has credits: for self-managed
// instances that do not ask themselves. A version that cannot be read is an old one.
func (c *call) tokenCosts() bool {
	if c.claim("gitlab_realm") != string(world.SelfManaged) {
		return false
	}
	v, err := catalog.ParseVersion(c.metadata.Get("X-Gitlab-Version"))
	return err != nil || !v.AtLeast(asksItself)
}

// claim is a claim of the caller that is text, "" for any other.
func (c *call) claim(name string) string {
	text, _ := c.user.Claims[name].(string)
	return text
}

// credits turns a consumer away without credits, or without an entitlement to any, which is
// CustomersDot's refusal. When it does not say, the refusal is the service's own.
func (c *call) credits(ctx context.Context, event, feature string) error {
	if c.running.quota == nil || c.user.Claims["skip_usage_cutoff"] == true {
		return nil
	}
	if feature == "" {
		feature = unnamedFeature
	}
	status, err := c.running.quota.Resolve(ctx, c.consumer(event, feature))
	r := &refusal{Status: duocontract.Status{Code: duocontract.PermissionDenied}}
	switch {
	case err != nil:
		r.Message = "Usage quota check is temporarily unavailable. Error code: USAGE_QUOTA_NOT_ENTITLED"
		r.reason, r.detail = quota.ReasonUnavailable, "CustomersDot cannot be asked for credits: "+err.Error()
	case status == http.StatusOK:
		return nil
	case status == http.StatusPaymentRequired:
		r.Code = duocontract.ResourceExhausted
		r.Message = "Consumer does not have sufficient credits for this request. Error code: USAGE_QUOTA_EXCEEDED"
		r.detail = "CustomersDot says that there are no credits left"
	default:
		r.Message = "Consumer does not have entitlements to use this feature. Error code: USAGE_QUOTA_NOT_ENTITLED"
		r.detail = "CustomersDot says that the consumer is not entitled"
	}
	return r
}

// consumer says who asks for what.
func (c *call) consumer(event, feature string) []quota.Field {
	root := c.claim("gitlab_root_namespace_id")
	if root == "" {
		root = c.metadata.Get("X-Gitlab-Root-Namespace-Id")
	}
	return []quota.Field{
		{Name: "instance_id", Value: c.metadata.Get(token.InstanceHeader)},
		{Name: "unique_instance_id", Keyed: true, Value: c.claim("gitlab_instance_uid")},
		{Name: "instance_version", Value: c.metadata.Get("X-Gitlab-Version")},
		{Name: "host_name", Value: c.metadata.Get("X-Gitlab-Host-Name")},
		{Name: "project_id", Value: c.metadata.Get("X-Gitlab-Project-Id")},
		{Name: "namespace_id", Value: c.metadata.Get("X-Gitlab-Namespace-Id")},
		{Name: "root_namespace_id", Keyed: true, Value: root},
		{Name: "user_id", Keyed: true, Value: c.metadata.Get("X-Gitlab-User-Id")},
		{Name: "global_user_id", Keyed: true, Value: c.metadata.Get(token.UserHeader)},
		{Name: "realm", Keyed: true, Value: c.claim("gitlab_realm")},
		{Name: "deployment_type", Value: c.metadata.Get("X-Gitlab-Deployment-Type")},
		{Name: "feature_enablement_type", Keyed: true, Value: c.metadata.Get("X-Gitlab-Feature-Enablement-Type")},
		{Name: "correlation_id", Value: c.entry.RequestID},
		{Name: "event_type", Keyed: true, Value: event},
		{Name: "feature_qualified_name", Keyed: true, Value: feature},
		{Name: "feature_ai_catalog_item", Always: true},
		{Name: "organization_id", Value: c.metadata.Get("X-Gitlab-Organization-Id")},
	}
}
