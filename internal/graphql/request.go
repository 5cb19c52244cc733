package graphql

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
)

// Request is a GraphQL request as it comes by HTTP.
type Request struct {
	Query         string
	OperationName string
	Variables     map[string]any
}

// body is the JSON form of a request.
type body struct {
	Query         string          `json:"query"`
	OperationName string          `json:"operationName"`
	Variables     json.RawMessage `json:"variables"`
}

// Read reads the body of a POST. Its errors are stub.Errors.
func Read(r *http.Request) (Request, error) {
	var b body
	if err := stub.ReadJSON(r, &b); err != nil {
		return Request{}, err
	}
	variables, err := ReadVariables(b.Variables)
	if err != nil {
		return Request{}, &stub.Error{
			Status: http.StatusBadRequest, Message: "Bad Request",
			Detail: "the variables are no JSON object", Err: err,
		}
	}
	return Request{b.Query, b.OperationName, variables}, nil
}

// ReadVariables takes variables as an object or, as Rails does, as the text of one.
func ReadVariables(raw json.RawMessage) (map[string]any, error) {
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

// Note says in the journal's entry what went wrong, unless that has been said already.
func Note(e *journal.Entry, response *Response) {
	if len(response.Errors) == 0 || e.Detail != "" {
		return
	}
	e.Detail = response.Errors[0].Message
	if more := len(response.Errors) - 1; more > 0 {
		e.Detail += fmt.Sprintf(" (and %d more errors)", more)
	}
}
