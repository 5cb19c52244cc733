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
		"probability: 0 is not": {Name: "x", Probability: new(0.0), Do: fault.Action{Reset: true}},
		"probability: 2 is not": {Name: "x", Probability: new(2.0), Do: fault.Action{Reset: true}},
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

// lots are which of the next requests a rule is applied to.
func lots(s *fault.Set, requests int) (hit []bool) {
	for range requests {
		_, ok := s.Match(fault.Request{})
		hit = append(hit, ok)
	}
	return hit
}

func count(hit []bool) (n int) {
	for _, h := range hit {
		if h {
			n++
		}
	}
	return n
}

func TestProbabilityIsDrawnFromTheSeedAndTheName(t *testing.T) {
	rule := fault.Rule{Name: "flaky", Probability: new(0.3), Do: fault.Action{Status: 503}}
	draw := func(seed uint64, name string) []bool {
		s := fault.NewSet(seed)
		rule.Name = name
		require.NoError(t, s.Add(rule))
		first := lots(s, 1000)
		require.NoError(t, s.Add(rule))
		require.Equal(t, first, lots(s, 1000), "a rule that is put in force again begins again")
		return first
	}
	seven := draw(7, "flaky")
	require.Equal(t, seven, draw(7, "flaky"))
	require.NotEqual(t, seven, draw(8, "flaky"))
	require.NotEqual(t, seven, draw(7, "other"))
	require.InDelta(t, 300, count(seven), 60)
}

func TestLotsOfOneRuleDoNotDependOnOthers(t *testing.T) {
	a := fault.Rule{Name: "a", Where: fault.Match{Service: "a"}, Probability: new(0.5), Do: fault.Action{Status: 503}}
	b := fault.Rule{Name: "b", Where: fault.Match{Service: "b"}, Probability: new(0.5), Do: fault.Action{Status: 503}}
	draw := func(between bool) (hit []bool) {
		s := fault.NewSet(3)
		require.NoError(t, s.Add(a))
		require.NoError(t, s.Add(b))
		for range 50 {
			if between {
				s.Match(fault.Request{Service: "b"})
			}
			_, ok := s.Match(fault.Request{Service: "a"})
			hit = append(hit, ok)
		}
		return hit
	}
	require.Equal(t, draw(false), draw(true))
}

func TestProbabilityWithTimesEndsWell(t *testing.T) {
	s := fault.NewSet(1)
	require.NoError(t, s.Add(fault.Rule{Name: "flaky", Skip: 1, Times: 2, Probability: new(0.5), Do: fault.Action{Status: 503}}))
	hit := lots(s, 100)
	require.False(t, hit[0], "the first is let through")
	require.Equal(t, 2, count(hit))
	state := s.States()[0]
	require.Equal(t, 2, state.Applied)
	require.Less(t, state.Seen, 100, "a rule that is spent sees nothing")
	certain := fault.NewSet(1)
	require.NoError(t, certain.Add(fault.Rule{Name: "all", Probability: new(1.0), Do: fault.Action{Status: 503}}))
	require.Equal(t, 20, count(lots(certain, 20)))
}
