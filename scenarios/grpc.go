package scenarios

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/ccmock/ccmock/internal/duocontract"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/strictyaml"
)

// GRPC calls a method of the Duo Workflow Service as GitLab does, with changes. The answer
// has the code's HTTP status and a body of code, message and messages.
type GRPC struct {
	// Method is such as DuoWorkflow/GenerateToken.
	Method string `yaml:"method,required"`
	// To is the backend itself, in place of the gateway.
	To       string `yaml:"to"`
	Instance string `yaml:"instance"` // the user's if empty
	User     string `yaml:"user"`     // none: no x-gitlab-global-user-id
	// Token is the name of a saved token, or none for no authorization. Empty means the token
	// that the instance has at the time.
	Token string `yaml:"token"`
	// Metadata replace GitLab's; null removes one.
	Metadata map[string]*string `yaml:"metadata"`
	// Messages are the client's, one empty one if absent. In a stream each waits until the
	// service has something answered; an actionResponse without requestID answers that.
	Messages []any `yaml:"messages"`
}

// grpcMethods are those that a step can call. Watch never ends.
func grpcMethods() []string {
	return slices.DeleteFunc(duocontract.Names(), func(name string) bool { return name == duocontract.Health+"/Watch" })
}

// grpcFeature is the flow's feature whose backend speaks gRPC.
func (f *Flow) grpcFeature() (feature.Feature, bool) {
	n := slices.IndexFunc(f.Features, func(known feature.Feature) bool { return known.Backend.GRPC() })
	if n < 0 {
		return feature.Feature{}, false
	}
	return f.Features[n], true
}

func (c *checker) grpc(at string, g *GRPC) {
	c.required(at+".method", g.Method)
	c.word(at+".method", "method", g.Method, grpcMethods())
	f, ok := c.flow.grpcFeature()
	if !ok {
		c.complain(at, "add duo_workflow to features", "no feature of this flow has a backend that speaks gRPC")
		return
	}
	c.word(at+".to", "service", g.To, []string{gateway, f.Backend.Name})
	c.word(at+".user", "user", g.User, c.flow.users())
	c.word(at+".instance", "instance", g.Instance, c.flow.instances())
	if g.Instance == "" && g.User == "" {
		c.complain(at, "", "expected a user, or an instance that calls for nobody")
	}
	c.token(at+".token", g.Token)
	c.refs(at+".metadata", g.Metadata)
	m, known := duocontract.Find(g.Method)
	for n, message := range g.Messages {
		here := strictyaml.Join(at, "messages", n)
		c.refs(here, message)
		if known && !hasReference(message) {
			if err := duocontract.Fill(m.Request(), message); err != nil {
				c.complain(here, "", "%v", err)
			}
		}
	}
	if known && !m.IsStreamingClient() && len(g.Messages) > 1 {
		c.complain(at+".messages", "", "%s takes one message, got %d", g.Method, len(g.Messages))
	}
}

// overHTTP complains about a feature that no HTTP call reaches.
func (c *checker) overHTTP(at, name string) {
	if f, ok := c.flow.feature(name); ok && f.Backend.GRPC() {
		c.complain(at, "make it a grpc step", "the backend of %s speaks gRPC", name)
	}
}

// hasReference reports whether something is to be filled in.
func hasReference(v any) bool {
	found := false
	_, _ = expand(v, func(string) (any, error) {
		found = true
		return "", nil
	})
	return found
}

// grpcAnswer is the body of the answer to a call.
type grpcAnswer struct {
	Code     string `json:"code"`
	Message  string `json:"message"`
	Messages []any  `json:"messages"`
}

// callGRPC makes the call and notes both sides.
func (p *player) callGRPC(ctx context.Context, g *GRPC, r *StepResult) *outcome {
	to := cmp.Or(g.To, gateway)
	base, err := p.base(to)
	if err != nil {
		return &outcome{err: err}
	}
	h, err := p.metadata(ctx, g)
	if err != nil {
		return &outcome{err: err}
	}
	var messages []any
	filled, err := expand(g.Messages, p.resolve)
	if err != nil {
		return &outcome{err: err}
	}
	if messages, _ = filled.([]any); len(messages) == 0 {
		messages = []any{map[string]any{}}
	}
	p.identify(h, r)
	sent, err := json.Marshal(messages)
	if err != nil {
		return &outcome{err: err}
	}
	m, _ := duocontract.Find(g.Method)
	r.Request = &Sent{
		Method: http.MethodPost, URL: p.redact.text(base + m.Path()),
		Headers: p.redact.headers(h), Body: p.redact.text(string(sent)),
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	call := duocontract.Call(ctx, p.grpc, base, m, h)
	said, err := converse(call, m, messages)
	var end *duocontract.Status
	switch {
	case errors.Is(err, io.EOF):
		end = &duocontract.Status{}
	case !errors.As(err, &end):
		return &outcome{err: shortError(err), sent: true, to: to}
	}
	body, err := json.Marshal(grpcAnswer{end.Code.String(), end.Message, said})
	if err != nil {
		return &outcome{err: err}
	}
	header := call.ResponseHeader()
	r.Response = &Received{Status: end.Code.HTTP(), Headers: p.redact.headers(header), Body: p.redact.text(string(body))}
	return &outcome{sent: true, to: to, answer: &answer{status: end.Code.HTTP(), header: header, body: body}}
}

// metadata are what GitLab sends with a call, changed as the step says.
func (p *player) metadata(ctx context.Context, g *GRPC) (http.Header, error) {
	f, _ := p.flow.grpcFeature()
	h, err := p.gitLabHeaders(ctx, &Call{Instance: g.Instance, User: g.User, Token: g.Token}, f)
	if err != nil {
		return nil, err
	}
	h.Del("Content-Type")
	u, known := p.flow.World.User(g.User)
	if known {
		h.Set("X-Gitlab-User-Id", strconv.Itoa(u.ID))
	}
	i, _ := p.flow.World.Instance(cmp.Or(g.Instance, u.Instance))
	h.Set("X-Gitlab-Version", i.GitLabVersion)
	h.Set("X-Gitlab-Client-Type", "gitlab-rails")
	changes, err := p.resolve.nullableTexts(g.Metadata)
	if err != nil {
		return nil, err
	}
	for name, value := range changes {
		if value == nil {
			h.Del(name)
		} else {
			h.Set(name, *value)
		}
	}
	return h, nil
}

// converse says the messages one after the other, hears what the service says, and returns
// that with the error that ended it, io.EOF if it ended well.
func converse(call *duocontract.ClientStream, m duocontract.Method, messages []any) ([]any, error) {
	heard := []any{}
	next := func(answers any) error {
		if len(messages) == 0 {
			return call.Done()
		}
		message := answering(messages[0], answers)
		messages = messages[1:]
		if err := call.Say(message); err != nil {
			return err
		}
		if !m.IsStreamingClient() {
			return call.Done()
		}
		return nil
	}
	if err := next(nil); err != nil {
		return heard, err
	}
	for {
		message, err := call.Receive()
		if err != nil {
			return heard, err
		}
		var value any
		if err := duocontract.Read(message, &value); err != nil {
			return heard, err
		}
		heard = append(heard, value)
		if !m.IsStreamingClient() || message.Descriptor() == duocontract.NewAction().Descriptor() && !duocontract.Answered(message) {
			continue
		}
		if err := next(value); err != nil {
			return heard, err
		}
	}
}

// answering puts the id of the action into an answer that names none.
func answering(message, action any) any {
	event, _ := message.(map[string]any)
	response, ok := event["actionResponse"].(map[string]any)
	id, given := action.(map[string]any)
	if !ok || !given || response["requestID"] != nil {
		return message
	}
	answered := map[string]any{"requestID": id["requestID"]}
	for name, value := range response {
		answered[name] = value
	}
	return map[string]any{"actionResponse": answered}
}

// title says in a few words what is called.
func (g *GRPC) title() string {
	text := g.Method
	if g.User != "" {
		text += " for " + g.User
	}
	if g.Token != "" {
		text += " with token " + g.Token
	}
	if g.To != "" {
		text = fmt.Sprintf("%s at %s", text, g.To)
	}
	return text
}
