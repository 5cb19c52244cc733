package journal_test

import (
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/journal"
)

func routes(entries []journal.Entry) []string {
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Route)
	}
	return names
}

func TestEntriesComeBackOldestFirst(t *testing.T) {
	j := journal.New(3)
	require.NotNil(t, j.Entries(journal.Filter{}), "an empty journal is an empty list, not null")
	for i := range 5 {
		require.EqualValues(t, i+1, j.Add(journal.Entry{Route: strconv.Itoa(i)}))
	}
	require.Equal(t, []string{"2", "3", "4"}, routes(j.Entries(journal.Filter{})), "the oldest go first")
	require.Equal(t, []string{"4"}, routes(j.Entries(journal.Filter{After: 4})))
}

func TestFilter(t *testing.T) {
	j := journal.New(0)
	j.Add(journal.Entry{Route: "a", RequestID: "1", Service: "gitlab"})
	j.Add(journal.Entry{Route: "b", RequestID: "1", Service: "foo"})
	j.Add(journal.Entry{Route: "c", RequestID: "2", Service: "foo"})
	require.Equal(t, []string{"a", "b"}, routes(j.Entries(journal.Filter{RequestID: "1"})))
	require.Equal(t, []string{"b", "c"}, routes(j.Entries(journal.Filter{Service: "foo"})))
	require.Equal(t, []string{"b"}, routes(j.Entries(journal.Filter{Service: "foo", RequestID: "1"})))
}

func TestResetKeepsNumbersGoing(t *testing.T) {
	j := journal.New(2)
	j.Add(journal.Entry{})
	mark := j.Last()
	j.Reset()
	require.Empty(t, j.Entries(journal.Filter{}))
	j.Add(journal.Entry{Route: "later"})
	require.Equal(t, []string{"later"}, routes(j.Entries(journal.Filter{After: mark})))
}

func TestConcurrentUse(t *testing.T) {
	j := journal.New(50)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				j.Add(journal.Entry{})
				j.Entries(journal.Filter{After: 10})
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 800, j.Last())
	require.Len(t, j.Entries(journal.Filter{}), 50)
}

func TestOfOutsideARequest(t *testing.T) {
	journal.Of(t.Context()).Detail = "kept nowhere, and no panic"
	e := &journal.Entry{}
	journal.Of(journal.WithEntry(t.Context(), e)).Detail = "kept"
	require.Equal(t, "kept", e.Detail)
}
