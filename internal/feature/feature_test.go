package feature_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/feature"
)

const tutorial = `format: 1
feature: new_feature_scope
backend:
  name: foo
  endpoint: POST /new_feature_endpoint
  reply: {id: id, created: "${now.unix}", extra: Feature}
cloud_connector:
  service_start_time: 2024-02-15 00:00:00 UTC
  min_gitlab_version: '16.8'
  bundled_with: 'duo_pro'
`

func TestParseFillsInWhatTheTutorialLeavesOut(t *testing.T) {
	f, err := feature.Parse("f.yaml", []byte(tutorial))
	require.NoError(t, err)
	require.Equal(t, "new_feature_scope", f.Name)
	require.Equal(t, "POST /api/v4/new_feature_scope", f.Rails.Endpoint.String())
	require.Equal(t, []string{"new_feature_scope"}, f.Rails.Scopes)
	require.Equal(t, "foo", f.Backend.Name)
	require.Equal(t, "POST /new_feature_endpoint", f.Backend.Endpoint.String())
	require.Equal(t, "new_feature_scope", f.Backend.Scope)
	require.Equal(t, "gitlab-ai-gateway", f.Backend.Audience)
	require.Equal(t, feature.Strict, f.Backend.Profile)
	require.Equal(t, 200, f.Backend.Status)
	require.Equal(t, "new_feature_scope", f.CloudConnector.Name)
	require.Equal(t, time.Date(2024, 2, 15, 0, 0, 0, 0, time.UTC), *f.CloudConnector.CutOff)
}

func TestParseTakesTheCatalogsBackendAndPrimitives(t *testing.T) {
	f, err := feature.Parse("f.yaml", []byte(`format: 1
feature: duo_things
backend: {name: ai, endpoint: POST /v1/things, profile: ai-gateway}
cloud_connector:
  backend: gitlab-things
  cut_off_date: 2024-10-17
  bundled_with:
    duo_pro: {unit_primitives: [one, two]}
    duo_enterprise: {unit_primitives: [two, three]}
`))
	require.NoError(t, err)
	require.Equal(t, []string{"one", "two", "three"}, f.Rails.Scopes)
	require.Equal(t, "one", f.Backend.Scope)
	require.Equal(t, "gitlab-things", f.Backend.Audience)
}

func TestParseFindsEveryProblemAtOnce(t *testing.T) {
	for _, c := range []struct {
		old, new string
		want     []string
	}{
		{"feature: new", "featur: new", []string{"f.yaml:2", `"featur"`, `did you mean "feature"`}},
		{"  name: foo", "  nam: foo", []string{"f.yaml:4", `"nam"`, `did you mean "name"`}},
		{"format: 1", "format: 2", []string{"f.yaml:1", "format 2 is not known"}},
		{"POST /new", "POST new", []string{"f.yaml:5", "is not an endpoint"}},
		{"POST /new", "PAST /new", []string{"f.yaml:5", "is not an endpoint"}},
		{"name: foo", "name: Foo Bar", []string{"f.yaml:4", "cannot be a path prefix"}},
		{"${now.unix}", "${now.unixx}", []string{"f.yaml:6", "unknown variable", "did you mean ${now.unix}"}},
		{"name: foo", "name: foo\n  profile: strickt", []string{"f.yaml:5", `did you mean`, "strict"}},
		{"name: foo", "name: foo\n  url: localhost", []string{"f.yaml:5", "is not the URL of a service"}},
		{"name: foo", "name: foo\n  status: 42", []string{"42 is not a status"}},
		{"name: foo", "name: foo\n  stream: [a]", []string{"not with both"}},
		{"'16.8'", "16.10", []string{"f.yaml:9", "quote"}},
		{"00:00:00 UTC", "noon", []string{"f.yaml:8"}},
		{"service_start_time", "service_start_tim", []string{"f.yaml:8", "did you mean"}},
		{"feature: new_feature_scope", "feature: New-Feature", []string{"cannot be a scope"}},
	} {
		require.Contains(t, tutorial, c.old)
		_, err := feature.Parse("f.yaml", []byte(strings.Replace(tutorial, c.old, c.new, 1)))
		for _, want := range c.want {
			require.ErrorContains(t, err, want, c.new)
		}
	}

	_, err := feature.Parse("f.yaml", []byte(strings.NewReplacer("name: foo", "nam: foo", "'16.8'", "16.8", "format: 1", "format: 9").Replace(tutorial)))
	for _, want := range []string{"f.yaml:1", "f.yaml:4", "f.yaml:9"} {
		require.ErrorContains(t, err, want)
	}

	_, err = feature.Parse("f.yaml", nil)
	require.ErrorContains(t, err, "empty")
}

func TestLoadFindsConflicts(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	other := strings.NewReplacer("new_feature_scope", "other_scope", "new_feature_endpoint", "other").Replace(tutorial)

	features, err := feature.Load(fstest.MapFS{"a.yaml": file(tutorial), "b.yml": file(other), "README.md": file("no feature")}, ".")
	require.NoError(t, err)
	require.Equal(t, []string{"new_feature_scope", "other_scope"}, feature.Names(features))

	for want, text := range map[string]string{
		`the feature "new_feature_scope" is taken by a.yaml already`:                  tutorial,
		`the endpoint of backend "foo POST /new_feature_endpoint" is taken by a.yaml`: strings.ReplaceAll(tutorial, "new_feature_scope", "other_scope"),
		`backend "foo" has another audience, url or profile in a.yaml`:                strings.Replace(other, "name: foo", "name: foo\n  audience: gitlab-foo", 1),
		`the endpoint of GitLab "POST /api/v4/new_feature_scope" is taken by a.yaml`:  strings.Replace(other, "backend:", "rails: {endpoint: POST /api/v4/new_feature_scope}\nbackend:", 1),
		`b.yaml:3`: strings.Replace(other, "backend:", "backendd:", 1),
	} {
		_, err := feature.Load(fstest.MapFS{"a.yaml": file(tutorial), "b.yaml": file(text)}, ".")
		require.ErrorContains(t, err, want)
	}

	_, err = feature.Load(fstest.MapFS{}, "nowhere")
	require.ErrorContains(t, err, "read feature files")
}

func TestExpand(t *testing.T) {
	values := feature.Values{Now: time.Unix(1700000000, 0), RequestID: "r-1"}
	got := feature.Expand(map[string]any{
		"created": "${now.unix}",
		"text":    "at ${now.rfc3339} for ${request.id}",
		"list":    []any{"${request.id}", int64(3), true, nil},
		"plain":   "$5 and {braces}",
	}, values)
	require.Equal(t, map[string]any{
		"created": int64(1700000000),
		"text":    "at 2023-11-14T22:13:20Z for r-1",
		"list":    []any{"r-1", int64(3), true, nil},
		"plain":   "$5 and {braces}",
	}, got)
}
