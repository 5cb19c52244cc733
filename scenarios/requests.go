package scenarios

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/feature"
)

// maxAnswer is how much of an answer's body is read, in bytes.
const maxAnswer = 4 << 20

// outgoing is a request about to be sent.
type outgoing struct {
	to          string // the service
	method, url string
	header      http.Header
	body        []byte
	protocol    string // HTTP/1.1 if empty
}

// send sends a request and notes both sides.
func (p *player) send(ctx context.Context, out outgoing, r *StepResult) *outcome {
	req, err := http.NewRequestWithContext(ctx, out.method, out.url, bytes.NewReader(out.body))
	if err != nil {
		return &outcome{err: err}
	}
	p.identify(out.header, r)
	req.Header = out.header
	if host := out.header.Get("Host"); host != "" {
		req.Host = host
		out.header.Del("Host")
	}
	r.Request = &Sent{
		Method: req.Method, URL: p.redact.text(out.url),
		Headers: p.redact.headers(out.header), Body: p.redact.text(string(out.body)),
	}
	resp, err := p.clientFor(out.protocol).Do(req)
	if err != nil {
		return &outcome{err: shortError(err), sent: true, to: out.to}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		err = fmt.Errorf("the answer broke off after %s: %w", quantity(len(body), "byte"), err)
	}
	r.Response = &Received{
		Status: resp.StatusCode, Headers: p.redact.headers(resp.Header), Body: p.redact.text(string(body)),
	}
	return &outcome{err: err, sent: true, to: out.to, answer: &answer{resp.StatusCode, resp.Header, body, resp.ContentLength < 0}}
}

// identify gives a request the step's id, or the step that of the request.
func (p *player) identify(h http.Header, r *StepResult) {
	if id := h.Get("X-Request-Id"); id != "" {
		r.RequestID = id
		return
	}
	h.Set("X-Request-Id", r.RequestID)
}

// shortError leaves the URL out, which the story shows anyway.
func shortError(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the connection was closed without an answer: %w", io.EOF)
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil || !strings.Contains(err.Error(), "://") {
			return err
		}
		err = inner
	}
}

// use calls a feature at the user's instance.
func (p *player) use(ctx context.Context, s *Step, r *StepResult) *outcome {
	f, _ := p.flow.feature(s.Use.Feature)
	u, _ := p.flow.World.User(s.user())
	base, err := p.base(u.Instance)
	if err != nil {
		return &outcome{err: err}
	}
	body, err := p.body(s.Use.Body, f.Rails.Endpoint)
	if err != nil {
		return &outcome{err: err}
	}
	headers, err := p.resolve.texts(s.Use.Headers)
	if err != nil {
		return &outcome{err: err}
	}
	h := http.Header{"Private-Token": {u.Token}}
	if len(body) > 0 {
		h.Set("Content-Type", "application/json")
	}
	for name, value := range headers {
		h.Set(name, value)
	}
	return p.send(ctx, outgoing{to: u.Instance, method: f.Rails.Endpoint.Method, url: base + f.Rails.Endpoint.Path, header: h, body: body}, r)
}

// body is what a feature is called with: an empty object unless the step says otherwise.
func (p *player) body(given any, e feature.Endpoint) ([]byte, error) {
	if given == nil {
		if e.Method == http.MethodGet || e.Method == http.MethodHead || e.Method == http.MethodDelete {
			return nil, nil
		}
		given = map[string]any{}
	}
	return p.encode(given)
}

// encode fills references in and makes JSON of everything but texts.
func (p *player) encode(given any) ([]byte, error) {
	filled, err := expand(given, p.resolve)
	if err != nil {
		return nil, err
	}
	if text, ok := filled.(string); ok {
		return []byte(text), nil
	}
	return json.Marshal(filled)
}

// call sends to the gateway what GitLab would send.
func (p *player) call(ctx context.Context, c *Call, r *StepResult) *outcome {
	f, _ := p.flow.feature(c.Feature)
	base, err := p.base(gateway)
	if err != nil {
		return &outcome{err: err}
	}
	e := feature.Endpoint{Method: f.Backend.Endpoint.Method, Path: "/" + f.Backend.Name + f.Backend.Endpoint.Path}
	if c.Endpoint.Path != "" {
		e = c.Endpoint
	}
	body, err := p.body(c.Body, e)
	if err != nil {
		return &outcome{err: err}
	}
	h, err := p.gitLabHeaders(ctx, c, f)
	if err != nil {
		return &outcome{err: err}
	}
	changes, err := p.resolve.nullableTexts(c.Headers)
	if err != nil {
		return &outcome{err: err}
	}
	for name, value := range changes {
		if value == nil {
			h.Del(name)
		} else {
			h.Set(name, *value)
		}
	}
	also, err := p.resolve.texts(c.Also)
	if err != nil {
		return &outcome{err: err}
	}
	for name, value := range also {
		h.Add(name, value)
	}
	return p.send(ctx, outgoing{to: gateway, method: e.Method, url: base + e.Path, header: h, body: body}, r)
}

// gitLabHeaders are what an instance sends with a call of a feature.
func (p *player) gitLabHeaders(ctx context.Context, c *Call, f feature.Feature) (http.Header, error) {
	u, known := p.flow.World.User(c.User)
	name := cmp.Or(c.Instance, u.Instance)
	i, _ := p.flow.World.Instance(name)
	h := http.Header{
		"Content-Type":                 {"application/json"},
		"X-Gitlab-Authentication-Type": {"oidc"},
		"X-Gitlab-Instance-Id":         {i.UUID},
		"X-Gitlab-Realm":               {string(i.Realm)},
	}
	if known {
		home, _ := p.flow.World.Instance(u.Instance)
		h.Set("X-Gitlab-Global-User-Id", home.GlobalUserID(u))
	}
	switch c.Token {
	case none:
	case "":
		got := p.issue(ctx, control.ActionAccessToken, control.AccessTokenRequest{
			Instance: name, User: c.User, Scopes: f.Rails.Scopes, ExtraClaims: f.Rails.ExtraClaims,
		})
		if got.err != nil {
			return nil, fmt.Errorf("%s gives no token: %w", name, got.err)
		}
		h.Set("Authorization", "Bearer "+got.raw) // also of an empty one, as GitLab does
	default:
		raw, err := p.resolve.text("${" + c.Token + "}")
		if err != nil {
			return nil, err
		}
		h.Set("Authorization", "Bearer "+raw)
	}
	return h, nil
}

func (r *Request) method() string {
	switch {
	case r.Method != "":
		return r.Method
	case r.Body != nil:
		return http.MethodPost
	}
	return http.MethodGet
}

// request sends whatever a step says, to any service.
func (p *player) request(ctx context.Context, q *Request, r *StepResult) *outcome {
	base, err := p.base(q.To)
	if err != nil {
		return &outcome{err: err}
	}
	path, err := p.resolve.text(q.Path)
	if err != nil {
		return &outcome{err: err}
	}
	headers, err := p.resolve.texts(q.Headers)
	if err != nil {
		return &outcome{err: err}
	}
	h := http.Header{}
	var body []byte
	if q.Body != nil {
		if body, err = p.encode(q.Body); err != nil {
			return &outcome{err: err}
		}
		if _, text := q.Body.(string); !text {
			h.Set("Content-Type", "application/json")
		}
	}
	if q.Token != "" && q.Token != none {
		raw, err := p.resolve.text("${" + q.Token + "}")
		if err != nil {
			return &outcome{err: err}
		}
		h.Set("Authorization", "Bearer "+raw)
	}
	for name, value := range headers {
		h.Set(name, value)
	}
	return p.send(ctx, outgoing{q.To, q.method(), base + path, h, body, q.Protocol}, r)
}
