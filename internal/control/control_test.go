package control_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/world"
)

var noon = time.Date(2024, 2, 15, 12, 0, 0, 0, time.UTC)

// fakePart is one service that remembers what it is told.
type fakePart struct {
	name   string
	skew   clock.Skew
	seeded []world.World
}

type pokeRequest struct {
	Service string `json:"service"`
}

type pokeResult struct {
	By string `json:"by"`
}

func (p *fakePart) Services() []control.Service {
	return []control.Service{{Name: p.name, Kind: journal.Backend, URL: "http://" + p.name + ".test"}}
}

func (p *fakePart) Seed(w world.World) error {
	p.seeded = append(p.seeded, w)
	return nil
}

func (p *fakePart) Skew(service string) *clock.Skew {
	if service != p.name {
		return nil
	}
	return &p.skew
}

func (p *fakePart) Actions() map[string]control.Action {
	return map[string]control.Action{
		"poke": control.Do(func(_ context.Context, in pokeRequest) (pokeResult, error) {
			switch in.Service {
			case p.name:
				return pokeResult{By: p.name}, nil
			case "sore":
				return pokeResult{}, errors.New("it hurts")
			default:
				return pokeResult{}, control.ErrNotHere
			}
		}),
	}
}

// process is one control plane with the parts behind it.
type process struct {
	control.Options
	server *httptest.Server
}

func start(t *testing.T, token string, parts ...control.Part) *process {
	t.Helper()
	p := &process{Options: control.Options{
		Version: "test", Seed: 7, Clock: clock.NewFrozen(noon), Jobs: &clock.Schedule{},
		Journal: journal.New(0), Faults: &fault.Set{}, Parts: parts, Token: token,
		World: world.World{Now: noon}, Log: slog.New(slog.DiscardHandler),
	}}
	p.server = httptest.NewServer(control.NewServer(p.Options))
	t.Cleanup(p.server.Close)
	return p
}

func connect(t *testing.T, token string, processes ...*process) *control.Client {
	t.Helper()
	var urls []string
	for _, p := range processes {
		urls = append(urls, p.server.URL)
	}
	c, err := control.Connect(t.Context(), token, urls...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func TestServicesOfAllProcesses(t *testing.T) {
	c := connect(t, "", start(t, "", &fakePart{name: "foo"}), start(t, "", &fakePart{name: "bar"}))
	require.Len(t, c.Services(), 2)
	s, ok := c.Service("bar")
	require.True(t, ok)
	require.Equal(t, "http://bar.test", s.URL)
	_, ok = c.Service("baz")
	require.False(t, ok)
	require.True(t, c.Can("poke"))
	require.False(t, c.Can("prod"))
}

func TestActionsFindTheProcessThatHasTheService(t *testing.T) {
	c := connect(t, "", start(t, "", &fakePart{name: "foo"}), start(t, "", &fakePart{name: "bar"}, &fakePart{name: "baz"}))
	for _, name := range []string{"foo", "bar", "baz"} {
		got, err := control.Call[pokeResult](t.Context(), c, "poke", pokeRequest{Service: name})
		require.NoError(t, err)
		require.Equal(t, name, got.By)
	}
	_, err := control.Call[pokeResult](t.Context(), c, "poke", pokeRequest{Service: "nobody"})
	require.ErrorContains(t, err, "no such service here")
	_, err = control.Call[pokeResult](t.Context(), c, "poke", pokeRequest{Service: "sore"})
	require.ErrorContains(t, err, "it hurts")
	_, err = control.Call[pokeResult](t.Context(), c, "prod", nil)
	require.ErrorContains(t, err, `no process takes the action "prod"`)
}

func TestAdvanceStopsAtEveryJobOfEveryProcess(t *testing.T) {
	one, two := start(t, ""), start(t, "")
	var ran []string
	job := func(p *process, name string, every time.Duration) {
		p.Jobs.Add(noon, clock.Job{
			Next: func(t time.Time) time.Time { return t.Add(every) },
			Run: func(context.Context, time.Time) {
				require.Equal(t, one.Clock.Now(), two.Clock.Now(), "all clocks agree while a job runs")
				ran = append(ran, name+p.Clock.Now().Format("@15:04"))
			},
		})
	}
	job(one, "one", 2*time.Hour)
	job(two, "two", 3*time.Hour)

	c := connect(t, "", one, two)
	require.NoError(t, c.Advance(t.Context(), 4*time.Hour+time.Minute))
	require.Equal(t, []string{"one@14:00", "two@15:00", "one@16:00"}, ran)
	require.Equal(t, noon.Add(4*time.Hour+time.Minute), two.Clock.Now())

	require.ErrorContains(t, c.Advance(t.Context(), -time.Hour), "time goes forward")

	require.NoError(t, c.SetTime(t.Context(), noon.Add(48*time.Hour)))
	require.Len(t, ran, 3, "setting the time runs nothing")
}

func TestSetWorldStartsOverEverywhere(t *testing.T) {
	foo, bar := &fakePart{name: "foo"}, &fakePart{name: "bar"}
	one, two := start(t, "", foo), start(t, "", bar)
	one.Clock.Resume()
	one.Journal.Add(journal.Entry{})
	foo.skew.Set(time.Hour)
	require.NoError(t, two.Faults.Add(fault.Rule{Name: "down", Do: fault.Action{Reset: true}}))

	c := connect(t, "", one, two)
	given := world.World{Now: noon.Add(time.Hour), Instances: []world.Instance{{Name: "acme", Realm: world.SelfManaged}}}
	require.NoError(t, c.SetWorld(t.Context(), given))

	for _, p := range []*process{one, two} {
		require.True(t, p.Clock.Frozen())
		require.Equal(t, given.Now, p.Clock.Now())
		require.Empty(t, p.Journal.Entries(journal.Filter{}))
		require.Empty(t, p.Faults.States())
	}
	require.Zero(t, foo.skew.Get())
	for _, part := range []*fakePart{foo, bar} {
		require.Len(t, part.seeded, 1)
		acme, ok := part.seeded[0].Instance("acme")
		require.True(t, ok)
		require.NotEmpty(t, acme.UUID, "the world is complete when a part sees it")
	}
	require.Equal(t, foo.seeded, bar.seeded, "all processes see the same world")

	bad := world.World{Now: noon, Instances: []world.Instance{{Name: "acme", Realm: "moon"}}}
	require.ErrorContains(t, c.SetWorld(t.Context(), bad), `instances.acme.realm: "moon" is not a realm`)
	require.Len(t, foo.seeded, 1, "a bad world changes nothing")
}

func TestFaultsAndSkewReachTheRightPlace(t *testing.T) {
	foo, bar := &fakePart{name: "foo"}, &fakePart{name: "bar"}
	one, two := start(t, "", foo), start(t, "", bar)
	c := connect(t, "", one, two)

	rule := fault.Rule{Name: "down", Where: fault.Match{Service: "bar"}, Do: fault.Action{Status: 503}}
	require.NoError(t, c.AddFault(t.Context(), rule))
	two.Faults.Match(fault.Request{Service: "bar"})
	states, err := c.Faults(t.Context())
	require.NoError(t, err)
	require.Len(t, states, 1, "one rule, however many processes hold it")
	require.Equal(t, 1, states[0].Applied)
	require.ErrorContains(t, c.AddFault(t.Context(), fault.Rule{Name: "nothing"}), "nothing is set")
	require.NoError(t, c.RemoveFault(t.Context(), "down"))
	require.ErrorContains(t, c.RemoveFault(t.Context(), "down"), `no fault "down" is in force`)

	require.NoError(t, c.SetSkew(t.Context(), "bar", time.Minute))
	require.Equal(t, time.Minute, bar.skew.Get())
	require.Zero(t, foo.skew.Get())
	require.ErrorContains(t, c.SetSkew(t.Context(), "baz", time.Minute), `unknown service "baz"`)
}

func TestJournalOfAllProcessesSinceAMark(t *testing.T) {
	one, two := start(t, ""), start(t, "")
	one.Journal.Add(journal.Entry{Route: "before", RequestID: "r"})
	c := connect(t, "", one, two)
	mark, err := c.Mark(t.Context())
	require.NoError(t, err)
	two.Journal.Add(journal.Entry{Route: "second", RequestID: "r", At: noon.Add(2)})
	one.Journal.Add(journal.Entry{Route: "first", RequestID: "r", At: noon.Add(1)})
	one.Journal.Add(journal.Entry{Route: "other", RequestID: "x", At: noon})

	entries, err := c.Journal(t.Context(), mark, "r")
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.Equal(t, "first", entries[0].Route)
	require.Equal(t, "second", entries[1].Route)

	entries, err = c.Journal(t.Context(), nil, "")
	require.NoError(t, err)
	require.Len(t, entries, 4)
}

func TestTheTokenIsAskedFor(t *testing.T) {
	p := start(t, "secret", &fakePart{name: "foo"})
	_, err := control.Connect(t.Context(), "wrong", p.server.URL)
	require.ErrorContains(t, err, "the control token is missing or wrong")
	_, err = control.Connect(t.Context(), "", p.server.URL)
	require.ErrorContains(t, err, "the control token is missing or wrong")
	connect(t, "secret", p)

	status, _ := send(t, p, http.MethodGet, "/v1/health", "", nil)
	require.Equal(t, http.StatusOK, status, "health is for health checks, which know no token")
}

func send(t *testing.T, p *process, method, path, body string, h http.Header) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.server.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	for name, values := range h {
		req.Header[name] = values
	}
	resp, err := p.server.Client().Do(req)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode, string(text)
}

func TestBadRequestsAreToldWhatIsWrong(t *testing.T) {
	p := start(t, "", &fakePart{name: "foo"})
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{http.MethodPut, "/v1/clock", `{"noww": 1}`, http.StatusUnprocessableEntity, `unknown field \"noww\"`},
		{http.MethodPut, "/v1/clock", `{`, http.StatusUnprocessableEntity, "cannot read the arguments"},
		{http.MethodPut, "/v1/skew", `{"service":"fooo","by":1}`, http.StatusNotFound, `did you mean \"foo\"?`},
		{http.MethodGet, "/v1/journal?after=x", ``, http.StatusUnprocessableEntity, `\"x\" is not an entry's number`},
		{http.MethodPost, "/v1/do/pokee", `{}`, http.StatusNotFound, `did you mean \"poke\"?`},
		{http.MethodPost, "/v1/do/poke", `{"servise":"foo"}`, http.StatusUnprocessableEntity, "servise"},
		{http.MethodGet, "/v2/info", ``, http.StatusNotFound, ""},
	} {
		status, answer := send(t, p, c.method, c.path, c.body, nil)
		require.Equal(t, c.status, status, "%s %s: %s", c.method, c.path, answer)
		require.Contains(t, answer, c.want)
	}
}

func TestBrowsersAreRefused(t *testing.T) {
	p := start(t, "")
	status, _ := send(t, p, http.MethodPost, "/v1/reset", "", http.Header{"Origin": {"https://evil.example"}})
	require.Equal(t, http.StatusForbidden, status)
}

func TestResetGoesBackToTheWorldOfTheStart(t *testing.T) {
	part := &fakePart{name: "foo"}
	p := start(t, "", part)
	p.Clock.Advance(time.Hour)
	status, _ := send(t, p, http.MethodPost, "/v1/reset", "", nil)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, noon, p.Clock.Now())
	require.Len(t, part.seeded, 1)
}
