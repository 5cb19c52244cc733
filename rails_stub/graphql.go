package railsstub

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/ccmock/ccmock/internal/graphql"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
)

const gitLabGraphQLPath = "/api/graphql"

// maxQuerySize is how long all queries of a request may be together, in characters.
const maxQuerySize = 10_000

// executed is one GraphQL request: what its resolvers need, and what they have to tell the
// journal. Resolvers run side by side.
type executed struct {
	instance  *Instance
	rel       *release
	person    *person // nil: nobody is signed in
	header    http.Header
	requestID string

	mu  sync.Mutex
	met meeting
}

type executedKey struct{}

func executedOf(ctx context.Context) *executed { return ctx.Value(executedKey{}).(*executed) }

// tell notes the first thing that resolvers have to tell.
func (x *executed) tell(m meeting) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.met.reason == "" {
		x.met = m
	}
}

func (x *executed) deny(reason token.Reason, detail string) {
	x.tell(meeting{reason: reason, detail: detail})
}

// graphqlError is an answer outside of GraphQL that looks like one of it.
func graphqlError(status int, message string, reason token.Reason, detail string) error {
	type item struct {
		Message string `json:"message"`
	}
	return &stub.Error{
		Status: status, Reason: string(reason), Detail: detail,
		Body: map[string][]item{"errors": {{message}}},
	}
}

// signedIn finds the caller. Nobody is one, too: some fields are open to the public.
func (i *Instance) signedIn(r *http.Request) (*person, error) {
	p, err := i.owner(r)
	switch refusal := refusalOf(err); {
	case personalToken(r) == "":
		return nil, nil
	case refusal != nil:
		return nil, graphqlError(http.StatusUnauthorized, "Invalid token", token.Reason(refusal.Reason), refusal.Detail)
	case err != nil:
		return nil, err
	case !p.hasScope("api", "read_api", "ai_features"):
		return nil, graphqlError(http.StatusUnauthorized, "Invalid token", UserTokenScope,
			"the personal access token of "+p.Name+" has none of the scopes api, read_api and ai_features")
	case p.Blocked:
		return nil, graphqlError(http.StatusForbidden, "API not accessible for user", UserBlocked, "the account of "+p.Name+" is blocked")
	}
	return p, nil
}

// graphql answers "/api/graphql": one query, or a list of them.
func (i *Instance) graphql(r *http.Request) (stub.Reply, error) {
	p, err := i.signedIn(r)
	if err != nil {
		return stub.Reply{}, err
	}
	requests, many, err := readQueries(r)
	if err != nil {
		return stub.Reply{}, err
	}
	size := 0
	for _, q := range requests {
		size += utf8.RuneCountInString(q.Query)
	}
	if size > maxQuerySize {
		return stub.Reply{}, graphqlError(http.StatusUnprocessableEntity, "Query too large", InvalidRequest, "the queries have more than 10000 characters")
	}
	rel, entry := i.installed(), journal.Of(r.Context())
	responses := make([]*graphql.Response, len(requests))
	for n, q := range requests {
		x := &executed{instance: i, rel: rel, person: p, header: r.Header, requestID: entry.RequestID}
		responses[n] = rel.schema.Exec(context.WithValue(r.Context(), executedKey{}, x), q)
		reword(responses[n])
		if n == 0 {
			x.mu.Lock()
			x.met.note(entry)
			x.mu.Unlock()
			graphql.Note(entry, responses[n])
		}
	}
	h := http.Header{"Content-Type": {jsonType}}
	if many {
		return stub.Reply{Header: h, JSON: responses}, nil
	}
	return stub.Reply{Header: h, JSON: responses[0]}, nil
}

// readQueries reads the queries of a request: of its parameters, or of a JSON list.
func readQueries(r *http.Request) (_ []graphql.Request, many bool, _ error) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		params := r.URL.Query()
		q := graphql.Request{Query: params.Get("query"), OperationName: params.Get("operationName")}
		if isMutation(q.Query) {
			return nil, false, graphqlError(http.StatusUnprocessableEntity, "Mutations are forbidden in "+r.Method+" requests",
				InvalidRequest, "a mutation has to be sent with POST")
		}
		var err error
		q.Variables, err = variables(json.RawMessage(params.Get("variables")))
		return []graphql.Request{q}, false, err
	}
	body, err := readBody(r)
	if err != nil {
		return nil, false, err
	}
	type sent struct {
		Query         string          `json:"query"`
		OperationName string          `json:"operationName"`
		Variables     json.RawMessage `json:"variables"`
	}
	var list []sent
	if many = bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")); many {
		err = json.Unmarshal(body, &list)
	} else if list = make([]sent, 1); len(bytes.TrimSpace(body)) > 0 {
		err = json.Unmarshal(body, &list[0])
	}
	if err != nil || len(list) > maxQueries {
		return nil, false, &stub.Error{
			Status: http.StatusBadRequest, Reason: string(InvalidRequest), Detail: "the body is no GraphQL request", Err: err,
			Body: struct {
				Status int    `json:"status"`
				Error  string `json:"error"`
			}{http.StatusBadRequest, "Bad Request"},
		}
	}
	found := make([]graphql.Request, len(list))
	for n, q := range list {
		found[n] = graphql.Request{Query: q.Query, OperationName: q.OperationName}
		if found[n].Variables, err = variables(q.Variables); err != nil {
			return nil, false, err
		}
	}
	return found, many, nil
}

// maxQueries bounds the list of queries.
const maxQueries = 50

func variables(raw json.RawMessage) (map[string]any, error) {
	found, err := graphql.ReadVariables(raw)
	if err != nil {
		return nil, graphqlError(http.StatusUnprocessableEntity, "Unexpected parameter: "+string(raw), InvalidRequest, "the variables are no JSON object")
	}
	return found, nil
}

// isMutation reports whether a query begins as a mutation.
func isMutation(query string) bool {
	return slices.ContainsFunc(strings.Split(query, "\n"), func(line string) bool {
		return strings.HasPrefix(strings.TrimSpace(line), "mutation")
	})
}

const unknownField = "Cannot query field "

// reword says of unknown fields what the Ruby library says.
func reword(response *graphql.Response) {
	for _, e := range response.Errors {
		rest, ok := strings.CutPrefix(e.Message, unknownField)
		if !ok {
			continue
		}
		parts := strings.SplitN(rest, `"`, 5) // "FIELD" on type "TYPE".
		if len(parts) < 5 {
			continue
		}
		field, on := parts[1], parts[3]
		e.Message = "Field '" + field + "' doesn't exist on type '" + on + "'"
		e.Extensions = map[string]any{"code": "undefinedField", "typeName": on, "fieldName": field}
	}
}

// unavailable is GitLab's error for what does not exist or is not for the caller.
const unavailable = "The resource that you are attempting to access does not exist or you don't have permission to perform this action"

const errUnavailable = words(unavailable)

// words is an error in GitLab's own words.
type words string

func (w words) Error() string { return string(w) }
