package control_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fault"
)

// The tables of docs/control-plane.md are held against the source, so that neither names
// what the other lacks.
func TestDocsNameEveryRouteActionAndFault(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		return string(text)
	}
	names := func(text, pattern string) map[string]bool {
		found := map[string]bool{}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			found[m[1]] = true
		}
		require.NotEmpty(t, found, pattern)
		return found
	}
	docs := read("../../docs/control-plane.md")
	require.Equal(t,
		names(read("server.go"), `"((?:GET|PUT|POST|DELETE) /v1/[^"]+)"`),
		names(docs, "(?m)^\\| `((?:GET|PUT|POST|DELETE) /v1/[^`]+)`"))
	docs, faults, found := strings.Cut(docs, "\n## Faults\n")
	require.True(t, found)
	require.Equal(t,
		names(read("types.go")+read("surroundings.go"), `Action\w+ += "([a-z_]+)"`),
		names(docs, "(?m)^\\| `([a-z_]+)` \\|"))
	kinds := map[string]bool{}
	for _, kind := range fault.Kinds() {
		kinds[kind] = true
	}
	require.Equal(t, kinds, names(faults, "(?m)^\\| `([a-z_]+)` \\|"))
	for _, words := range [][]string{fault.KeySets(), fault.Signatures()} {
		for _, word := range words {
			require.Contains(t, faults, "`"+word+"`")
		}
	}
}
