package inprocess_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fault"
)

// adversary changes all that a flow can change, in a world of the honest flow's instances,
// and puts nothing back.
func adversary(t *testing.T, c *control.Client) {
	t.Helper()
	ctx := t.Context()
	do := func(action string, args any) {
		t.Helper()
		_, err := control.Call[any](ctx, c, action, args)
		require.NoError(t, err, action)
	}
	const code = `{"current_file": {"file_name": "a.go", "content_above_cursor": "package "}}`
	use := func(instance, pat, feature string) {
		t.Helper()
		s, ok := c.Service(instance)
		require.True(t, ok)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/api/v4/"+feature, strings.NewReader(code))
		require.NoError(t, err)
		req.Header.Set("Private-Token", pat)
		req.Header.Set("Content-Type", "application/json")
		if resp, err := client.Do(req); err == nil { // whatever comes of it
			require.NoError(t, resp.Body.Close())
		}
	}
	everybody := func() {
		use("acme", "glpat-ada", "new_feature_scope")
		use("acme", "glpat-ada", "code_suggestions/completions")
		use("gitlab", "glpat-grace", "new_feature_scope")
	}

	do(control.ActionSync, control.SyncRequest{Instance: "acme", Force: true})
	everybody() // fills caches
	for _, service := range []string{"customersdot", "gitlab", "ai"} {
		do(control.ActionRotateKeys, control.KeysRequest{Service: service, Step: "create"})
		do(control.ActionRotateKeys, control.KeysRequest{Service: service, Step: "rotate", NoRestart: service == "gitlab"})
	}
	require.NoError(t, c.Advance(ctx, 30*time.Hour))
	everybody()
	do(control.ActionRotateKeys, control.KeysRequest{Service: "customersdot", Step: "trim"})
	do(control.ActionRestart, control.RestartRequest{Service: "foo"})
	do(control.ActionUpgrade, control.UpgradeRequest{Instance: "acme", GitLabVersion: "16.8.1"})
	do(control.ActionMisissue, control.MisissueRequest{Instance: "acme", Claims: map[string]any{"scopes": []string{"all"}}})
	do(control.ActionSync, control.SyncRequest{Instance: "acme", Force: true})
	do(control.ActionPurchase, control.PurchaseRequest{Instance: "acme", Purchase: catalog.Purchase{AddOn: "duo_enterprise", Seats: 7}})
	do(control.ActionSeatLink, control.InstanceRequest{Instance: "acme"})
	do(control.ActionAssignSeat, control.SeatRequest{User: "ada", AddOn: "duo_enterprise"})
	do(control.ActionCancelAddOn, control.CancelRequest{Instance: "acme", AddOn: "duo_pro"})
	do(control.ActionRevokeLicense, control.InstanceRequest{Instance: "acme"})
	blocked, no, yes := true, false, true
	do(control.ActionSetUser, control.SetUserRequest{User: "ada", Blocked: &blocked, Denied: []string{"access_duo_features"}})
	do(control.ActionJobs, control.JobsRequest{Instance: "acme", Run: &no, StaleLicense: &yes})
	do(control.ActionLimits, control.Limits{Window: 24 * time.Hour, PerUser: 1, PerInstance: 1, PerUnauthorized: 1})
	everybody()
	do(control.ActionCatalog, control.CatalogRequest{YAML: "defaults:\n  services:\n    other: {bundled_with: duo_pro}\n"})
	for n, s := range c.Services() {
		require.NoError(t, c.SetSkew(ctx, s.Name, time.Duration(n+1)*11*time.Minute))
	}
	require.NoError(t, c.AddFault(ctx, fault.Rule{Name: "down", Where: fault.Match{Service: "customersdot"}, Do: fault.Action{Status: 503}}))
	require.NoError(t, c.AddFault(ctx, fault.Rule{Name: "torn", Where: fault.Match{Service: "gateway"}, Do: fault.Action{Reset: true}}))
	require.NoError(t, c.AddFault(ctx, fault.Rule{Name: "never met", Where: fault.Match{Path: "/nowhere"}, Do: fault.Action{Status: 500}}))
	do(control.ActionSync, control.SyncRequest{Instance: "acme", Force: true}) // raises, and plans another try
	everybody()
	require.NoError(t, c.SetTime(ctx, time.Date(2019, time.January, 1, 0, 0, 0, 0, time.UTC)))
}
