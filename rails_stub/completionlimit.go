package railsstub

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/ccmock/ccmock/internal/stub"
)

// tally counts what a user asked for since the beginning of a minute.
type tally struct {
	since time.Time
	count int
}

// limitCompletions refuses who has asked for too many code completions within a minute,
// where the instance has a limit.
func (i *Instance) limitCompletions(p *person, now time.Time) error {
	i.mu.RLock()
	limit := i.around.limit
	i.mu.RUnlock()
	if limit == 0 {
		return nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	minute := now.Truncate(time.Minute)
	t := i.asked[p.Name]
	if !t.since.Equal(minute) {
		t = tally{since: minute}
	}
	t.count++
	if i.asked == nil {
		i.asked = map[string]tally{}
	}
	i.asked[p.Name] = t
	if t.count <= limit {
		return nil
	}
	return &stub.Error{
		Status: http.StatusTooManyRequests, Reason: string(RateLimited),
		Header: http.Header{"Retry-After": {strconv.Itoa(int(time.Minute / time.Second))}},
		Body: map[string]any{"message": map[string]string{
			"error": "This endpoint has been requested too many times. Try again later.",
		}},
		Detail: fmt.Sprintf("%q has asked %d times within a minute, and %s allows %d", p.Name, t.count, i.name, limit),
	}
}
