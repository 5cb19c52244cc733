package aigateway

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
)

// vendor is a provider of models that the gateway hands requests on to.
type vendor struct {
	paths []string // with the query, as the gateway compares them; none: any with a model in it
	model *regexp.Regexp
}

// The vendors. Which models are supported is not known beyond their makers, so a name of theirs is enough.
var (
	anthropic = vendor{
		paths: []string{"/v1/messages", "/v1/messages?beta=true", "/v1/messages/count_tokens?beta=true"},
		model: regexp.MustCompile(`^claude-`),
	}
	vertexAI = vendor{model: regexp.MustCompile(`^(claude|codestral|gemini|text|code)[a-z0-9.@-]*$`)}
	openAI   = vendor{
		paths: []string{"/v1/chat/completions", "/v1/embeddings", "/v1/models", "/v1/responses"},
		model: regexp.MustCompile(`^(gpt-|o[0-9]|text-embedding-)`),
	}
	// vertexModel finds the model in a path of Vertex AI.
	vertexModel = regexp.MustCompile(`^/v1/projects/[^/]+/locations/[^/]+/publishers/[^/]+/models/([^/:]+):[A-Za-z]+$`)
)

// unitPrimitiveHeader names the unit primitive that a request to the proxy is for.
const unitPrimitiveHeader = "X-Gitlab-Unit-Primitive"

// Reasons for which the proxy refuses.
const (
	ReasonProxyNotEnabled = "proxy_not_enabled" // 402: the namespace or instance is not on the list
	ReasonClaimMismatch   = "claim_mismatch"    // 403: an id of the request is not the token's
)

// proxyNeeds demands the unit primitive that a header names, and that the request's ids are the token's. The release of
// 2025 looked at the header alone.
func (g *Gateway) proxyNeeds(r *request) error {
	if r.release != release2025 {
		if err := r.listed(); err != nil {
			return err
		}
	}
	scope := r.Header.Get(unitPrimitiveHeader)
	switch {
	case scope == "":
		return badRequest("Missing x-gitlab-unit-primitive header")
	case !primitives[scope] && (r.release != release2025 || !older[scope]):
		return badRequest("Unknown unit primitive header " + scope)
	}
	if err := r.permit(scope, ""); err != nil {
		return err
	}
	if r.release != release2025 {
		if err := r.sameIDs(); err != nil {
			return err
		}
	}
	if !proxied[scope] {
		return badRequest(fmt.Sprintf("This endpoint cannot be used for %s purpose", scope))
	}
	return nil
}

// listed refuses namespaces and instances that may not use the proxy.
func (r *request) listed() error {
	if r.user.Debug {
		return nil
	}
	refuse := func(who string) error {
		return &stub.Error{
			Status: http.StatusPaymentRequired, Message: "Proxy endpoints are not enabled for this " + who,
			Reason: ReasonProxyNotEnabled, Detail: "the " + who + " is not on the list",
		}
	}
	if text(r.user.Claims, "gitlab_realm") == "self-managed" {
		if len(r.ProxySelfManaged) > 0 && !slices.Contains(r.ProxySelfManaged, r.Header.Get(token.InstanceHeader)) {
			return refuse("instance")
		}
		return nil
	}
	if len(r.ProxySaaS) > 0 && !slices.Contains(r.ProxySaaS, rootNamespace(r, r.Header.Get)) {
		return refuse("namespace")
	}
	return nil
}

// sameIDs compares the ids of the request with those that its token was signed for; absent is the same as absent.
func (r *request) sameIDs() error {
	ids := []struct{ claim, header, name string }{
		{"gitlab_project_id", "X-Gitlab-Project-Id", "project id"},
		{"gitlab_namespace_id", "X-Gitlab-Namespace-Id", "namespace id"},
		{"gitlab_root_namespace_id", "X-Gitlab-Root-Namespace-Id", "root namespace id"},
	}
	if text(r.user.Claims, "gitlab_realm") == "self-managed" {
		ids = ids[:1]
		ids[0] = struct{ claim, header, name string }{"gitlab_instance_uid", token.InstanceHeader, "instance uid"}
	}
	for _, id := range ids {
		sent, signed := "None", "None"
		if v := r.Header.Get(id.header); v != "" && !r.NoInternalEvents {
			sent = v
		}
		if v := r.user.Claims[id.claim]; v != nil {
			signed = fmt.Sprint(v)
		}
		if sent != signed && !r.user.Debug {
			return &stub.Error{
				Status: http.StatusForbidden, Message: "Gitlab " + id.name + " mismatch", Reason: ReasonClaimMismatch,
				Detail: fmt.Sprintf("header %s is %q, but claim %s is %q", id.header, sent, id.claim, signed),
			}
		}
	}
	return nil
}

func badRequest(says string) error { return &stub.Error{Status: http.StatusBadRequest, Message: says} }

// proxy answers "POST /v1/proxy/<vendor>/<path>" as the gateway does whose models are mocked, or what a scenario says
// that the vendor answers, word for word.
func (g *Gateway) proxy(v vendor) func(*request) (stub.Reply, error) {
	return func(r *request) (stub.Reply, error) {
		prompt, err := r.vendorRequest(v)
		if err != nil {
			return stub.Reply{}, err
		}
		s := g.ask(r, "answer", "the vendor", prompt)
		switch f := s.fail; {
		case f != nil && f.NoAnswer != "":
			return stub.Reply{}, modelFailed(*f, http.StatusBadGateway, "Bad Gateway")
		case f != nil:
			e := modelFailed(*f, f.Status, reasonPhrase(*f))
			e.Body = vendorError{reasonPhrase(*f)}
			return stub.Reply{}, e
		case !s.told:
			return reply(map[string]string{"response": "mocked"}), nil
		case len(s.chunks) > 1 && strings.HasPrefix(s.chunks[0], "event:"):
			return raw().reply(s), nil
		}
		return stub.Reply{Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(s.text())}, nil
	}
}

// vendorError is what a vendor says of a failure, which is handed on as it is.
type vendorError struct {
	Error string `json:"error"`
}

// vendorRequest checks path and body of a request to a vendor, and returns what it asks.
func (r *request) vendorRequest(v vendor) (string, error) {
	path := "/" + strings.TrimPrefix(stub.Var(r.Request, "path"), "/")
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	body, err := stub.ReadBody(r.Request)
	if err != nil {
		return "", err
	}
	inPath := vertexModel.FindStringSubmatch(path)
	if v.paths != nil && !slices.Contains(v.paths, path) || v.paths == nil && inPath == nil {
		return "", &stub.Error{Status: http.StatusNotFound, Message: "Not found"}
	}
	value, err := token.PythonJSON(body)
	if err != nil {
		return "", badRequest("Invalid JSON")
	}
	asked, _ := value.(map[string]any)
	model, _ := asked["model"].(string)
	if inPath != nil {
		model = inPath[1]
	}
	switch {
	case model == "":
		return "", badRequest("Failed to extract model name")
	case !v.model.MatchString(model):
		return "", badRequest("Unsupported model")
	}
	return string(body), nil
}
