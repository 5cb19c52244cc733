package scenarios_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/scenarios"
)

// answering is an ecosystem that gives the same answer to everything, or one that counts.
func answering(t *testing.T, status int, body string) *fake {
	t.Helper()
	var asked atomic.Int64
	return newFake(t, func(f *fake, w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(strings.ReplaceAll(body, "COUNT", strconv.FormatInt(asked.Add(1), 10))))
		f.note(r, status, "")
	})
}

// update writes a flow, updates it and returns what its file holds then.
func update(t *testing.T, f *fake, steps string) (scenarios.Updated, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "fake.yaml")
	require.NoError(t, os.WriteFile(name, []byte(flowHead+steps), 0o600))
	loaded, err := scenarios.LoadFiles([]string{name}, features(t))
	require.NoError(t, err)
	now, all, err := scenarios.Update(t.Context(), loaded, features(t), scenarios.Options{Target: f.target}, 1)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, name, all[0].File)
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	left, found := strings.CutPrefix(string(text), flowHead)
	require.True(t, found, "the head has changed")
	again := scenarios.Console{Quiet: true}.Run(t.Context(), now, scenarios.Options{Target: f.target})
	require.Equal(t, all[0].Why != "", again.Failed(), "it returns the flows as they are now")
	return all[0], left
}

func TestUpdateRewritesExpectedBodies(t *testing.T) {
	t.Parallel()
	const got = `{"a":1,"b":[true,"x y"],"c":{"d":null,"e":9007199254740993},"f":1707951600,"g.h":"é"}`
	for _, c := range []struct{ name, before, after string }{
		{"a member", "{a: 2, f: \"${now}\"} # why", "{a: 1, f: \"${now}\"} # why"},
		{"several", "{a: one, b: [false, 'x y'], c: {e: 1}}", "{a: 1, b: [true, 'x y'], c: {e: 9007199254740993}}"},
		{"a longer list", "{b: [true]}", "{b: [true, x y]}"},
		{"a list in place of a text", "{b: x}", "{b: [true, x y]}"},
		{"an object in place of a list", "{c: []}", "{c: {d: null, e: 9007199254740993}}"},
		{"what is gone", "{a: 1, z: 3}", "{a: 1, z: null}"},
		{"what is null now", "{c: {d: x}}", "{c: {d: null}}"},
		{"a key with a dot", "{g.h: x}", "{g.h: é}"},
		{"a block", "\n        # of a\n        a: 3 # why\n        # of b\n        b:\n          - true\n", "\n        # of a\n        a: 1 # why\n        # of b\n        b: [true, x y]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := answering(t, http.StatusOK, strings.Replace(got, "1707951600", "1706745600", 1))
			step := func(body string) string {
				return "  # the first\n  - use: new_feature_scope\n    as: grace\n    expect:\n      body: " + body + "\n"
			}
			u, text := update(t, f, step(c.before))
			require.Empty(t, u.Why)
			require.Equal(t, strings.ReplaceAll(step(c.after), "body: \n", "body:\n"), strings.ReplaceAll(text, "body: \n", "body:\n"))
			require.NotEmpty(t, u.Changes)
			require.True(t, strings.HasPrefix(u.Changes[0].Path, "steps[0].expect.body"), u.Changes[0].Path)
			require.GreaterOrEqual(t, u.Changes[0].Line, 14)
		})
	}
}

func TestUpdateGoesOnFromStepToStep(t *testing.T) {
	t.Parallel()
	step := func(body string) string {
		return "  - {use: new_feature_scope, as: grace, expect: {body: " + body + "}}\n"
	}
	u, text := update(t, answering(t, http.StatusOK, "it is down\n"), step("'it is up'")+step("{up: true}")+step("it is down")+step("''"))
	require.Empty(t, u.Why)
	require.Equal(t, step("'it is down'")+step("it is down")+step("it is down")+step("'it is down'"), text)
	require.Equal(t, []scenarios.BodyChange{
		{Line: 10, Path: "steps[0].expect.body", Old: `"it is up"`, New: `"it is down"`},
		{Line: 11, Path: "steps[1].expect.body", Old: `{"up":true}`, New: `"it is down"`},
		{Line: 13, Path: "steps[3].expect.body", Old: `""`, New: `"it is down"`},
	}, u.Changes)
}

func TestUpdateLeavesWhatFailsForAnotherReason(t *testing.T) {
	t.Parallel()
	const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
	use := func(expect string) string { return "  - {use: new_feature_scope, as: grace, expect: " + expect + "}\n" }
	for _, c := range []struct {
		name          string
		status        int
		answer, steps string
		want          string
	}{
		{"a status", 403, `{"a":1}`, use("{status: 200, body: {a: 2}}"), "step 1 fails for another reason: expected status 200, got 403 Forbidden"},
		{"no status", 403, `{"a":1}`, use("{body: {a: 2}}"), "step 1 fails for another reason: expected it to go well, got status 403 Forbidden"},
		{"a refusal", 403, `{"a":1}`, use("{body: {a: 2}, refused: {by: gitlab, reason: no_token}}"), "step 1 fails for another reason: expected gitlab to refuse for no_token, but nobody refused"},
		{"a header", 200, `{"a":1}`, use("{body: {a: 2}, headers: {X-A: b}}"), "step 1 fails for another reason: expected header X-A"},
		{"a later step", 200, `{"a":1}`, use("{body: {a: 2}}") + use("{status: 201}"), "step 2 fails for another reason: expected status 201, got 200 OK"},
		{"a reference", 200, `{"a":1,"b":1}`, use("{body: {a: 2, b: '${now}'}}"), `line 10: body.b: expected 1706745600, got 1, but a reference says what it must be`},
		{"a reference in a list", 200, `{"a":[]}`, use("{body: {a: ['${now}']}}"), "but a reference says what it must be"},
		{"null", 200, `{"a":1}`, use("{body: {a: null}}"), "line 10: body.a: expected null, got 1, but null says that there must be nothing"},
		{"a token", 200, `{"a":"` + token + `"}`, use("{body: {a: x}}"), `but the new value is a secret`},
		{"a personal access token", 200, "glpat-grace", use("{body: x}"), `but the new value is a secret`},
		{"what would refer", 200, `{"a":"${now}"}`, use("{body: {a: x}}"), "but the new value would be read as a reference"},
		{"another one each time", 200, `{"a":COUNT}`, use("{body: {a: x}}"), "line 10: it is another one in each run: body.a: expected"},
		{"an alias", 200, `{"a":1}`, use("{body: &b {a: 2}}") + use("{body: *b}"), "line 10: cannot be replaced: other places in the file have it, too"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u, text := update(t, answering(t, c.status, c.answer), c.steps)
			require.Contains(t, u.Why, c.want)
			require.NotContains(t, u.Why, "c2lnbmF0dXJl")
			require.Empty(t, u.Changes)
			require.Equal(t, c.steps, text, "the file is as it was")
		})
	}
}

func TestUpdateDoesNotOverwriteWhatSomebodyElseWrote(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "fake.yaml")
	const text = flowHead + "  - {use: new_feature_scope, as: grace, expect: {body: x}}\n"
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	loaded, err := scenarios.LoadFiles([]string{name}, features(t))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(name, []byte(text+"# mine\n"), 0o600))
	_, _, err = scenarios.Update(t.Context(), loaded, features(t), scenarios.Options{Target: answering(t, http.StatusOK, "y").target}, 1)
	require.ErrorContains(t, err, "has changed since it was read")
	there, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, text+"# mine\n", string(there))
}
