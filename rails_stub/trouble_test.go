package railsstub_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/world"
)

func (r *rig) must(action string, args any) {
	r.t.Helper()
	_, err := do[control.Done](r, action, args)
	require.NoError(r.t, err)
}

func ptr[T any](v T) *T { return &v }

func TestJobsThatAreNotRun(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("16.9.0"))
	r.portal.answers(reply(http.StatusBadGateway, ``))
	require.Equal(t, control.Failed, r.sync(false).Outcome, "a retry is due in 15 seconds")
	r.must(control.ActionJobs, control.JobsRequest{Instance: "acme", Run: ptr(false)})
	r.walk(2 * 24 * time.Hour)
	at, _ := r.ran("sync_service_token")
	require.Len(t, at, 1, "neither the retry nor the daily job ran")
	require.Equal(t, control.Failed, r.sync(false).Outcome, "by hand it still runs")

	r.must(control.ActionJobs, control.JobsRequest{Instance: "acme", Run: ptr(true)})
	r.portal.answers(reply(http.StatusBadGateway, ``))
	r.walk(24 * time.Hour)
	at, _ = r.ran("sync_service_token")
	require.Len(t, at, 2+4+3, "the daily job with its retries, and those of the sync by hand")
}

func TestStaleLicense(t *testing.T) {
	t.Parallel()
	w := given("17.4.0")
	r := newRig(t, w)
	now := r.clock.Now()
	r.synced()
	shown := func() string {
		r.portal.forget()
		r.portal.answers(reply(http.StatusOK, access(t, portalToken(t, now, "x"), now.Add(72*time.Hour).Unix())))
		require.Equal(t, control.Succeeded, r.sync(true).Outcome)
		var sent struct {
			Variables struct {
				LicenseKey string `json:"licenseKey"`
			} `json:"variables"`
		}
		require.NoError(t, json.Unmarshal([]byte(r.portal.requests()[0].body), &sent))
		return sent.Variables.LicenseKey
	}
	first := shown()
	require.Empty(t, w.Complete())
	acme, _ := w.Instance("acme")
	second := world.NewLicenseFile(2, "acme", *acme.License, []catalog.Purchase{{AddOn: "duo_pro", Seats: 8}}).Key()

	r.must(control.ActionJobs, control.JobsRequest{Instance: "acme", StaleLicense: ptr(true)})
	r.must(control.ActionUpload, control.UploadRequest{Instance: "acme", Key: second})
	require.Equal(t, first, shown())
	require.Equal(t, 2, r.stored().License.ID, "only the process that syncs is behind")
	r.must(control.ActionRestart, control.RestartRequest{Service: "acme"})
	require.Equal(t, second, shown())
}

func TestRotationWithoutRestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, given("18.9.0"))
	keys := func(step string, running bool) control.KeysResult {
		got, err := do[control.KeysResult](r, control.ActionRotateKeys, control.KeysRequest{Service: "gitlab", Step: step, NoRestart: running})
		require.NoError(t, err)
		return got
	}
	old := keys("create", false).Signing
	require.Equal(t, old, keys("rotate", true).Signing)
	trimmed := keys("trim", false)
	require.Equal(t, old, trimmed.Signing)
	require.NotContains(t, trimmed.Published, old)
	r.must(control.ActionRestart, control.RestartRequest{Service: "gitlab"})
	require.Contains(t, trimmed.Published, keys("list", false).Signing)
}

func TestTroubleThatCannotBe(t *testing.T) {
	t.Parallel()
	w := given("17.4.0")
	w.Instances[0].License = nil
	r := newRig(t, w)
	for want, c := range map[string]struct {
		action string
		args   any
	}{
		"holds no licence":  {control.ActionJobs, control.JobsRequest{Instance: "acme", StaleLicense: ptr(true)}},
		"key: ":             {control.ActionUpload, control.UploadRequest{Instance: "acme", Key: "nonsense"}},
		"takes no licence":  {control.ActionUpload, control.UploadRequest{Instance: "gitlab", Key: "nonsense"}},
		`instance "foo"`:    {control.ActionRestart, control.RestartRequest{Service: "foo"}},
		`instance "nobody"`: {control.ActionJobs, control.JobsRequest{Instance: "nobody"}},
	} {
		_, err := do[control.Done](r, c.action, c.args)
		require.ErrorContains(t, err, want)
	}
}
