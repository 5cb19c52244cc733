package explain

import (
	"slices"

	"github.com/ccmock/ccmock/internal/token"
)

// others are the reasons that are about something else than a token, by who gives them.
var others = []token.Reason{
	// A GitLab instance, to a user.
	"user_unauthenticated", "user_token_expired", "user_token_scope", "user_blocked", "user_not_allowed",
	"feature_unknown", "add_on_missing", "seat_missing", "license_insufficient", "invalid_request",
	"body_too_large", "endpoint_unknown", "gateway_unreachable", "gateway_refused", "client_gone",
	"signing_key_missing",
	// A GitLab instance, in a job.
	"customersdot_failed", "customersdot_refused", "sync_not_possible", "storage_failed", "activation_failed",
	"seat_link_not_allowed",
	// CustomersDot.
	"invalid_license", "license_revoked", "license_expired", "license_not_started", "invalid_activation_code",
	"credits_exhausted", "not_entitled", "unknown_consumer", "no_credentials",
	// The gateway.
	"rate_limited", "unknown_route", "origin_unreachable",
}

// Reasons lists every reason for which a service refuses. Each stub names its own; they
// are collected here because whoever reads a journal must know them all.
func Reasons() []token.Reason { return slices.Concat(token.Reasons(), others) }
