package railsstub

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/ccmock/ccmock/internal/control"
)

// activation is GitlabSubscriptions::ActivateService: it is no job, so it is tried once.
// A seat link follows, and a token sync that.
var activation = &job{
	name: "activate", work: (*Instance).activate,
	then: func(i *Instance, ctx context.Context, w work) result {
		i.mu.RLock()
		reports := i.license.reportsSeats()
		i.mu.RUnlock()
		if !reports {
			return result{}
		}
		return i.perform(ctx, seatLink, work{at: w.at, requestID: w.requestID, refresh: true})
	},
}

// The credentials that GitLab sends with an activation, unless it is told others.
var adminHeaders = map[string]string{
	"X-Admin-Email": "gl_com_api@gitlab.com",
	"X-Admin-Token": "customer_admin_token",
}

const activationMutation = `mutation($activationCode: String!, $instanceIdentifier: String!, $automated: Boolean!, $gitlabVersion: String!, $hostname: String!) {
  cloudActivationActivate(
    input: {
      activationCode: $activationCode
      instanceIdentifier: $instanceIdentifier
      automated: $automated
      gitlabVersion: $gitlabVersion
      hostname: $hostname
    }
  ) {
    licenseKey
    futureSubscriptions {
      cloudLicenseEnabled
      offlineCloudLicenseEnabled
      plan
      company
      email
      name
      startsAt
      expiresAt
      usersInLicenseCount
    }
    errors
  }
}
`

// activate trades an activation code for a licence.
func (i *Instance) activate(ctx context.Context, w work) result {
	rel := i.installed()
	got, err := i.ask(ctx, w.requestID, graphqlPath, query{activationMutation, struct {
		ActivationCode     string `json:"activationCode"`
		InstanceIdentifier string `json:"instanceIdentifier"`
		Automated          bool   `json:"automated"`
		GitLabVersion      string `json:"gitlabVersion"`
		Hostname           string `json:"hostname"`
	}{w.code, i.given.UUID, false, rel.text, i.address.Hostname()}}, adminHeaders)
	if err != nil || !got.ok() {
		return i.of(graphqlPath, failed(ActivationFailed, "CONNECTIVITY_ERROR"))
	}
	return i.of(graphqlPath, i.activated(got))
}

func (i *Instance) activated(got answer) result {
	var read struct {
		Data struct {
			Activated *struct {
				LicenseKey string   `json:"licenseKey"`
				Errors     []string `json:"errors"`
			} `json:"cloudActivationActivate"`
		} `json:"data"`
		Errors json.RawMessage `json:"errors"`
	}
	if err := json.Unmarshal(got.body, &read); err != nil {
		return failed(ActivationFailed, "the answer of CustomersDot cannot be read: %v", err)
	}
	message, given, err := joinErrors(read.Errors)
	switch done := read.Data.Activated; {
	case err != nil:
		return failed(ActivationFailed, "%v", err)
	case given:
		return failed(ActivationFailed, "%s", message)
	case done == nil:
		return failed(ActivationFailed, "CustomersDot sent no licence")
	case len(done.Errors) > 0:
		r := failed(ActivationFailed, "%s", strings.Join(done.Errors, ", "))
		r.errors = done.Errors
		return r
	default:
		return i.install(done.LicenseKey)
	}
}

func (i *Instance) install(key string) result {
	l, err := newLicense(key)
	if err == nil {
		i.mu.Lock()
		defer i.mu.Unlock()
		err = i.hold(l, i.service.Clock().Now())
	}
	if err != nil {
		return failed(ActivationFailed, "the licence that CustomersDot sent is no good: %v", err)
	}
	return result{outcome: control.Succeeded, message: "activated"}
}
