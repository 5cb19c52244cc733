package aigateway

import (
	"net/http"

	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/world"
)

// amazonQ answers the endpoints of Amazon Q that have nothing to tell.
func (g *Gateway) amazonQ(r *request) (stub.Reply, error) {
	if s := g.ask(r, "done", "amazon_q", r.body.text("role_arn")); s.fail != nil {
		return stub.Reply{}, awsFailed(*s.fail)
	}
	return stub.Reply{Status: http.StatusNoContent}, nil
}

// amazonQVerify answers "POST /v1/amazon_q/oauth/application/verify".
func (g *Gateway) amazonQVerify(r *request) (stub.Reply, error) {
	if s := g.ask(r, "done", "amazon_q", r.body.text("role_arn")); s.fail != nil {
		return stub.Reply{}, awsFailed(*s.fail)
	}
	return reply(map[string]any{"response": map[string]string{"status": "SUCCEEDED"}}), nil
}

// awsFailed is how a failure of AWS is worded: a resource that is not there, no access, and a bad request keep their
// status.
func awsFailed(f world.ModelFailure) error {
	switch f.Status {
	case http.StatusNotFound, http.StatusForbidden, http.StatusBadRequest:
		return modelFailed(f, f.Status, reasonPhrase(f))
	}
	text := reasonPhrase(f)
	if f.NoAnswer != "" {
		text = f.NoAnswer
	}
	return modelFailed(f, http.StatusInternalServerError, "AWS Error: "+text)
}

// xRay answers "POST /v1/x-ray/libraries".
func (g *Gateway) xRay(r *request) (stub.Reply, error) {
	s := g.ask(r, "answer", "libraries", r.body.component().in("payload").text("prompt"))
	return replied(s, false, func(text string) stub.Reply { return reply(map[string]string{"response": text}) }, raw(), g.inferenceFailed)
}
