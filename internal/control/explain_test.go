package control_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/journal"
)

// refuse has the process's journal hold a call that a backend refused.
func refuse(p *process, id string) {
	p.Journal.Add(journal.Entry{
		At: noon, Service: "foo", Kind: journal.Backend, Method: "POST", Path: "/x", Status: 403, RequestID: id,
		Scope: "poetry", Reason: "missing_scope", Detail: "no poetry",
	})
	p.Journal.Add(journal.Entry{At: noon, Service: "gateway", Kind: journal.Gateway, Method: "POST", Path: "/foo/x", Status: 403, RequestID: id})
}

func TestACallIsExplained(t *testing.T) {
	p := start(t, "")
	refuse(p, "my-call")
	status, answer := send(t, p, http.MethodGet, "/v1/explain?request=my-call", "", nil)
	require.Equal(t, http.StatusOK, status, answer)
	var x control.Explained
	require.NoError(t, json.Unmarshal([]byte(answer), &x))
	require.Equal(t, "my-call", x.RequestID)
	require.Equal(t, noon, x.At)
	require.Equal(t, "foo", x.By)
	require.Equal(t, "missing_scope", x.Reason)
	require.Contains(t, x.Text, "refused by foo: no poetry")
	require.NotEmpty(t, x.Chain)

	status, answer = send(t, p, http.MethodGet, "/v1/explain?request=other", "", nil)
	require.Equal(t, http.StatusNotFound, status)
	require.Contains(t, answer, `no service of this process has seen the request \"other\"`)
}

func TestTheLatestRefusalsAreExplained(t *testing.T) {
	p := start(t, "")
	list := func() control.Refused {
		status, answer := send(t, p, http.MethodGet, "/v1/explain", "", nil)
		require.Equal(t, http.StatusOK, status, answer)
		var found control.Refused
		require.NoError(t, json.Unmarshal([]byte(answer), &found))
		require.NotNil(t, found.Calls, "an empty list, not null")
		return found
	}
	require.Empty(t, list().Calls)
	p.Journal.Add(journal.Entry{At: noon, Service: "foo", Kind: journal.Backend, Method: "POST", Status: 200, RequestID: "fine"})
	p.Journal.Add(journal.Entry{At: noon, Service: "acme", Kind: journal.Rails, Route: "job:sync", Reason: "customersdot_failed", RequestID: "job"})
	require.Empty(t, list().Calls, "neither what went well nor jobs")
	for n := range 25 {
		refuse(p, fmt.Sprint(n))
	}
	found := list()
	require.Len(t, found.Calls, 20)
	require.Equal(t, "24", found.Calls[0].RequestID, "the latest first, each call once")
	require.Equal(t, "5", found.Calls[19].RequestID)
}
