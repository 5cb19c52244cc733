package duoworkflow

import (
	"context"
	"net/http"

	"github.com/ccmock/ccmock/backends/internal/fastapi"
	"github.com/ccmock/ccmock/internal/duocontract"
	"github.com/ccmock/ccmock/internal/token"
)

// The scopes that the service demands.
const (
	agentPlatform   = "duo_agent_platform"
	duoChat         = "duo_chat"
	executeWorkflow = "duo_workflow_execute_workflow" // in place of the first, from earlier GitLab
)

// chat is the workflow that has a scope of its own.
const chat = "chat"

// authenticated lets only calls through that pass authentication, which comes before
// everything else, so that an unknown method needs a token too.
func authenticated(handle func(context.Context, *call) error) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		c.entry.Token = fastapi.Carried(c.metadata)
		user, verdict := c.running.verifier.Authenticate(ctx, c.metadata)
		if !verdict.OK() {
			return refused(verdict, duocontract.Unauthenticated, verdict.Says)
		}
		if c.entry.Token != nil && c.entry.Token.Claims == nil { // laxer than we decode
			c.entry.Token.Claims = user.Claims
		}
		c.user = user
		return handle(ctx, c)
	}
}

// refused words a verdict. One of 500 is an exception, which gRPC for Python answers by
// name.
func refused(v token.Verdict, code duocontract.Code, says string) error {
	r := &refusal{duocontract.Status{Code: code, Message: says}, string(v.Reason), v.Detail}
	if v.Log != "" {
		r.detail += " (its log: " + v.Log + ")"
	}
	if v.Status == http.StatusInternalServerError {
		r.Code, r.Message = duocontract.Unknown, "Unexpected <class 'Exception'>: "+v.Says
	}
	return r
}

// permit refuses whoever has none of the scopes of a workflow. Own tells whether the
// service's own tokens will do.
func (c *call) permit(workflow, says string, own bool) error {
	scopes := []string{agentPlatform, executeWorkflow}
	if workflow == chat {
		scopes = []string{duoChat}
	}
	return c.demand(scopes, says, own)
}

// demand refuses whoever has none of the scopes. The journal has the first one, and why it
// is missing.
func (c *call) demand(scopes []string, says string, own bool) error {
	var disallowed []string
	if !own {
		disallowed = []string{c.service.options.Audience}
	}
	var first token.Verdict
	for n, scope := range scopes {
		verdict := c.user.Can(scope, disallowed...)
		if verdict.OK() {
			c.entry.Scope = scope
			return nil
		}
		if n == 0 || verdict.Status == http.StatusInternalServerError {
			first = verdict
		}
	}
	c.entry.Scope = scopes[0]
	return refused(first, duocontract.PermissionDenied, says)
}
