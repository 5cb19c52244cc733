package railsstub_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
)

// TestConcurrentUse runs calls, syncs, actions and restarts side by side; it is the race
// detector's to judge. An answer is a whole one, whatever the world at that moment.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	w := given("17.2.0")
	for n := range w.Instances {
		w.Instances[n].AddOns = []catalog.Purchase{{AddOn: "duo_pro", Seats: 5}}
	}
	for n := range w.Users {
		w.Users[n].Seats = []string{"duo_pro"}
	}
	r := newRig(t, w)
	r.portal.answers(reply(200, access(t, portalToken(t, start, "x"), start.Add(72*time.Hour).Unix())))
	require.Equal(t, control.Succeeded, r.sync(true).Outcome)

	var all sync.WaitGroup
	often := func(f func(n int)) {
		all.Go(func() {
			for n := range 20 {
				f(n)
			}
		})
	}
	for _, user := range []string{"ada", "com"} {
		host := map[string]string{"ada": "acme.test", "com": "gitlab.test"}[user]
		for range 3 {
			often(func(int) {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+tutorialPath, strings.NewReader("{}"))
				if err != nil {
					t.Error(err)
					return
				}
				req.Host = host
				req.Header.Set("Private-Token", "glpat-"+user)
				resp, err := r.client.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				defer func() { _ = resp.Body.Close() }()
				body, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != 200 && resp.StatusCode != 401 {
					t.Errorf("%s: %d %s, %v", user, resp.StatusCode, body, err)
				}
			})
		}
	}
	act := func(action, args string) func(int) {
		return func(int) {
			if _, err := r.stub.Actions()[action](context.Background(), []byte(args)); err != nil {
				t.Errorf("%s: %v", action, err)
			}
		}
	}
	often(act(control.ActionSync, `{"instance":"acme","force":true}`))
	often(act(control.ActionSeatLink, `{"instance":"acme"}`))
	often(act(control.ActionSetUser, `{"user":"ada","blocked":false}`))
	often(act(control.ActionAssignSeat, `{"user":"com","add_on":"duo_pro"}`))
	often(act(control.ActionUpgrade, `{"instance":"acme","gitlab_version":"17.5.0"}`))
	often(act(control.ActionRotateKeys, `{"service":"gitlab","step":"list"}`))
	often(act(control.ActionStored, `{"instance":"acme"}`))
	often(func(int) {
		r.stub.Services()
		r.jobs.RunDue(t.Context(), r.clock.Advance(time.Minute))
	})
	often(func(int) {
		if err := r.stub.Seed(w); err != nil {
			t.Error(err)
		}
	})
	all.Wait()
}
