package customersdotstub_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	customersdotstub "github.com/ccmock/ccmock/customersdot_stub"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub/stubtest"
	"github.com/ccmock/ccmock/internal/token/tokentest"
)

const fileHead = "defaults: &defaults\n  services:\n"

const fileTail = `
development:
  <<: *defaults
production:
  services:
    only_in_production:
      backend: 'elsewhere'
      bundled_with:
        duo_pro: {unit_primitives: [only_in_production]}
`

func entry(scope string) string {
	return "    " + scope + ":\n      service_start_time: 2030-01-01 00:00:00 UTC\n      min_gitlab_version: '16.8'\n      bundled_with: 'duo_pro'\n"
}

// withFile is CustomersDot with a catalogue in a file.
func withFile(t *testing.T, text string, change ...func(*customersdotstub.Options)) (*bed, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cloud_connector.yml")
	write(t, file, text)
	return start(t, append(change, func(o *customersdotstub.Options) { o.CatalogFile = file })...), file
}

func write(t testing.TB, file, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
}

func (b *bed) scopes() []string { return b.token("acme", "16.9.2").List("scopes") }

// reports are what the journal says of the catalogue's file.
func (b *bed) reports() []string {
	var details []string
	for _, e := range b.env.Journal.Entries(journal.Filter{Service: customersdotstub.Name}) {
		if e.Route == "job:reload_catalog" {
			details = append(details, e.Detail)
		}
	}
	return details
}

func TestTheFileStandsInForTheFeatures(t *testing.T) {
	b, _ := withFile(t, fileHead+entry("first")+fileTail)
	require.Equal(t, []string{"first"}, b.scopes())

	b, _ = withFile(t, fileHead+entry("first")+fileTail, func(o *customersdotstub.Options) { o.Environment = "production" })
	require.Equal(t, []string{"only_in_production"}, b.scopes())
	require.Equal(t, []string{"elsewhere"}, b.token("acme", "16.9.2").List("aud"))
}

func TestAnEditIsInForceWithoutARestart(t *testing.T) {
	b, file := withFile(t, fileHead+entry("first")+fileTail)
	b.stub.Reload()
	require.Empty(t, b.reports(), "nothing has changed")

	write(t, file, fileHead+entry("first")+entry("second")+fileTail)
	b.stub.Reload()
	require.Equal(t, []string{"first", "second"}, b.scopes())
	require.Len(t, b.reports(), 1)
	require.Contains(t, b.reports()[0], "2 services")
}

func TestABrokenEditKeepsTheLastGoodOne(t *testing.T) {
	b, file := withFile(t, fileHead+entry("first")+fileTail)
	for n, c := range []struct{ text, why string }{
		{fileHead + "    first:\n  service_start_time: 2030-01-01 00:00:00 UTC\n      min_gitlab_version: '16.8'\n", "cloud_connector.yml:"},
		{fileHead + "    first:\n      min_gitlab_verzion: '16.8'\n      bundled_with: 'duo_pro'\n" + fileTail, "min_gitlab_version"},
		{"", "empty"},
	} {
		write(t, file, c.text)
		b.stub.Reload()
		b.stub.Reload()
		require.Equal(t, []string{"first"}, b.scopes())
		require.Len(t, b.reports(), n+1, "it is said once")
		require.Contains(t, b.reports()[n], "stays as it was")
		require.Contains(t, b.reports()[n], c.why)
	}
	require.NoError(t, os.Remove(file))
	b.stub.Reload()
	b.stub.Reload()
	require.Equal(t, []string{"first"}, b.scopes())
	require.Len(t, b.reports(), 4)
	require.Contains(t, b.reports()[3], "no such file")

	write(t, file, fileHead+entry("repaired")+fileTail)
	b.stub.Reload()
	require.Equal(t, []string{"repaired"}, b.scopes())

	require.NoError(t, os.Remove(file))
	b.stub.Reload()
	write(t, file, fileHead+entry("repaired")+fileTail)
	b.stub.Reload()
	require.Contains(t, b.reports()[len(b.reports())-1], "back")
	require.Equal(t, []string{"repaired"}, b.scopes())
}

func TestAScenariosCatalogueGoesFirst(t *testing.T) {
	b, file := withFile(t, fileHead+entry("first")+fileTail)
	w := b.world
	w.Catalog = fileHead + entry("of_the_scenario") + fileTail
	require.NoError(t, b.stub.Seed(w))
	require.Equal(t, []string{"of_the_scenario"}, b.scopes())

	write(t, file, fileHead+entry("edited")+fileTail)
	b.stub.Reload()
	require.Equal(t, []string{"of_the_scenario"}, b.scopes())

	b.must(control.ActionCatalog, control.CatalogRequest{YAML: fileHead + entry("deployed") + fileTail})
	require.Equal(t, []string{"deployed"}, b.scopes())
	_, err := do[any](b, control.ActionCatalog, control.CatalogRequest{YAML: "services: 1"})
	require.Error(t, err)
	require.Equal(t, []string{"deployed"}, b.scopes())

	w.Catalog = "nonsense"
	require.Error(t, b.stub.Seed(w))
	require.Equal(t, []string{"deployed"}, b.scopes(), "a world that cannot be had changes nothing")

	w.Catalog = ""
	require.NoError(t, b.stub.Seed(w))
	require.Equal(t, []string{"edited"}, b.scopes())
}

func TestWatchFollowsTheFile(t *testing.T) {
	b, file := withFile(t, fileHead+entry("first")+fileTail)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { b.stub.Watch(ctx); close(done) }()
	write(t, file, fileHead+entry("second")+fileTail)
	require.Eventually(t, func() bool { return b.scopes()[0] == "second" }, 30*time.Second, 50*time.Millisecond)
	stop()
	<-done

	ctx, stop = context.WithCancel(t.Context())
	stop()
	start(t).stub.Watch(ctx) // without a file there is nothing to watch
}

func TestNewRefusesWhatItCannotRead(t *testing.T) {
	keys := tokentest.Pool()
	env, _ := stubtest.Env(given(t))
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.yml")
	write(t, broken, "services: [")
	for name, o := range map[string]customersdotstub.Options{
		"no file":         {Keys: keys, CatalogFile: filepath.Join(dir, "none.yml")},
		"a folder":        {Keys: keys, CatalogFile: dir},
		"a broken file":   {Keys: keys, CatalogFile: broken},
		"duplicate scope": {Keys: keys, Features: features(t, tutorial, tutorial)},
	} {
		_, err := customersdotstub.New(env, o)
		require.Error(t, err, name)
	}
}

func TestTheCatalogueTakesTheBestOfSharedScopes(t *testing.T) {
	b, _ := withFile(t, `
defaults: &defaults
  services:
    one:
      backend: 'gitlab-one-backend'
      cut_off_date: 2024-01-01 00:00:00 UTC
      min_gitlab_version: '16.10'
      min_gitlab_version_for_free_access: '16.8'
      license_types: [ultimate]
      bundled_with:
        duo_pro: {unit_primitives: [alone, shared]}
    two:
      backend: 'gitlab-two-backend'
      cut_off_date: 2025-01-01 00:00:00 UTC
      min_gitlab_version: '16.9'
      license_types: [premium]
      bundled_with:
        duo_enterprise: {unit_primitives: [shared, other]}
        duo_pro: {unit_primitives: [other]}
    three:
      bundled_with:
        _irrelevant_: {unit_primitives: [other]}
development:
  <<: *defaults
`)
	a := b.graphql(`query($k: String!) { cloudConnectorAccess(licenseKey: $k) { availableServices { name bundledWith } catalog } }`,
		map[string]any{"k": b.key("acme")})
	golden(t, "catalog_shared", a.body)
	require.Nil(t, b.last().Issued, "a token that is not asked for is not signed")
}
