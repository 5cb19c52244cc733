// Package stubtest checks what must hold for every stub. Only tests import it.
package stubtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/world"
)

// Env returns an environment that is all its own: a clock frozen at the world's time, an
// empty journal, no faults and seed 1.
func Env(w world.World) (stub.Env, *clock.Adjustable) {
	clk := clock.NewFrozen(w.Now)
	return stub.Env{
		Clock: clk, Journal: journal.New(0), Faults: &fault.Set{},
		Random: stub.NewRandom(1), Log: quiet(),
	}, clk
}

// Subject is a stub under test.
type Subject struct {
	Part    control.Part
	Handler http.Handler
	Env     stub.Env
	World   world.World
	// Service is the name under which the journal knows what Handler answers.
	Service string
	// UnknownPath gets no route, WrongMethod is a path that does not take DELETE.
	UnknownPath, WrongMethod string
	// Dialect are texts of which each must stand in the body of a 404.
	Dialect []string
	// Guarded says that an unauthenticated request is refused with 401 whatever its path.
	Guarded bool
}

// Conform checks that unknown paths and methods are answered in the service's own
// dialect and journaled, that faults reach all of them, that seeding again changes
// nothing and that unknown actions' arguments are refused.
func Conform(t *testing.T, s Subject) {
	t.Helper()
	server := httptest.NewServer(s.Handler)
	t.Cleanup(server.Close)
	type head struct {
		StatusCode int
		Header     http.Header
	}
	send := func(t *testing.T, method, path string) (head, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
		require.NoError(t, err)
		resp, err := server.Client().Do(req)
		require.NoError(t, err)
		defer func() { require.NoError(t, resp.Body.Close()) }()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return head{resp.StatusCode, resp.Header}, string(body)
	}
	last := func(t *testing.T) journal.Entry {
		t.Helper()
		entries := s.Env.Journal.Entries(journal.Filter{Service: s.Service})
		require.NotEmpty(t, entries, "the journal saw nothing of %s", s.Service)
		return entries[len(entries)-1]
	}

	t.Run("an unknown path is answered in the service's dialect and journaled", func(t *testing.T) {
		resp, body := send(t, http.MethodGet, s.UnknownPath)
		want := http.StatusNotFound
		if s.Guarded {
			want = http.StatusUnauthorized
		}
		require.Equal(t, want, resp.StatusCode, body)
		for _, text := range s.Dialect {
			require.Contains(t, body, text)
		}
		require.NotEmpty(t, resp.Header.Get("Date"))
		entry := last(t)
		require.Equal(t, want, entry.Status)
		require.Equal(t, s.UnknownPath, entry.Path)
		require.NotEmpty(t, entry.RequestID)
	})

	if s.WrongMethod != "" {
		t.Run("a wrong method is told the right ones", func(t *testing.T) {
			resp, _ := send(t, http.MethodDelete, s.WrongMethod)
			require.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
			require.NotEmpty(t, resp.Header.Get("Allow"))
			require.NotContains(t, strings.Split(resp.Header.Get("Allow"), ", "), http.MethodDelete)
			require.Equal(t, stub.MethodNotAllowed, last(t).Route)
		})
	}

	t.Run("a fault reaches what matches no route", func(t *testing.T) {
		rule := fault.Rule{
			Name: "down", Where: fault.Match{Service: s.Service}, Times: 1,
			Do: fault.Action{Status: http.StatusServiceUnavailable, Body: "down", Header: map[string]string{"Retry-After": "7"}},
		}
		require.NoError(t, s.Env.Faults.Add(rule))
		resp, body := send(t, http.MethodGet, s.UnknownPath)
		require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
		require.Equal(t, "down", body)
		require.Equal(t, "7", resp.Header.Get("Retry-After"))
		require.Equal(t, "down", last(t).Fault)
	})

	t.Run("seeding again is harmless", func(t *testing.T) {
		before := s.Part.Services()
		require.NoError(t, s.Part.Seed(s.World))
		require.NoError(t, s.Part.Seed(s.World))
		require.Equal(t, before, s.Part.Services())
	})

	t.Run("misspelt arguments are refused by every action", func(t *testing.T) {
		for name, action := range s.Part.Actions() {
			_, err := action(t.Context(), []byte(`{"no_such_argument": true}`))
			require.ErrorContains(t, err, "no_such_argument", name)
		}
	})

	t.Run("every service has a skew of its own, strangers have none", func(t *testing.T) {
		for _, service := range s.Part.Services() {
			require.NotNil(t, s.Part.Skew(service.Name), service.Name)
		}
		require.Nil(t, s.Part.Skew("no-such-service"))
	})
}
