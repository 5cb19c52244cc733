package scenarios

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/world"
)

func TestLength(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 90 * time.Second: "1m30s", time.Minute: "1m", time.Hour: "1h", 2 * time.Hour: "2h", 61 * time.Minute: "1h1m",
		72 * time.Hour: "3d", 36 * time.Hour: "1d12h", -5 * time.Second: "-5s", -24 * time.Hour: "-1d", time.Hour + time.Second: "1h0m1s",
	} {
		require.Equal(t, want, length(d))
	}
}

func TestRedactor(t *testing.T) {
	r := newRedactor(&Flow{World: world.World{Users: []world.User{{Token: "glpat-ada"}, {Token: "an odd one"}, {Token: "short"}}}})
	const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
	for text, want := range map[string]string{
		"Bearer " + token:           "Bearer [token 1bf5d34d0a40]",
		`{"token":"` + token + `"}`: `{"token":"[token 1bf5d34d0a40]"}`,
		"glpat-ada":                 "glpat-a...",
		"glpat-a":                   "glpat-a...",
		"an odd one, short":         "an o..., ...",
		"nothing to hide":           "nothing to hide",
		"eyJpZCI6MSwic3Vic2NyaXB0aW9uIjoiYWNtZSIsInBsYW4iOiJ1bHRpbWF0\\nZSIsInN0YXJ0c19hdCI6IjIwMjQi=": "eyJpZCI6M...",
	} {
		require.Equal(t, want, r.text(text))
	}
	require.Equal(t, map[string]any{"a": []any{"glpat-a...", 1.0, nil}}, r.values(map[string]any{"a": []any{"glpat-ada", 1.0, nil}}))
	require.Equal(t, []Field{{"Accept", "*/*"}, {"Private-Token", "some..."}, {"X-Admin-Token", "glpat-x..."}}, r.headers(http.Header{
		"Private-Token": {"something else"}, "X-Admin-Token": {"glpat-xyz"}, "Accept": {"*/*"},
	}))
}

func TestDifferences(t *testing.T) {
	for _, c := range []struct {
		name      string
		want, got any
		texts     []string // path and text
	}{
		{"same text", "a", "a", nil},
		{"an int and a float", int64(3), 3.0, nil},
		{"a number and a text", int64(3), "3", []string{`: expected 3, got "3"`}},
		{"null", nil, nil, nil},
		{"null and something", nil, "x", []string{`: expected null, got "x"`}},
		{"more members", map[string]any{"a": int64(1)}, map[string]any{"a": 1.0, "b": 2.0}, nil},
		{"a member that is absent", map[string]any{"a": "x"}, map[string]any{"b": 2.0}, []string{`.a: expected "x", got nothing among b`}},
		{"a member that should be", map[string]any{"a": nil}, map[string]any{"a": 1.0}, []string{`.a: expected null, got 1`}},
		{"a member that may be absent", map[string]any{"a": nil}, map[string]any{}, nil},
		{"no object", map[string]any{"a": nil}, []any{}, []string{`: expected an object, got []`}},
		{"no list", []any{}, "x", []string{`: expected a list, got "x"`}},
		{"a longer list", []any{"a"}, []any{"a", "b"}, []string{`: expected ["a"] (1 of them), got ["a","b"] (2)`}},
		{"the order of a list", []any{"a", "b"}, []any{"b", "a"}, []string{`[0]: expected "a", got "b"`, `[1]: expected "b", got "a"`}},
		{"deep", map[string]any{"a": []any{map[string]any{"b": true}}}, map[string]any{"a": []any{map[string]any{"b": false}}}, []string{`.a[0].b: expected true, got false`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var texts []string
			for _, d := range differences(c.want, c.got) {
				texts = append(texts, d.at()+": "+d.text)
			}
			require.Equal(t, c.texts, texts)
		})
	}
}

func TestExpandKeepsTheTypeOfALoneReference(t *testing.T) {
	resolve := resolver(func(ref string) (any, error) {
		if ref == "bad" {
			return nil, errors.New("no such thing")
		}
		return int64(7), nil
	})
	got, err := expand(map[string]any{"n": "${x}", "list": []any{"a ${x} ${x}", true, nil}}, resolve)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"n": int64(7), "list": []any{"a 7 7", true, nil}}, got)
	for _, v := range []any{"${bad}", "x ${bad}", []any{"${bad}"}, map[string]any{"a": "${bad}"}} {
		_, err := expand(v, resolve)
		require.EqualError(t, err, "no such thing")
	}
}

func TestSteadyWords(t *testing.T) {
	require.Equal(t, "1 step", quantity(1, "step"))
	require.Equal(t, "0 steps", quantity(0, "step"))
	require.Equal(t, "a.b(?)[...", cut("a.b(?)[xyz", 7))
	require.Equal(t, "a.b\tc", printable("a\x1bb\tc"))
}
