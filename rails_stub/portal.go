package railsstub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// connectivity is what Rails makes of any failure to reach CustomersDot.
const connectivity = "Our team has been notified. Please try again."

const maxPortalAnswer = 8 << 20 // in bytes

// answer is what CustomersDot answered.
type answer struct {
	status int
	json   bool // by its content type
	body   []byte
}

func (a answer) ok() bool { return a.status/100 == 2 }

// ask posts JSON to CustomersDot. Its errors are failures to reach it.
func (i *Instance) ask(ctx context.Context, requestID, path string, body any, headers map[string]string) (answer, error) {
	text, err := encode(body)
	if err != nil {
		return answer{}, err
	}
	if err := i.leave(ctx, toCustomersDot, http.MethodPost, i.portalURL(path), true); err != nil {
		return answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.portalURL(path), bytes.NewReader(text))
	if err != nil {
		return answer{}, err
	}
	req.Header = http.Header{
		"Accept":       {"application/json"},
		"Content-Type": {"application/json"},
		"User-Agent":   {"GitLab/" + i.installed().text},
		"X-Request-Id": {requestID},
	}
	for name, value := range headers {
		req.Header[name] = []string{value}
	}
	resp, err := i.stub.portal.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	read, err := io.ReadAll(io.LimitReader(resp.Body, maxPortalAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("the answer broke off: %w", err)
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return answer{resp.StatusCode, media == "application/json" || strings.HasSuffix(media, "+json"), read}, nil
}

// portalURL joins as Rails does, by putting one text behind the other.
func (i *Instance) portalURL(path string) string { return i.stub.options.CustomersDotURL + path }

// encode is JSON as Ruby writes it, without HTML escapes.
func encode(body any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// notAsked is the end of a job that could not ask CustomersDot: in Silent Mode it raises, and
// else it ends otherwise.
func notAsked(err error, otherwise result) result {
	if errors.Is(err, errSilent) {
		r := raised("%v", err)
		r.reason = SilentMode
		return r
	}
	return otherwise
}
