package customersdotstub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/world"
)

// Why a consumer may not use a feature that costs credits, beside ReasonRevoked and the
// licence's rules.
const (
	ReasonNoCredits       = "credits_exhausted"
	ReasonNoEntitlement   = "not_entitled"
	ReasonUnknownConsumer = "unknown_consumer"
	ReasonNoCredentials   = "no_credentials"
)

// resolveConsumer answers "HEAD /api/v1/consumers/resolve": 200 if the consumer has
// credits, 402 if they are used up, 403 if nothing entitles it. GitLab of a customer shows
// its licence's checksum; GitLab.com and the AI gateway come as administrators and name
// the consumer.
func (s *Stub) resolveConsumer(r *http.Request) (stub.Reply, error) {
	query, licence := r.URL.Query(), r.Header.Get("X-License-Token")
	if licence == "" && (r.Header.Get("X-Admin-Email") == "" || r.Header.Get("X-Admin-Token") == "") {
		return stub.Reply{}, &stub.Error{
			Status: http.StatusUnauthorized, Message: "Unauthorized", Reason: ReasonNoCredentials,
			Detail: "expected X-License-Token, or X-Admin-Email and X-Admin-Token",
		}
	}
	if err := checkConsumer(query); err != nil {
		return stub.Reply{}, &stub.Error{Status: http.StatusBadRequest, Message: "Bad Request", Detail: err.Error()}
	}
	now := s.service.Clock().Now()
	st := s.state.Load()
	st.mu.RLock()
	defer st.mu.RUnlock()
	remember := http.Header{"Cache-Control": {"max-age=" + seconds(st.settings.CreditsMaxAge)}}
	refuse := func(status int, reason, detail string) error {
		return &stub.Error{
			Status: status, Message: http.StatusText(status), Header: remember, Reason: reason, Detail: detail,
		}
	}
	sub := st.licensee(licence)
	if licence == "" {
		sub = st.consumer(query)
	}
	if sub == nil {
		return stub.Reply{}, refuse(http.StatusForbidden, ReasonUnknownConsumer, "no subscription is known of this consumer")
	}
	name := sub.instance.Name
	if sub.instance.Realm != world.SaaS {
		if len(sub.terms) == 0 {
			return stub.Reply{}, refuse(http.StatusForbidden, ReasonNoEntitlement, fmt.Sprintf("%q has no licence", name))
		}
		if reason, detail := noToken(sub.terms[sub.period(now)], sub.revoked, now); reason != "" {
			return stub.Reply{}, refuse(http.StatusForbidden, reason, detail)
		}
	}
	switch sub.credits {
	case world.CreditsExhausted:
		return stub.Reply{}, refuse(http.StatusPaymentRequired, ReasonNoCredits, fmt.Sprintf("%q has no credits left", name))
	case world.CreditsNone:
		return stub.Reply{}, refuse(http.StatusForbidden, ReasonNoEntitlement, fmt.Sprintf("the subscription of %q includes no credits", name))
	case world.CreditsLeft:
	}
	journal.Of(r.Context()).Detail = fmt.Sprintf("%q has credits left", name)
	return stub.Reply{Header: remember}, nil
}

// checkConsumer asks for what a consumer is known by, as the AI gateway's own mock of this
// endpoint does.
func checkConsumer(query url.Values) error {
	for _, name := range []string{"user_id", "realm"} {
		if query.Get(name) == "" {
			return fmt.Errorf("%s is missing", name)
		}
	}
	if query.Get("root_namespace_id") == "" && query.Get("unique_instance_id") == "" {
		return fmt.Errorf("expected root_namespace_id or unique_instance_id, got neither")
	}
	return nil
}

// consumer is the subscription of who is named in a query: GitLab.com's, whose users are
// all in one group here, or that of an instance under any of its ids. It is nil if there
// is none. The caller holds st.mu.
func (st *state) consumer(query url.Values) *subscription {
	if query.Get("realm") == string(world.SaaS) {
		return st.subscriptions[world.GitLabCom]
	}
	for _, name := range sortedKeys(st.subscriptions) {
		s := st.subscriptions[name]
		for _, id := range []string{query.Get("unique_instance_id"), query.Get("instance_id")} {
			if id != "" && s.instance.Realm != world.SaaS && (id == s.instanceID || id == uniqueInstanceID(s.uniqueID, s.instanceID)) {
				return s
			}
		}
	}
	return nil
}

// licensee is the subscription of which some licence has a checksum, and nil if none has.
// The caller holds st.mu.
func (st *state) licensee(checksum string) *subscription {
	for _, name := range sortedKeys(st.subscriptions) {
		for _, sold := range st.subscriptions[name].sold {
			if strings.EqualFold(checksum, sold.checksum) {
				return st.subscriptions[name]
			}
		}
	}
	return nil
}

// checksumOf is the SHA-256 of a licence key, by which GitLab names its licence.
func checksumOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// setCredits changes what is left of a subscription's credits. Those of GitLab.com are
// CustomersDot's affair too.
func (s *Stub) setCredits(_ context.Context, r control.CreditsRequest) (control.Done, error) {
	if err := new(world.Credits).UnmarshalText([]byte(r.State)); err != nil {
		return control.Done{}, err
	}
	st := s.state.Load()
	st.mu.Lock()
	defer st.mu.Unlock()
	sub, err := st.known(r.Instance)
	if err == nil {
		sub.credits = creditsOf(world.Credits(r.State))
	}
	return control.Done{}, err
}

func creditsOf(c world.Credits) world.Credits {
	if c == "" {
		return world.CreditsLeft
	}
	return c
}

// seconds are a max-age. One that is not given is what clients take without any.
func seconds(age time.Duration) string {
	if age == 0 {
		age = world.DefaultCreditsMaxAge
	}
	return strconv.Itoa(int(age / time.Second))
}
