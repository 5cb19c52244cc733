package fault_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fault"
)

func TestMatchIsByEveryFieldThatIsSet(t *testing.T) {
	req := fault.Request{
		Service: "customersdot", Route: "graphql", Method: "POST", Path: "/graphql",
		Header: http.Header{"X-Gitlab-Realm": {"self-managed"}},
	}
	for _, c := range []struct {
		name  string
		where fault.Match
		want  bool
	}{
		{"anything", fault.Match{}, true},
		{"service", fault.Match{Service: "customersdot"}, true},
		{"other service", fault.Match{Service: "gateway"}, false},
		{"route", fault.Match{Route: "graphql"}, true},
		{"other route", fault.Match{Route: "jwks"}, false},
		{"method in lower case", fault.Match{Method: "post"}, true},
		{"other method", fault.Match{Method: "GET"}, false},
		{"path", fault.Match{Path: "/graphql"}, true},
		{"part of the path", fault.Match{Path: "/graph"}, false},
		{"header", fault.Match{Header: map[string]string{"x-gitlab-realm": "self-managed"}}, true},
		{"other header value", fault.Match{Header: map[string]string{"x-gitlab-realm": "saas"}}, false},
		{"all but one", fault.Match{Service: "customersdot", Route: "graphql", Path: "/"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s fault.Set
			require.NoError(t, s.Add(fault.Rule{Name: "down", Where: c.where, Do: fault.Action{Reset: true}}))
			_, ok := s.Match(req)
			require.Equal(t, c.want, ok)
		})
	}
}

func TestSkipAndTimesCount(t *testing.T) {
	var s fault.Set
	require.NoError(t, s.Add(fault.Rule{Name: "second and third", Skip: 1, Times: 2, Do: fault.Action{Status: 503}}))
	var hit []bool
	for range 5 {
		_, ok := s.Match(fault.Request{})
		hit = append(hit, ok)
	}
	require.Equal(t, []bool{false, true, true, false, false}, hit)
	require.Equal(t, 2, s.States()[0].Applied)
}

func TestARuleThatIsSpentLetsTheNextOneIn(t *testing.T) {
	var s fault.Set
	require.NoError(t, s.Add(fault.Rule{Name: "once", Times: 1, Do: fault.Action{Status: 500}}))
	require.NoError(t, s.Add(fault.Rule{Name: "then", Do: fault.Action{Status: 429}}))
	first, _ := s.Match(fault.Request{})
	second, _ := s.Match(fault.Request{})
	require.Equal(t, "once", first.Name)
	require.Equal(t, "then", second.Name)
}

func TestAddReplacesRemoveRemoves(t *testing.T) {
	var s fault.Set
	require.NoError(t, s.Add(fault.Rule{Name: "a", Do: fault.Action{Status: 500}}))
	require.NoError(t, s.Add(fault.Rule{Name: "a", Do: fault.Action{Status: 502}}))
	require.Len(t, s.States(), 1)
	rule, _ := s.Match(fault.Request{})
	require.Equal(t, 502, rule.Do.Status)
	require.True(t, s.Remove("a"))
	require.False(t, s.Remove("a"))
	_, ok := s.Match(fault.Request{})
	require.False(t, ok)
}

func TestValidateNamesEverythingThatIsWrong(t *testing.T) {
	for want, r := range map[string]fault.Rule{
		"name: missing":         {Do: fault.Action{Reset: true}},
		"nothing is set":        {Name: "x"},
		"exclude one another":   {Name: "x", Do: fault.Action{Reset: true, Status: 500}},
		"99 is not a status":    {Name: "x", Do: fault.Action{Status: 99}},
		"times: -1 is negative": {Name: "x", Times: -1, Do: fault.Action{Reset: true}},
		"skip: -1 is negative":  {Name: "x", Skip: -1, Do: fault.Action{Reset: true}},
		"cut_after: -1":         {Name: "x", Do: fault.Action{CutAfter: -1}},
		"2m0s is not between":   {Name: "x", Do: fault.Action{Delay: 2 * time.Minute}},
		"truncate: -1":          {Name: "x", Do: fault.Action{Truncate: -1}},
		`keys: unknown "some"`:  {Name: "x", Do: fault.Action{Keys: "some"}},
		`unknown "there"`:       {Name: "x", Do: fault.Action{CorruptSignature: "there"}},
		"truncate and keys":     {Name: "x", Do: fault.Action{Truncate: 1, Keys: fault.KeysStale}},
		"malformed and corrupt": {Name: "x", Do: fault.Action{Malformed: true, CorruptSignature: fault.SignatureInAnswer}},
		"go with a status":      {Name: "x", Do: fault.Action{Reset: true, Body: "sorry"}},
	} {
		require.ErrorContains(t, new(fault.Set).Add(r), want)
	}
	both := fault.Rule{Skip: -1}.Validate()
	require.ErrorContains(t, both, "name: missing")
	require.ErrorContains(t, both, "skip: -1")
}
