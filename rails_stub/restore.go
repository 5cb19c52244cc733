package railsstub

import (
	"context"
	"errors"
	"slices"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/world"
)

// restore is the action control.ActionRestore. Like an upgrade, it restarts the instance.
func (s *Stub) restore(_ context.Context, ask control.RestoreRequest) (control.Done, error) {
	i, err := s.instance(ask.Instance)
	if err != nil {
		return control.Done{}, err
	}
	from, err := s.instance(ask.From)
	switch {
	case err != nil:
		return control.Done{}, err
	case i == from:
		return control.Done{}, errors.New("from: an instance's own database changes nothing")
	case i.given.Realm == world.SaaS || from.given.Realm == world.SaaS:
		return control.Done{}, errors.New("the database of GitLab.com is not restored elsewhere, nor another one there")
	}
	from.mu.RLock()
	held, bought, synced := from.license, slices.Clone(from.purchases), from.synced
	synced.tokens = slices.Clone(synced.tokens)
	from.mu.RUnlock()
	if !ask.OwnUUID {
		given := i.given
		given.GitLabVersion, given.UUID = i.installed().version.String(), from.installed().uuid
		r, err := i.newRelease(given)
		if err != nil {
			return control.Done{}, err
		}
		i.release.Store(r)
	}
	i.mu.Lock()
	i.license, i.stale, i.purchases, i.synced = held, nil, bought, synced
	i.mu.Unlock()
	i.keys.reload()
	return control.Done{}, nil
}
