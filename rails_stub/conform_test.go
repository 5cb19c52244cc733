package railsstub_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/stub/stubtest"
	"github.com/ccmock/ccmock/internal/token/tokentest"
	railsstub "github.com/ccmock/ccmock/rails_stub"
)

func TestConform(t *testing.T) {
	t.Parallel()
	w := given("17.2.0")
	require.Empty(t, w.Complete())
	env, _ := stubtest.Env(w)
	s, err := railsstub.New(env, &clock.Schedule{}, railsstub.Options{
		Keys: tokentest.Pool(), Features: features(), CustomersDotURL: "http://127.0.0.1:1", GatewayURL: "http://127.0.0.1:1",
		InstanceURL: func(name string) string { return "http://" + name + ".test:3000" },
	})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	require.NoError(t, s.Seed(w))
	stubtest.Conform(t, stubtest.Subject{
		Part: s, Handler: s.Handler("acme"), Env: env, World: w, Service: "acme",
		UnknownPath: "/api/v4/nothing", WrongMethod: "/oauth/discovery/keys",
		Dialect: []string{`"error":"404 Not Found"`},
	})
}
