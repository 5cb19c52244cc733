package gateway

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/stub"
)

// upload is the body of a request. However long it is, no pause in it may be longer than
// stub.ReadTimeout: the server's own limit is for the body as a whole and would cut
// streams off.
type upload struct {
	io.ReadCloser
	control  *http.ResponseController
	elapsed  func() time.Duration
	extended time.Duration // when the deadline was last put off

	mu  sync.Mutex // held while reading
	err error
}

func newUpload(w http.ResponseWriter, body io.ReadCloser) *upload {
	return &upload{ReadCloser: body, control: http.NewResponseController(w), elapsed: clock.Stopwatch()}
}

// uploadError is an error of the client's side, not of the origin's.
type uploadError struct{ error }

func (e *uploadError) Unwrap() error { return e.error }

func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now := u.elapsed(); now-u.extended > stub.ReadTimeout/8 {
		u.extended = now
		_ = u.control.SetReadDeadline(clock.Real{}.Now().Add(stub.ReadTimeout)) // as good as it gets
	}
	n, err := u.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		u.err = err
		err = &uploadError{err}
	}
	return n, err
}

// uploadKey is that of the upload in the context of a request.
type uploadKey struct{}

// stop has a Read that waits for the client come back.
func (u *upload) stop() { _ = u.control.SetReadDeadline(longAgo) }

var longAgo = time.Unix(1, 0)

// uploading is the response to a request with a body, so that who fails to answer can
// learn whether the body was at fault.
type uploading struct {
	http.ResponseWriter
	body *upload
}

// Unwrap lets http.ResponseController flush and hijack.
func (u *uploading) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// uploadFailure is what was wrong with the client's body, if that is why a request
// failed with err; else nil.
func uploadFailure(w http.ResponseWriter, r *http.Request, err error) error {
	var e *uploadError
	if errors.As(err, &e) {
		return e.error
	}
	u, ok := w.(*uploading)
	if !ok || r.Context().Err() == nil {
		return nil
	}
	// A server that cannot read from a client ends the request's context, too, and that
	// may be heard of first. The reading ends with it, so this does not wait for long.
	u.body.mu.Lock()
	defer u.body.mu.Unlock()
	return u.body.err
}
