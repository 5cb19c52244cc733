package strictyaml_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const environments = `defaults: &defaults
  services:
    a: {min: '16.8', note: &note free for ever}
  extra: 1
production:
  <<: *defaults
  extra: 2
staging:
  <<: [*defaults, {more: *note, extra: 3}]
`

func TestMerges(t *testing.T) {
	var got map[string]map[string]any
	doc := parse(t, environments)
	require.NoError(t, doc.Decode(&got))

	services := map[string]any{"a": map[string]any{"min": "16.8", "note": "free for ever"}}
	require.Equal(t, map[string]map[string]any{
		"defaults":   {"services": services, "extra": int64(1)},
		"production": {"services": services, "extra": int64(2)},                          // its own key wins
		"staging":    {"services": services, "extra": int64(1), "more": "free for ever"}, // the first of the list wins
	}, got)
	require.Equal(t, []string{"extra", "services"}, doc.Keys("production"), "merged keys come last")
	require.Equal(t, "a.yaml:3:14: production.services.a.min: no", doc.Problem("production.services.a.min", "no", "").Error(),
		"a merged value stands where it was written")
}

func TestMergedKeysAreChecked(t *testing.T) {
	type block struct {
		Use string `yaml:"use"`
	}
	var got map[string]block
	doc := parse(t, "a: &a\n  use: x\n  usee: y\nb:\n  <<: *a\n")
	require.Equal(t, []string{`a.yaml:3:3: a: unknown key "usee" (did you mean "use"?)`}, lines(doc.Decode(&got)), "once, though two blocks have it")

	doc = parse(t, "a: &a {use: x}\nb:\n  <<: *a\n  <<: *a\n")
	require.Equal(t, []string{"a.yaml:4:3: b: a second << in one block, the first is at line 3 (write one with a list: <<: [*a, *b])"}, lines(doc.Decode(&got)))
	doc = parse(t, "a: &name {use: x}\nb: *naem\n")
	require.Equal(t, []string{`a.yaml:2:4: b: no anchor is called "naem" (did you mean "*name"?)`}, lines(doc.Decode(&got)))
}

func TestAliasesOfScalarsAndKeys(t *testing.T) {
	var got map[string]any
	require.NoError(t, parse(t, "a: &a x\nb: *a\n*a : 1\n\"<<\": 2\nc: !!str 16.10\nd: [&e y, *e]\n").Decode(&got))
	require.Equal(t, map[string]any{"a": "x", "b": "x", "x": int64(1), "<<": int64(2), "c": "16.10", "d": []any{"y", "y"}}, got)
}
