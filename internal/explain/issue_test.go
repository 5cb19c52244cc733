package explain_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/explain"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/token"
)

const soldAt = "cc.yml:7 (bundled_with)"

func TestARefusalNamesTheLineOfTheCatalog(t *testing.T) {
	s := newStory()
	s.dropped.Place, s.dropped.AudiencePlace = soldAt, "cc.yml:4 (backend)"
	s.sync.Scopes = []journal.Scope{s.dropped}
	x := explain.Call(s.entries(), explain.Question{RequestID: "call"})
	require.Equal(t, soldAt, x.Place)
	require.Contains(t, x.Text, "passed 14 days ago ["+soldAt+"]")
	require.Contains(t, x.Chain[0].Text, "["+soldAt+"]")

	s.foo.Reason, s.foo.Detail = string(token.WrongAudience), `audience "a" is not "b"`
	x = explain.Call(s.entries(), explain.Question{RequestID: "call"})
	require.Equal(t, "cc.yml:4 (backend)", x.Place)
	require.Regexp(t, `customersdot issued it on .* \[cc.yml:4 \(backend\)\]$`, x.Text)

	s.foo.Reason = string(token.BadSignature)
	x = explain.Call(s.entries(), explain.Question{RequestID: "call"})
	require.Empty(t, x.Place, "no catalog is to blame")

	s.foo.Reason, s.rails.Reason, s.rails.Place = "", "add_on_missing", soldAt
	x = explain.Call(s.entries(), explain.Question{RequestID: "call"})
	require.Equal(t, soldAt, x.Place, "GitLab looked it up itself")
}

func TestIssueSaysWhyAScopeIsInATokenOrNot(t *testing.T) {
	s := newStory()
	s.dropped.Place = soldAt
	s.sync.Scopes = []journal.Scope{s.dropped, {Name: "duo_chat", Granted: true, Why: "it is free", Place: "cc.yml:12 (cut_off_date)"}}
	x := explain.Issue(s.entries(), "aaa", []string{"new_feature_scope", "duo_chat"})
	require.Equal(t, "customersdot dropped new_feature_scope because duo_pro was not bought and the cut-off (2024-02-15) passed 14 days ago ["+soldAt+"]; "+
		"customersdot granted duo_chat because it is free [cc.yml:12 (cut_off_date)]", x.Text)
	require.Equal(t, []any{false, "customersdot", "add_on_missing", soldAt}, []any{x.Granted, x.By, x.Reason, x.Place})
	require.Len(t, x.Chain, 2)

	x = explain.Issue(s.entries(), "aaa", []string{"duo_chat"})
	require.True(t, x.Granted)
	require.Empty(t, x.By)

	x = explain.Issue(s.entries(), "aaa", []string{"new_feature_scoop"})
	require.Equal(t, "customersdot has no new_feature_scoop in its catalog, but new_feature_scope ["+soldAt+"]", x.Text)
	require.Equal(t, []any{false, "not_in_catalog", soldAt}, []any{x.Granted, x.Reason, x.Place})

	require.Empty(t, explain.Issue(s.entries(), "bbb", []string{"duo_chat"}).Text, "no journal has the token")
}
