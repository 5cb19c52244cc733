package railsstub

import (
	"context"
	"errors"
	"fmt"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/world"
)

// Actions lists what instances can be asked to do.
func (s *Stub) Actions() map[string]control.Action {
	return map[string]control.Action{
		control.ActionSync:        control.Do(s.sync),
		control.ActionSeatLink:    control.Do(s.manualSync),
		control.ActionActivate:    control.Do(s.activate),
		control.ActionAccessToken: control.Do(s.accessToken),
		control.ActionAssignSeat:  control.Do(s.assignSeat),
		control.ActionSetUser:     control.Do(s.setUser),
		control.ActionUpgrade:     control.Do(s.upgrade),
		control.ActionStored:      control.Do(s.stored),
		control.ActionJobs:        control.Do(s.changeJobs),
		control.ActionUpload:      control.Do(s.uploadLicense),
		control.ActionSettings:    control.Do(s.changeSettings),
		control.ActionNetwork:     control.Do(s.changeNetwork),
		control.ActionRestore:     control.Do(s.restore),
		control.ActionRestart:     control.Do(s.restart),
		control.ActionSign:        control.Do(s.sign),
		control.ActionRotateKeys:  control.Do(s.rotateKeys),
		control.ActionPurchase:    control.Do(s.purchase),
		control.ActionCancelAddOn: control.Do(s.cancelAddOn),
	}
}

// sync runs the token sync job, which is tried again later if it raises.
func (s *Stub) sync(ctx context.Context, ask control.SyncRequest) (control.SyncResult, error) {
	i, err := s.instance(ask.Instance)
	if err != nil {
		return control.SyncResult{}, err
	}
	w := i.onDemand(ctx)
	w.force = ask.Force
	return i.answer(i.perform(ctx, tokenSync, w)), nil
}

// manualSync is the button "Sync" of Admin > Subscription: a seat link, and a token sync
// after it.
func (s *Stub) manualSync(ctx context.Context, ask control.InstanceRequest) (control.SyncResult, error) {
	i, err := s.instance(ask.Instance)
	if err != nil {
		return control.SyncResult{}, err
	}
	w := i.onDemand(ctx)
	w.refresh = true
	return i.answer(i.perform(ctx, seatLink, w)), nil
}

func (s *Stub) activate(ctx context.Context, ask control.ActivateRequest) (control.SyncResult, error) {
	i, err := s.instance(ask.Instance)
	if err != nil {
		return control.SyncResult{}, err
	}
	if i.given.Realm == world.SaaS {
		return control.SyncResult{}, errors.New("GitLab.com is not activated")
	}
	w := i.onDemand(ctx)
	if w.code = ask.Code; w.code == "" {
		w.code = i.given.ActivationCode()
	}
	return i.answer(i.perform(ctx, activation, w)), nil
}

func (s *Stub) accessToken(ctx context.Context, ask control.AccessTokenRequest) (control.TokenResult, error) {
	return s.AccessToken(ctx, ask.Instance, ask.User, ask.Scopes, ask.ExtraClaims)
}

func (s *Stub) assignSeat(_ context.Context, ask control.SeatRequest) (control.Done, error) {
	i, err := s.instanceOf(ask.User)
	if err != nil {
		return control.Done{}, err
	}
	if ask.AddOn == "" {
		return control.Done{}, errors.New("add_on: missing")
	}
	return control.Done{}, i.assignSeat(ask)
}

func (s *Stub) setUser(_ context.Context, ask control.SetUserRequest) (control.Done, error) {
	i, err := s.instanceOf(ask.User)
	if err != nil {
		return control.Done{}, err
	}
	i.setUser(ask)
	return control.Done{}, nil
}

func (s *Stub) upgrade(_ context.Context, ask control.UpgradeRequest) (control.Done, error) {
	i, err := s.instance(ask.Instance)
	if err != nil {
		return control.Done{}, err
	}
	if err := i.upgrade(ask.GitLabVersion); err != nil {
		return control.Done{}, fmt.Errorf("gitlab_version: %w", err)
	}
	return control.Done{}, nil
}

func (s *Stub) stored(_ context.Context, ask control.InstanceRequest) (control.StoredResult, error) {
	i, err := s.instance(ask.Instance)
	if err != nil {
		return control.StoredResult{}, err
	}
	found := control.StoredResult{Tokens: []control.StoredToken{}, Purchases: i.heldPurchases()}
	i.mu.RLock()
	defer i.mu.RUnlock()
	for _, t := range i.synced.tokens {
		found.Tokens = append(found.Tokens, control.StoredToken{Token: *t.token, ExpiresAt: t.expiresAt})
	}
	if l := i.license; l != nil {
		found.License = &control.StoredLicense{ID: l.file.ID, Kind: string(l.Kind), ExpiresAt: l.ExpiresAt}
	}
	return found, nil
}

func (s *Stub) rotateKeys(_ context.Context, ask control.KeysRequest) (control.KeysResult, error) {
	i, err := s.instance(ask.Service)
	if err != nil {
		return control.KeysResult{}, err
	}
	return i.rotateKeys(ask)
}

func (s *Stub) sign(_ context.Context, ask control.SignRequest) (control.TokenResult, error) {
	i, err := s.instance(ask.Service)
	if err != nil {
		return control.TokenResult{}, err
	}
	return i.forge(ask)
}
