package railsstub_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/token/tokentest"
	railsstub "github.com/ccmock/ccmock/rails_stub"
)

func env() stub.Env {
	return stub.Env{
		Clock: clock.NewFrozen(start), Journal: journal.New(0), Faults: &fault.Set{}, Random: stub.NewRandom(1),
		Log: slog.New(slog.DiscardHandler),
	}
}

func options() railsstub.Options {
	return railsstub.Options{
		Keys: tokentest.Pool(), Features: features(), CustomersDotURL: "http://customers.test", GatewayURL: "http://cloud.test",
		InstanceURL: func(name string) string { return "http://" + name + ".test:3000" },
	}
}

func TestNewRefusesBadURLs(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*railsstub.Options){
		"CustomersDot": func(o *railsstub.Options) { o.CustomersDotURL = "customers.test" },
		"gateway":      func(o *railsstub.Options) { o.GatewayURL = "" },
	} {
		o := options()
		change(&o)
		_, err := railsstub.New(env(), &clock.Schedule{}, o)
		require.ErrorContains(t, err, "rails: the URL of the "+name+" is ")
	}
}

// TestSeedThatFails leaves the world as it was.
func TestSeedThatFails(t *testing.T) {
	t.Parallel()
	o := options()
	bad := false
	o.InstanceURL = func(name string) string {
		if bad {
			return "nonsense"
		}
		return "http://" + name + ".test"
	}
	s, err := railsstub.New(env(), &clock.Schedule{}, o)
	require.NoError(t, err)
	w := given("16.11.0")
	require.Empty(t, w.Complete())
	require.NoError(t, s.Seed(w))
	bad = true
	require.ErrorContains(t, s.Seed(w), `instance acme: its URL is "nonsense", expected such as http://acme.test:3000`)
	bad = false
	w.Catalog = "defaults: ["
	require.Error(t, s.Seed(w))
	require.Len(t, s.Services(), 2)
}

func TestCatalogInPlaceOfTheFeatures(t *testing.T) {
	t.Parallel()
	const text = "defaults: &defaults\n  services:\n    %s:\n      bundled_with: duo_pro\ndevelopment:\n  <<: *defaults\n"
	o := options()
	o.CatalogYAML = fmt.Sprintf(text, "from_options")
	s, err := railsstub.New(env(), &clock.Schedule{}, o)
	require.NoError(t, err)
	scopes := func() any {
		got, err := s.AccessToken(t.Context(), "gitlab", "", nil, nil)
		require.NoError(t, err)
		return got.Token.Claims["scopes"]
	}
	w := given("18.9.0")
	require.Empty(t, w.Complete())
	require.NoError(t, s.Seed(w))
	require.Equal(t, []any{"from_options"}, scopes())
	w.Catalog = fmt.Sprintf(text, "from_the_world")
	require.NoError(t, s.Seed(w))
	require.Equal(t, []any{"from_the_world"}, scopes())
}

// TestBundledWith: the forms that CustomersDot has sent over time mean the same.
func TestBundledWith(t *testing.T) {
	t.Parallel()
	for _, form := range []string{
		`["duo_pro"]`, `"duo_pro"`, `{"duo_pro":["new_feature_scope"]}`, `{"duo_pro":{"unit_primitives":["x"]},"duo_enterprise":null}`,
	} {
		w := given("17.2.0")
		w.Instances[0].AddOns = []catalog.Purchase{{AddOn: "duo_pro"}}
		w.Users[0].Seats = []string{"duo_pro"}
		r := newRig(t, w)
		r.portal.answers(reply(200, `{"data":{"cloudConnectorAccess":{"serviceToken":{"token":"x","expiresAt":1710028800},"availableServices":[{"name":"bad","serviceStartTime":"soon"},{"name":"new_feature_scope","serviceStartTime":"2024-02-15 00:00:00 UTC","bundledWith":`+form+`}]}}}`))
		require.Equal(t, control.Succeeded, r.sync(true).Outcome)
		require.Equal(t, 200, r.use("ada").status, form)
	}
}

func TestWhyThereIsNoToken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want   string
		change func(r *rig)
	}{
		{"acme has no token: it never synced one, or the last sync took it away", func(*rig) {}},
		{"the last token that acme synced expired at 2024-03-04T09:00:01Z", func(r *rig) {
			r.hold("x", time.Second)
			r.clock.Advance(time.Second)
		}},
	} {
		r := newRig(t, given("16.11.0"))
		c.change(r)
		require.Equal(t, 401, r.use("ada").status)
		require.Equal(t, string(token.NoToken), r.lastEntry().Reason)
		require.Equal(t, c.want, r.lastEntry().Detail)
	}
	w := given("16.11.0")
	w.Instances[0].License = nil
	r := newRig(t, w)
	require.Equal(t, 401, r.use("ada").status)
	require.Equal(t, "acme has no licence to sync a token with", r.lastEntry().Detail)
}

// TestKeysThatCannotBeRead: the user is told no more than that something is wrong.
func TestKeysThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken, err := token.NewPool(dir)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "gitlab.openid-connect.pem"), []byte("junk"), 0o600))
	o, e := options(), env()
	o.Keys = broken
	s, err := railsstub.New(e, &clock.Schedule{}, o)
	require.NoError(t, err)
	w := given("16.11.0")
	require.Empty(t, w.Complete())
	require.NoError(t, s.Seed(w))
	call := httptest.NewRequestWithContext(t.Context(), http.MethodPost, tutorialPath, nil)
	call.Header.Set("Private-Token", "glpat-com")
	got := httptest.NewRecorder()
	s.Handler("gitlab").ServeHTTP(got, call)
	require.Equal(t, 500, got.Code)
	require.JSONEq(t, `{"message":"500 Internal Server Error"}`, got.Body.String())
	last := e.Journal.Entries(journal.Filter{})[0]
	require.Equal(t, string(railsstub.SigningKeyMissing), last.Reason)
	require.Contains(t, last.Detail, "gitlab.openid-connect.pem")
}
