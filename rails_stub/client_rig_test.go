package railsstub_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

// withSeatsIn is a world in which Code Suggestions and chat are open to ada and com, with
// changes of one's own.
func withSeatsIn(t testing.TB, version string, change func(w *world.World)) *rig {
	t.Helper()
	w := given(version)
	for n := range w.Instances {
		w.Instances[n].AddOns = []catalog.Purchase{{AddOn: "duo_pro", Seats: 5}}
	}
	for n := range w.Users {
		w.Users[n].Seats = []string{"duo_pro"}
	}
	if change != nil {
		change(&w)
	}
	r := newRig(t, w)
	if _, ok := w.Instance("acme"); ok {
		r.synced()
	}
	return r
}

// acme is the self-managed instance of a world, to be changed.
func acme(w *world.World) *world.Instance {
	for n := range w.Instances {
		if w.Instances[n].Name == "acme" {
			return &w.Instances[n]
		}
	}
	panic("no acme")
}

// user finds a user to change.
func user(w *world.World, name string) *world.User {
	for n := range w.Users {
		if w.Users[n].Name == name {
			return &w.Users[n]
		}
	}
	panic("no user " + name)
}

// post posts JSON as a user.
func (r *rig) post(user, path, body string) answered {
	r.t.Helper()
	home := map[string]string{"com": "gitlab"}[user]
	if home == "" {
		home = "acme"
	}
	headers := []string{"Content-Type", "application/json"}
	if user != "" {
		headers = append(headers, "Private-Token", "glpat-"+user)
	}
	return r.request(http.MethodPost, home, path, body, headers...)
}

// refused says that the last entry of the journal gives a reason.
func (r *rig) refused(reason token.Reason) {
	r.t.Helper()
	e := r.lastEntry()
	require.Equal(r.t, string(reason), e.Reason, e.Detail)
	if reason != "" {
		require.NotEmpty(r.t, e.Detail)
	}
}

// showAnswer is an answer for a golden file.
func showAnswer(a answered) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%d %s\n", a.status, http.StatusText(a.status))
	for _, name := range slices.Sorted(maps.Keys(a.header)) {
		if name == "Content-Length" {
			continue
		}
		fmt.Fprintf(&out, "%s: %s\n", name, strings.Join(a.header[name], ", "))
	}
	return mask(out.String()+"\n"+a.body) + "\n\n"
}

// anyPort is a port that differs from run to run.
var anyPort = regexp.MustCompile(`(127\.0\.0\.1:|port )\d+`)
