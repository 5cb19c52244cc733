package scenarios_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/scenarios"
)

// golden compares a text with testdata/<name>.golden, or rewrites that.
func golden(t *testing.T, name, got string) {
	t.Helper()
	goldentest.Text(t, name+".golden", got)
}

// standing is a stopwatch that stands still, so that stories are the same each time.
func standing() func() time.Duration { return func() time.Duration { return 0 } }

// What differs from run to run: ports, keys and what they sign.
var varying = []struct {
	pattern *regexp.Regexp
	to      string
}{
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`\b(token |issued to [a-z]+, )[0-9a-f]{12}\b`), "${1}DIGEST"},
	{regexp.MustCompile(`(kid |published |, |; )[A-Za-z0-9_-]{43}\b`), "${1}KEY"},
}

func steady(story string) string {
	for _, v := range varying {
		story = v.pattern.ReplaceAllString(story, v.to)
	}
	return story
}

// TestFlowsThatMustFail runs flows with something wrong in each and compares the stories
// that they tell.
func TestFlowsThatMustFail(t *testing.T) {
	failing, err := scenarios.Load(os.DirFS("testdata/fails"), features(t))
	require.NoError(t, err)
	require.NotEmpty(t, failing)
	report := scenarios.Console{Quiet: true}.Run(t.Context(), failing, scenarios.Options{Start: start, Stopwatch: standing})
	for n, r := range report.Flows {
		t.Run(failing[n].Name(), func(t *testing.T) {
			require.Equal(t, scenarios.Failed, r.Status)
			story := scenarios.Story(r, false)
			golden(t, "fails/"+failing[n].Name(), steady(story)+"\n")
			require.LessOrEqual(t, strings.Count(story, "\n"), 60, "a story fits on one screen")
			require.NotRegexp(t, `eyJ[\w-]+\.[\w-]+\.[\w-]+`, story, "no token is printed")
			require.NotContains(t, story, "glpat-ada")
			require.NotContains(t, story, "glpat-grace")
		})
	}
}
