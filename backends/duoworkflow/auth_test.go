package duoworkflow_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/ccmock/ccmock/internal/duocontract"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/token"
)

func TestAuthentication(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/auth/messages", "duoworkflow/auth/audience")
	r := newRig(t, nil)
	for name, tt := range map[string]struct {
		caller func(*caller)
		says   string
		reason token.Reason
	}{
		"no token":       {func(c *caller) { delete(c.metadata, "authorization"); c.token = "" }, "No authorization header presented", token.NoToken},
		"another scheme": {func(c *caller) { c.metadata["authorization"] = "Basic x" }, "Invalid authorization header", token.WrongScheme},
		"another type":   {func(c *caller) { c.metadata["x-gitlab-authentication-type"] = "OIDC" }, "Invalid authentication token type - only OIDC is supported", token.WrongAuthType},
		"no type":        {func(c *caller) { delete(c.metadata, "x-gitlab-authentication-type") }, "Invalid authentication token type - only OIDC is supported", token.WrongAuthType},
		"garbage":        {func(c *caller) { c.token = "a.b.c" }, "Forbidden by auth provider", token.Malformed},
		"expired":        {func(c *caller) { c.claims["exp"] = now.Unix() - 1 }, "Forbidden by auth provider", token.Expired},
		"audience":       {func(c *caller) { c.claims["aud"] = "gitlab-ai-gateway" }, "Forbidden by auth provider", token.WrongAudience},
		"another key":    {func(c *caller) { c.signer = tokenKey(t, "stranger") }, "Forbidden by auth provider", token.BadSignature},
		"realm":          {func(c *caller) { c.metadata["x-gitlab-realm"] = "saas" }, "Header mismatch 'X-Gitlab-Realm'", token.RealmMismatch},
		"instance":       {func(c *caller) { c.metadata["x-gitlab-instance-id"] = "other" }, "Header mismatch 'X-Gitlab-Instance-Id'", token.InstanceMismatch},
		"no instance":    {func(c *caller) { delete(c.metadata, "x-gitlab-instance-id") }, "Header mismatch 'X-Gitlab-Instance-Id'", token.MissingHeader},
	} {
		t.Run(name, func(t *testing.T) {
			spoilt := r.good(t)
			tt.caller(spoilt)
			ctx := spoilt.context(t)
			if name == "no token" {
				ctx = metadata.NewOutgoingContext(t.Context(), metadata.Pairs("x-gitlab-authentication-type", "oidc", "x-request-id", r.id))
			}
			for _, method := range []string{"DuoWorkflow/ListTools", "DuoWorkflow/GenerateToken", "DuoWorkflow/ExecuteWorkflow"} {
				s := open(t, r.conn, ctx, method)
				require.NoError(t, s.CloseSend())
				got := s.ends(t)
				require.Equal(t, codes.Unauthenticated, got.Code(), method)
				require.Equal(t, tt.says, got.Message(), method)
			}
			require.Equal(t, string(tt.reason), r.last(t, "ExecuteWorkflow").Reason)
		})
	}
}

// TestTheLastOfAKeyCounts: metadata are a dictionary to the service.
func TestTheLastOfAKeyCounts(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/auth/last-value")
	r := newRig(t, nil)
	good := r.good(t)
	list := func(first, last string) error {
		md, _ := metadata.FromOutgoingContext(good.context(t))
		md = md.Copy()
		md.Set("x-gitlab-realm", first, last)
		m, _ := duocontract.Find("DuoWorkflow/ListTools")
		return r.conn.Invoke(metadata.NewOutgoingContext(t.Context(), md), m.Path(), m.Request(), m.Response())
	}
	require.NoError(t, list("saas", "self-managed"))
	require.Equal(t, codes.Unauthenticated, status.Code(list("self-managed", "saas")))
}

// TestIssuersDown: the service has its own keys at hand, and takes tokens of others for
// forged.
func TestIssuersDown(t *testing.T) {
	r := newRig(t, nil)
	r.gitlab.SetDown(true)
	r.cdot.SetDown(true)
	_, got := r.call(t, r.good(t), "DuoWorkflow/ListTools", object{})
	require.Equal(t, codes.Unauthenticated, got.Code())
	require.Equal(t, "Forbidden by auth provider", got.Message())
}

// TestExceptions are answered as gRPC for Python does, by the name of their class.
func TestExceptions(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/auth/exception")
	r := newRig(t, nil)
	_, got := r.call(t, r.good(t).with("scopes", 7), "DuoWorkflow/GenerateToken", object{})
	require.Equal(t, codes.Unknown, got.Code())
	require.Equal(t, "Unexpected <class 'Exception'>: Internal Server Error", got.Message())
}

// TestOldKeysAreKept: the service is younger than the library's version 2.
func TestOldKeysAreKept(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/auth/old-keys")
	r := newRig(t, nil)
	_, got := r.call(t, r.good(t), "DuoWorkflow/ListTools", object{})
	require.Equal(t, codes.OK, got.Code(), got)
	r.gitlab.SetDown(true)
	r.cdot.SetDown(true)
	r.clock.Advance(25 * 3600e9)
	_, got = r.call(t, r.good(t), "DuoWorkflow/ListTools", object{})
	require.Equal(t, codes.OK, got.Code(), got)
	r.Restart()
	_, got = r.call(t, r.good(t), "DuoWorkflow/ListTools", object{})
	require.Equal(t, codes.Unauthenticated, got.Code())
}

func TestHealthNeedsNoToken(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/auth/health")
	r := newRig(t, nil)
	nobody := func(name string, request any) (object, *status.Status) {
		m, _ := duocontract.Find(name)
		in, out := m.Request(), m.Response()
		require.NoError(t, duocontract.Fill(in, request))
		err := r.conn.Invoke(t.Context(), m.Path(), in, out)
		var answer object
		require.NoError(t, duocontract.Read(out, &answer))
		return answer, status.Convert(err)
	}
	for _, service := range []string{"", "DuoWorkflow"} {
		answer, got := nobody("grpc.health.v1.Health/Check", object{"service": service})
		require.Equal(t, codes.OK, got.Code())
		require.Equal(t, object{"status": "SERVING"}, answer)
	}
	_, got := nobody("grpc.health.v1.Health/Check", object{"service": "Other"})
	require.Equal(t, codes.NotFound, got.Code())

	ctx, cancel := context.WithCancel(t.Context())
	watch := open(t, r.conn, ctx, "grpc.health.v1.Health/Watch")
	watch.say(t, object{})
	require.Equal(t, object{"status": "SERVING"}, watch.must(t))
	cancel()
	require.Equal(t, codes.Canceled, watch.ends(t).Code())
	require.Equal(t, 200, r.last(t, "Watch").Status)
}

// TestUnknownMethods: the token is looked at first.
func TestUnknownMethods(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/auth/unknown-method")
	r := newRig(t, nil)
	m, _ := duocontract.Find("DuoWorkflow/ListTools")
	for _, path := range []string{"/DuoWorkflow/Nope", "/Other/ListTools", "/DuoWorkflow/ListFlows", "/DuoWorkflow/ValidateFlowConfig", "/"} {
		err := r.conn.Invoke(t.Context(), path, m.Request(), m.Response())
		require.Equal(t, codes.Unauthenticated, status.Code(err), path)
		err = r.conn.Invoke(r.good(t).context(t), path, m.Request(), m.Response())
		require.Equal(t, codes.Unimplemented, status.Code(err), path)
		require.Equal(t, "Method not found!", status.Convert(err).Message(), path)
	}
}
