package cmd_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExplainForPeople(t *testing.T) {
	golden(t, "explain", ok(t, "explain", "--instance", "acme", "--scope", "new_feature_scope", "--at", "2024-02-14T23:00:00Z"))
	golden(t, "explain_no_endpoint", ok(t, "explain", "--instance", "acme", "--scope", "explain_code", "--at", "2024-12-01"))
}

func TestExplainActsACallOut(t *testing.T) {
	for _, c := range []struct {
		args, by, reason, text string // by: who refuses, nobody if empty
	}{
		{"--instance acme --scope new_feature_scope --at 2024-02-14T23:00:00Z", "", "", "it is free until the cut-off (2024-02-15)"},
		{"--instance acme --scope new_feature_scope --at 2024-02-29", "foo", "missing_scope", "duo_pro was not bought"},
		{"--instance self-managed --scope new_feature_scope --at 2024-02-29 --add-on duo_pro:5", "", "", "duo_pro was bought"},
		{"--instance dedicated --scope new_feature_scope --at 2024-02-29", "", "", "duo_pro was bought"},
		{"--instance dedicated --scope new_feature_scope --at 2024-02-29 --add-on none", "foo", "missing_scope", "duo_pro was not bought"},
		{"--instance saas --scope new_feature_scope --at 2024-02-29", "", "", "the caller asked for it"},
		{"--realm saas --gitlab-version 17.1.0 --scope duo_chat --at 2024-11-01", "gitlab", "add_on_missing", "duo_pro"},
		{"--realm saas --gitlab-version 17.1.0 --scope duo_chat --at 2024-11-01 --add-on duo_pro", "", "", "duo_pro"},
		{"--instance acme --gitlab-version 16.7.0 --scope new_feature_scope --at 2024-02-01", "foo", "missing_scope", "16.8"},
		{"--instance acme --scope code_suggestions --at 2024-02-01", "", "", "complete_code"},
		{"--instance acme --license legacy --scope code_suggestions --at 2024-02-01", "acme", "no_token", "License is not an online cloud license"},
		{"--instance acme --license none --scope new_feature_scope --at 2024-02-01", "acme", "no_token", "License not found"},
		{"--instance gitlab --scope explain_code --at 2024-12-01", "gitlab", "add_on_missing", "no endpoint of these features demands it"},
	} {
		t.Run(c.args, func(t *testing.T) {
			var got struct {
				By, Reason, Text string
				Granted          bool
			}
			out := ok(t, append([]string{"explain", "--json"}, strings.Fields(c.args)...)...)
			require.NoError(t, json.Unmarshal([]byte(out), &got))
			require.Equal(t, c.by == "", got.Granted, out)
			require.Equal(t, c.by, got.By)
			require.Equal(t, c.reason, got.Reason)
			require.Contains(t, got.Text, c.text)
		})
	}
}

func TestExplainForMachines(t *testing.T) {
	var got struct {
		Scope, Instance, User, By, Reason, Text, At string
		Granted                                     bool
		Decision                                    struct{ Rule, Why string }
		Chain                                       []struct{ Part, Service, Verdict, Text string }
	}
	require.NoError(t, json.Unmarshal([]byte(ok(t, "explain", "--json", "--scope", "new_feature_scope", "--at", "2024-02-29")), &got))
	require.Equal(t, "acme", got.Instance)
	require.Equal(t, "ada", got.User)
	require.Equal(t, "2024-02-29T00:00:00Z", got.At)
	require.False(t, got.Granted)
	require.Equal(t, "foo", got.By)
	require.Equal(t, "missing_scope", got.Reason)
	require.Equal(t, "add_on_missing", got.Decision.Rule)
	require.Contains(t, got.Text, got.Decision.Why)
	require.Equal(t, "issuer", got.Chain[0].Part)
	require.Equal(t, "refused", got.Chain[0].Verdict)
}

func TestExplainInAWorldOfOnesOwn(t *testing.T) {
	dir := write(t, map[string]string{
		"world.yaml": `
now: 2024-03-01
instances:
  globex: {realm: self-managed, gitlab_version: 16.9.2, license: {kind: online_cloud}, add_ons: [{add_on: duo_pro, expires_on: 2024-02-20}]}
users:
  gus: {instance: globex, blocked: true}
catalog_file: cloud_connector.yml
`,
		"cloud_connector.yml": `
defaults:
  services:
    new_feature_scope:
      service_start_time: 2024-02-10 00:00:00 UTC
      bundled_with: 'duo_pro'
`,
	})
	text := ok(t, "explain", "--world", filepath.Join(dir, "world.yaml"), "--instance", "globex", "--scope", "new_feature_scope")
	require.Contains(t, text, "for somebody on globex", "a blocked user would be another story")
	require.Contains(t, text, "duo_pro expired on 2024-02-20")
	require.Contains(t, text, "the cut-off (2024-02-10) passed")
	text = ok(t, "explain", "--world", filepath.Join(dir, "world.yaml"), "--instance", "globex", "--scope", "new_feature_scope", "--at", "2024-02-11")
	require.Contains(t, text, "granted: foo answered 200 OK")
}

func TestExplainTellsWhatItDoesNotKnow(t *testing.T) {
	for _, c := range []struct {
		args string
		want []string
	}{
		{"", []string{"--scope is missing", "hint: scopes and features are code_suggestions, duo_chat, duo_workflow, new_feature_scope"}},
		{"--scope duo_cat", []string{`no feature has the scope "duo_cat"`, `hint: did you mean "duo_chat"?`}},
		{"--scope zzz", []string{"hint: features are code_suggestions"}},
		{"--scope duo_chat --instance amce", []string{`unknown instance "amce"`, `hint: did you mean "acme"?`}},
		{"--scope duo_chat --realm dedicated", []string{`--realm is "dedicated", expected saas or self-managed`}},
		{"--scope duo_chat --license paper", []string{`--license: unknown license kind "paper"`}},
		{"--scope duo_chat --instance saas --license legacy", []string{"GitLab.com syncs no token"}},
		{"--scope duo_chat --gitlab-version sixteen", []string{`--gitlab-version: `, `"sixteen"`}},
		{"--scope duo_chat --add-on duo_pro:many", []string{`--add-on is "duo_pro:many", expected NAME:SEATS`}},
		{"--scope duo_chat --add-on :3", []string{`--add-on ":3"`}},
		{"now", []string{`takes no arguments, got "now"`}},
	} {
		t.Run(c.args, func(t *testing.T) {
			r := ccmock(t, append([]string{"explain"}, strings.Fields(c.args)...)...)
			require.Equal(t, 2, r.code, r.out)
			for _, want := range c.want {
				require.Contains(t, r.err, want)
			}
		})
	}
	r := ccmock(t, "explain", "--request", "x", "--control", "http://127.0.0.1:1")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "http://127.0.0.1:1")
}
