package customersdotstub

import (
	"context"
	"fmt"
	"sync"
)

// resolver answers the root fields of the schema.
type resolver struct{ stub *Stub }

// CloudConnectorAccess answers the query that instances sync their tokens with.
func (r *resolver) CloudConnectorAccess(ctx context.Context, args struct {
	LicenseKey    string
	GitlabVersion *string
},
) (*access, error) {
	c, s := callOf(ctx), r.stub
	if !c.access() {
		return nil, failure(fmt.Sprintf("At most %d cloudConnectorAccess fields are answered in one request", maxAccesses))
	}
	version, err := versionOf(args.GitlabVersion, c.header.Get)
	if err != nil {
		return nil, failure(fmt.Sprintf("gitlabVersion: %.64q is not a GitLab version", *args.GitlabVersion))
	}
	st := s.state.Load()
	st.mu.RLock()
	defer st.mu.RUnlock()
	sub, file, err := st.find(args.LicenseKey)
	if err != nil {
		c.note(ReasonInvalidLicense, err.Error())
		return nil, invalidLicense
	}
	return &access{stub: s, state: st, facts: s.factsOf(st, sub, file, version)}, nil
}

// access is what one licence key opens. The token is signed when it is asked for, once.
type access struct {
	stub  *Stub
	state *state
	facts facts

	once   sync.Once
	issued issued
	err    error
}

type serviceToken struct {
	Token     string
	ExpiresAt expiry
}

// ServiceToken is null, without an error, where the instance has no right to any token:
// GitLab deletes the ones that it has.
func (a *access) ServiceToken(ctx context.Context) (*serviceToken, error) {
	if reason, detail := noToken(*a.facts.License, a.facts.revoked, a.facts.Now); reason != "" {
		callOf(ctx).note(reason, detail)
		return nil, nil
	}
	a.once.Do(func() { a.issued, a.err = a.stub.issue(a.state, a.facts) })
	if a.err != nil {
		callOf(ctx).note("", a.err.Error())
		return nil, failure("The token cannot be signed")
	}
	callOf(ctx).noteIssued(a.issued)
	return &serviceToken{a.issued.raw, expiry{a.issued.expiresAt, a.state.settings.ExpiresAt}}, nil
}

type availableService struct {
	Name             string
	ServiceStartTime *iso8601
	BundledWith      []string
}

// AvailableServices lists the services that the instance's version is not too low for.
// What they cost is for the instance to find out, from the times and add-ons.
func (a *access) AvailableServices() []availableService {
	return a.facts.edition.available(a.facts.Facts)
}

// Catalog is the whole catalogue, the same for everybody.
func (a *access) Catalog() anyJSON { return a.facts.edition.json }

// CloudActivationActivate binds a licence to an instance and hands the licence out.
func (r *resolver) CloudActivationActivate(ctx context.Context, args struct {
	Input struct {
		ActivationCode     string
		InstanceIdentifier string
		Automated          *bool
		GitlabVersion      *string
		Hostname           *string
		ClientMutationID   *string
	}
},
) *activation {
	in, c := args.Input, callOf(ctx)
	refuse := func(reason, detail, message string) *activation {
		c.note(reason, detail)
		return &activation{
			ClientMutationID: in.ClientMutationID, FutureSubscriptions: []futureSubscription{}, Errors: []string{message},
		}
	}
	now := r.stub.service.Clock().Now()
	st := r.stub.state.Load()
	st.mu.Lock()
	defer st.mu.Unlock()
	sub := st.activated(in.ActivationCode)
	if sub == nil {
		return refuse(ReasonInvalidCode, fmt.Sprintf("no licence has the activation code %.100q", in.ActivationCode), "Invalid activation code")
	}
	if err := checkInstanceID(in.InstanceIdentifier); err != nil {
		return refuse("", "instanceIdentifier "+err.Error(), "Instance identifier "+err.Error())
	}
	file := sub.current(now)
	if !file.CloudLicensingEnabled {
		return refuse(ReasonInvalidLicense, fmt.Sprintf("the licence of %q is a legacy one, which is uploaded and not activated", sub.instance.Name), string(invalidLicense))
	}
	if reason, detail := noToken(sub.terms[sub.period(now)], sub.revoked, now); reason != "" {
		return refuse(reason, detail, "The subscription is not active")
	}
	sub.instanceID, sub.uniqueID = in.InstanceIdentifier, ""
	c.note("", fmt.Sprintf("activated licence %d of %q on instance %.100q", file.ID, sub.instance.Name, in.InstanceIdentifier))
	key, isNew := file.Key(), sub.isNew()
	return &activation{
		ClientMutationID: in.ClientMutationID, LicenseKey: &key, FutureSubscriptions: sub.future(now),
		NewSubscription: &isNew, Errors: []string{},
	}
}

type activation struct {
	ClientMutationID    *string
	LicenseKey          *string
	FutureSubscriptions []futureSubscription
	NewSubscription     *bool
	Errors              []string
}
