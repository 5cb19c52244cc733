package control

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/ccmock/ccmock/internal/explain"
	"github.com/ccmock/ccmock/internal/journal"
)

// mostRefused is how many refused calls are explained at once.
const mostRefused = 20

// explain says what became of the call that is asked for, or else of the latest calls that
// went wrong.
func (s *Server) explain(r *http.Request) (any, error) {
	q := r.URL.Query()
	entries := s.options.Journal.Entries(journal.Filter{})
	if id := q.Get("request"); id != "" {
		x := explained(entries, id, q.Get("scope"))
		if len(x.Chain) == 0 {
			return nil, notFound{fmt.Errorf("no service of this process has seen the request %q", id)}
		}
		return x, nil
	}
	found := Refused{Calls: []Explained{}}
	seen := map[string]bool{}
	for _, e := range slices.Backward(entries) {
		if len(found.Calls) == mostRefused {
			break
		}
		wrong := e.Method != "" && (e.Status >= http.StatusBadRequest || e.Reason != "" || e.Fault != "")
		if !wrong || e.RequestID == "" || seen[e.RequestID] {
			continue
		}
		seen[e.RequestID] = true
		found.Calls = append(found.Calls, explained(entries, e.RequestID, q.Get("scope")))
	}
	return found, nil
}

func explained(entries []journal.Entry, id, scope string) Explained {
	x := Explained{RequestID: id, Explanation: explain.Call(entries, explain.Question{RequestID: id, Scope: scope})}
	if n := slices.IndexFunc(entries, func(e journal.Entry) bool { return e.RequestID == id }); n >= 0 {
		x.At = entries[n].At
	}
	return x
}
