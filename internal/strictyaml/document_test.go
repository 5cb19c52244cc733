package strictyaml_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

func parse(t *testing.T, text string) *strictyaml.Document {
	t.Helper()
	doc, err := strictyaml.Parse("a.yaml", []byte(text))
	require.NoError(t, err)
	return doc
}

// lines drops the excerpts of an error, to compare what it says.
func lines(err error) []string {
	if err == nil {
		return nil
	}
	var out []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSuffix(line, "\n"); !strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "> ") {
			out = append(out, line)
		}
	}
	return out
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "a.yaml:1:1: the file is empty"},
		{"only a comment", "# nothing\n", "a.yaml:1:1: the file is empty"},
		{"only marks", "---\n...\n", "a.yaml:1:1: the file is empty"},
		{"two documents", "a: 1\n---\nb: 2\n", "a.yaml:2:1: expected one document, got 2 (split the file here)"},
		{"tab", "a:\n\tb: 1\n", "a.yaml:2:1: a tab in the indentation (indent with spaces)"},
		{
			"key between two levels", "a:\n    b: 1\n  c: 2\n",
			"a.yaml:3:3: the indentation, 2 spaces, fits no block above (check the indentation: blocks above have 0, 4)",
		},
		{
			"key below a value", "a:\n  - b: 1\n      c: 2\n",
			`a.yaml:3:7: "c" is indented deeper than the key before it, which has a value already ` +
				`(check the indentation: line 2 has 4 spaces before its key, line 3 has 6 spaces)`,
		},
		{"item below keys", "a: 1\n- b\n", `a.yaml:2:1: expected "key: value" at this indentation (check the indentation)`},
		{"colon in a text", "a: b: c\n", `a.yaml:1:4: a second "key: value" on one line (quote the text if it holds a colon and a space)`},
		{"text behind a quote", "a: 'b' c\n", `a.yaml:1:8: unexpected text behind a value (put quotes around the whole of it, if it is one text)`},
		{"open quote", "a: 'b\nc: d\n", "a.yaml:1:5: the quote that opens here is never closed"},
		{"open list", "a: [1, 2\nb: 3\n", `a.yaml:2:1: expected "," or "]" in a list that was opened with "["`},
		{"open block", "a: {b: 1\n", `a.yaml:1:4: expected "," or "}" in a block that was opened with "{"`},
		{"not UTF-8", "a: ok\nb: \xff\n", "a.yaml:2:4: expected UTF-8 text, got another encoding (save the file as UTF-8)"},
		{"zero byte", "a: \x00\n", "a.yaml:1:4: expected text, got a zero byte"},
		{"list as a key", "? [a]\n: b\n", "a.yaml:2:1: a key must be a single word, not a list or a block"},
		{"reserved mark", "a: @b\n", "a.yaml:1:4: '@' is a reserved character"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := strictyaml.Parse("a.yaml", []byte(c.text))
			require.Equal(t, []string{c.want}, lines(err))
			require.ErrorAs(t, err, new(strictyaml.Problems))
			require.ErrorAs(t, err, new(strictyaml.Problem))
		})
	}
}

func TestParseIsBounded(t *testing.T) {
	laughs := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'k'; c++ {
		laughs += strings.ReplaceAll("N: &N [P, P, P, P, P, P, P, P, P, P]\n", "N", string(c))
		laughs = strings.ReplaceAll(laughs, "P", "*"+string(c-1))
	}
	chain := "a0: &a0 [[[[[[[[[[x]]]]]]]]]]\n"
	for i := 1; i < 12; i++ {
		chain += strings.NewReplacer("N", string(rune('a'+i)), "P", string(rune('a'+i-1))).Replace("N0: &N0 [[[[[[[[[[*P0]]]]]]]]]]\n")
	}
	merges := "a: &a {" + strings.Repeat("k", 20) + ": 1"
	for i := range 2000 {
		merges += ", k" + strings.Repeat("x", i%40) + strings.Repeat("y", i/40) + ": 1"
	}
	merges += "}\nb: {<<: [*a" + strings.Repeat(", *a", 2000) + "]}\n"

	const deep = "the nesting is too deep, expected at most 100 levels"
	for _, c := range []struct{ name, text, want string }{
		{"size", "a: " + strings.Repeat("x", strictyaml.MaxSize), "expected at most 1048576 bytes, got 1048579"},
		{"words", strings.Repeat("- a\n", 30_000), "the document is too large, expected at most 50000 words and marks"},
		{"lists in lists", strings.Repeat("[", 5000), deep},
		{"blocks in blocks", strings.Repeat("{a: ", 5000), deep},
		{"dashes", strings.Repeat("- ", 5000), deep},
		{"questions", strings.Repeat("? ", 5000), deep},
		{"tags", "a: [" + strings.Repeat("!a ", 5000) + "]", deep},
		{"just too deep", strings.Repeat("[", 101) + strings.Repeat("]", 101), deep},
		{"aliases of aliases", laughs, "the document is too large once its aliases are expanded"},
		{"deep through aliases", chain, deep},
		{"merges of the same", merges, "the document is too large once its aliases are expanded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := strictyaml.Parse("a.yaml", []byte(c.text))
			require.ErrorContains(t, err, c.want)
		})
	}

	_, err := strictyaml.Parse("a.yaml", []byte(strings.Repeat("[", 99)+strings.Repeat("]", 99)))
	require.NoError(t, err, "what is just deep enough is read")
}

func TestDocumentPoints(t *testing.T) {
	doc := parse(t, strings.Join([]string{
		"format: 1",
		"steps:",
		"  - use: a",
		"  - use: b",
		"    expect:",
		"      status: 200",
		"given: {users: {\"a.b\": {instance: acme}}}",
		"",
	}, "\n"))

	for _, c := range []struct {
		path         string
		line, column int
	}{
		{"format", 1, 9},
		{"steps", 2, 1},
		{"steps[1].use", 4, 10},
		{"steps[1]", 4, 5},
		{"steps[1].expect", 5, 5},
		{"steps[1].expect.status", 6, 15},
		{"steps[1].expect.body.id", 5, 5}, // nearest parent
		{"steps[7]", 2, 1},
		{`given.users["a.b"].instance`, 7, 35},
		{"nothing", 1, 1},
		{"steps[x", 2, 1},
		{"", 1, 1},
	} {
		p := doc.Problem(c.path, "is wrong", "do it right")
		require.Equal(t, [2]int{c.line, c.column}, [2]int{p.Line, p.Column}, c.path)
		require.Equal(t, "a.yaml", p.File)
		require.Equal(t, "do it right", p.Hint)
	}
	require.Equal(t, 6, doc.KeyProblem("steps[1].expect.status", "", "").Line)
	require.Equal(t, 7, doc.KeyProblem("steps[1].expect.status", "", "").Column)
	require.Equal(t, 5, doc.Line("steps[1].expect"))
	require.True(t, doc.Has("steps[1].expect.status"))
	require.False(t, doc.Has("steps[1].expect.body"))
	require.Equal(t, []string{"format", "steps", "given"}, doc.Keys(""))
	require.Nil(t, doc.Keys("steps"))

	require.Equal(t, "a.yaml:6:15: steps[1].expect.status: is wrong (do it right)\n"+
		"  5 |     expect:\n"+
		"> 6 |       status: 200\n"+
		"    |               ^^^", doc.Problem("steps[1].expect.status", "is wrong", "do it right").Full())
}

func TestSlice(t *testing.T) {
	doc := parse(t, "a: 1\nblock:\n  b:\n    c: x\n")
	block, ok := doc.Slice("block")
	require.True(t, ok)
	require.Equal(t, "block", block.Path())
	require.Equal(t, []string{"b"}, block.Keys(""))
	require.Equal(t, "a.yaml:4:8: block.b.c: no", block.Problem("b.c", "no", "").Error())
	require.Equal(t, "a.yaml:2:1: block: no", block.Problem("", "no", "").Error())

	var v struct {
		B struct {
			C int `yaml:"c"`
		} `yaml:"b"`
	}
	require.Equal(t, []string{`a.yaml:4:8: block.b.c: expected a whole number, got the string "x"`}, lines(block.Decode(&v)))

	_, ok = doc.Slice("block.x")
	require.False(t, ok)
}

func TestExcerpt(t *testing.T) {
	t.Run("long lines show the part that matters", func(t *testing.T) {
		doc := parse(t, "a: {"+strings.Repeat("x: 1, ", 1)+"text: '"+strings.Repeat("long ", 60)+"', wrong: 1}\n")
		excerpt := doc.Problem("a.wrong", "no", "").Excerpt
		shown, caret, _ := strings.Cut(excerpt, "\n")
		require.Less(t, len(shown), 130)
		require.Contains(t, shown, "wrong: 1")
		require.Equal(t, strings.Index(shown, "1}"), strings.Index(caret, "^"))
	})
	t.Run("what a terminal would obey is not repeated", func(t *testing.T) {
		doc := parse(t, "a: 'x\x1b[2Jy'\n")
		require.NotContains(t, doc.Problem("a", "no", "").Full(), "\x1b")
	})
	t.Run("wide text and Windows line ends keep their columns", func(t *testing.T) {
		doc := parse(t, "\ufeffä: [ö, ü]\r\nb: 2\r\n")
		require.Equal(t, "> 1 | ä: [ö, ü]\n    |        ^", doc.Problem("ä[1]", "no", "").Excerpt)
		require.Equal(t, 2, doc.Line("b"))
	})
}

func TestJoin(t *testing.T) {
	require.Equal(t, "steps[3].use", strictyaml.Join("", "steps", 3, "use"))
	require.Equal(t, `given.users["a.b"][0]`, strictyaml.Join("given", "users", "a.b", 0))
	require.Equal(t, `[""]`, strictyaml.Join("", ""))
}

func TestSuggest(t *testing.T) {
	known := []string{"gateway", "status", "min_gitlab_version", "as", "use"}
	for word, want := range map[string]string{
		"gatway": "gateway", "satus": "status", "stauts": "status", "min-gitlab-version": "min_gitlab_version",
		"MinGitlabVersion": "min_gitlab_version", "ues": "use", "usr": "use", "xy": "", "AS": "as", "": "", "banana": "",
		strings.Repeat("x", 100): "",
	} {
		require.Equal(t, want, strictyaml.Suggest(word, known), word)
	}
}

func TestProblems(t *testing.T) {
	errBare := errors.New("no place")
	var ps strictyaml.Problems
	require.NoError(t, ps.Err())
	ps.Add(nil)
	require.NoError(t, ps.Err())
	ps.Add(strictyaml.Problem{File: "b.yaml", Line: 2, Column: 1, Message: "later"})
	ps.Add(strictyaml.Problems{{File: "a.yaml", Line: 9, Column: 1, Message: "earlier", Hint: "why"}, {File: "a.yaml", Line: 9, Column: 1, Message: "earlier", Hint: "why"}})
	ps.Add(errBare)
	require.Equal(t, errBare.Error()+"\na.yaml:9:1: earlier (why)\nb.yaml:2:1: later", ps.Err().Error())
	require.Equal(t, `unknown plan "gold" (known: premium, ultimate)`, strictyaml.Unknown("plan", "gold", []string{"premium", "ultimate"}).Error())
}
