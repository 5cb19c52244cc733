// Package quota asks CustomersDot whether a consumer has credits left, as the backends do
// that cost some, and remembers the answers.
package quota

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/stub"
)

// ReasonUnavailable is why a backend refuses to which CustomersDot did not say anything.
// What it says are its own refusals, with its own reasons.
const ReasonUnavailable = "quota_unavailable"

// CustomersDot's credentials, those of GitLab.com's own API user in a development setup.
const (
	user  = "gl_com_api@gitlab.com"
	token = "customer_admin_token"
)

const (
	timeout = time.Second // of one question, in real time
	ttl     = time.Hour   // of an answer that names none
	kept    = 10_000      // answers
)

// Field is one of the query. Keyed says that answers are kept by it. An empty one is not
// sent unless Always is set.
type Field struct {
	Name   string
	Keyed  bool
	Value  string
	Always bool
}

// Client asks for credits. It is safe for concurrent use.
type Client struct {
	clock  clock.Clock
	random *stub.Random
	client *http.Client
	url    string

	mu     sync.Mutex
	kept   map[[sha256.Size]byte]answer
	asking map[[sha256.Size]byte]*question
}

type answer struct {
	status int
	until  time.Time
}

// question is one under way, which others wait for who have the same.
type question struct {
	done   chan struct{}
	status int
	err    error
}

// New returns a client without answers. The transport is that of the backend.
func New(c clock.Clock, random *stub.Random, transport http.RoundTripper, customersDot string) *Client {
	q := &Client{clock: c, random: random, url: strings.TrimSuffix(customersDot, "/") + "/api/v1/consumers/resolve", client: &http.Client{
		Transport: transport, Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	q.Forget()
	return q
}

// Forget drops all answers.
func (q *Client) Forget() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.kept, q.asking = map[[sha256.Size]byte]answer{}, map[[sha256.Size]byte]*question{}
}

// Resolve is CustomersDot's status for a consumer, kept or fetched. An answer of another
// status than 200, 402 and 403 is an error, and no error is kept.
func (q *Client) Resolve(ctx context.Context, query []Field) (int, error) {
	var keyed strings.Builder
	for _, f := range query {
		if f.Keyed {
			fmt.Fprintf(&keyed, "%s=%s\x00", f.Name, f.Value)
		}
	}
	key := sha256.Sum256([]byte(keyed.String()))
	q.mu.Lock()
	if a, ok := q.kept[key]; ok && q.clock.Now().Before(a.until) {
		q.mu.Unlock()
		return a.status, nil
	}
	if under, ok := q.asking[key]; ok {
		q.mu.Unlock()
		select {
		case <-under.done:
			return under.status, under.err
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	mine := &question{done: make(chan struct{})}
	q.asking[key] = mine
	q.mu.Unlock()

	var age time.Duration
	mine.status, age, mine.err = q.fetch(context.WithoutCancel(ctx), query)
	q.mu.Lock()
	if q.asking[key] == mine { // else forgotten meanwhile
		delete(q.asking, key)
		if mine.err == nil {
			if len(q.kept) >= kept {
				clear(q.kept)
			}
			q.kept[key] = answer{mine.status, q.clock.Now().Add(q.jitter(age))}
		}
	}
	q.mu.Unlock()
	close(mine.done)
	return mine.status, mine.err
}

// jitter makes a time up to a tenth longer or shorter, so that answers do not all end at
// once.
func (q *Client) jitter(age time.Duration) time.Duration {
	n, _ := strconv.ParseUint(q.random.Hex(2), 16, 16)
	return age + time.Duration(float64(age)*0.1*(2*float64(n)/0xffff-1))
}

func (q *Client) fetch(ctx context.Context, query []Field) (status int, age time.Duration, err error) {
	parts := make([]string, 0, len(query))
	for _, f := range query {
		if f.Value != "" || f.Always {
			parts = append(parts, f.Name+"="+url.QueryEscape(f.Value))
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, q.url+"?"+strings.Join(parts, "&"), nil)
	if err != nil {
		return 0, 0, err
	}
	req.Header.Set("X-Admin-Email", user)
	req.Header.Set("X-Admin-Token", token)
	resp, err := q.client.Do(req)
	if err != nil {
		return 0, 0, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<10))
	_ = resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK, http.StatusPaymentRequired, http.StatusForbidden:
		return resp.StatusCode, maxAge(resp.Header), nil
	}
	return 0, 0, fmt.Errorf("expected status 200, 402 or 403, got %d", resp.StatusCode)
}

// maxAge is how long an answer says that it is good.
func maxAge(h http.Header) time.Duration {
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if n, err := strconv.ParseUint(value, 10, 31); err == nil && strings.EqualFold(name, "max-age") {
			return time.Duration(n) * time.Second
		}
	}
	return ttl
}
