package graphql

import (
	"encoding/json"
	"errors"
	"time"
)

// Time is a scalar of instants, in ISO 8601: ISO8601DateTime at CustomersDot, Time at
// GitLab. It is never an input.
type Time struct{ time.Time }

// ImplementsGraphQLType names the scalars that it stands for.
func (Time) ImplementsGraphQLType(name string) bool {
	return name == "ISO8601DateTime" || name == "Time"
}

// UnmarshalGraphQL refuses to be an input.
func (*Time) UnmarshalGraphQL(any) error { return errors.New("a time is not an input") }

// MarshalJSON writes whole seconds, in UTC.
func (t Time) MarshalJSON() ([]byte, error) {
	return json.Marshal(t.UTC().Format("2006-01-02T15:04:05Z07:00"))
}

// JSON is the scalar JSON. It is never an input.
type JSON struct{ json.RawMessage }

// ImplementsGraphQLType names the scalar that it stands for.
func (JSON) ImplementsGraphQLType(name string) bool { return name == "JSON" }

// UnmarshalGraphQL refuses to be an input.
func (*JSON) UnmarshalGraphQL(any) error { return errors.New("JSON is not an input") }
