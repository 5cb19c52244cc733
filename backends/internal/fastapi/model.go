package fastapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/ccmock/ccmock/backends/internal/pydantic"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
)

// ReadModel reads a request's body and holds it against a model. As in FastAPI, a body is JSON if its content type says so
// or it has none, and anything else fits no model: 422. Listed says that the answer lists what does not fit, as FastAPI
// does by itself; else it is the journal alone that knows.
func ReadModel(r *http.Request, t pydantic.Type, listed bool) (map[string]any, error) {
	text, err := stub.ReadBody(r)
	if err != nil {
		return nil, err
	}
	var body any
	switch {
	case len(text) == 0:
	case isJSON(r, true):
		if body, err = token.PythonJSON(bytes.TrimPrefix(text, []byte("\ufeff"))); err != nil {
			return nil, notJSON(err, listed)
		}
	default:
		body = string(text)
	}
	value, wrong := pydantic.Check(t, body)
	if len(wrong) > 0 {
		return nil, unfit(wrong, listed)
	}
	object, _ := value.(map[string]any)
	return object, nil
}

// notJSON is the answer to a body that cannot be read: FastAPI tells a syntax error from everything else.
func notJSON(err error, listed bool) error {
	var syntax *token.PythonSyntaxError
	if !errors.As(err, &syntax) {
		return &stub.Error{Status: http.StatusBadRequest, Message: "There was an error parsing the body", Detail: err.Error()}
	}
	return unfit([]pydantic.Error{{
		Type: "json_invalid", Loc: []any{"body", syntax.Position}, Msg: "JSON decode error", Input: map[string]any{},
		Context: map[string]any{"error": syntax.Message},
	}}, listed)
}

func unfit(wrong []pydantic.Error, listed bool) error {
	const most = 5 // in the journal
	var texts []string
	for n, e := range wrong {
		if n == most {
			texts = append(texts, fmt.Sprintf("and %d more", len(wrong)-most))
			break
		}
		text := e.String()
		if cause, ok := e.Context["error"]; ok {
			text += fmt.Sprintf(": %v", cause)
		}
		texts = append(texts, text)
	}
	invalid := &stub.Error{Status: http.StatusUnprocessableEntity, Message: "Validation error", Detail: strings.Join(texts, "; ")}
	if !listed {
		return invalid
	}
	list, err := json.Marshal(map[string]any{"detail": wrong})
	if err != nil { // an input that JSON has no words for, such as NaN, is a crash
		return &stub.Error{Status: http.StatusInternalServerError, Message: "Internal Server Error", Reason: string(token.Malformed), Detail: invalid.Detail}
	}
	invalid.Body = json.RawMessage(list)
	return invalid
}

// isJSON says whether a body claims to be JSON. Unsaid is the answer where there is no content type.
func isJSON(r *http.Request, unsaid bool) bool {
	kind := r.Header.Get("Content-Type")
	switch kind {
	case "application/json":
		return true
	case "":
		return unsaid
	}
	media, _, err := mime.ParseMediaType(kind)
	return err == nil && (media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json"))
}
