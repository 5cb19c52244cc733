package strictyaml_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// FuzzDecode holds that no text makes Parse or Decode panic, and that every
// complaint is made of problems that stand inside the file.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"", "a", "a: b: c", "a:\n\tb: 1\n", environments,
		"name: x\nformat: 1\nsteps:\n  - use: a\n    expect: {status: 200}\n  - sync: acme\n",
		"format: 1\nname: |\n  a\n b\nat: 2024-02-15 00:00:00 UTC\nwait: 3d\nversion: 16.10\n",
		"users: {ada: &a {name: \"\\u00e4\"}, bob: {<<: *a}}\n", "free: [.inf, 0x1f, 010, 1e3, ~, 'a''b', !!str 1]\n",
		"? a\n: b\n", "%YAML 1.2\n---\na: 1\n...\n", "a: &a [*a]\n", "{[}]", "- - - ? ? !a &b *c", "a: >\n\n\n", "\ufeffa: 1\r\nb: 2\r\n",
		"a: '", "a: \"\\x", "<<: [*a, *b]\n", "a: 1\n---\nb: 2\n", "a: !<tag:x> b\n", "- a\n -b\n", "a: @x\n", "[[[[{{{{", "a: |9\n  x\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := strictyaml.Parse("f.yaml", []byte(text))
		check(t, text, err)
		if err != nil {
			return
		}
		check(t, text, doc.Decode(new(story)))
		check(t, text, doc.Decode(new(any)))
		check(t, text, doc.Decode(&map[string]*strictyaml.Document{}))
		for _, key := range doc.Keys("") {
			path := strictyaml.Join("", key)
			part, ok := doc.Slice(path)
			if !ok || !doc.Has(path) {
				t.Fatalf("key %q is listed but not found", key)
			}
			check(t, text, strictyaml.Problems{part.Problem("x[1].y", "no", ""), doc.KeyProblem(path, "no", "")})
		}
	})
}

func check(t *testing.T, text string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var problems strictyaml.Problems
	if !errors.As(err, &problems) || len(problems) == 0 {
		t.Fatalf("expected problems, got %T: %v", err, err)
	}
	for _, p := range problems {
		if p.Message == "" || strings.ContainsAny(p.Full(), "\x1b\x00") {
			t.Fatalf("unreadable problem: %q", p.Full())
		}
		if p.Line < 1 || p.Line > strings.Count(text, "\n")+1 || p.Column < 1 {
			t.Fatalf("problem outside of the file: %q", p.Full())
		}
	}
}

func BenchmarkParseAndDecode(b *testing.B) {
	text := []byte("name: x\nformat: 1\nsteps:\n" + strings.Repeat("  - use: a\n    expect: {status: 200, body: {a: [1, 2, x]}}\n  - sync: acme\n", 20))
	b.ReportAllocs()
	for b.Loop() {
		doc, err := strictyaml.Parse("f.yaml", text)
		if err != nil {
			b.Fatal(err)
		}
		if err := doc.Decode(new(story)); err != nil {
			b.Fatal(err)
		}
	}
}
