package railsstub_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/world"
)

// ran lists when a job of acme ran, and what became of it.
func (r *rig) ran(job string) (at []time.Time, outcomes []string) {
	for _, e := range r.journal.Entries(journal.Filter{Service: "acme"}) {
		if e.Route == "job:"+job {
			outcome, _, _ := strings.Cut(e.Detail, ":")
			at, outcomes = append(at, e.At), append(outcomes, outcome)
		}
	}
	return at, outcomes
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/sync/daily", "rails/sync/hourly")
	for _, c := range []struct {
		version string
		hourly  bool
	}{{"16.9.0", false}, {"17.10.0", false}, {"17.11.0", true}, {"18.9.0", true}} {
		t.Run(c.version, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, given(c.version))
			now := r.clock.Now()
			r.portal.answers(func(w http.ResponseWriter, q *http.Request) {
				now := r.clock.Now()
				reply(200, access(t, portalToken(t, now, now.String()), now.Add(72*time.Hour).Unix()))(w, q)
			})
			r.walk(4 * 24 * time.Hour)

			links, _ := r.ran("sync_seat_link")
			require.Len(t, links, 4)
			syncs, outcomes := r.ran("sync_service_token")
			for _, at := range links {
				require.Contains(t, []int{3, 4}, at.Hour())
				require.Equal(t, links[0].Minute(), at.Minute(), "the minute is drawn once")
			}
			if !c.hourly {
				require.Len(t, syncs, 4)
				for _, at := range syncs {
					require.Contains(t, []int{5, 6}, at.Hour())
					require.Equal(t, syncs[0].Minute(), at.Minute())
				}
				require.Equal(t, []string{"succeeded", "succeeded", "succeeded", "succeeded"}, outcomes)
				return
			}
			require.Len(t, syncs, 4*24)
			require.Less(t, syncs[0].Sub(now), time.Hour)
			asked := 0
			for n, outcome := range outcomes {
				if outcome != "skipped" {
					require.Equal(t, "succeeded", outcome)
					asked++
				}
				require.Equal(t, syncs[0].Add(time.Duration(n)*time.Hour), syncs[n])
			}
			// A token lasts three days and is renewed in the hour after its first.
			require.Equal(t, 4, asked)
			require.Equal(t, "skipped", outcomes[24])
			require.Equal(t, "succeeded", outcomes[25])
		})
	}
}

func TestHourlySkipGivesWayToForce(t *testing.T) {
	t.Parallel()
	fidelity.Proves(t, "rails/sync/skipped")
	r := newRig(t, given("18.9.0"))
	r.synced()
	got := r.sync(false)
	require.Equal(t, control.Skipped, got.Outcome)
	require.Equal(t, "skipping token refresh", got.Message)
	require.NotNil(t, got.Token, "the one at hand")
	require.Empty(t, r.portal.requests())

	r.sync(true)
	require.Len(t, r.portal.requests(), 1)

	r.clock.Advance(24*time.Hour + time.Second)
	r.sync(false)
	require.Len(t, r.portal.requests(), 2, "less than two days are left")
}

// TestThreeMissedSyncs: CustomersDot is down, every daily sync fails and so do its retries,
// and after 72 hours the token is over.
func TestThreeMissedSyncs(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.9.0"))
	r.synced()
	r.portal.answers(reply(http.StatusBadGateway, `down`))
	r.walk(72*time.Hour - time.Second)
	require.Equal(t, 200, r.use("ada").status)
	r.walk(time.Second)
	require.Equal(t, 401, r.use("ada").status)
	require.Equal(t, "no_token", r.lastEntry().Reason)

	at, outcomes := r.ran("sync_service_token")
	at, outcomes = at[1:], outcomes[1:] // without the first, which succeeded
	require.Len(t, at, 3*4)
	for n := range at {
		require.Equal(t, "failed", outcomes[n])
	}
	require.Equal(t, []time.Duration{15 * time.Second, 16 * time.Second, 31 * time.Second},
		[]time.Duration{at[1].Sub(at[0]), at[2].Sub(at[1]), at[3].Sub(at[2])}, "Sidekiq's pauses")

	// The service is back: the next day's sync heals it.
	r.portal.answers(reply(200, access(t, portalToken(t, r.clock.Now(), "new"), r.clock.Now().Add(72*time.Hour).Unix())))
	r.walk(24 * time.Hour)
	require.Equal(t, 200, r.use("ada").status)
}

func TestARetryHeals(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.9.0"))
	r.portal.answers(reply(500, ``))
	require.Equal(t, control.Failed, r.sync(false).Outcome)
	r.portal.answers(reply(200, access(t, portalToken(t, start, "x"), start.Add(72*time.Hour).Unix())))
	r.walk(14 * time.Second)
	require.Empty(t, r.ids())
	r.walk(time.Second)
	require.Equal(t, []string{"x"}, r.ids())
	_, outcomes := r.ran("sync_service_token")
	require.Equal(t, []string{"failed", "succeeded"}, outcomes)
	_, again := r.retry()
	require.False(t, again)
}

func TestSeatLinkIsTriedAgainEveryHour(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.9.0"))
	r.portal.answers(reply(500, ``))
	got, err := do[control.SyncResult](r, control.ActionSeatLink, control.InstanceRequest{Instance: "acme"})
	require.NoError(t, err)
	require.Contains(t, got.Message, "Seat Link request failed! Code:500 (try 1 of 20 is due at 2024-03-04T10:10:00Z)")
	r.portal.answers(reply(200, `{}`))
	r.walk(70 * time.Minute)
	_, outcomes := r.ran("sync_seat_link")
	require.Equal(t, []string{"failed", "succeeded"}, outcomes)
}

func TestSchedulesFollowTheInstancesOwnClock(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.9.0"))
	first, _ := r.jobs.Next()
	r.stub.Skew("acme").Set(2 * time.Hour)
	r.jobs.Reset(r.clock.Now())
	skewed, _ := r.jobs.Next()
	require.Equal(t, first.Add(-2*time.Hour), skewed, "its clock is ahead, so it starts earlier")
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.9.0"))
	r.portal.answers(reply(200, `{}`))
	upgrade := func(version string) error {
		_, err := do[control.Done](r, control.ActionUpgrade, control.UpgradeRequest{Instance: "acme", GitLabVersion: version})
		return err
	}
	require.NoError(t, upgrade("18.9.1"))
	r.sync(true)
	require.Equal(t, "GitLab/18.9.1-ee", r.portal.last(t).header.Get("User-Agent"))
	next, _ := r.jobs.Next()
	require.Less(t, next.Sub(start), time.Hour, "it syncs hourly now")

	require.EqualError(t, upgrade("new"), `gitlab_version: expected a GitLab version such as 16.8 or 16.9.2-ee, got "new"`)
	r.sync(true)
	require.Equal(t, "GitLab/18.9.1-ee", r.portal.last(t).header.Get("User-Agent"), "a bad version changes nothing")
	_, err := do[control.Done](r, control.ActionUpgrade, control.UpgradeRequest{Instance: "nowhere", GitLabVersion: "18.0"})
	require.ErrorIs(t, err, control.ErrNotHere)
}

// TestSeedRetiresJobs: jobs of a world that is gone do nothing, even if nobody cleared the
// schedule, and nor do its retries.
func TestSeedRetiresJobs(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.9.0"))
	r.portal.answers(reply(500, ``))
	r.sync(false)
	w := world.World{Now: start}
	require.Empty(t, w.Complete())
	require.NoError(t, r.stub.Seed(w))
	r.portal.forget()
	r.walk(48 * time.Hour)
	require.Empty(t, r.portal.requests())
	_, ok := r.jobs.Next()
	require.False(t, ok)
}
