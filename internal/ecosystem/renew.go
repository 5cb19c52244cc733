package ecosystem

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/ccmock/ccmock/internal/world"
)

// Renew puts the ecosystem into another world as if it had been started there: at its time,
// with the ids that the seed gives from the first on, first signing keys, empty caches, no
// journal, faults, skews, jobs or limits of before. Open connections stay.
//
// The world must have instances of the same names as the one before, as each has its
// listener, and the clock must stand still. Renew waits until no request is being answered,
// so that nothing of before comes late; the context bounds the waiting. After an error the
// ecosystem is good for nothing but Close.
func (e *Ecosystem) Renew(ctx context.Context, w world.World) error {
	o := Options{World: w}
	if err := o.completeWorld(); err != nil {
		return err
	}
	if !slices.Equal(instanceNames(o.World), instanceNames(e.options.World)) {
		return fmt.Errorf("renew: expected the instances %q, got %q", instanceNames(e.options.World), instanceNames(o.World))
	}
	if !e.options.Clock.Frozen() {
		return errors.New("renew: the clock is running")
	}
	for _, s := range e.servers {
		select {
		case <-s.Done():
			return fmt.Errorf("renew: %s has stopped serving", s.URL())
		default:
		}
	}
	if err := e.busy.rest(ctx); err != nil {
		return fmt.Errorf("renew: requests are under way: %w", err)
	}
	e.options.World = o.World
	e.env.Random.Restart()
	return e.plane.Renew(o.World)
}

func instanceNames(w world.World) []string {
	names := make([]string, len(w.Instances))
	for n, i := range w.Instances {
		names[n] = i.Name
	}
	slices.Sort(names)
	return names
}

// busy counts the requests that are being answered, by all servers of an ecosystem.
type busy struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n is 0 again; nil before the first request
}

func (b *busy) count(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.begin()
		defer b.end()
		h.ServeHTTP(w, r)
	})
}

func (b *busy) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n == 0 {
		b.idle = make(chan struct{})
	}
	b.n++
}

func (b *busy) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n--; b.n == 0 {
		close(b.idle)
	}
}

// rest waits until there are none.
func (b *busy) rest(ctx context.Context) error {
	for {
		b.mu.Lock()
		n, idle := b.n, b.idle
		b.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
