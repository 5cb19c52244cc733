package customersdotstub

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/world"
)

// quotaMaxAge says for how long an answer to a quota check may be kept.
const quotaMaxAge = "max-age=3600, private"

// resolveConsumer answers "HEAD /api/v1/consumers/resolve": 200 while the consumer has
// credits, 402 when they are used up, 403 when nothing was sold to it. It is who asks that
// refuses a call for it, so neither has a reason here.
func (s *Stub) resolveConsumer(r *http.Request) (stub.Reply, error) {
	admin := r.Header.Get("X-Admin-Email") != "" && r.Header.Get("X-Admin-Token") != ""
	if !admin && r.Header.Get("X-License-Token") == "" {
		return stub.Reply{}, &stub.Error{
			Status: http.StatusUnauthorized, Message: "Unauthorized",
			Detail: "a quota check carries X-Admin-Email and X-Admin-Token, or X-License-Token",
		}
	}
	q := r.URL.Query()
	if q.Get("realm") == "" || q.Get("root_namespace_id")+q.Get("unique_instance_id")+q.Get("instance_id") == "" {
		return stub.Reply{}, &stub.Error{
			Status: http.StatusBadRequest, Message: "Bad Request",
			Detail: "a quota check names a realm, and a root_namespace_id or a unique_instance_id",
		}
	}
	st := s.state.Load()
	st.mu.RLock()
	defer st.mu.RUnlock()
	sub := st.consumer(q)
	switch {
	case sub == nil || sub.revoked:
		return stub.Reply{}, &stub.Error{
			Status: http.StatusForbidden, Message: "Forbidden", Header: http.Header{"Cache-Control": {quotaMaxAge}},
			Detail: "nothing was sold to this consumer",
		}
	case sub.exhausted:
		return stub.Reply{}, &stub.Error{
			Status: http.StatusPaymentRequired, Message: "Payment Required", Header: http.Header{"Cache-Control": {quotaMaxAge}},
			Detail: fmt.Sprintf("%q has no GitLab Credits left", sub.instance.Name),
		}
	}
	return stub.Reply{Header: http.Header{"Cache-Control": {quotaMaxAge}}}, nil
}

// consumer is whose usage a quota check asks about; nil if nobody is known. The caller
// holds st.mu.
func (st *state) consumer(q url.Values) *subscription {
	if q.Get("realm") == string(world.SaaS) {
		return st.subscriptions[world.GitLabCom]
	}
	unique, id := q.Get("unique_instance_id"), q.Get("instance_id")
	for _, name := range sortedKeys(st.subscriptions) {
		sub := st.subscriptions[name]
		known := unique != "" && unique == sub.instanceUID() || id != "" && id == sub.instanceID
		if known && len(sub.terms) > 0 {
			return sub
		}
	}
	return nil
}

// instanceUID is the claim gitlab_instance_uid of the instance's tokens.
func (s *subscription) instanceUID() string { return instanceUID(s.uniqueID, s.instanceID) }

// instanceUID is the unique id that the instance told, or one made of its instance id.
func instanceUID(uniqueID, instanceID string) string {
	if uniqueID != "" {
		return uniqueID
	}
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(instanceID)).String()
}

// credits uses a consumer's credits up, or gives it new ones.
func (s *Stub) credits(_ context.Context, r control.CreditsRequest) (control.Done, error) {
	st := s.state.Load()
	st.mu.Lock()
	defer st.mu.Unlock()
	sub, err := st.known(r.Instance)
	if err != nil {
		return control.Done{}, err
	}
	sub.exhausted = r.Exhausted
	return control.Done{}, nil
}
