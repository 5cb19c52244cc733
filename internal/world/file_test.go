package world_test

import (
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/internal/world"
)

func nothingBeside(name string) ([]byte, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func TestDefaultIsSoundAndHasEveryDeployment(t *testing.T) {
	w := world.Default(now)
	require.Empty(t, w.Complete())
	for user, dedicated := range map[string]bool{"ada": false, "dora": true} {
		u, ok := w.User(user)
		require.True(t, ok)
		i, ok := w.Instance(u.Instance)
		require.True(t, ok)
		require.Equal(t, world.SelfManaged, i.Realm)
		require.Equal(t, dedicated, i.Dedicated)
		require.NotNil(t, i.License)
	}
	grace, ok := w.User("grace")
	require.True(t, ok)
	require.Equal(t, world.GitLabCom, grace.Instance)
}

func TestParseReadsWhatAFlowHasUnderGiven(t *testing.T) {
	text := `
now: 2024-02-14 23:00:00 UTC
instances:
  acme: {realm: self-managed, gitlab_version: 16.9.2, license: {kind: online_cloud}}
users:
  ada: {instance: acme, seats: [duo_pro]}
catalog_file: cloud_connector.yml
`
	catalog := "defaults:\n  services:\n    x:\n      bundled_with: 'duo_pro'\n"
	w, err := world.Parse("world.yaml", []byte(text), now, func(name string) ([]byte, error) {
		require.Equal(t, "cloud_connector.yml", name)
		return []byte(catalog), nil
	})
	require.NoError(t, err)
	require.Equal(t, time.Date(2024, 2, 14, 23, 0, 0, 0, time.UTC), w.Now)
	acme, ok := w.Instance("acme")
	require.True(t, ok)
	require.Equal(t, "16.9.2", acme.GitLabVersion)
	ada, ok := w.User("ada")
	require.True(t, ok)
	require.Equal(t, []string{"duo_pro"}, ada.Seats)
	require.Equal(t, catalog, w.Catalog)

	w, err = world.Parse("world.yaml", []byte("users: {grace: {instance: gitlab}}"), now, nothingBeside)
	require.NoError(t, err)
	require.Equal(t, now, w.Now, "a file without a time takes the caller's")
}

func TestParseSaysEverythingThatIsWrong(t *testing.T) {
	text := `now: tomorrow
instances:
  acme: {realm: self-manged}
  globex: {gitlab_version: 16.9.2}
users:
  ada: {instance: acne, tokn: x}
catalog_file: nowhere.yml
`
	_, err := world.Parse("world.yaml", []byte(text), now, nothingBeside)
	var found strictyaml.Problems
	require.ErrorAs(t, err, &found)
	lines := make([]string, len(found))
	for n, p := range found {
		lines[n] = p.Error()
	}
	require.Len(t, found, 6, err.Error())
	for n, want := range []string{
		`world.yaml:1:6: now: `,
		`world.yaml:3:17: instances.acme.realm: "self-manged" is not a realm`,
		`world.yaml:4:`,
		`world.yaml:6:19: users.ada.instance: unknown instance "acne" (did you mean "acme"?)`,
		`world.yaml:6:25: users.ada: unknown key "tokn" (did you mean "token"?)`,
		`world.yaml:7:15: catalog_file: cannot be read: file does not exist`,
	} {
		require.Contains(t, lines[n], want)
	}
	require.Contains(t, lines[2], `"realm"`)

	_, err = world.Parse("world.yaml", []byte("catalog: |\n  defaults:\n"), now, nothingBeside)
	require.ErrorContains(t, err, "world.yaml (catalog)")
	_, err = world.Parse("world.yaml", nil, now, nothingBeside)
	require.ErrorContains(t, err, "world.yaml")
}
