package customersdotstub

import (
	"context"
	_ "embed" // for the schema
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/graph-gophers/graphql-go"
	"github.com/graph-gophers/graphql-go/errors"

	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
)

//go:embed schema.graphql
var schemaText string

// Bounds on a query, so that none can keep CustomersDot busy. The standard introspection
// query stays well below all of them.
const (
	maxQuery      = 64 << 10 // bytes; a licence key may stand in the query itself
	maxDepth      = 20
	maxSelections = 5000
	maxOverlaps   = 5000
	maxAccesses   = 10 // each may cost a signature
)

// schema is that of every CustomersDot of the process: reading it takes longer than
// everything else that a start does. Resolvers find theirs in the context.
var schema = sync.OnceValues(func() (*graphql.Schema, error) {
	return graphql.ParseSchema(schemaText, &resolver{},
		graphql.UseStringDescriptions(), graphql.UseFieldResolvers(), graphql.DisableFieldSelections(),
		graphql.MaxQueryLength(maxQuery), graphql.MaxDepth(maxDepth),
		graphql.MaxSelections(maxSelections), graphql.OverlapValidationLimit(maxOverlaps),
		graphql.PanicHandler(panics{}), graphql.Logger(panics{}))
})

// panics keeps a panic of a resolver out of the answer and puts it into the log.
type panics struct{}

func (panics) LogPanic(ctx context.Context, value any) {
	callOf(ctx).stub.service.Log().ErrorContext(ctx, "resolver panicked", "service", Name, "cause", value)
}

func (panics) MakePanicError(context.Context, any) *errors.QueryError {
	return &errors.QueryError{Message: "Internal server error"}
}

// request is the body of a GraphQL request.
type request struct {
	Query         string          `json:"query"`
	OperationName string          `json:"operationName"`
	Variables     json.RawMessage `json:"variables"`
}

// graphql answers "POST /graphql". Whatever is wrong with the query is said in GraphQL's
// own format with status 200.
func (s *Stub) graphql(r *http.Request) (stub.Reply, error) {
	var body request
	if err := stub.ReadJSON(r, &body); err != nil {
		return stub.Reply{}, err
	}
	variables, err := readVariables(body.Variables)
	if err != nil {
		return stub.Reply{}, &stub.Error{
			Status: http.StatusBadRequest, Message: "Bad Request",
			Detail: "the variables are no JSON object", Err: err,
		}
	}
	if strings.TrimSpace(body.Query) == "" {
		// The words of the Ruby library that CustomersDot is built on.
		return s.answer(r, &graphql.Response{Errors: []*errors.QueryError{{Message: "No query string was present"}}}), nil
	}
	c := &call{stub: s, header: r.Header}
	response := s.schema.Exec(context.WithValue(r.Context(), callKey{}, c), body.Query, body.OperationName, variables)
	c.tell(journal.Of(r.Context()))
	reword(response)
	return s.answer(r, response), nil
}

// reword corrects what the library does not say as GraphQL has it: a request that failed
// before any field was resolved has no data, and subscriptions are not there at all.
func reword(response *graphql.Response) {
	if len(response.Errors) == 0 {
		return
	}
	if string(response.Data) == "{}" {
		response.Data = nil
	}
	for _, e := range response.Errors {
		if e.Message == "graphql-ws protocol header is missing" {
			e.Message = "Schema is not configured for subscriptions"
		}
	}
}

func (s *Stub) answer(r *http.Request, response *graphql.Response) stub.Reply {
	entry := journal.Of(r.Context())
	if len(response.Errors) > 0 && entry.Detail == "" {
		entry.Detail = response.Errors[0].Message
		if more := len(response.Errors) - 1; more > 0 {
			entry.Detail += fmt.Sprintf(" (and %d more errors)", more)
		}
	}
	return jsonReply(http.StatusOK, response)
}

// readVariables takes variables as an object or, as Rails does, as the text of one.
func readVariables(raw json.RawMessage) (map[string]any, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = json.RawMessage(text)
	}
	if len(raw) == 0 {
		return nil, nil
	}
	var variables map[string]any
	err := json.Unmarshal(raw, &variables)
	return variables, err
}

// call is one GraphQL request. Resolvers run side by side, and may still do so when the
// client has gone and the journal's entry is closed, so they note here what goes into it.
type call struct {
	stub   *Stub
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
