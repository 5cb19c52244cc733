package inprocess

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/world"
	"github.com/ccmock/ccmock/scenarios"
)

// mostIdle is how many ecosystems wait for a flow. The one that has waited longest is
// closed for another.
const mostIdle = 16

// restTimeout is how long a flow waits for an ecosystem in which somebody still answers a
// request, in real time, before it gets another.
const restTimeout = time.Second

// Pool starts ecosystems for flows, and keeps them for others. It is safe for concurrent
// use.
type Pool struct {
	options ecosystem.Options

	mu     sync.Mutex
	idle   []*stage // the one that has waited longest is the first
	closed bool
}

// stage is an ecosystem for flows.
type stage struct {
	*ecosystem.Ecosystem
	features  []feature.Feature
	instances []string
	target    scenarios.Target
	leave     func() // ends the target's connections
}

// New returns a pool of ecosystems with these options. World and Features come from the
// flows; Clock is each ecosystem's own.
func New(o ecosystem.Options) *Pool {
	o.Clock = nil
	return &Pool{options: o}
}

// Start gives a flow an ecosystem in the world that it takes as given. When the flow has
// ended, stop takes it back. It is meant for scenarios.Options.
func (p *Pool) Start(ctx context.Context, given world.World, features []feature.Feature) (target scenarios.Target, stop func(), err error) {
	for {
		s := p.take(given, features)
		if s == nil {
			break
		}
		if renew(ctx, s, given) == nil {
			return s.target, p.stop(ctx, s), nil
		}
		s.close()
	}
	s, err := p.start(ctx, given, features)
	if err != nil {
		return scenarios.Target{}, nil, err
	}
	return s.target, p.stop(ctx, s), nil
}

func renew(ctx context.Context, s *stage, given world.World) error {
	ctx, cancel := context.WithTimeout(ctx, restTimeout)
	defer cancel()
	return s.Renew(ctx, given)
}

func (p *Pool) start(ctx context.Context, given world.World, features []feature.Feature) (*stage, error) {
	o := p.options
	o.World, o.Features = given, features
	e, err := ecosystem.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &stage{Ecosystem: e, features: features, instances: names(given), leave: func() {}}
	target := scenarios.Target{Name: scenarios.InProcess, Control: []string{e.ControlURL()}, ControlToken: o.ControlToken}
	opened, leave, err := target.Open(ctx)
	if err != nil {
		s.close()
		return nil, err
	}
	s.target, s.leave = opened, leave
	return s, nil
}

// take finds an idle ecosystem for such flows, nil if there is none: the one that was used
// last, whose memory is warm.
func (p *Pool) take(given world.World, features []feature.Feature) *stage {
	p.mu.Lock()
	defer p.mu.Unlock()
	instances := names(given)
	for n := len(p.idle) - 1; n >= 0; n-- {
		s := p.idle[n]
		if slices.Equal(s.instances, instances) && reflect.DeepEqual(s.features, features) {
			p.idle = slices.Delete(p.idle, n, n+1)
			return s
		}
	}
	return nil
}

// stop takes an ecosystem back. One whose flow was interrupted is not used again: a
// request that nobody waits for may be on its way to a service.
func (p *Pool) stop(ctx context.Context, s *stage) func() {
	return sync.OnceFunc(func() {
		if drop := p.put(s, ctx.Err() == nil); drop != nil {
			drop.close()
		}
	})
}

// put returns the ecosystem that has to go, if any.
func (p *Pool) put(s *stage, usable bool) *stage {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || !usable {
		return s
	}
	p.idle = append(p.idle, s)
	if len(p.idle) <= mostIdle {
		return nil
	}
	oldest := p.idle[0]
	p.idle = slices.Delete(p.idle, 0, 1)
	return oldest
}

// Close closes the ecosystems that are idle now, and the others when their flows end.
func (p *Pool) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	var closing sync.WaitGroup
	for _, s := range idle {
		closing.Go(s.close)
	}
	closing.Wait()
}

func (s *stage) close() {
	s.leave()
	// A flow that was interrupted leaves requests behind; they are cut off.
	_ = s.Close(context.Background())
}

// names are those of the instances, GitLab.com among them, sorted.
func names(w world.World) []string {
	found := make([]string, 0, len(w.Instances)+1)
	for _, i := range w.Instances {
		found = append(found, i.Name)
	}
	if !slices.Contains(found, world.GitLabCom) {
		found = append(found, world.GitLabCom)
	}
	slices.Sort(found)
	return found
}
