package duoworkflow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/ccmock/ccmock/backends/duoworkflow"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/duocontract"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/stub/stubtest"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/token/tokentest"
	"github.com/ccmock/ccmock/internal/world"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// rig is a Duo Workflow Service under test, its issuers, and a real gRPC client of it.
type rig struct {
	*duoworkflow.Service
	env          stub.Env
	clock        *clock.Adjustable
	world        world.World
	gitlab, cdot *tokentest.Issuer
	addr         string
	conn         *grpc.ClientConn
	callers      int
	id           string // of the call that was made last
}

func newRig(t testing.TB, deployed *world.DuoWorkflow) *rig {
	t.Helper()
	r := &rig{
		gitlab: tokentest.NewIssuer(t, "gitlab"), cdot: tokentest.NewIssuer(t, "customersdot"),
		world: world.World{
			Now:         now,
			Instances:   []world.Instance{{Name: "acme", Realm: world.SelfManaged}},
			Users:       []world.User{{Name: "ada", Instance: "acme"}},
			DuoWorkflow: deployed,
		},
	}
	require.Empty(t, r.world.Complete())
	r.env, r.clock = stubtest.Env(r.world)
	r.start(t, r.cdot.As("CustomersDot"))
	return r
}

// start serves the service, which has its credits from the given CustomersDot.
func (r *rig) start(t testing.TB, cdot token.Issuer) {
	t.Helper()
	var err error
	r.Service, err = duoworkflow.New(r.env, duoworkflow.Options{
		Name: "duo-workflow", Audience: "gitlab-duo-workflow-service", Keys: tokentest.Pool(),
		Issuers: []token.Issuer{r.gitlab.As("GitLab"), cdot},
	})
	require.NoError(t, err)
	require.NoError(t, r.Seed(r.world))
	ln, err := stub.Listen(t.Context(), "duo-workflow", "127.0.0.1:0")
	require.NoError(t, err)
	server := stub.Serve(ln, r.Handler(), nil, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { require.NoError(t, server.Close(context.Background())) })
	r.addr = ln.Addr().String()
	conn, err := grpc.NewClient(r.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	r.conn = conn
}

func (r *rig) acme() world.Instance {
	i, _ := r.world.Instance("acme")
	return i
}

// ada is the global id of the user called ada.
func (r *rig) ada() string {
	u, _ := r.world.User("ada")
	return r.acme().GlobalUserID(u)
}

// caller is who calls, good as it is made, to be spoilt.
type caller struct {
	rig      *rig
	metadata map[string]string
	signer   *token.Key
	jose     map[string]any
	claims   map[string]any
	token    string // in place of a signed one
}

var allScopes = []any{"duo_agent_platform", "duo_chat", "include_file_context", "complete_code", "duo_workflow_execute_workflow"}

// good is acme on behalf of ada, with CustomersDot's token.
func (r *rig) good(t testing.TB) *caller {
	t.Helper()
	acme, signer, at := r.acme(), tokentest.Key(t, "customersdot"), r.clock.Now()
	r.callers++
	return &caller{
		rig: r,
		metadata: map[string]string{
			"x-request-id": fmt.Sprintf("call-%d", r.callers), "x-gitlab-authentication-type": "oidc", "x-gitlab-realm": "self-managed",
			"x-gitlab-instance-id": acme.UUID, "x-gitlab-global-user-id": r.ada(), "x-gitlab-user-id": "7",
			"x-gitlab-client-type": "gitlab-rails", "x-gitlab-version": "18.9.0",
		},
		signer: signer,
		jose:   map[string]any{"alg": "RS256", "typ": "JWT", "kid": signer.ID()},
		claims: map[string]any{
			"jti": "jti-1", "iss": r.cdot.URL, "aud": []any{"gitlab-ai-gateway", "gitlab-duo-workflow-service"}, "sub": acme.UUID,
			"iat": at.Unix(), "nbf": at.Unix() - 5, "exp": at.Unix() + 3*24*3600,
			"gitlab_realm": "self-managed", "gitlab_instance_uid": "uid-1", "scopes": allScopes,
		},
	}
}

// with changes a claim; nil removes it.
func (c *caller) with(claim string, value any) *caller {
	if c.claims[claim] = value; value == nil {
		delete(c.claims, claim)
	}
	return c
}

// says changes a key of the metadata.
func (c *caller) says(key, value string) *caller {
	c.metadata[key] = value
	return c
}

// own is ada with a token of the service itself.
func (c *caller) own(raw string) *caller {
	c.token = raw
	return c
}

func (c *caller) context(t testing.TB) context.Context {
	t.Helper()
	if _, said := c.metadata["authorization"]; !said {
		if c.token == "" {
			raw, err := token.Forge(c.signer, c.jose, c.claims)
			require.NoError(t, err)
			c.token = raw
		}
		c.metadata["authorization"] = "Bearer " + c.token
	}
	c.rig.id = c.metadata["x-request-id"]
	ctx, cancel := context.WithTimeout(metadata.NewOutgoingContext(t.Context(), metadata.New(c.metadata)), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

type object = map[string]any

// call calls a method that takes one message and answers one.
func (r *rig) call(t testing.TB, c *caller, name string, request any) (object, *status.Status) {
	t.Helper()
	m, ok := duocontract.Find(name)
	require.True(t, ok, name)
	in, out := m.Request(), m.Response()
	require.NoError(t, duocontract.Fill(in, request))
	err := r.conn.Invoke(c.context(t), m.Path(), in, out)
	var answer object
	if err == nil {
		require.NoError(t, duocontract.Read(out, &answer))
	}
	return answer, status.Convert(err)
}

// stream opens a stream of ExecuteWorkflow.
func (r *rig) stream(t testing.TB, c *caller) *stream {
	t.Helper()
	return open(t, r.conn, c.context(t), "DuoWorkflow/ExecuteWorkflow")
}

func open(t testing.TB, conn *grpc.ClientConn, ctx context.Context, name string) *stream { //nolint:revive // the test stands first
	t.Helper()
	m, ok := duocontract.Find(name)
	require.True(t, ok, name)
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, m.Path())
	require.NoError(t, err)
	return &stream{s, m}
}

type stream struct {
	grpc.ClientStream
	method duocontract.Method
}

func (s *stream) say(t testing.TB, event any) {
	t.Helper()
	m := s.method.Request()
	require.NoError(t, duocontract.Fill(m, event))
	require.NoError(t, s.SendMsg(m))
}

func (s *stream) hear() (object, error) {
	m := s.method.Response()
	if err := s.RecvMsg(m); err != nil {
		return nil, err
	}
	var answer object
	return answer, duocontract.Read(m, &answer)
}

// must is what is heard next.
func (s *stream) must(t testing.TB) object {
	t.Helper()
	answer, err := s.hear()
	require.NoError(t, err)
	return answer
}

// answer answers the action.
func (s *stream) answer(t testing.TB, action object) {
	t.Helper()
	s.say(t, object{"actionResponse": object{"requestID": action["requestID"], "plainTextResponse": object{"response": "# ccmock"}}})
}

// ends is how the stream ends, with nothing more said.
func (s *stream) ends(t testing.TB) *status.Status {
	t.Helper()
	answer, err := s.hear()
	require.Error(t, err, "%v", answer)
	if err.Error() == "EOF" {
		return status.New(0, "")
	}
	return status.Convert(err)
}

var start = object{"startRequest": object{"workflowID": "42", "workflowDefinition": "software_development", "goal": "fix it"}}

// last is the journal's entry of the call that was made last.
func (r *rig) last(t testing.TB, route string) journal.Entry {
	t.Helper()
	var found []journal.Entry
	require.Eventually(t, func() bool {
		found = slices.DeleteFunc(r.env.Journal.Entries(journal.Filter{}), func(e journal.Entry) bool {
			return e.Route != route || r.id != "" && e.RequestID != r.id
		})
		return len(found) > 0
	}, 5*time.Second, time.Millisecond)
	return found[len(found)-1]
}

func keys(o object) []string { return slices.Sorted(maps.Keys(o)) }

func tokenKey(t testing.TB, name string) *token.Key {
	t.Helper()
	return tokentest.Key(t, name)
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}
