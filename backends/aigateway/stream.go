package aigateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/ccmock/ccmock/backends/internal/fastapi"
	"github.com/ccmock/ccmock/internal/stub"
)

// streamForm is how an endpoint sends what a model says piece by piece.
type streamForm struct {
	header http.Header
	// first and last are what comes before the pieces and after them; "" is nothing.
	first, last string
	piece       func(text string) string
}

// errCutOff is a stream whose model failed. The status is out, so all that is left is to break off.
var errCutOff = errors.New("the model failed in the middle of a stream")

func (f streamForm) reply(s said) stub.Reply {
	return stub.Reply{Header: f.header, Stream: func(w io.Writer) error {
		pieces := make([]string, 0, len(s.chunks)+2)
		pieces = append(pieces, f.first)
		for _, c := range s.chunks {
			pieces = append(pieces, f.piece(c))
		}
		if s.fail == nil {
			pieces = append(pieces, f.last)
		}
		for _, p := range pieces {
			if p == "" {
				continue
			}
			if _, err := io.WriteString(w, p); err != nil {
				return err
			}
		}
		if s.fail != nil {
			return errCutOff
		}
		return nil
	}}
}

// unbuffered is the header that has proxies pass a stream on piece by piece.
const unbuffered = "X-Accel-Buffering"

// raw is text as it comes, without the framing that its content type promises.
func raw() streamForm {
	return streamForm{
		header: http.Header{"Content-Type": {fastapi.EventStream}, unbuffered: {"no"}},
		piece:  func(text string) string { return text },
	}
}

// events are server-sent events: a start, a content_chunk for each piece, and an end.
func events(lineEnd string, start any) streamForm {
	event := func(name string, data any) string {
		return fmt.Sprintf("event: %s%[2]sdata: %s%[2]s%[2]s", name, lineEnd, jsonText(data))
	}
	return streamForm{
		header: http.Header{"Content-Type": {fastapi.EventStream}, unbuffered: {"no"}, "X-Streaming-Format": {"sse"}},
		first:  event("stream_start", start),
		piece: func(text string) string {
			return event("content_chunk", map[string]any{"choices": []delta{{Delta: content{text}}}})
		},
		last: event("stream_end", nil),
	}
}

type delta struct {
	Delta content `json:"delta"`
	Index int     `json:"index"`
}

type content struct {
	Content string `json:"content"`
}

// lines is one JSON value to a line.
func lines(contentType string, piece func(text string) any, last any) streamForm {
	f := streamForm{
		header: http.Header{"Content-Type": {contentType}},
		piece:  func(text string) string { return jsonText(piece(text)) + "\n" },
	}
	if last != nil {
		f.last = jsonText(last) + "\n"
	}
	return f
}

// jsonText is JSON as Python writes it: <, > and & as they are.
func jsonText(v any) string {
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "null" // not reached: the types that are sent can all be marshalled
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// reply is a JSON answer.
func reply(v any) stub.Reply {
	return stub.Reply{Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(jsonText(v))}
}
