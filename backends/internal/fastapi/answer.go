package fastapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/stub"
)

// EventStream is the content type of streamed answers.
const EventStream = "text/event-stream; charset=utf-8"

// Answer is what a feature file says that its endpoint answers.
type Answer struct {
	declared feature.Backend
	header   http.Header
	fixed    []byte // the whole body, if it is the same every time
}

// NewAnswer prepares the answer of a feature. It fails on a reply that JSON cannot hold.
func NewAnswer(f feature.Feature) (*Answer, error) {
	a := &Answer{declared: f.Backend, header: http.Header{}}
	a.header.Set("Content-Type", "application/json")
	if len(f.Backend.Stream) > 0 {
		a.header.Set("Content-Type", EventStream)
	}
	for name, value := range f.Backend.Headers {
		a.header.Set(name, value)
	}
	body, err := json.Marshal(f.Backend.Reply)
	if err != nil {
		return nil, fmt.Errorf("%s: the reply of feature %q: %w", f.File, f.Name, err)
	}
	if !bytes.Contains(body, []byte("${")) {
		a.fixed = body
	}
	return a, nil
}

// Declared reports whether the file says what to answer.
func (a *Answer) Declared() bool {
	return a.declared.Reply != nil || len(a.declared.Stream) > 0
}

// Reply is the answer to one request.
func (a *Answer) Reply(now time.Time, requestID string) (stub.Reply, error) {
	reply := stub.Reply{Status: a.declared.Status, Header: a.header}
	values := feature.Values{Now: now, RequestID: requestID}
	switch {
	case len(a.declared.Stream) > 0:
		reply.Stream = func(w io.Writer) error {
			for _, piece := range a.declared.Stream {
				if _, err := fmt.Fprint(w, feature.Expand(piece, values)); err != nil {
					return err
				}
			}
			return nil
		}
	case a.declared.Status == http.StatusNoContent, a.declared.Status == http.StatusNotModified:
		// no body
	case a.fixed != nil:
		reply.Body = a.fixed
	default:
		body, err := json.Marshal(feature.Expand(a.declared.Reply, values))
		if err != nil {
			return stub.Reply{}, err
		}
		reply.Body = body
	}
	return reply, nil
}
