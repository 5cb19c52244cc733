package railsstub

import (
	"context"
	"errors"
	"fmt"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/world"
)

// changeJobs is the action control.ActionJobs: what goes wrong with Sidekiq.
func (s *Stub) changeJobs(ctx context.Context, ask control.JobsRequest) (control.Done, error) {
	i, err := s.instance(ask.Instance)
	if err != nil {
		return control.Done{}, err
	}
	if ask.Run != nil && *ask.Run {
		defer i.resume(ctx) // after the lock is given back
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if ask.StaleLicense != nil {
		i.stale = nil
		if *ask.StaleLicense {
			if i.license == nil {
				return control.Done{}, fmt.Errorf("%s holds no licence that could become stale", i.name)
			}
			i.stale = i.license
		}
	}
	if ask.Run != nil {
		i.halted = !*ask.Run
	}
	return control.Done{}, nil
}

// uploadLicense installs a licence key, as Admin > Subscription does with a licence file.
// The one installed last is the instance's licence.
func (s *Stub) uploadLicense(_ context.Context, ask control.UploadRequest) (control.Done, error) {
	i, err := s.instance(ask.Instance)
	if err != nil {
		return control.Done{}, err
	}
	if i.given.Realm == world.SaaS {
		return control.Done{}, errors.New("GitLab.com takes no licence here")
	}
	l, err := newLicense(ask.Key)
	if err != nil {
		return control.Done{}, fmt.Errorf("key: %w", err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return control.Done{}, i.hold(l, i.service.Clock().Now())
}

// restart ends what an instance's processes have in their memory: the signing key and the
// licence. What is in the database stays.
func (s *Stub) restart(_ context.Context, ask control.RestartRequest) (control.Done, error) {
	i, err := s.instance(ask.Service)
	if err != nil {
		return control.Done{}, err
	}
	i.keys.reload()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stale = nil
	return control.Done{}, nil
}
