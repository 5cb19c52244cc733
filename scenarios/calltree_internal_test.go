package scenarios

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/journal"
)

// outline writes trees as NAME(BELOW BELOW), with how many each stands for.
func outline(visits []*visit) string {
	var parts []string
	for _, v := range visits {
		text := v.Service
		if v.times > 1 {
			text += fmt.Sprintf("*%d", v.times)
		}
		if len(v.below) > 0 {
			text += "(" + outline(v.below) + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

func TestCallTrees(t *testing.T) {
	rails := journal.Entry{Service: "acme", Kind: journal.Rails, Route: "feature.chat", Method: "POST", RequestID: "1"}
	gateway := journal.Entry{Service: "gateway", Kind: journal.Gateway, Route: "foo", Method: "POST", RequestID: "1"}
	foo := journal.Entry{Service: "foo", Kind: journal.Backend, Route: "chat", Method: "POST", RequestID: "1"}
	keys := journal.Entry{Service: "customersdot", Kind: journal.CustomersDot, Route: "openid.keys", Method: "GET", RequestID: "1"}
	graphql := journal.Entry{Service: "customersdot", Kind: journal.CustomersDot, Route: "graphql", Method: "POST", RequestID: "2"}
	job := journal.Entry{Service: "acme", Kind: journal.Rails, Route: "job:sync", RequestID: "2"}
	failed := func(e journal.Entry, id, detail string) journal.Entry {
		e.RequestID, e.Reason, e.Detail = id, "customersdot_failed", detail
		return e
	}
	again := func(e journal.Entry, id string) journal.Entry { e.RequestID = id; return e }
	for _, c := range []struct {
		name    string
		entries []journal.Entry
		want    string
	}{
		{"nothing", nil, ""},
		{"a call", []journal.Entry{keys, foo, gateway, rails}, "acme(gateway(foo(customersdot)))"},
		{"the gateway was late", []journal.Entry{keys, foo, rails, gateway}, "acme(gateway(foo(customersdot)))"},
		{"the backend was late", []journal.Entry{gateway, rails, foo}, "acme(gateway(foo))"},
		{"asked twice", []journal.Entry{foo, gateway, foo, gateway, rails}, "acme(gateway(foo) gateway(foo))"},
		{"keys alone", []journal.Entry{keys}, "customersdot"},
		{"a job", []journal.Entry{graphql, job}, "acme(customersdot)"},
		{"a job and its retry", []journal.Entry{graphql, job, graphql, job}, "acme*2(customersdot)"},
		{"jobs alike", []journal.Entry{graphql, job, foo, again(graphql, "3"), again(job, "3")}, "acme*2(customersdot) foo"},
		{"jobs that failed", []journal.Entry{failed(job, "3", "try 1"), failed(job, "4", "try 2"), job}, "acme*2 acme"},
		{"jobs that differ", []journal.Entry{graphql, job, again(job, "3")}, "acme(customersdot) acme"},
		{"calls alike", []journal.Entry{foo, again(foo, "3")}, "foo foo"},
		{"entries of no request", []journal.Entry{again(foo, ""), again(gateway, "")}, "foo gateway"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, outline(callTrees(c.entries)))
		})
	}
}

func TestSequenceHasRoomForEverything(t *testing.T) {
	long := strings.Repeat("a very long reason ", 30)
	s := &StepResult{Number: 1, Action: "use", RequestID: "1", Request: &Sent{Method: "POST", URL: "http://acme.test/api"}}
	for n := range 20 {
		s.Journal = append(s.Journal, journal.Entry{
			Service: "foo", Kind: journal.Backend, Route: "chat", Method: "POST", Path: "/" + strings.Repeat("x", 300), Status: 403,
			RequestID: fmt.Sprint(n), Reason: "missing_scope", Detail: long, Fault: "slow",
			Issued: &journal.Token{Digest: "aaaaaaaaaaaa"}, Scopes: []journal.Scope{{Name: "a", Why: long}, {Name: "b", Granted: true}, {Name: "c"}, {Name: "d"}},
		})
	}
	d := sequenceOf(s)
	require.Equal(t, "and 8 more calls", d.More)
	for _, n := range d.Notes {
		require.GreaterOrEqual(t, n.X, 0)
		require.LessOrEqual(t, n.X+n.Width, d.Width)
		require.LessOrEqual(t, n.Y+n.Height, d.Height)
		for _, line := range n.Lines {
			require.LessOrEqual(t, float64(len([]rune(line.Text)))*charWidth, float64(n.Width))
		}
	}
	for _, a := range d.Arrows {
		require.LessOrEqual(t, float64(a.TextX)+float64(len([]rune(a.Text)))*charWidth, float64(d.Width))
		require.Less(t, a.Y, d.Height)
	}
}

func TestSequenceWithoutAJournal(t *testing.T) {
	s := &StepResult{
		Number: 1, Action: "request", RequestID: "1", Request: &Sent{Method: "GET", URL: "http://acme.test:80/health"},
		Response: &Received{Status: 503},
	}
	d := sequenceOf(s)
	require.Equal(t, "test", d.Lanes[0].Name)
	require.Equal(t, "acme.test:80", d.Lanes[1].Name)
	require.Equal(t, "GET /health", d.Arrows[0].Text)
	require.Equal(t, "503 Service Unavailable", d.Arrows[1].Text)
	require.Equal(t, "answer bad", d.Arrows[1].Class)
	require.Nil(t, sequenceOf(&StepResult{}), "where nothing was called there is nothing to draw")
}
