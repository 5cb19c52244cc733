package ecosystem_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/duocontract"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/world"
	"github.com/ccmock/ccmock/scenarios"
)

// workflows is an ecosystem with a Duo Workflow Service, and the metadata of a caller.
func workflows(t *testing.T) (*ecosystem.Ecosystem, map[string]string) {
	t.Helper()
	features, err := feature.Load(scenarios.Features(), ".")
	require.NoError(t, err)
	w := world.World{
		Now:       time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Instances: []world.Instance{{Name: world.GitLabCom, Realm: world.SaaS, GitLabVersion: "18.9.0"}},
		Users:     []world.User{{Name: "grace", Instance: world.GitLabCom}},
	}
	e, err := ecosystem.Start(t.Context(), ecosystem.Options{World: w, Features: features, GatewayTLS: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close(context.Background())) })
	require.Empty(t, w.Complete())
	gitlab, _ := w.Instance(world.GitLabCom)
	grace, _ := w.User("grace")
	client, err := control.Connect(t.Context(), "", e.ControlURL())
	require.NoError(t, err)
	t.Cleanup(client.Close)
	got, err := control.Call[control.TokenResult](t.Context(), client, control.ActionAccessToken, control.AccessTokenRequest{
		Instance: world.GitLabCom, User: "grace", Scopes: []string{"duo_agent_platform"},
	})
	require.NoError(t, err)
	return e, map[string]string{
		"authorization": "Bearer " + got.Raw, "x-gitlab-authentication-type": "oidc", "x-gitlab-realm": "saas",
		"x-gitlab-instance-id": gitlab.UUID, "x-gitlab-global-user-id": gitlab.GlobalUserID(grace),
	}
}

func dial(t *testing.T, target string, c credentials.TransportCredentials) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(c))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return conn
}

func host(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	return u.Host
}

// TestRealClients: gRPC's own client runs a workflow at the service, through the gateway in
// the clear and through the gateway with TLS. Each side hears the other at once, and what
// either ends is ended for both.
func TestRealClients(t *testing.T) {
	fidelity.Proves(t, "duoworkflow/gateway/path", "duoworkflow/server/h2")
	require.Equal(t, 50052, ecosystem.DefaultPorts().DuoWorkflow)
	e, caller := workflows(t)
	trusted := x509.NewCertPool()
	trusted.AddCert(e.Certificate().Leaf)
	ways := map[string]*grpc.ClientConn{
		"through the gateway with TLS": dial(t, host(t, e.TLSURL()), credentials.NewTLS(&tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12})),
	}
	for _, s := range e.Services() {
		switch s.Name {
		case "gateway":
			ways["through the gateway"] = dial(t, host(t, s.URL), insecure.NewCredentials())
		case "duo-workflow":
			ways["directly"] = dial(t, host(t, s.URL), insecure.NewCredentials())
		}
	}
	require.Len(t, ways, 3)
	for name, conn := range ways {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(metadata.NewOutgoingContext(t.Context(), metadata.New(caller)), 20*time.Second)
			defer cancel()

			generate, _ := duocontract.Find("DuoWorkflow/GenerateToken")
			answer := generate.Response()
			require.NoError(t, conn.Invoke(ctx, generate.Path(), generate.Request(), answer))
			var token struct {
				Token string `json:"token"`
			}
			require.NoError(t, duocontract.Read(answer, &token))
			require.NotEmpty(t, token.Token)

			err := conn.Invoke(metadata.NewOutgoingContext(t.Context(), nil), generate.Path(), generate.Request(), answer)
			require.Equal(t, codes.Unauthenticated, status.Code(err))
			require.Equal(t, "No authorization header presented", status.Convert(err).Message())

			ofUser := metadata.New(caller)
			ofUser.Set("authorization", "Bearer "+token.Token)
			ctx = metadata.NewOutgoingContext(ctx, ofUser)
			s := execute(ctx, t, conn)
			s.say(t, map[string]any{"startRequest": map[string]any{"workflowID": "1"}})
			require.Contains(t, s.hear(t), "newCheckpoint")
			read := s.hear(t) // the service waits for the answer now
			require.Contains(t, read, "runReadFile")
			s.say(t, map[string]any{"actionResponse": map[string]any{"requestID": read["requestID"]}})
			require.Contains(t, s.hear(t), "newCheckpoint")
			// The service ends the call while the client could still say something.
			require.EqualError(t, s.RecvMsg(s.method.Response()), "EOF")

			gone, leave := context.WithCancel(ctx)
			s = execute(gone, t, conn)
			s.say(t, map[string]any{"startRequest": map[string]any{"workflowID": "2"}})
			require.Contains(t, s.hear(t), "newCheckpoint")
			leave()
			require.Equal(t, codes.Canceled, status.Code(drain(s)))
		})
	}
	// Every call that was dropped has ended at the service, too.
	client, err := control.Connect(t.Context(), "", e.ControlURL())
	require.NoError(t, err)
	defer client.Close()
	require.Eventually(t, func() bool {
		entries, err := client.Journal(t.Context(), nil, "")
		require.NoError(t, err)
		dropped := 0
		for _, entry := range entries {
			if entry.Route == "ExecuteWorkflow" && entry.Reason == "client_gone" {
				dropped++
			}
		}
		return dropped == len(ways)
	}, 10*time.Second, 10*time.Millisecond)
}

type conversation struct {
	grpc.ClientStream
	method duocontract.Method
}

func execute(ctx context.Context, t *testing.T, conn *grpc.ClientConn) conversation {
	t.Helper()
	m, _ := duocontract.Find("DuoWorkflow/ExecuteWorkflow")
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, m.Path())
	require.NoError(t, err)
	return conversation{s, m}
}

func (c conversation) say(t *testing.T, v any) {
	t.Helper()
	m := c.method.Request()
	require.NoError(t, duocontract.Fill(m, v))
	require.NoError(t, c.SendMsg(m))
}

func (c conversation) hear(t *testing.T) map[string]any {
	t.Helper()
	m := c.method.Response()
	require.NoError(t, c.RecvMsg(m))
	return read(t, m)
}

func read(t *testing.T, m *dynamicpb.Message) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, duocontract.Read(m, &v))
	return v
}

// drain hears until the call ends, and returns how.
func drain(c conversation) error {
	for {
		if err := c.RecvMsg(c.method.Response()); err != nil {
			return err
		}
	}
}
