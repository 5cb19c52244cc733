package scenarios

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/journal"
)

// outcome is what came out of a step.
type outcome struct {
	err    error  // the action failed, or the connection did
	sent   bool   // whether it was a request of the step's own
	to     string // the service that it was sent to
	answer *answer
	raw    string         // the token that the action gave
	token  *journal.Token // likewise; of a job, the one that the instance has now
	job    *control.SyncResult
	stored *control.StoredResult
	keys   *control.KeysResult
	before control.KeysResult
	took   time.Duration // of stub time
}

// answer is an HTTP response.
type answer struct {
	status int
	header map[string][]string
	body   []byte

	streamed bool // its length was not known when it began
}

// do does what a step says.
func (p *player) do(ctx context.Context, s *Step, r *StepResult) *outcome {
	switch {
	case s.Use != nil:
		return p.use(ctx, s, r)
	case s.Call != nil:
		return p.call(ctx, s.Call, r)
	case s.Request != nil:
		return p.request(ctx, s.Request, r)
	case s.GRPC != nil:
		return p.callGRPC(ctx, s.GRPC, r)
	case s.AccessToken != nil:
		return p.accessToken(ctx, s.AccessToken)
	case s.Sign != nil:
		return p.sign(ctx, s.Sign)
	case s.Sync != nil:
		return p.job(ctx, control.ActionSync, control.SyncRequest{Instance: s.Sync.Instance, Force: s.Sync.Force}, r)
	case s.SeatLink != nil:
		return p.job(ctx, control.ActionSeatLink, control.InstanceRequest{Instance: s.SeatLink.Instance}, r)
	case s.Activate != nil:
		return p.activate(ctx, s.Activate, r)
	case s.Stored != nil:
		return p.stored(ctx, s.Stored, r)
	case s.RotateKeys != nil:
		return p.rotateKeys(ctx, s.RotateKeys, r)
	}
	return &outcome{err: p.change(ctx, s)}
}

// change does the actions that have nothing to tell but an error.
func (p *player) change(ctx context.Context, s *Step) error {
	switch {
	case s.AssignSeat != nil:
		return p.tell(ctx, control.ActionAssignSeat, control.SeatRequest{User: s.AssignSeat.User, AddOn: s.AssignSeat.AddOn, Remove: s.AssignSeat.Remove})
	case s.SetUser != nil:
		return p.tell(ctx, control.ActionSetUser, control.SetUserRequest{User: s.SetUser.User, Blocked: s.SetUser.Blocked, Denied: s.SetUser.Denied})
	case s.Upgrade != nil:
		return p.tell(ctx, control.ActionUpgrade, control.UpgradeRequest{Instance: s.Upgrade.Instance, GitLabVersion: s.Upgrade.GitLabVersion.String()})
	case s.Purchase != nil:
		return p.tell(ctx, control.ActionPurchase, control.PurchaseRequest{Instance: s.Purchase.Instance, Purchase: s.Purchase.Purchase})
	case s.CancelAddOn != nil:
		return p.tell(ctx, control.ActionCancelAddOn, control.CancelRequest{Instance: s.CancelAddOn.Instance, AddOn: s.CancelAddOn.AddOn})
	case s.RevokeLicense != nil:
		return p.tell(ctx, control.ActionRevokeLicense, control.InstanceRequest{Instance: s.RevokeLicense.Instance})
	case s.RenewLicense != nil:
		return p.tell(ctx, control.ActionRenewLicense, control.RenewRequest{Instance: s.RenewLicense.Instance, License: s.RenewLicense.License})
	case s.Catalog != nil:
		return p.tell(ctx, control.ActionCatalog, control.CatalogRequest{YAML: s.Catalog.YAML})
	case s.Credits != nil:
		return p.tell(ctx, control.ActionCredits, control.CreditsRequest{Instance: s.Credits.Instance, State: string(s.Credits.State)})
	case s.Jobs != nil:
		return p.tell(ctx, control.ActionJobs, control.JobsRequest{Instance: s.Jobs.Instance, Run: s.Jobs.Run, StaleLicense: s.Jobs.StaleLicense, LostArguments: s.Jobs.LostArguments})
	case s.UploadLicense != nil:
		return p.upload(ctx, s.UploadLicense)
	case s.Settings != nil, s.Network != nil, s.Restore != nil:
		return p.changeAround(ctx, s)
	case s.Misissue != nil:
		return p.misissue(ctx, s.Misissue)
	case s.Let != nil:
		return p.let(s.Let)
	case s.Limits != nil:
		return p.tell(ctx, control.ActionLimits, control.Limits{
			Window: s.Limits.Window, PerUser: s.Limits.PerUser, PerInstance: s.Limits.PerInstance, PerUnauthorized: s.Limits.PerUnauthorized,
		})
	case s.Model != nil:
		return p.tell(ctx, control.ActionModel, s.Model.request())
	case s.Restart != nil:
		return p.restart(ctx, s.Restart.Service)
	case s.Fault != nil:
		if s.Fault.Do.Reset {
			p.http.CloseIdleConnections() // as the services do; see control.Server
		}
		return p.client.AddFault(ctx, *s.Fault)
	case s.Heal != nil:
		return p.heal(ctx, *s.Heal)
	case s.Advance != nil:
		return p.client.Advance(ctx, *s.Advance)
	case s.SetTime != nil:
		return p.client.SetTime(ctx, *s.SetTime)
	case s.Skew != nil:
		return p.client.SetSkew(ctx, s.Skew.Service, s.Skew.By)
	}
	return errors.New("the step has no action")
}

func (p *player) tell(ctx context.Context, action string, args any) error {
	_, err := control.Call[control.Done](ctx, p.client, action, args)
	return err
}

// restart restarts one service, or everything that can be restarted.
func (p *player) restart(ctx context.Context, service string) error {
	if service != all {
		return p.tell(ctx, control.ActionRestart, control.RestartRequest{Service: service})
	}
	for _, s := range p.client.Services() {
		if s.Kind != journal.Backend && s.Kind != journal.Gateway {
			continue
		}
		if err := p.tell(ctx, control.ActionRestart, control.RestartRequest{Service: s.Name}); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) job(ctx context.Context, action string, args any, r *StepResult) *outcome {
	result, err := control.Call[control.SyncResult](ctx, p.client, action, args)
	if err != nil {
		return &outcome{err: err}
	}
	r.Answer = string(result.Outcome)
	if result.Message != "" {
		r.Answer += ": " + p.redact.text(result.Message)
	}
	return &outcome{job: &result, token: result.Token}
}

func (p *player) accessToken(ctx context.Context, a *AccessToken) *outcome {
	claims, err := expand(anyMap(a.ExtraClaims), p.resolve)
	if err != nil {
		return &outcome{err: err}
	}
	ask := control.AccessTokenRequest{Instance: a.Instance, User: a.User, Scopes: a.Scopes}
	ask.ExtraClaims, _ = claims.(map[string]any)
	if ask.Instance == "" {
		u, _ := p.flow.World.User(a.User)
		ask.Instance = u.Instance
	}
	if len(ask.Scopes) == 0 {
		for _, f := range p.flow.Features {
			ask.Scopes = append(ask.Scopes, f.Rails.Scopes...)
		}
	}
	return p.issue(ctx, control.ActionAccessToken, ask)
}

func (p *player) sign(ctx context.Context, s *Sign) *outcome {
	claims, err := expand(anyMap(s.Claims), p.resolve)
	if err != nil {
		return &outcome{err: err}
	}
	header, err := expand(anyMap(s.Header), p.resolve)
	if err != nil {
		return &outcome{err: err}
	}
	ask := control.SignRequest{Service: s.Service, Instance: s.Instance, Stranger: s.Stranger, Algorithm: s.Alg, HMACKey: s.HMACKey, Spoil: s.Spoil, Nulls: s.Nulls}
	ask.Claims, _ = claims.(map[string]any)
	ask.Header, _ = header.(map[string]any)
	return p.issue(ctx, control.ActionSign, ask)
}

func (p *player) issue(ctx context.Context, action string, ask any) *outcome {
	result, err := control.Call[control.TokenResult](ctx, p.client, action, ask)
	return &outcome{err: err, raw: result.Raw, token: result.Token}
}

// list is a step of a rotation that changes nothing.
const list = "list"

func (p *player) rotateKeys(ctx context.Context, k *RotateKeys, r *StepResult) *outcome {
	before, err := control.Call[control.KeysResult](ctx, p.client, control.ActionRotateKeys, control.KeysRequest{Service: k.Service, Step: list})
	if err != nil {
		return &outcome{err: err}
	}
	after, err := control.Call[control.KeysResult](ctx, p.client, control.ActionRotateKeys, control.KeysRequest{
		Service: k.Service, Step: k.Step, NoRestart: k.Restart != nil && !*k.Restart,
	})
	if err != nil {
		return &outcome{err: err}
	}
	r.Answer = fmt.Sprintf("published %s; %s signs", strings.Join(after.Published, ", "), after.Signing)
	return &outcome{keys: &after, before: before}
}

// value takes a value out of an answer: body.a.b[0] or headers.X-Name.
func (o *outcome) value(path string) (any, error) {
	if o.answer == nil {
		return nil, errors.New("there is no answer")
	}
	if name, ok := strings.CutPrefix(path, "headers."); ok {
		for key, values := range o.answer.header {
			if strings.EqualFold(key, name) && len(values) > 0 {
				return values[0], nil
			}
		}
		return nil, fmt.Errorf("the answer has no header %s", name)
	}
	var at any
	if err := json.Unmarshal(o.answer.body, &at); err != nil {
		return nil, errors.New("the answer is no JSON")
	}
	been := "body"
	for _, key := range strings.Split(strings.TrimPrefix(path, "body."), ".") {
		key, index, listed := cutIndex(key)
		object, ok := at.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s is no object", been)
		}
		if at, ok = object[key]; !ok {
			known := make([]string, 0, len(object))
			for name := range object {
				known = append(known, name)
			}
			slices.Sort(known)
			return nil, fmt.Errorf("%s has no %s, but %s", been, key, strings.Join(known, ", "))
		}
		been += "." + key
		if listed {
			items, ok := at.([]any)
			if !ok || index >= len(items) {
				return nil, fmt.Errorf("%s has no item %d", been, index)
			}
			at, been = items[index], fmt.Sprintf("%s[%d]", been, index)
		}
	}
	return at, nil
}

// cutIndex takes key[3] apart.
func cutIndex(text string) (key string, index int, found bool) {
	key, rest, found := strings.Cut(text, "[")
	index, err := strconv.Atoi(strings.TrimSuffix(rest, "]"))
	if !found || err != nil || index < 0 {
		return text, 0, false
	}
	return key, index, true
}
