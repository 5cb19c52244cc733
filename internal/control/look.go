package control

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/ccmock/ccmock/internal/journal"
)

// Mark is a place in the journals of all processes.
type Mark []uint64

// Sight is what a look at the journals shows.
type Sight struct {
	Entries []journal.Entry // in the order in which they were made
	End     Mark            // of the journals then
	Now     time.Time       // in the first process
}

// Look reads the entries after a mark (all, if it is nil) of one request (all, if its id is
// empty).
func (c *Client) Look(ctx context.Context, after Mark, requestID string) (Sight, error) {
	s := Sight{End: make(Mark, len(c.planes))}
	for n, p := range c.planes {
		query := url.Values{}
		if after != nil {
			query.Set("after", fmt.Sprint(after[n]))
		}
		if requestID != "" {
			query.Set("request", requestID)
		}
		var e Entries
		if err := c.call(ctx, p, http.MethodGet, "/v1/journal?"+query.Encode(), nil, &e); err != nil {
			return Sight{}, err
		}
		s.Entries = append(s.Entries, e.Entries...)
		s.End[n] = e.Last
		if n == 0 {
			s.Now = e.Now
		}
	}
	if len(c.planes) > 1 {
		slices.SortStableFunc(s.Entries, func(a, b journal.Entry) int { return a.At.Compare(b.At) })
	}
	return s, nil
}

// LookUp is a Look that shows no entry, but the end of the journals and the time.
func (c *Client) LookUp(ctx context.Context) (Sight, error) {
	after := make(Mark, len(c.planes))
	for n := range after {
		after[n] = math.MaxUint64
	}
	return c.Look(ctx, after, "")
}

// Mark returns the present end of the journals.
func (c *Client) Mark(ctx context.Context) (Mark, error) {
	s, err := c.LookUp(ctx)
	return s.End, err
}

// Journal returns the entries of a Look.
func (c *Client) Journal(ctx context.Context, after Mark, requestID string) ([]journal.Entry, error) {
	s, err := c.Look(ctx, after, requestID)
	return s.Entries, err
}
