package railsstub

import (
	"encoding/json"
	"errors"
	"time"
)

// instant is the scalar Time, and date the scalar Date. They are never inputs.
type (
	instant struct{ at time.Time }
	date    struct{ at time.Time }
)

var errNoInput = errors.New("times are not inputs")

func (instant) ImplementsGraphQLType(name string) bool { return name == "Time" }

func (*instant) UnmarshalGraphQL(any) error { return errNoInput }

func (i instant) MarshalJSON() ([]byte, error) {
	return json.Marshal(i.at.UTC().Format(time.RFC3339))
}

func (date) ImplementsGraphQLType(name string) bool { return name == "Date" }

func (*date) UnmarshalGraphQL(any) error { return errNoInput }

func (d date) MarshalJSON() ([]byte, error) { return json.Marshal(d.at.UTC().Format(time.DateOnly)) }

// dateOf is no date for no time.
func dateOf(at time.Time) *date {
	if at.IsZero() {
		return nil
	}
	return &date{at}
}
