package customersdotstub

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/ccmock/ccmock/internal/world"
)

// expiry is the scalar ISO8601DateTime as a service token has it: a text or, if it is so
// set, a number, which GitLab reads as well.
type expiry struct {
	at   time.Time
	form world.ExpiresAtForm
}

func (expiry) ImplementsGraphQLType(name string) bool { return name == "ISO8601DateTime" }

func (*expiry) UnmarshalGraphQL(any) error { return failure("ISO8601DateTime is not an input") }

func (e expiry) MarshalJSON() ([]byte, error) {
	if e.form == world.ExpiresAtNumber {
		return strconv.AppendInt(nil, e.at.Unix(), 10), nil
	}
	return json.Marshal(iso8601{e.at})
}
