package graphql_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/graphql"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
)

const schemaText = `
schema { query: Query }
type Query { twice(n: Int!): Int! fails: String panics: String }
`

type root struct{}

func (root) Twice(args struct{ N int32 }) int32 { return 2 * args.N }
func (root) Fails() (*string, error)            { return nil, errors.New("no") }
func (root) Panics() *string                    { panic("secret") }

func newSchema(t *testing.T) *graphql.Schema {
	t.Helper()
	s, err := graphql.NewSchema(schemaText, &root{}, "test", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return s
}

func TestExec(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		r    graphql.Request
		want string
	}{
		{"variables", graphql.Request{Query: `query($n: Int!){twice(n: $n)}`, Variables: map[string]any{"n": 3.0}}, `{"data":{"twice":6}}`},
		{"operation", graphql.Request{Query: `query a{twice(n: 1)} query b{twice(n: 2)}`, OperationName: "b"}, `{"data":{"twice":4}}`},
		{"no query", graphql.Request{Query: " "}, `{"errors":[{"message":"No query string was present"}]}`},
		{"an error", graphql.Request{Query: `{fails}`}, `{"errors":[{"message":"no","path":["fails"]}],"data":{"fails":null}}`},
		{"a panic", graphql.Request{Query: `{panics}`}, `{"errors":[{"message":"Internal server error","path":["panics"]}],"data":{"panics":null}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text, err := json.Marshal(newSchema(t).Exec(t.Context(), c.r))
			require.NoError(t, err)
			require.JSONEq(t, c.want, string(text))
		})
	}
	invalid := newSchema(t).Exec(t.Context(), graphql.Request{Query: "{nothing}"})
	require.Empty(t, invalid.Data, "a request that failed before any field has no data")
	require.Len(t, invalid.Errors, 1)
	var entry journal.Entry
	graphql.Note(&entry, invalid)
	require.Contains(t, entry.Detail, "nothing")
}

func TestRead(t *testing.T) {
	t.Parallel()
	read := func(body string) (graphql.Request, error) {
		return graphql.Read(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(body)))
	}
	want := graphql.Request{Query: "{a}", OperationName: "b", Variables: map[string]any{"c": 1.0}}
	for _, body := range []string{
		`{"query":"{a}","operationName":"b","variables":{"c":1}}`,
		`{"query":"{a}","operationName":"b","variables":"{\"c\":1}"}`,
	} {
		got, err := read(body)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, body := range []string{`{`, `[]`, `{"variables":[1]}`, `{"variables":"[1]"}`} {
		_, err := read(body)
		var e *stub.Error
		require.ErrorAs(t, err, &e, body)
		require.Equal(t, http.StatusBadRequest, e.Status)
	}
}
