package customersdotstub

import (
	"context"
	_ "embed" // for the schema
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/ccmock/ccmock/internal/graphql"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
)

//go:embed schema.graphql
var schemaText string

// maxAccesses bounds the uses of cloudConnectorAccess in one request: each may cost a
// signature.
const maxAccesses = 10

func newSchema(s *Stub) (*graphql.Schema, error) {
	return graphql.NewSchema(schemaText, &resolver{s}, Name, s.service.Log())
}

// graphql answers "POST /graphql". Whatever is wrong with the query is said in GraphQL's
// own format with status 200.
func (s *Stub) graphql(r *http.Request) (stub.Reply, error) {
	request, err := graphql.Read(r)
	if err != nil {
		return stub.Reply{}, err
	}
	c := &call{header: r.Header}
	response := s.schema.Exec(context.WithValue(r.Context(), callKey{}, c), request)
	entry := journal.Of(r.Context())
	c.tell(entry)
	graphql.Note(entry, response)
	return jsonReply(http.StatusOK, response), nil
}

// call is one GraphQL request. Resolvers run side by side, and may still do so when the
// client has gone and the journal's entry is closed, so they note here what goes into it.
type call struct {
	header http.Header

	mu       sync.Mutex
	accesses int
	issued   *issued
	reason   string
	detail   string
}

type callKey struct{}

func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// access counts one use of cloudConnectorAccess and reports whether it is allowed.
func (c *call) access() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accesses++
	return c.accesses <= maxAccesses
}

func (c *call) noteIssued(i issued) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.issued == nil {
		c.issued = &i
	}
}

func (c *call) note(reason, detail string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.detail == "" {
		c.reason, c.detail = reason, detail
	}
}

// tell completes the journal's entry.
func (c *call) tell(e *journal.Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.Reason, e.Detail = c.reason, c.detail
	if c.issued != nil {
		e.Issued, e.Scopes = c.issued.token, c.issued.scopes
	}
}

// failure is an error in the words of CustomersDot.
type failure string

func (f failure) Error() string { return string(f) }

const invalidLicense failure = "Invalid cloud license"

// iso8601 is the scalar ISO8601DateTime. It is never an input.
type iso8601 struct{ time.Time }

func (iso8601) ImplementsGraphQLType(name string) bool { return name == "ISO8601DateTime" }

func (*iso8601) UnmarshalGraphQL(any) error { return failure("ISO8601DateTime is not an input") }

func (t iso8601) MarshalJSON() ([]byte, error) {
	return json.Marshal(t.UTC().Format("2006-01-02T15:04:05Z07:00"))
}

// anyJSON is the scalar JSON. It is never an input.
type anyJSON struct{ json.RawMessage }

func (anyJSON) ImplementsGraphQLType(name string) bool { return name == "JSON" }

func (*anyJSON) UnmarshalGraphQL(any) error { return failure("JSON is not an input") }
