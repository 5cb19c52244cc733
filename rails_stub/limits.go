package railsstub

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/ccmock/ccmock/internal/stub"
)

// limit is how many requests of a user pass in an interval. GitLab's intervals do not
// slide: they begin at multiples of their length. A number of 0 limits nothing.
type limit struct {
	requests int
	interval time.Duration
}

// orElse is the limit with another number of requests, if one is set.
func (l limit) orElse(requests *int) limit {
	if requests != nil {
		l.requests = *requests
	}
	return l
}

// The limits that no version has changed.
var (
	completionsLimit       = limit{60, time.Minute}
	connectionDetailsLimit = limit{10, time.Minute}
	aiActionLimit          = limit{160, 8 * time.Hour}
)

// limiter counts requests. It is Gitlab::ApplicationRateLimiter.
type limiter struct {
	mu     sync.Mutex
	counts map[limited]count
}

type limited struct {
	what string
	user int
}

type count struct{ interval, requests int64 }

// throttled counts one request and reports whether it is one too many.
func (l *limiter) throttled(what string, user int, of limit, now time.Time) bool {
	if of.requests == 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[limited]count{}
	}
	key := limited{what, user}
	c, interval := l.counts[key], now.Unix()/int64(of.interval.Seconds())
	if c.interval != interval {
		c = count{interval: interval}
	}
	c.requests++
	l.counts[key] = c
	return c.requests > int64(of.requests)
}

const tooManyRequests = "This endpoint has been requested too many times. Try again later."

// limitRate is what the REST API does with a request that is one too many. Header may be
// nil.
func (i *Instance) limitRate(what string, p *person, of limit, header http.Header) error {
	if !i.limits.throttled(what, p.ID, of, i.service.Clock().Now()) {
		return nil
	}
	h := http.Header{"Retry-After": {strconv.Itoa(int(of.interval.Seconds()))}}
	for name, values := range header {
		h[name] = values
	}
	return &stub.Error{
		Status: http.StatusTooManyRequests, Header: h, Reason: string(RateLimited),
		Detail: strconv.Itoa(of.requests) + " requests of " + what + " pass in " + of.interval.String(),
		Body:   map[string]any{"message": map[string]string{"error": tooManyRequests}},
	}
}
