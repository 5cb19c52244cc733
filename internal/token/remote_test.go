package token

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
)

// portalStatus is what the verifier knows of CustomersDot.
func (w *testWorld) portalStatus() IssuerStatus {
	w.t.Helper()
	all := w.verifier.Keys.Status()
	require.Len(w.t, all, 2)
	return all[1]
}

func TestKeysAreFetchedOnceAndKept(t *testing.T) {
	fidelity.Proves(t, "verifier/strict/key-cache")
	w := newTestWorld(t)
	require.Equal(t, IssuerStatus{
		Name: "customersdot", URL: w.portal.URL, Identifier: w.portal.URL, KeyIDs: []string{},
	}, w.portalStatus(), "nothing is fetched before the first use")

	raw := w.mint(testKey(t, "portal"))
	for range 3 {
		_, err := w.verify(raw)
		require.NoError(t, err)
	}
	require.Equal(t, [2]int{1, 1}, w.portal.counts())
	require.Equal(t, [2]int{0, 0}, w.gitlab.counts(), "an issuer that no token names is not asked")
	require.Equal(t, IssuerStatus{
		Name: "customersdot", URL: w.portal.URL, Identifier: w.portal.URL,
		KeyIDs: []string{testKey(t, "portal").ID()}, FetchedAt: testNow, ValidUntil: testNow.Add(24 * time.Hour),
		DiscoveryFetches: 1, KeyFetches: 1,
	}, w.portalStatus())

	w.clock.Advance(24*time.Hour - time.Second)
	_, err := w.verify(raw)
	require.NoError(t, err)
	require.Equal(t, [2]int{1, 1}, w.portal.counts())
	w.clock.Advance(time.Second)
	_, err = w.verify(raw)
	require.NoError(t, err)
	require.Equal(t, [2]int{2, 2}, w.portal.counts())

	w.verifier.Keys.Forget()
	require.Empty(t, w.portalStatus().KeyIDs)
	_, err = w.verify(raw)
	require.NoError(t, err)
	require.Equal(t, [2]int{3, 3}, w.portal.counts())
	require.Equal(t, 3, w.portalStatus().KeyFetches, "counts outlive Forget")
}

func TestRotationTimeline(t *testing.T) {
	w := newTestWorld(t)
	older, newer := testKey(t, "portal"), testKey(t, "portal-next")
	ring := w.portal.ring
	sign := func() string {
		key, err := ring.Current()
		require.NoError(t, err)
		return w.mint(key)
	}
	first := sign()
	_, err := w.verify(first)
	require.NoError(t, err)

	ring.Create(newer) // published, not signing
	_, err = w.verify(sign())
	require.NoError(t, err)
	require.Equal(t, []string{older.ID()}, w.portalStatus().KeyIDs, "nobody has asked for the new key yet")

	require.NoError(t, ring.Rotate())
	second := sign()
	v, err := w.verify(second)
	require.NoError(t, err, "an unknown id makes the verifier look again")
	require.Equal(t, newer.ID(), v.KeyID)
	require.Equal(t, [2]int{1, 2}, w.portal.counts(), "the key set only")
	_, err = w.verify(first)
	require.NoError(t, err, "the old key is still published")

	dropped, err := ring.Trim()
	require.NoError(t, err)
	require.Equal(t, older, dropped)
	_, err = w.verify(first)
	require.NoError(t, err, "and trusted until the set is fetched again")
	w.clock.Advance(24 * time.Hour)
	_, err = w.verify(second)
	require.NoError(t, err)
	_, err = w.verify(first)
	require.Contains(t, requireReason(t, UnknownKey, err), newer.ID())
}

func TestUnknownKeyRefetchIsLimited(t *testing.T) {
	w := newTestWorld(t)
	stranger := w.mint(testKey(t, "stranger"))
	refused := func(note string) {
		t.Helper()
		_, err := w.verify(stranger)
		require.Contains(t, requireReason(t, UnknownKey, err), note)
	}
	refused("(keys there: " + testKey(t, "portal").ID() + ")")
	require.Equal(t, [2]int{1, 1}, w.portal.counts(), "a set that was fetched for this very token is new enough")
	refused("; fetched again just now")
	require.Equal(t, [2]int{1, 2}, w.portal.counts())
	refused("; fetched again 0s ago, and at most once in 1m0s")
	w.clock.Advance(59 * time.Second)
	refused("; fetched again 59s ago")
	require.Equal(t, [2]int{1, 2}, w.portal.counts())
	w.clock.Advance(time.Second)
	refused("; fetched again just now")
	require.Equal(t, [2]int{1, 3}, w.portal.counts())
	require.Equal(t, [2]int{1, 1}, w.gitlab.counts(), "only the issuer that the token names is asked again")

	w.portal.serve(nil, answering(503, "text/plain", "down"))
	w.clock.Advance(time.Minute)
	refused("; fetching them again failed: key set of customersdot: " + w.portal.URL + "/oauth/discovery/keys: expected status 200, got 503")
	_, err := w.verify(w.mint(testKey(t, "portal")))
	require.NoError(t, err, "the old set stays in use")
}

func TestUnknownIssuerCausesNoRefetch(t *testing.T) {
	w := newTestWorld(t)
	for range 3 {
		claims := w.claims()
		claims["iss"] = "https://evil.example"
		_, err := w.verify(w.forge(testKey(t, "stranger"), w.header(testKey(t, "stranger")), claims))
		detail := requireReason(t, UnknownKey, err)
		require.Contains(t, detail, `iss "https://evil.example" is none of them`)
		require.Contains(t, detail, testKey(t, "gitlab").ID())
	}
	require.Equal(t, [2]int{1, 1}, w.gitlab.counts())
	require.Equal(t, [2]int{1, 1}, w.portal.counts())
}

func TestKeysInTheHeaderAreNotFollowed(t *testing.T) {
	w := newTestWorld(t)
	stranger := testKey(t, "stranger")
	asked := make(chan string, 10)
	evil := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		_, _ = rw.Write(NewKeySet(stranger).JSON())
	}))
	t.Cleanup(evil.Close)
	header := w.header(stranger)
	header["jku"], header["x5u"], header["jwk"] = evil.URL+"/keys", evil.URL+"/cert", NewJWK(stranger)
	_, err := w.verify(w.forge(stranger, header, w.claims()))
	requireReason(t, UnknownKey, err)
	require.Empty(t, asked)
}

func TestIssuerDown(t *testing.T) {
	for name, discovery := range map[string]http.HandlerFunc{
		"closing connections": closing,
		"answering 503":       answering(503, "text/plain", "down"),
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			raw := w.mint(testKey(t, "portal"))
			w.portal.serve(discovery, nil)

			_, err := w.verify(raw)
			require.Contains(t, requireReason(t, KeysUnavailable, err), "no keys of customersdot ("+w.portal.URL+"): discovery of customersdot:")
			require.NotEmpty(t, w.portalStatus().Error)
			_, err = w.verify(w.mintSaaS(testKey(t, "gitlab")))
			require.NoError(t, err, "the other issuer is usable")

			asked := w.portal.counts()[0]
			_, err = w.verify(raw)
			requireReason(t, KeysUnavailable, err)
			require.Equal(t, asked, w.portal.counts()[0], "no second try within the pause")

			w.portal.serve(nil, nil)
			w.clock.Advance(time.Second)
			_, err = w.verify(raw)
			require.NoError(t, err)
			require.Empty(t, w.portalStatus().Error)
		})
	}
}

func TestRefillFailureKeepsTheOldSet(t *testing.T) {
	w := newTestWorld(t)
	sign := func() string { return w.mint(testKey(t, "portal")) }
	_, err := w.verify(sign())
	require.NoError(t, err)
	w.portal.serve(answering(500, "text/plain", ""), nil)
	w.clock.Advance(24 * time.Hour)

	// Tries come after 1, 2, 4, ... and at last every 60 seconds.
	tries := 1
	pause := time.Second
	for range 9 {
		_, err = w.verify(sign())
		require.NoError(t, err)
		require.Equal(t, 1+tries, w.portal.counts()[0])
		w.clock.Advance(pause - time.Millisecond)
		_, err = w.verify(sign())
		require.NoError(t, err)
		require.Equal(t, 1+tries, w.portal.counts()[0], "pause %s", pause)
		w.clock.Advance(time.Millisecond)
		tries++
		pause = min(2*pause, time.Minute)
	}
	require.Contains(t, w.portalStatus().Error, "expected status 200, got 500")
	require.Equal(t, testNow, w.portalStatus().FetchedAt)
	require.NoError(t, w.verifier.Keys.Prefetch(t.Context()), "an old set is a set")

	w.portal.serve(nil, nil)
	_, err = w.verify(sign())
	require.NoError(t, err)
}

func TestClockSetBack(t *testing.T) {
	w := newTestWorld(t)
	w.portal.serve(closing, nil)
	_, err := w.verify(w.mint(testKey(t, "portal")))
	requireReason(t, KeysUnavailable, err)
	w.portal.serve(nil, nil)
	w.clock.Set(testNow.Add(-48 * time.Hour))
	_, err = w.verify(w.mint(testKey(t, "portal")))
	require.NoError(t, err, "a pause that lies ahead does not count")
}

func TestPrefetch(t *testing.T) {
	w := newTestWorld(t)
	require.NoError(t, w.verifier.Keys.Prefetch(t.Context()))
	require.NoError(t, w.verifier.Keys.Prefetch(t.Context()))
	require.Equal(t, [2]int{1, 1}, w.gitlab.counts())
	require.Equal(t, [2]int{1, 1}, w.portal.counts())

	w.verifier.Keys.Forget()
	w.portal.serve(nil, answering(200, "application/json", "{}"))
	for range 2 {
		err := w.verifier.Keys.Prefetch(t.Context())
		require.ErrorContains(t, err, "key set of customersdot")
		require.NotContains(t, err.Error(), "gitlab.com")
	}
	w.portal.serve(nil, nil)
	require.NoError(t, w.verifier.Keys.Prefetch(t.Context()), "readiness does not wait for the pause to end")
}

func TestTimeoutAndGivingUp(t *testing.T) {
	w := newTestWorld(t)
	release := make(chan struct{})
	w.portal.serve(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}, nil)
	t.Cleanup(func() { close(release) })
	w.verifier.Keys = w.remote(RemoteOptions{Timeout: 20 * time.Millisecond})
	_, err := w.verify(w.mint(testKey(t, "portal")))
	require.Contains(t, requireReason(t, KeysUnavailable, err), "no answer within 20ms")

	w.verifier.Keys = w.remote(RemoteOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = w.verifier.Verify(ctx, w.mint(testKey(t, "portal")))
	require.Contains(t, requireReason(t, KeysUnavailable, err), "context canceled")
}

func TestConcurrentCallersShareFetches(t *testing.T) {
	w := newTestWorld(t)
	portal, gitlab := w.mint(testKey(t, "portal")), w.mintSaaS(testKey(t, "gitlab"))
	stranger := w.mint(testKey(t, "stranger"))
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if _, err := w.verify(portal); err != nil {
				t.Error(err)
			}
			if _, err := w.verify(gitlab); err != nil {
				t.Error(err)
			}
			if _, err := w.verify(stranger); err == nil {
				t.Error("stranger got in")
			}
			w.verifier.Keys.Status()
		})
	}
	wait.Wait()
	require.Equal(t, [2]int{1, 1}, w.gitlab.counts())
	require.Equal(t, [2]int{1, 2}, w.portal.counts())
}

func TestConcurrentCallersAllSeeTheNewKey(t *testing.T) {
	w := newTestWorld(t)
	_, err := w.verify(w.mint(testKey(t, "portal")))
	require.NoError(t, err)
	w.portal.ring.Create(testKey(t, "portal-next"))
	raw := w.mint(testKey(t, "portal-next"))
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if _, err := w.verify(raw); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	require.Equal(t, [2]int{1, 2}, w.portal.counts())
}

func TestForgetWhileFetching(t *testing.T) {
	w := newTestWorld(t)
	var wait sync.WaitGroup
	for n := range 40 {
		wait.Go(func() {
			if n%4 == 0 {
				w.verifier.Keys.Forget()
				return
			}
			_, err := w.verify(w.mint(testKey(t, "portal")))
			var refusal *Refusal
			if err != nil {
				require.ErrorAs(t, err, &refusal)
			}
		})
	}
	wait.Wait()
	_, err := w.verify(w.mint(testKey(t, "portal")))
	require.NoError(t, err)
}
