package railsstub

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/stub"
)

// bodyKind is what GitLab makes of the body of a user's call.
type bodyKind int

const (
	passed      bodyKind = iota // handed on as it is
	completions                 // Code Suggestions: checked, and prompt_version added
	chat                        // a question, put into the prompt of the chat agent
)

// kindOf tells the kind by the endpoint of the AI gateway that is called.
func kindOf(e feature.Endpoint) bodyKind {
	switch {
	case strings.HasSuffix(e.Path, "/code/completions"):
		return completions
	case strings.HasPrefix(e.Path, "/v1/chat/"), e.Path == laterAgent:
		return chat
	}
	return passed
}

// translate makes the body for the backend of the client's.
func (k bodyKind) translate(body []byte, rel *release) ([]byte, error) {
	switch k {
	case completions:
		return completionBody(body)
	case chat:
		return chatBody(body, rel)
	}
	return body, nil
}

// What Grape takes of a request, in characters.
const (
	maxFileName = 255
	maxContent  = 400_000
	maxQuestion = 1000
)

// completionBody checks the parameters of Code Suggestions and adds prompt_version. What
// it does not know it hands on.
func completionBody(body []byte) ([]byte, error) {
	params, err := readObject(body)
	if err != nil {
		return nil, err
	}
	if blank := isNull(params["current_file"]); blank {
		return nil, badRequest("current_file is missing, current_file[file_name] is missing, current_file[content_above_cursor] is missing")
	}
	var file map[string]json.RawMessage
	if json.Unmarshal(params["current_file"], &file) != nil {
		return nil, badRequest("current_file is invalid")
	}
	if err := errors.Join(
		checkText(file, "current_file", "file_name", maxFileName),
		checkText(file, "current_file", "content_above_cursor", maxContent),
	); err != nil {
		return nil, badRequest(strings.ReplaceAll(err.Error(), "\n", ", "))
	}
	if _, given := params["prompt_version"]; given {
		return body, nil
	}
	// The members keep their order, so that the body is recognized in a journal.
	const start, space = `{"prompt_version":1,`, " \t\r\n"
	rest := bytes.TrimLeft(bytes.TrimLeft(body, space)[1:], space)
	return append(append(make([]byte, 0, len(start)+len(rest)), start...), rest...), nil
}

func checkText(object map[string]json.RawMessage, parent, name string, limit int) error {
	label := name
	if parent != "" {
		label = parent + "[" + name + "]"
	}
	raw, given := object[name]
	if !given {
		return fmt.Errorf("%s is missing", label)
	}
	var value string
	if json.Unmarshal(raw, &value) != nil || isNull(raw) {
		return fmt.Errorf("%s is invalid", label)
	}
	if utf8.RuneCountInString(value) > limit {
		return fmt.Errorf("%s must be less than %d characters", label, limit)
	}
	return nil
}

// chatBody puts a question into the prompt that the AI gateway takes.
func chatBody(body []byte, rel *release) ([]byte, error) {
	params, err := readObject(body)
	if err != nil {
		return nil, err
	}
	if err := checkText(params, "", "content", maxQuestion); err != nil {
		return nil, badRequest(err.Error())
	}
	var content string
	var stream bool
	if json.Unmarshal(params["content"], &content) != nil {
		return nil, badRequest("content is invalid")
	}
	if raw, given := params["stream"]; given && json.Unmarshal(raw, &stream) != nil {
		return nil, badRequest("stream is invalid")
	}
	return components(content, rel, stream)
}

// readObject reads a JSON object. No body at all is an object without members, as a form
// without fields is.
func readObject(body []byte) (map[string]json.RawMessage, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return map[string]json.RawMessage{}, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil || object == nil {
		return nil, badRequest("Problems parsing JSON")
	}
	return object, nil
}

// readBody reads the client's body and names the reason if it cannot.
func readBody(r *http.Request) ([]byte, error) {
	body, err := stub.ReadBody(r)
	if err == nil {
		return body, nil
	}
	var e *stub.Error
	if errors.As(err, &e) {
		switch e.Status {
		case http.StatusRequestEntityTooLarge:
			e.Reason, e.Message = string(BodyTooLarge), "413 Request Entity Too Large"
		case http.StatusBadRequest:
			e.Reason, e.Message = string(InvalidRequest), "400 Bad request"
		}
	}
	return nil, err
}

func tooLarge(size, limit int) error {
	return &stub.Error{
		Status: http.StatusRequestEntityTooLarge, Message: "413 Request Entity Too Large",
		Reason: string(BodyTooLarge), Detail: fmt.Sprintf("the body has %d bytes, expected at most %d", size, limit),
	}
}

// readParams reads parameters as Grape does: of the query, and of a JSON object or of a
// form in the body, which win.
func readParams(r *http.Request) (map[string]json.RawMessage, error) {
	params := map[string]json.RawMessage{}
	add := func(from url.Values) {
		for name, values := range from {
			if text, err := json.Marshal(values[0]); err == nil {
				params[name] = text
			}
		}
	}
	add(r.URL.Query())
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, badRequest("Problems parsing form")
		}
		add(form)
		return params, nil
	}
	object, err := readObject(body)
	maps.Copy(params, object)
	return params, err
}
