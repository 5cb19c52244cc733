package railsstub_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/world"
	railsstub "github.com/ccmock/ccmock/rails_stub"
)

// byPath answers each endpoint of CustomersDot; a GraphQL mutation counts as "/activate".
func byPath(t testing.TB, answers map[string]http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		var q struct{ Query string }
		if path == "/graphql" && json.NewDecoder(r.Body).Decode(&q) == nil && strings.HasPrefix(q.Query, "mutation") {
			path = "/activate"
		}
		answer, ok := answers[path]
		if !ok {
			t.Errorf("unexpected call of %s", path)
			return
		}
		answer(w, r)
	}
}

func licenseKey(id int, purchases ...catalog.Purchase) string {
	return world.NewLicenseFile(id, "acme", catalog.License{
		Kind: catalog.OnlineCloud, StartsAt: start.AddDate(0, -1, 0), ExpiresAt: start.AddDate(1, 0, 0),
	}, purchases).Key()
}

func quote(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted)
}

func (r *rig) seatLink() control.SyncResult {
	r.t.Helper()
	got, err := do[control.SyncResult](r, control.ActionSeatLink, control.InstanceRequest{Instance: "acme"})
	require.NoError(r.t, err)
	return got
}

func TestSeatLinkRequest(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/seat-link/body")
	for _, version := range []string{"16.9.0", "18.9.0"} {
		w := given(version)
		w.Instances[0].AddOns = []catalog.Purchase{
			{AddOn: "duo_pro", Seats: 10},
			{AddOn: "duo_core", Seats: 50},
			{AddOn: "self_hosted_dap", Seats: 1, ExpiresOn: start.AddDate(0, 0, -1)},
		}
		w.Users = append(w.Users,
			world.User{Name: "bob", Instance: "acme", Seats: []string{"duo_pro"}},
			world.User{Name: "bot", Instance: "acme", Bot: true, Seats: []string{"duo_pro"}},
			world.User{Name: "out", Instance: "acme", Blocked: true},
		)
		require.Empty(t, w.Complete())
		r := newRig(t, w)
		r.portal.answers(byPath(t, map[string]http.HandlerFunc{
			"/api/v1/seat_links": reply(200, `{}`),
			"/graphql":           reply(200, access(t, portalToken(t, start, "x"), start.Add(72*time.Hour).Unix())),
		}))
		got := r.seatLink()
		require.Equal(t, control.Succeeded, got.Outcome)
		require.Equal(t, "seats reported; service_access_tokens: created", got.Message, "a manual sync takes a token too")
		require.Equal(t, "x", got.Token.ID)

		seen := r.portal.requests()
		require.Len(t, seen, 2)
		body := seen[0]
		var read map[string]any
		require.NoError(t, json.Unmarshal([]byte(body.body), &read))
		key, _ := w.Instances[0].LicenseKey()
		require.Equal(t, key, read["license_key"])
		read["license_key"] = "<key>"
		pretty, err := json.MarshalIndent(read, "", "  ")
		require.NoError(t, err)
		body.body = string(pretty)
		goldentest.Text(t, "golden/seat_link_"+version+".txt", show(body))
	}
}

func TestSeatLinkBringsTheNewLicence(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/seat-link/new-licence")
	r := newRig(t, given("17.2.0"))
	r.portal.answers(byPath(t, map[string]http.HandlerFunc{
		"/api/v1/seat_links": reply(200, `{"license":`+quote(licenseKey(2, catalog.Purchase{AddOn: "duo_pro", Seats: 3}))+`}`),
		"/graphql":           reply(200, `{}`),
	}))
	require.Equal(t, "seats reported, new licence stored; service_access_tokens: cleanup_all", r.seatLink().Message)
	stored := r.stored()
	require.Equal(t, 2, stored.License.ID)
	require.Equal(t, []catalog.Purchase{{AddOn: "duo_pro", Seats: 3}}, stored.Purchases)
	require.Contains(t, r.portal.last(t).body, quote(licenseKey(2, catalog.Purchase{AddOn: "duo_pro", Seats: 3})),
		"the token is asked for with the new licence")

	for _, bad := range []string{`{"license":"!"}`, `{"license":"e30="}`} {
		r.portal.answers(reply(200, bad))
		require.Equal(t, control.Failed, r.seatLink().Outcome)
		require.Equal(t, string(railsstub.StorageFailed), r.lastEntry().Reason)
		require.Equal(t, 2, r.stored().License.ID, "the old one stays")
	}
	r.portal.answers(reply(200, `{"license":`))
	require.Contains(t, r.seatLink().Message, "the answer of CustomersDot cannot be read")
	r.portal.close()
	require.Contains(t, r.seatLink().Message, "CustomersDot cannot be reached")
}

func TestWhoReportsSeats(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/seat-link/who")
	for name, change := range map[string]func(*world.Instance){
		"offline":    func(i *world.Instance) { i.License.Kind = catalog.OfflineCloud },
		"legacy":     func(i *world.Instance) { i.License.Kind = catalog.Legacy },
		"trial":      func(i *world.Instance) { i.License.Trial = true },
		"no expiry":  func(i *world.Instance) { i.License.NoExpiry = true },
		"no licence": func(i *world.Instance) { i.License = nil },
	} {
		w := given("16.9.0")
		change(&w.Instances[0])
		r := newRig(t, w)
		require.Equal(t, control.Skipped, r.seatLink().Outcome, name)
		require.Empty(t, r.portal.requests(), name)
	}
}

// TestExclusiveAddOns: of Amazon Q, Enterprise and Pro an instance keeps one.
func TestExclusiveAddOns(t *testing.T) {
	t.Parallel()
	w := given("18.9.0")
	w.Instances[0].AddOns = []catalog.Purchase{
		{AddOn: "duo_pro"},
		{AddOn: "duo_enterprise"},
		{AddOn: "duo_core"},
		{AddOn: "duo_amazon_q", ExpiresOn: start.AddDate(0, 0, -1)},
	}
	names := []string{}
	for _, p := range newRig(t, w).stored().Purchases {
		names = append(names, p.AddOn)
	}
	require.Equal(t, []string{"duo_core", "duo_enterprise"}, names)
}

func TestActivation(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/activation/mutation")
	w := given("17.9.0")
	w.Instances[0].NotActivated = true
	w.Instances[0].AddOns = []catalog.Purchase{{AddOn: "duo_pro", Seats: 5}}
	require.Empty(t, w.Complete())
	r := newRig(t, w)
	require.Nil(t, r.stored().License)
	require.Empty(t, r.stored().Purchases)
	require.Equal(t, "License not found", r.sync(true).Message)

	key, _ := w.Instances[0].LicenseKey()
	r.portal.answers(byPath(t, map[string]http.HandlerFunc{
		"/activate":          reply(200, `{"data":{"cloudActivationActivate":{"licenseKey":`+quote(key)+`,"futureSubscriptions":[],"errors":[]}}}`),
		"/api/v1/seat_links": reply(200, `{}`),
		"/graphql":           reply(200, access(t, portalToken(t, start, "x"), start.Add(72*time.Hour).Unix())),
	}))
	got, err := do[control.SyncResult](r, control.ActionActivate, control.ActivateRequest{Instance: "acme"})
	require.NoError(t, err)
	require.Equal(t, control.Succeeded, got.Outcome)
	require.Equal(t, "activated; seats reported; service_access_tokens: created", got.Message)
	require.Equal(t, "x", got.Token.ID)
	require.Equal(t, control.StoredLicense{ID: 1, Kind: "online_cloud", ExpiresAt: start.AddDate(1, 0, 0)}, *r.stored().License)
	require.Equal(t, []catalog.Purchase{{AddOn: "duo_pro", Seats: 5}}, r.stored().Purchases)

	seen := r.portal.requests()
	require.Len(t, seen, 3)
	require.Contains(t, seen[0].body, `"activationCode":"`+w.Instances[0].ActivationCode()+`"`)
	goldentest.Text(t, "golden/activation.txt", strings.ReplaceAll(show(seen[0]), w.Instances[0].ActivationCode(), "<code>"))
}

func TestActivationThatFails(t *testing.T) {
	t.Parallel()
	answer := func(payload string) http.HandlerFunc {
		return reply(200, `{"data":{"cloudActivationActivate":`+payload+`}}`)
	}
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"wrong code", answer(`{"licenseKey":null,"errors":["invalid activation code","really"]}`), "invalid activation code, really"},
		{"GraphQL error", reply(200, `{"errors":[{"message":"no"}]}`), `{"message"=>"no"}`},
		{"nothing", answer(`null`), "CustomersDot sent no licence"},
		{"errors no list", reply(200, `{"errors":"no"}`), "undefined method `join' for \"no\""},
		{"bad licence", answer(`{"licenseKey":"?","errors":[]}`), "the licence that CustomersDot sent is no good"},
		{"500", reply(500, ``), "CONNECTIVITY_ERROR"},
		{"bad JSON", reply(200, `{`), "the answer of CustomersDot cannot be read"},
		{"nobody there", nil, "CONNECTIVITY_ERROR"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := given("17.9.0")
			w.Instances[0].NotActivated = true
			r := newRig(t, w)
			if c.answer == nil {
				r.portal.close()
			} else {
				r.portal.answers(c.answer)
			}
			got, err := do[control.SyncResult](r, control.ActionActivate, control.ActivateRequest{Instance: "acme", Code: "WRONG"})
			require.NoError(t, err)
			require.Equal(t, control.Failed, got.Outcome)
			require.Contains(t, got.Message, c.want)
			require.Equal(t, "job:activate", r.lastEntry().Route)
			require.Equal(t, string(railsstub.ActivationFailed), r.lastEntry().Reason)
			require.Nil(t, r.stored().License)
			if c.answer != nil {
				require.Contains(t, r.portal.last(t).body, `"activationCode":"WRONG"`)
				require.Len(t, r.portal.requests(), 1)
			}
		})
	}
}
