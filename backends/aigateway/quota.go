package aigateway

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ccmock/ccmock/backends/internal/fastapi"
	"github.com/ccmock/ccmock/internal/clock"
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
	ReasonQuotaUnavailable    = "quota_unavailable"    // 403: CustomersDot did not say
)

// credits asks CustomersDot whether the consumer may go on.
func (g *Gateway) credits(r *request) error {
	if r.route.quota == nil || !r.Quota || r.release == release2025 || token.PythonTrue(r.user.Claims["skip_usage_cutoff"]) {
		return nil
	}
	status, err := g.quota.resolve(r.Context(), g.quotaQuery(r, r.route.quota(r)))
	refuse := &stub.Error{Status: http.StatusForbidden, Message: "not_entitled", Body: notEntitled, Reason: ReasonNotEntitled}
	switch {
	case err != nil:
		refuse.Reason, refuse.Detail = ReasonQuotaUnavailable, "CustomersDot cannot be asked for credits: "+err.Error()
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

// quotaField is one of the query. Keyed says that answers are kept by it.
type quotaField struct {
	name  string
	keyed bool
	value string
}

// quotaQuery is what CustomersDot is told. Without internal events little is known.
func (g *Gateway) quotaQuery(r *request, e quotaEvent) []quotaField {
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
	return []quotaField{
		{"environment", true, "development"},
		{"source", false, "ai-gateway-python"},
		{"instance_id", false, header("X-Gitlab-Instance-Id")},
		{"unique_instance_id", true, claim("gitlab_instance_uid")},
		{"instance_version", false, header("X-Gitlab-Version")},
		{"host_name", false, header("X-Gitlab-Host-Name")},
		{"project_id", false, header("X-Gitlab-Project-Id")},
		{"namespace_id", false, header("X-Gitlab-Namespace-Id")},
		{"root_namespace_id", true, rootNamespace(r, header)},
		{"user_id", true, header("X-Gitlab-User-Id")},
		{"global_user_id", true, header("X-Gitlab-Global-User-Id")},
		{"realm", true, realm},
		{"deployment_type", false, header("X-Gitlab-Deployment-Type")},
		{"feature_enablement_type", true, header("X-Gitlab-Feature-Enablement-Type")},
		{"correlation_id", false, journal.Of(r.Context()).RequestID},
		{"event_type", true, e.event},
		{"feature_qualified_name", true, e.feature},
		{"feature_ai_catalog_item", false, "false"},
		{"model_id", true, r.modelName()},
		{"organization_id", false, header("X-Gitlab-Organization-Id")},
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

// CustomersDot's credentials, those of GitLab.com's own API user in a development setup.
const (
	quotaUser  = "gl_com_api@gitlab.com"
	quotaToken = "customer_admin_token"
)

const (
	quotaTimeout = time.Second // of one question, in real time
	quotaTTL     = time.Hour   // of an answer that names none
	quotaKept    = 10_000      // answers
)

// quota asks CustomersDot for credits, and remembers the answers.
type quota struct {
	clock  clock.Clock
	random *stub.Random
	client *http.Client
	url    string

	mu     sync.Mutex
	kept   map[[sha256.Size]byte]quotaAnswer
	asking map[[sha256.Size]byte]*quotaAsking
}

type quotaAnswer struct {
	status int
	until  time.Time
}

// quotaAsking is a question under way, which others wait for who have the same.
type quotaAsking struct {
	done   chan struct{}
	status int
	err    error
}

func newQuota(clk clock.Clock, random *stub.Random, customersDot string) *quota {
	q := &quota{clock: clk, random: random, client: fastapi.NewClient(quotaTimeout), url: customersDot}
	q.forget()
	return q
}

// forget drops all answers.
func (q *quota) forget() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.kept, q.asking = map[[sha256.Size]byte]quotaAnswer{}, map[[sha256.Size]byte]*quotaAsking{}
}

// resolve is CustomersDot's status, kept or fetched. An answer of another status than 200, 402 and 403 is an error, and no
// error is kept.
func (q *quota) resolve(ctx context.Context, query []quotaField) (int, error) {
	var keyed strings.Builder
	for _, f := range query {
		if f.keyed {
			fmt.Fprintf(&keyed, "%s=%s\x00", f.name, f.value)
		}
	}
	key := sha256.Sum256([]byte(keyed.String()))
	q.mu.Lock()
	if kept, ok := q.kept[key]; ok && q.clock.Now().Before(kept.until) {
		q.mu.Unlock()
		return kept.status, nil
	}
	if under, ok := q.asking[key]; ok {
		q.mu.Unlock()
		select {
		case <-under.done:
			return under.status, under.err
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	mine := &quotaAsking{done: make(chan struct{})}
	q.asking[key] = mine
	q.mu.Unlock()

	var ttl time.Duration
	mine.status, ttl, mine.err = q.fetch(context.WithoutCancel(ctx), query)
	q.mu.Lock()
	if q.asking[key] == mine { // else forgotten meanwhile
		delete(q.asking, key)
		if mine.err == nil {
			if len(q.kept) >= quotaKept {
				clear(q.kept)
			}
			q.kept[key] = quotaAnswer{mine.status, q.clock.Now().Add(q.jitter(ttl))}
		}
	}
	q.mu.Unlock()
	close(mine.done)
	return mine.status, mine.err
}

// jitter makes a time up to a tenth longer or shorter, so that answers do not all end at once.
func (q *quota) jitter(ttl time.Duration) time.Duration {
	n, _ := strconv.ParseUint(q.random.Hex(2), 16, 16)
	return ttl + time.Duration(float64(ttl)*0.1*(2*float64(n)/0xffff-1))
}

func (q *quota) fetch(ctx context.Context, query []quotaField) (status int, ttl time.Duration, err error) {
	parts := make([]string, 0, len(query))
	for _, f := range query {
		if f.value != "" {
			parts = append(parts, f.name+"="+url.QueryEscape(f.value))
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, strings.TrimSuffix(q.url, "/")+"/api/v1/consumers/resolve?"+strings.Join(parts, "&"), nil)
	if err != nil {
		return 0, 0, err
	}
	req.Header.Set("X-Admin-Email", quotaUser)
	req.Header.Set("X-Admin-Token", quotaToken)
	resp, err := q.client.Do(req)
	if err != nil {
		return 0, 0, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<10))
	_ = resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK, http.StatusPaymentRequired, http.StatusForbidden:
		return resp.StatusCode, maxAge(resp.Header), nil
	}
	return 0, 0, fmt.Errorf("expected status 200, 402 or 403, got %d", resp.StatusCode)
}

// maxAge is how long an answer says that it is good.
func maxAge(h http.Header) time.Duration {
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if n, err := strconv.ParseUint(value, 10, 31); err == nil && strings.EqualFold(name, "max-age") {
			return time.Duration(n) * time.Second
		}
	}
	return quotaTTL
}
