package ecosystem_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/world"
)

func TestRenewWaitsForRequestsUnderWay(t *testing.T) {
	reached, release := make(chan struct{}), make(chan struct{})
	slow := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(reached)
		<-release
		_, _ = io.WriteString(w, "{}")
	}))
	r := start(t, func(o *ecosystem.Options) { o.URLs.Backends = map[string]string{"foo": slow} })
	ended := make(chan int)
	go func() {
		status, _ := use(t, client, r.url(t, "gitlab"), "glpat-grace")
		ended <- status
	}()
	<-reached
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.Renew(ctx, given()), context.Canceled)

	renewed := make(chan error)
	go func() { renewed <- r.Renew(t.Context(), given()) }()
	close(release)
	<-ended
	require.NoError(t, <-renewed)
	entries, err := r.Journal(t.Context(), nil, "")
	require.NoError(t, err)
	require.Empty(t, entries, "the call of before came late")
}

func TestRenewMovesToAnotherWorld(t *testing.T) {
	r := start(t)
	next := given()
	next.Now = beforeCutOff.AddDate(1, 0, 0)
	next.Users = []world.User{{Name: "newcomer", Instance: "gitlab"}}
	require.NoError(t, r.Renew(t.Context(), next))
	now, err := r.Now(t.Context())
	require.NoError(t, err)
	require.Equal(t, next.Now, now)
	status, _ := use(t, client, r.url(t, "gitlab"), "glpat-grace")
	require.Equal(t, http.StatusUnauthorized, status)

	require.NoError(t, r.SetTime(t.Context(), beforeCutOff))
	require.NoError(t, r.Reset(t.Context()))
	now, err = r.Now(t.Context())
	require.NoError(t, err)
	require.Equal(t, next.Now, now, "a reset goes back to the world of before")
}

func TestRenewRefusesWhatItCannotDo(t *testing.T) {
	r := start(t)
	fewer := given()
	fewer.Instances = fewer.Instances[:2]
	fewer.Users = nil
	require.ErrorContains(t, r.Renew(t.Context(), fewer), `expected the instances ["acme" "dedicated" "gitlab"], got ["acme" "gitlab"]`)
	wrong := given()
	wrong.Users = []world.User{{Name: "ada", Instance: "nowhere"}}
	require.ErrorContains(t, r.Renew(t.Context(), wrong), "nowhere")
	running := start(t, func(o *ecosystem.Options) { o.Clock = clock.NewRunning(beforeCutOff) })
	require.ErrorContains(t, running.Renew(t.Context(), given()), "the clock is running")
	closed := start(t)
	require.NoError(t, closed.Ecosystem.Close(context.Background()))
	require.ErrorContains(t, closed.Renew(t.Context(), given()), "has stopped serving")
}

// TestAResetIsSeenOnUsedConnections: an HTTP client tries a request again, unasked, when a
// connection that it has used before is reset.
func TestAResetIsSeenOnUsedConnections(t *testing.T) {
	r := start(t)
	url := r.url(t, "gateway") + "/foo/monitoring/healthz"
	get := func() int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		resp, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	require.Equal(t, http.StatusOK, get())
	require.Equal(t, http.StatusOK, get())
	require.NoError(t, r.AddFault(t.Context(), fault.Rule{
		Name: "torn", Where: fault.Match{Service: "foo"}, Times: 1, Do: fault.Action{Reset: true},
	}))
	require.Equal(t, http.StatusBadGateway, get())
	require.Equal(t, http.StatusOK, get())
}

func TestEcosystemsOfOneSeedMakeTheSameIDs(t *testing.T) {
	r := start(t)
	first := r.sync(t, "acme").Token.ID
	require.NotEqual(t, first, r.sync(t, "acme").Token.ID)
	require.NoError(t, r.Renew(t.Context(), given()))
	require.Equal(t, first, r.sync(t, "acme").Token.ID)
	require.NoError(t, r.Advance(t.Context(), time.Hour))
}
