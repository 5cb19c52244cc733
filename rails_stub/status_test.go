package railsstub_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
	railsstub "github.com/ccmock/ccmock/rails_stub"
)

const statusQuery = `{ cloudConnectorStatus { success probeResults { name success message errors details } } }`

// checked is the answer of cloudConnectorStatus.
type checked struct {
	Data struct {
		Status *struct {
			Success bool
			Probes  []struct {
				Name, Message string
				Success       bool
				Errors        []string
				Details       map[string]any
			} `json:"probeResults"`
		} `json:"cloudConnectorStatus"`
	}
}

func (r *rig) status() checked {
	r.t.Helper()
	var c checked
	got := r.query("ada", statusQuery, nil)
	require.NoError(r.t, json.Unmarshal([]byte(got.body), &c), got.body)
	require.NotNil(r.t, c.Data.Status, got.body)
	return c
}

// messages are what the probes say, each as NAME: MESSAGE, ports left out.
func (c checked) messages() []string {
	var found []string
	for _, p := range c.Data.Status.Probes {
		found = append(found, p.Name+": "+anyPort.ReplaceAllString(p.Message, "$1<port>"))
	}
	return found
}

var completion = reply(200, `{"choices":[{"text":"puts 1"}]}`)

func TestStatus(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/status/probes", "rails/status/end-to-end")
	for _, version := range []string{"17.3.0", "17.9.0", "18.9.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			r := withSeatsIn(t, version, admin)
			r.gateway.answers(completion)
			got := r.query("ada", statusQuery, nil)
			require.Contains(t, got.body, `"success":true,"probeResults"`)
			goldentest.Text(t, "golden/client/status_"+version+".txt", "== answer ==\n"+showAnswer(got)+"== upstream ==\n"+show(r.gateway.last(t)))
			if heads := r.portal.requests(); len(heads) > 0 {
				goldentest.Text(t, "golden/client/host_probe.txt", show(heads[0]))
			}
			e := r.lastEntry()
			require.Equal(t, r.gateway.URL+"/ai/v2/code/completions", e.Upstream)
			require.Equal(t, "first", e.Token.ID)
		})
	}
}

// TestHostProbe: from 17.9 on hosts are asked for their head, and any answer is good.
func TestHostProbe(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/status/host-head", "rails/status/host-unreachable")
	r := withSeatsIn(t, "18.9.0", admin)
	r.gateway.answers(completion)
	r.portal.answers(reply(500, ``))
	c := r.status()
	require.Equal(t, []string{"host_probe: 127.0.0.1 reachable.", "host_probe: 127.0.0.1 reachable."}, c.messages()[1:3])
	require.Equal(t, http.MethodHead, r.portal.last(t).method)
	require.Equal(t, "/", r.portal.last(t).path)
	require.Equal(t, http.MethodHead, r.gateway.requests()[0].method)

	r.portal.close()
	r.gateway.close()
	c = r.status()
	const head = "host_probe: 127.0.0.1 connection failed: Failed to open TCP connection to 127.0.0.1:<port> " +
		"(Connection refused - connect(2) for \"127.0.0.1\" port <port>).\n\nIf you use firewalls or proxy servers, they must allow traffic to this host."
	require.Equal(t, []string{head, head}, c.messages()[1:3])
	require.False(t, c.Data.Status.Success)
	require.Equal(t, "end_to_end_probe: Authentication with the AI gateway services failed: Failed to open TCP connection to 127.0.0.1:<port> "+
		"(Connection refused - connect(2) for \"127.0.0.1\" port <port>)", c.messages()[5])

	old := withSeatsIn(t, "17.3.0", admin)
	old.gateway.answers(completion)
	require.True(t, old.status().Data.Status.Success)
	require.Empty(t, old.portal.requests(), "only a connection is opened")
	old.portal.close()
	require.Equal(t, "host_probe: 127.0.0.1 connection failed: Connection refused - connect(2) for \"127.0.0.1\" port <port>.", old.status().messages()[1])
}

func TestLicenseAndAccessProbes(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/status/license", "rails/status/access", "rails/status/token")
	const (
		obtain  = "license_probe: Subscription for this instance cannot be synchronized. Contact GitLab customer support to obtain a license."
		upgrade = "license_probe: Subscription for this instance cannot be synchronized. Contact GitLab customer support to upgrade your license."
		never   = "access_probe: Subscription has not yet been synchronized. Synchronize your subscription."
		stale   = "access_probe: Subscription has not been synchronized recently. Synchronize your subscription."
		fine    = "access_probe: Subscription synchronized successfully."
	)
	at := func(version string, license *catalog.License) *rig {
		w := given(version)
		admin(&w)
		w.Instances[0].License = license
		r := newRig(t, w)
		r.gateway.answers(completion)
		return r
	}
	online := &catalog.License{Kind: catalog.OnlineCloud}
	require.Equal(t, obtain, at("18.9.0", nil).status().messages()[0])
	require.Equal(t, upgrade, at("18.9.0", &catalog.License{Kind: catalog.OfflineCloud}).status().messages()[0])
	require.Equal(t, "license_probe: Subscription can be synchronized.", at("18.9.0", online).status().messages()[0])

	r := at("18.9.0", online)
	said := r.status().messages()
	require.Equal(t, never, said[3])
	require.Equal(t, "token_probe: Access credentials not found. Synchronize your subscription.", said[4])
	r.synced()
	r.gateway.answers(completion)
	require.Equal(t, []string{fine, "token_probe: Access credentials are valid."}, r.status().messages()[3:5])
	r.clock.Advance(73 * time.Hour)
	require.Equal(t, []string{stale, "token_probe: Access credentials expired. Synchronize your subscription."}, r.status().messages()[3:5])

	bad := at("18.9.0", online)
	bad.portal.answers(reply(200, access(t, "not.a-token", bad.clock.Now().Add(time.Hour).Unix())))
	bad.sync(true)
	require.Equal(t, "token_probe: Invalid access credentials. Synchronize your subscription.", bad.status().messages()[4])

	old := at("17.3.0", online)
	said = old.status().messages()
	require.Len(t, said, 5, "access_probe looks at the token, too")
	require.Equal(t, never+" Access credentials not found. Synchronize your subscription.", said[3])
	old.synced()
	old.gateway.answers(completion)
	old.clock.Advance(73 * time.Hour)
	require.Equal(t, stale+" Access credentials expired. Synchronize your subscription.", old.status().messages()[3])
}

func TestEndToEndProbe(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/status/end-to-end-failures")
	for _, c := range []struct {
		version string
		answers http.HandlerFunc
		want    string
	}{
		{"18.9.0", completion, "Authentication with the AI gateway services succeeded."},
		{"18.9.0", reply(401, `{"error":"Forbidden by auth provider"}`), `Authentication with the AI gateway services failed: AI Gateway returned code 401: {"error":"Forbidden by auth provider"}`},
		{"18.9.0", reply(201, `{"choices":[{"text":"x"}]}`), `Authentication with the AI gateway services failed: AI Gateway returned code 201: {"choices":[{"text":"x"}]}`},
		{"18.9.0", reply(200, `{"choices":[]}`), "Authentication with the AI gateway services failed: Response doesn't contain a completion"},
		{"18.9.0", reply(200, `{"choices":[{"text":""}]}`), "Authentication with the AI gateway services failed: Response doesn't contain a completion"},
		{"18.9.0", reply(200, `<p>`), "Authentication with the AI gateway services failed: Response doesn't contain a completion"},
		{"17.3.0", completion, "Authentication with GitLab Cloud services succeeded."},
	} {
		r := withSeatsIn(t, c.version, admin)
		r.gateway.answers(c.answers)
		said := r.status().messages()
		require.Equal(t, "end_to_end_probe: "+c.want, said[len(said)-1])
	}
	for version, want := range map[string]string{
		"17.3.0": "end_to_end_probe: Authentication with GitLab Cloud services failed: Access token is missing",
		"17.9.0": "end_to_end_probe: Authentication with GitLab Cloud services failed: Cloud Connector access token is missing",
		"18.9.0": "end_to_end_probe: Authentication with the AI gateway services succeeded.",
	} {
		w := given(version)
		admin(&w)
		r := newRig(t, w)
		r.gateway.answers(completion)
		said := r.status().messages()
		require.Equal(t, want, said[len(said)-1], "without a token")
		if strings.HasPrefix(version, "18") {
			require.Equal(t, "Bearer", r.gateway.last(t).header.Get("Authorization"))
		}
	}
}

func TestStatusIsForAdministrators(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/status/right")
	r := withSeatsIn(t, "18.9.0", func(w *world.World) {
		admin(w)
		user(w, "com").Admin = true
		w.Users = append(w.Users,
			world.User{Name: "bob", Instance: "acme"},
			world.User{Name: "dev", Instance: "acme", Admin: true, TokenScopes: []string{"ai_features"}},
		)
	})
	const unavailable = `{"errors":[{"message":"The resource that you are attempting to access does not exist or you don't have permission to perform this action","path":["cloudConnectorStatus"]}],"data":{"cloudConnectorStatus":null}}`
	for user, reason := range map[string]token.Reason{
		"": railsstub.UserUnauthenticated, "bob": railsstub.UserNotAllowed, "dev": railsstub.UserTokenScope, "com": railsstub.EndpointUnknown,
	} {
		got := r.query(user, statusQuery, nil)
		require.Equal(t, 200, got.status)
		require.JSONEq(t, unavailable, got.body, user)
		r.refused(reason)
	}
	require.Empty(t, r.gateway.requests())
	off := withSeatsIn(t, "17.3.0", func(w *world.World) {
		admin(w)
		acme(w).FlagsGiven = map[string]bool{world.FlagCloudConnectorStatus: false}
	})
	require.JSONEq(t, `{"data":{"cloudConnectorStatus":null}}`, off.query("ada", statusQuery, nil).body)
}
