package stub

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"time"
)

// Reply is what a handler answers. At most one of JSON, Body and Stream is set; with
// none of them the body is empty.
type Reply struct {
	Status int // 0 means 200
	Header http.Header
	JSON   any    // marshalled, as application/json unless Header says otherwise
	Body   []byte // sent as it is
	// Stream writes the body in pieces; each Write reaches the client at once.
	Stream func(w io.Writer) error
	// Stale is what Body was before the last change of what it shows; a fault may send it.
	Stale []byte
}

// JSON is a reply with a JSON body.
func JSON(status int, body any) Reply { return Reply{Status: status, JSON: body} }

// Text is a reply with a plain text body.
func Text(status int, body string) Reply {
	return Reply{
		Status: status,
		Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}},
		Body:   []byte(body),
	}
}

// Error is why a request was not answered as asked. Status and Message are for the
// client, in so far as the service's Style shows them; Reason and Detail are for the
// journal.
type Error struct {
	Status  int
	Message string
	Header  http.Header
	// Body, if set, is sent as JSON in place of what the Style would make of Message.
	Body any
	// Reason names why the service refused. It is empty for an error that is no refusal.
	Reason string
	Detail string
	// Place is the line of a file that the refusal goes back to, if one does.
	Place string
	Err   error
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%d %s", e.Status, e.Message)
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// Style words an error as the imitated service would.
type Style func(e *Error) Reply

// asError turns any error of a handler into an Error.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &Error{
			Status: http.StatusRequestEntityTooLarge, Message: "Request Entity Too Large",
			Detail: fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit),
		}
	}
	return &Error{Status: http.StatusInternalServerError, Message: "Internal Server Error", Err: err}
}

// write sends the reply. The body is marshalled before anything is sent, so that a
// failure can still become an error status.
func write(w http.ResponseWriter, r *http.Request, reply Reply, now time.Time, log *slog.Logger) {
	status, body := reply.Status, reply.Body
	if status == 0 {
		status = http.StatusOK
	}
	h := w.Header()
	for name, values := range reply.Header {
		h[name] = values
	}
	if reply.JSON != nil {
		text, err := json.Marshal(reply.JSON)
		if err != nil {
			log.ErrorContext(r.Context(), "reply cannot be marshalled", "error", err)
			status, text = http.StatusInternalServerError, []byte(`{"error":"reply cannot be marshalled"}`)
		}
		body = text
		if h.Get("Content-Type") == "" {
			h.Set("Content-Type", "application/json")
		}
	}
	h.Set("Date", now.UTC().Format(http.TimeFormat))
	if reply.Stream != nil {
		stream(w, r, status, reply.Stream, log)
		return
	}
	if status != http.StatusNoContent && status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	if len(body) > 0 && r.Method != http.MethodHead {
		if _, err := w.Write(body); err != nil {
			log.DebugContext(r.Context(), "client went away", "error", err)
		}
	}
}

func stream(w http.ResponseWriter, r *http.Request, status int, produce func(io.Writer) error, log *slog.Logger) {
	out := flushing{w, http.NewResponseController(w)}
	w.WriteHeader(status)
	if err := out.control.Flush(); err != nil {
		log.DebugContext(r.Context(), "cannot flush", "error", err)
	}
	if err := produce(out); err != nil && r.Context().Err() == nil {
		// The status is out, so a broken connection is all that can still tell the client.
		log.WarnContext(r.Context(), "stream broke off", "error", err)
		panic(http.ErrAbortHandler)
	}
}

type flushing struct {
	w       io.Writer
	control *http.ResponseController
}

func (f flushing) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err != nil {
		return n, err
	}
	return n, f.control.Flush()
}

// ReadBody returns the whole body. Its errors are Errors: 413 for a body over the
// service's limit, 400 for one that stops half-way.
func ReadBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		return body, nil
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, asError(err)
	}
	return nil, &Error{
		Status: http.StatusBadRequest, Message: "Bad Request",
		Detail: fmt.Sprintf("the body ended early after %d bytes", len(body)), Err: err,
	}
}

// ReadJSON decodes the body into v. An empty body leaves v as it is.
func ReadJSON(r *http.Request, v any) error {
	body, err := ReadBody(r)
	if err != nil || len(body) == 0 {
		return err
	}
	if kind := r.Header.Get("Content-Type"); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != "application/json" {
			return &Error{
				Status: http.StatusUnsupportedMediaType, Message: "Unsupported Media Type",
				Detail: fmt.Sprintf("the content type is %q, expected application/json", kind),
			}
		}
	}
	if err := json.Unmarshal(body, v); err != nil {
		return &Error{
			Status: http.StatusBadRequest, Message: "Bad Request",
			Detail: "the body is not the JSON that was expected", Err: err,
		}
	}
	return nil
}
