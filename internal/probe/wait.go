package probe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
)

// Wait returns when the service answers, or says why it does not. Answers by which a proxy
// says that nobody is there yet do not count.
func (p *Probe) Wait(ctx context.Context, atMost time.Duration) error {
	within, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	last := context.DeadlineExceeded
	for {
		status, err := p.ask(within)
		switch {
		case err == nil && (status < http.StatusBadGateway || status > http.StatusGatewayTimeout):
			return nil
		case err == nil:
			last = fmt.Errorf("it answers %d", status)
		case within.Err() == nil:
			last = reason(err)
		}
		if clock.Wait(within, 50*time.Millisecond) != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("%s did not answer within %s: %w", p.options.URL, atMost, last)
		}
	}
}

// reason leaves out of an error of a call what was called.
func reason(err error) error {
	var called *url.Error
	if errors.As(err, &called) {
		return called.Err
	}
	return err
}

// ask calls the endpoint without a token, and in no way that could do anything.
func (p *Probe) ask(ctx context.Context) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.options.URL, nil)
	if err != nil {
		return 0, err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}
