package railsstub

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// synced is what an instance has stored of CustomersDot's answers: the tables
// service_access_tokens and cloud_connector_access.
type synced struct {
	tokens   []storedToken   // oldest first
	stored   bool            // whether there is a row of cloud_connector_access
	updated  time.Time       // when that row was last written
	catalog  json.RawMessage // as it was sent; nil: none was
	services map[string]offer
	// primitives stay as they are when a later answer has no catalog.
	primitives map[string]offer
}

// storedToken is a row of service_access_tokens.
type storedToken struct {
	accessToken
	createdAt, expiresAt time.Time
}

// current is the token to use: of those that have not expired, the last one stored.
func (s *synced) current(now time.Time) accessToken {
	for _, t := range slices.Backward(s.tokens) {
		if t.expiresAt.After(now) {
			return t.accessToken
		}
	}
	return accessToken{}
}

// refreshWithin is how long before its end GitLab replaces a token.
const refreshWithin = 48 * time.Hour

// lasts reports whether the last token stored needs no refresh yet.
func (s *synced) lasts(now time.Time) bool {
	if len(s.tokens) == 0 {
		return false
	}
	return !s.tokens[len(s.tokens)-1].expiresAt.Before(now.Add(refreshWithin))
}

// storeToken does what the storage service does with a token and its expiry: both there,
// it is added and expired ones go; otherwise every token goes.
func (s *synced) storeToken(raw, expiresAt any, now time.Time) (action string, _ error) {
	if blank(raw) || blank(expiresAt) {
		s.tokens = nil
		return "cleanup_all", nil
	}
	text, ok := raw.(string)
	if !ok {
		return "", fmt.Errorf("token: expected a string, got %T", raw)
	}
	until, err := parseExpiry(expiresAt)
	if err != nil {
		return "", err
	}
	row := storedToken{newAccessToken(text), now, until}
	s.tokens = slices.DeleteFunc(append(slices.Clone(s.tokens), row), func(t storedToken) bool { return t.expiresAt.Before(now) })
	return "created", nil
}

// blank is Ruby's blank? for what JSON can hold.
func blank(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return strings.TrimSpace(v) == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// parseExpiry reads an expiresAt: a text in ISO 8601, or a number of seconds since 1970.
// Anything else becomes nil in Rails, which the model does not accept.
func parseExpiry(v any) (time.Time, error) {
	switch v := v.(type) {
	case string:
		at, err := time.Parse(time.RFC3339Nano, v)
		if err != nil {
			if at, err = time.Parse(time.DateOnly, v); err != nil {
				return time.Time{}, fmt.Errorf("invalid xmlschema date: %q", v)
			}
		}
		return at.UTC(), nil
	case float64:
		if v > 0 && v < math.MaxInt32*1000.0 {
			return time.UnixMilli(int64(v * 1000)).UTC(), nil
		}
	}
	return time.Time{}, errors.New("Validation failed: Expires at can't be blank") //nolint:staticcheck // Rails' own words
}

// storeAccess does what the storage services do with availableServices and the catalog.
// The error is the job's; the warnings tell of entries that cannot be understood, which
// Rails would find out when it needs them.
func (s *synced) storeAccess(services, catalogText json.RawMessage, rule syncRule, now time.Time) (warnings []error, _ error) {
	if rule.services != "" {
		s.services, warnings = readServices(services)
	}
	switch {
	case !rule.catalog:
	case !isNull(catalogText):
		primitives, more := readPrimitives(catalogText)
		s.primitives, warnings = primitives, append(warnings, more...)
		s.catalog = catalogText
	case rule.needs && !s.stored:
		return warnings, errors.New("Catalog can't be blank") //nolint:staticcheck // Rails' own words
	}
	s.stored, s.updated = true, now
	return warnings, nil
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }
