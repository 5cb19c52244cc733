package strictyaml_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

func TestEditChangesOneValue(t *testing.T) {
	for _, c := range []struct {
		name, text, path string
		value            any
		want             string
	}{
		{"in brackets", "a: {b: [1, true], c: x} # why\n", "a.b[1]", false, "a: {b: [1, false], c: x} # why\n"},
		{"plain text", "# first\na: one two # why\nb: 1\n", "a", "three", "# first\na: three # why\nb: 1\n"},
		{"text that needs quotes", "a: one\n", "a", "true", "a: 'true'\n"},
		{"text with a colon", "a: one\n", "a", "x: y", "a: 'x: y'\n"},
		{"text with a quote", "a: 'it''s'\n", "a", "that's", "a: 'that''s'\n"},
		{"text in double quotes", "a: \"é\\n\" # why\nb: 1\n", "a", "x\t<y>", "a: \"x\\t<y>\" # why\nb: 1\n"},
		{"lines into single quotes", "a: 'x'\n", "a", "x\ny", "a: \"x\\ny\"\n"},
		{"a number", "a: 1\n", "a", int64(2), "a: 2\n"},
		{"a large number", "a: 1\n", "a", 1e30, "a: 1e+30\n"},
		{"a whole float", "a: 1.5\n", "a", 2.0, "a: 2.0\n"},
		{"null", "a: {b: x, c: y}\n", "a.b", nil, "a: {b: null, c: y}\n"},
		{"of another kind", "a: {b: x, c: y}\n", "a.b", map[string]any{"k": []any{int64(1), "x, y"}}, "a: {b: {k: [1, 'x, y']}, c: y}\n"},
		{"a list in brackets", "a: [1, 'x]', \"]\", {b: ']'}] # ]\n", "a", []any{}, "a: [] # ]\n"},
		{"over lines, in brackets", "a: [\n  1, # ]\n  it's,\n  2\n]\nb: 1\n", "a", []any{int64(3)}, "a: [3]\nb: 1\n"},
		{"a block", "a:\n  b:\n    c: 1\n    # of c\n    d: 2\n  # of e\n  e: 3\n", "a.b", map[string]any{"c": int64(2)}, "a:\n  b: {c: 2}\n  # of e\n  e: 3\n"},
		{"a block in a block", "a:\n  b:\n    c: 1 # of c\n    d: 2 # of d\n", "a.b.d", int64(3), "a:\n  b:\n    c: 1 # of c\n    d: 3 # of d\n"},
		{"a block below a comment", "a: # of a\n  b: 1\nc: 2\n", "a", "x", "a: # of a\n  x\nc: 2\n"},
		{"a list of dashes", "a:\n- 1\n- b: 2\n  c: 3\nd: 4\n", "a", []any{"x"}, "a: [x]\nd: 4\n"},
		{"an item", "a:\n  - b: 2\n    c: 3\n  - x\n", "a[0]", "y", "a:\n  - y\n  - x\n"},
		{"in an item", "a:\n  - b: 2\n    c: 3\n  - x\n", "a[0].c", "y", "a:\n  - b: 2\n    c: y\n  - x\n"},
		{"lines", "a: |\n  one\n\n  # two\nb: 1\n", "a", "three\n  four\n", "a: |\n  three\n    four\nb: 1\n"},
		{"lines without an end", "a: |\n  one\nb: 1\n", "a", "three\n\nfour", "a: |-\n  three\n\n  four\nb: 1\n"},
		{"lines that become one", "a:\n- k: |\n    one\n    two\n  b: 1\n", "a[0].k", "three", "a:\n- k: three\n  b: 1\n"},
		{"lines to a number", "a: |\n  one\nb: 1\n", "a", int64(1), "a: 1\nb: 1\n"},
		{"lines that begin with a space", "a: |\n  one\n", "a", " x\ny\n", "a: \" x\\ny\\n\"\n"},
		{"behind wide characters", "é世: {b: \"世\", c: é}\n", "é世.c", "ö", "é世: {b: \"世\", c: ö}\n"},
		{"with a mark and carriage returns", "\ufeffa: |\r\n  x\r\n  y\r\nb: 1\r\n", "a", "1\n2\n", "\ufeffa: |\r\n  1\r\n  2\r\nb: 1\r\n"},
		{"a key with a dot", "a: {\"b.c\": 1, d: 2}\n", `a["b.c"]`, int64(3), "a: {\"b.c\": 3, d: 2}\n"},
		{"beside an anchor", "a: &x {b: 1}\nc: *x\nd: 2\n", "d", int64(3), "a: &x {b: 1}\nc: *x\nd: 3\n"},
		{"at the end", "a: 1", "a", int64(2), "a: 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := strictyaml.Edit("f.yaml", []byte(c.text), c.path, c.value)
			require.NoError(t, err)
			require.Equal(t, c.want, string(got))
		})
	}
}

func TestEditRefusesWhatIsNotClear(t *testing.T) {
	for name, c := range map[string]struct{ text, path, want string }{
		"an alias":           {"a: &x {b: 1}\nc: *x\n", "c.b", "other places in the file have it, too"},
		"an aliased anchor":  {"a: &x {b: 1}\nc: *x\n", "a.b", "other places in the file have it, too"},
		"a merge":            {"a: &x {b: 1}\nc: {<<: *x}\n", "c.b", "other places in the file have it, too"},
		"a list":             {"- a: 1\n", "[0].a", "it would change more than the value"},
		"nothing":            {"a: {b: 1}\n", "a.c", "it is not there"},
		"no value":           {"a:\n  b:\n", "a.b", "it is empty"},
		"plain over lines":   {"a: one\n  two\n", "a", "it is not clear where it ends"},
		"mixed line endings": {"a: 1\r\nb: 2\n", "a", "some lines end with a carriage return"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := strictyaml.Edit("f.yaml", []byte(c.text), c.path, "x")
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "f.yaml:")
		})
	}
	_, err := strictyaml.Edit("f.yaml", []byte("a: ["), "a", "x")
	require.ErrorContains(t, err, "f.yaml:1")
}

// FuzzEdit wants every edit to be what it says, or refused.
func FuzzEdit(f *testing.F) {
	f.Add("a: {b: [x, 'y'], c: |\n  z\n}", "b", "x: y")
	f.Add("a:\n  b: 1 # c\n  d: [\n 1]\n", "d", "\"")
	f.Add("a:\n  b:\n  - x\n  # y\n", "b", "\n z")
	f.Fuzz(func(t *testing.T, text, key, value string) {
		path := strictyaml.Join("a", key)
		edited, err := strictyaml.Edit("f.yaml", []byte(text), path, value)
		if err != nil {
			return
		}
		var before, after struct{ A map[string]any }
		was, err := strictyaml.Parse("f.yaml", []byte(text))
		require.NoError(t, err)
		is, err := strictyaml.Parse("f.yaml", edited)
		require.NoError(t, err)
		_ = was.Decode(&before)
		_ = is.Decode(&after)
		require.Equal(t, value, after.A[key])
		before.A[key] = value
		require.Equal(t, before, after)
	})
}
