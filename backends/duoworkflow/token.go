package duoworkflow

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/backends/internal/fastapi"
	"github.com/ccmock/ccmock/backends/internal/ownkeys"
	"github.com/ccmock/ccmock/internal/duocontract"
	"github.com/ccmock/ccmock/internal/token"
)

// capabilities are what the service can do beyond its first release.
var capabilities = []string{"tool_call_approval", "tool_call_pattern_approval", "flow_semantic_versioning"}

// handedOn are the claims of the caller that its user's token has, too.
var handedOn = []string{"skip_usage_cutoff", "tool_access_policies", "gitlab_root_namespace_id"}

// ownScope reports whether a user's token may have a scope of the caller's: those that
// the library's catalog gives to this service. The catalog is not public; these are the
// scopes that the service is known to demand, and the contexts that its chat may look at.
func ownScope(scope string) bool {
	return scope == agentPlatform || scope == duoChat || scope == executeWorkflow ||
		strings.HasPrefix(scope, "include_") && strings.HasSuffix(scope, "_context")
}

// generateToken makes a token with which a user's executor runs workflows without GitLab.
// Such a token is not good for getting another.
func (s *Service) generateToken(ctx context.Context, c *call) error {
	m, err := c.only()
	if err != nil {
		return err
	}
	var request struct {
		WorkflowDefinition string `json:"workflowDefinition"`
	}
	if err := duocontract.Read(m, &request); err != nil {
		return err
	}
	if c.tokenCosts() {
		if err := c.credits(ctx, onGenerateToken, request.WorkflowDefinition); err != nil {
			return err
		}
	}
	if err := c.permit(mapped(request.WorkflowDefinition), "Unauthorized to generate token", false); err != nil {
		return err
	}
	raw, expires, err := s.issue(c)
	if err != nil {
		return err
	}
	if d, err := token.Decode(raw); err == nil {
		c.entry.Issued = fastapi.Journaled(d)
	}
	return c.Answer(map[string]any{"token": raw, "expiresAt": expires.Unix(), "server_capabilities": capabilities})
}

// issue signs a token for whom the metadata name.
func (s *Service) issue(c *call) (string, time.Time, error) {
	s.mu.Lock()
	key, err := s.ring.Current()
	s.mu.Unlock()
	if err != nil {
		return "", time.Time{}, err
	}
	scopes := []string{}
	if list, ok := c.user.Claims["scopes"].([]any); ok {
		for _, item := range list {
			if scope, ok := item.(string); ok && ownScope(scope) {
				scopes = append(scopes, scope)
			}
		}
	}
	slices.Sort(scopes)
	claims := map[string]any{
		// Of what is missing it makes null. Without a user, the token is good for nothing.
		"sub":                 c.value(token.UserHeader),
		"gitlab_realm":        c.value(token.RealmHeader),
		"gitlab_instance_id":  c.value(token.InstanceHeader),
		"gitlab_instance_uid": c.user.Claims["gitlab_instance_uid"],
	}
	if seats := c.user.Claims["duo_seat_count"]; seats != nil && seats != "" {
		claims["duo_seat_count"] = seats
	}
	for _, name := range handedOn {
		if value, ok := c.user.Claims[name]; ok {
			claims[name] = value
		}
	}
	now := s.service.Clock().Now().Truncate(time.Second)
	expires := now.Add(ownkeys.Life)
	raw, err := token.Sign(key, token.Claims{
		ID: s.env.Random.UUID(), Issuer: s.options.Audience, Audience: []string{s.options.Audience}, AudienceAsString: true,
		IssuedAt: now, NotBefore: now, ExpiresAt: expires, Scopes: slices.Compact(scopes), Extra: claims,
	}, token.SignOptions{})
	return raw, expires, err
}

// value is that of a key of the metadata, nil if it was not sent.
func (c *call) value(name string) any {
	if values := c.metadata.Values(name); len(values) > 0 {
		return values[0]
	}
	return nil
}
