package token

import (
	"fmt"
	"net/http"
	"strings"
)

// FromHeader returns the token of "Authorization: Bearer <token>". The scheme's case
// does not matter. The error is a *Refusal: NoToken without the header or without
// anything after the scheme, WrongScheme for another scheme, Malformed for more than
// one Authorization header or more than one word after the scheme.
func FromHeader(h http.Header) (string, error) {
	values := h.Values("Authorization")
	if len(values) == 0 {
		return "", &Refusal{NoToken, "no Authorization header"}
	}
	if len(values) > 1 {
		return "", malformed("expected one Authorization header, got %d", len(values))
	}
	scheme, rest, found := strings.Cut(strings.Trim(values[0], " \t"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		// What stands first may be the token itself, so only a short word is repeated.
		if !found || len(scheme) > 16 {
			return "", &Refusal{WrongScheme, "expected Authorization \"Bearer <token>\", got no scheme"}
		}
		return "", &Refusal{WrongScheme, fmt.Sprintf("expected Authorization scheme \"Bearer\", got %q", scheme)}
	}
	raw := strings.TrimLeft(rest, " ")
	if raw == "" {
		return "", &Refusal{NoToken, "nothing after \"Bearer\" in the Authorization header"}
	}
	if strings.ContainsAny(raw, " \t,") {
		return "", malformed("expected one token after \"Bearer\", got several words")
	}
	return raw, nil
}
