package graphql

import (
	"context"
	"log/slog"
	"strings"

	library "github.com/graph-gophers/graphql-go"
	"github.com/graph-gophers/graphql-go/errors"
)

// Bounds on a query, so that none can keep a service busy. The standard introspection
// query stays well below all of them.
const (
	maxQuery      = 64 << 10 // bytes; a licence key may stand in the query itself
	maxDepth      = 20
	maxSelections = 5000
	maxOverlaps   = 5000
)

// The types of the library that stubs see.
type (
	// Response is what a request comes to.
	Response = library.Response
	// Error is one of its errors.
	Error = errors.QueryError
	// ID is the scalar ID.
	ID = library.ID
)

// Schema is a schema with its resolvers. It is safe for concurrent use.
type Schema struct{ parsed *library.Schema }

// NewSchema reads a schema. Fields of the root are methods of resolver; below it they are
// methods or fields of what the methods return. A panic of a resolver is logged under the
// service's name and kept out of the answer.
func NewSchema(text string, resolver any, service string, log *slog.Logger) (*Schema, error) {
	handler := panics{service, log}
	parsed, err := library.ParseSchema(text, resolver,
		library.UseStringDescriptions(), library.UseFieldResolvers(), library.DisableFieldSelections(),
		library.MaxQueryLength(maxQuery), library.MaxDepth(maxDepth),
		library.MaxSelections(maxSelections), library.OverlapValidationLimit(maxOverlaps),
		library.PanicHandler(handler), library.Logger(handler))
	if err != nil {
		return nil, err
	}
	return &Schema{parsed}, nil
}

// panics keeps a panic of a resolver out of the answer and puts it into the log.
type panics struct {
	service string
	log     *slog.Logger
}

func (p panics) LogPanic(ctx context.Context, value any) {
	p.log.ErrorContext(ctx, "resolver panicked", "service", p.service, "cause", value)
}

func (panics) MakePanicError(context.Context, any) *errors.QueryError {
	return &errors.QueryError{Message: "Internal server error"}
}

// Exec runs a request. Whatever is wrong with the query is in the response's errors.
func (s *Schema) Exec(ctx context.Context, r Request) *Response {
	if strings.TrimSpace(r.Query) == "" {
		// The words of the Ruby library that both services are built on.
		return &Response{Errors: []*Error{{Message: "No query string was present"}}}
	}
	response := s.parsed.Exec(ctx, r.Query, r.OperationName, r.Variables)
	reword(response)
	return response
}

// reword corrects what the library does not say as GraphQL has it: a request that failed
// before any field was resolved has no data, and subscriptions are not there at all.
func reword(response *Response) {
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
