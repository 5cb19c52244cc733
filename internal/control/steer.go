package control

import (
	"context"
	"net/http"
)

// Seed is the seed of the first process.
func (c *Client) Seed() uint64 { return c.planes[0].info.Seed }

// Clock returns the state of the clock of the first process; all are kept at the same
// time.
func (c *Client) Clock(ctx context.Context) (Clock, error) {
	var state Clock
	err := c.call(ctx, c.planes[0], http.MethodGet, "/v1/clock", nil, &state)
	return state, err
}

// SetFrozen stops the clock in all processes, or lets it run on.
func (c *Client) SetFrozen(ctx context.Context, frozen bool) error {
	return c.setClock(ctx, SetClock{Frozen: &frozen})
}

// Reset puts all processes back into the world that they were started with. A clock that
// stands still does so from then on at that world's time.
func (c *Client) Reset(ctx context.Context) error {
	for _, p := range c.planes {
		if err := c.call(ctx, p, http.MethodPost, "/v1/reset", nil, nil); err != nil {
			return err
		}
	}
	return c.refresh(ctx)
}
