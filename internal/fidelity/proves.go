package fidelity

import (
	"slices"
	"testing"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// Attribute is the key under which `go test -json` reports the id of a fact.
const Attribute = "fact"

// Proves says that the test asserts these facts. An id that no row has fails the test.
func Proves(t testing.TB, ids ...string) {
	t.Helper()
	facts, err := Facts()
	if err != nil {
		t.Fatalf("read the facts: %v", err)
	}
	known := make([]string, len(facts))
	for n, f := range facts {
		known[n] = f.ID
	}
	for _, id := range ids {
		if !slices.Contains(known, id) {
			t.Errorf("no fact is called %q, nearest is %q", id, strictyaml.Suggest(id, known))
			continue
		}
		t.Attr(Attribute, id)
	}
}
