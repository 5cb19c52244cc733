package railsstub

import (
	"net/http"

	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
)

// The reasons for which an instance refuses a user's call, beside token.NoToken (there is
// no valid Cloud Connector token, and this version makes no call without).
const (
	UserUnauthenticated token.Reason = "user_unauthenticated" // no personal access token, or an unknown one
	UserTokenExpired    token.Reason = "user_token_expired"   // the personal access token has expired
	UserTokenScope      token.Reason = "user_token_scope"     // it has neither the scope api nor ai_features
	UserBlocked         token.Reason = "user_blocked"         // the user's account is blocked
	UserNotAllowed      token.Reason = "user_not_allowed"     // the instance's own policy keeps the feature from the user
	FeatureUnknown      token.Reason = "feature_unknown"      // the catalog that the instance holds does not have the feature
	AddOnMissing        token.Reason = "add_on_missing"       // free access is over and no add-on covers the feature
	SeatMissing         token.Reason = "seat_missing"         // it was bought, and the user has no seat of it
	LicenseInsufficient token.Reason = "license_insufficient" // the instance's licence does not include the feature
	InvalidRequest      token.Reason = "invalid_request"      // a parameter is missing or wrong
	BodyTooLarge        token.Reason = "body_too_large"       // more than the endpoint takes
	EndpointUnknown     token.Reason = "endpoint_unknown"     // not in this GitLab version yet
	GatewayUnreachable  token.Reason = "gateway_unreachable"  // no answer from the gateway, or none in time
	GatewayRefused      token.Reason = "gateway_refused"      // no user token for direct access
	ClientGone          token.Reason = "client_gone"          // the client went away before the answer
	SigningKeyMissing   token.Reason = "signing_key_missing"  // no key to sign a token with
	CustomersDotFailed  token.Reason = "customersdot_failed"  // CustomersDot cannot be reached or answers nonsense: the job is retried
	CustomersDotRefused token.Reason = "customersdot_refused" // CustomersDot answers with an error
	SyncNotPossible     token.Reason = "sync_not_possible"    // the licence does not allow a sync, so CustomersDot is not asked
	StorageFailed       token.Reason = "storage_failed"       // what CustomersDot sent cannot be stored
	ActivationFailed    token.Reason = "activation_failed"    // the activation code was not taken
)

// Reasons lists every reason of this package.
func Reasons() []token.Reason {
	return []token.Reason{
		UserUnauthenticated, UserTokenExpired, UserTokenScope, UserBlocked, UserNotAllowed, FeatureUnknown,
		AddOnMissing, SeatMissing, LicenseInsufficient, InvalidRequest, BodyTooLarge, EndpointUnknown,
		GatewayUnreachable, GatewayRefused, ClientGone, SigningKeyMissing, CustomersDotFailed,
		CustomersDotRefused, SyncNotPossible, StorageFailed, ActivationFailed,
	}
}

// errorOrigin tells a client that GitLab itself refused, and not what stands behind it.
var errorOrigin = http.Header{"X-Gitlab-Error-Origin": {"monolith"}}

// unauthorized is the 401 of an endpoint for users.
func unauthorized(reason token.Reason, detail string) *stub.Error {
	return &stub.Error{
		Status: http.StatusUnauthorized, Message: "401 Unauthorized", Header: errorOrigin,
		Reason: string(reason), Detail: detail,
	}
}

// badRequest is what Grape answers when parameters are missing or wrong.
func badRequest(message string) error {
	return &stub.Error{
		Status: http.StatusBadRequest, Reason: string(InvalidRequest), Detail: message,
		Body: map[string]string{"error": message},
	}
}

// style words errors as GitLab's API does. An error without a reason is one of the
// frame's own: no such route, wrong method, a body that stopped half-way.
func style(e *stub.Error) stub.Reply {
	switch {
	case e.Message == workhorseError && e.Reason != "":
		return stub.Text(e.Status, workhorseError+"\n")
	case e.Reason != "":
		return stub.JSON(e.Status, map[string]string{"message": e.Message})
	case e.Status == http.StatusNotFound:
		return stub.JSON(e.Status, map[string]string{"error": "404 Not Found"})
	case e.Status == http.StatusMethodNotAllowed:
		return stub.JSON(e.Status, map[string]string{"error": "405 Not Allowed"})
	case e.Status == http.StatusBadRequest:
		return stub.JSON(e.Status, map[string]string{"message": "400 Bad request"})
	case e.Status == http.StatusRequestEntityTooLarge:
		return stub.JSON(e.Status, map[string]string{"message": "413 Request Entity Too Large"})
	}
	return stub.JSON(e.Status, map[string]string{"message": "500 Internal Server Error"})
}
