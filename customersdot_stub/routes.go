package customersdotstub

import (
	"net/http"

	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
)

const (
	keysPath = "/oauth/discovery/keys"
	jsonType = "application/json; charset=utf-8"
)

// maxBody bounds the body of a request, in bytes. A licence key takes a few KiB.
const maxBody = 1 << 20

// routes lists everything that CustomersDot answers.
func (s *Stub) routes() {
	r := s.service.Routes()
	r.GET("openid.configuration", "/.well-known/openid-configuration", s.openidConfiguration)
	r.HEAD("consumers.resolve", "/api/v1/consumers/resolve", s.resolveConsumer)
	r.POST("seat_links.create", "/api/v1/seat_links", s.createSeatLink)
	r.POST("graphql", "/graphql", s.graphql)
	r.POST("graphql", "//graphql", s.graphql) // a portal URL with a trailing slash makes this of it
	r.GET("openid.keys", keysPath, s.publishedKeys)
}

// style words an error as Rails does for a client that takes JSON.
func style(e *stub.Error) stub.Reply {
	return stub.Reply{
		Status: e.Status,
		Header: http.Header{"Content-Type": {jsonType}},
		JSON: struct {
			Status int    `json:"status"`
			Error  string `json:"error"`
		}{e.Status, e.Message},
	}
}

// ownHeaders are what Rails sends with every answer.
func ownHeaders(h http.Header, e *journal.Entry) {
	h["Cache-Control"] = []string{"max-age=0, private, must-revalidate"}
	h["X-Request-Id"] = []string{e.RequestID}
}

func jsonReply(status int, body any) stub.Reply {
	return stub.Reply{Status: status, Header: http.Header{"Content-Type": {jsonType}}, JSON: body}
}

// document answers "GET /.well-known/openid-configuration". It is as short as the real
// one.
type document struct {
	Issuer     string   `json:"issuer"`
	JWKSURI    string   `json:"jwks_uri"`
	Algorithms []string `json:"id_token_signing_alg_values_supported"`
}

func (s *Stub) openidConfiguration(*http.Request) (stub.Reply, error) {
	return jsonReply(http.StatusOK, document{s.issuer(s.state.Load()), s.options.URL + keysPath, []string{"RS256"}}), nil
}

// publishedKeys answers "GET /oauth/discovery/keys": the signing key and, during a
// rotation, the validation key.
func (s *Stub) publishedKeys(*http.Request) (stub.Reply, error) {
	keys := s.state.Load().keys
	reply := stub.Reply{Header: http.Header{"Content-Type": {jsonType}}, Body: keys.KeySet().JSON()}
	if stale, ok := keys.StaleKeySet(); ok {
		reply.Stale = stale.JSON()
	}
	return reply, nil
}
