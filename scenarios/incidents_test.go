package scenarios_test

import (
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/scenarios"
)

// incidents are those that ccmock comes with.
func incidents(t testing.TB) []scenarios.Flow {
	t.Helper()
	loaded, err := scenarios.Load(scenarios.Incidents(), features(t))
	require.NoError(t, err)
	return loaded
}

func TestIncidents(t *testing.T) {
	scenarios.Run(scenarios.Testing(t), incidents(t), options(t))
}

// parts are what an incident is made of, by what the names of steps begin with.
var parts = []string{"cause", "symptom", "check", "repair", "gone"}

// part is the part of an incident that a step is, if it is any.
func part(name string) string {
	before, _, _ := strings.Cut(name, ": ")
	if slices.Contains(parts, before) {
		return before
	}
	return ""
}

// bare is what a step does, without its name and what is expected of it.
func bare(s scenarios.Step) scenarios.Step {
	s.Name, s.Expect = "", nil
	return s
}

// TestIncidentsAreWhole wants all parts in each, one after the other, and at the end the
// very thing that was the symptom.
func TestIncidentsAreWhole(t *testing.T) {
	for _, f := range incidents(t) {
		t.Run(f.Name(), func(t *testing.T) {
			first := map[string]int{}
			for n, s := range f.Steps {
				if p := part(s.Name); p != "" {
					if _, known := first[p]; !known {
						first[p] = n
					}
				}
			}
			at := -1
			for _, p := range parts {
				n, there := first[p]
				require.True(t, there, "no step is called %q", p+": ...")
				require.Greater(t, n, at, "%s comes too early", p)
				at = n
			}
			seen := f.Steps[first["symptom"]]
			symptom := bare(seen)
			require.NotNil(t, seen.Expect, "nobody looks at the symptom")
			for _, s := range f.Steps[first["gone"]:] {
				if part(s.Name) == "gone" {
					require.True(t, reflect.DeepEqual(symptom, bare(s)), "%q does something else than the symptom", s.Name)
					require.NotNil(t, s.Expect, "nobody looks at whether %q", s.Name)
					require.NotEqual(t, seen.Expect, s.Expect, "%q expects what the symptom was", s.Name)
				}
			}
		})
	}
}

// TestIncidentsNeedEachCauseAndRepair leaves each cause out, upon which the symptom must
// not appear, and each repair, upon which it must not go.
func TestIncidentsNeedEachCauseAndRepair(t *testing.T) {
	var without []scenarios.Flow
	var left, want []string
	for _, f := range incidents(t) {
		for n, s := range f.Steps {
			fails, drops := map[string]string{"cause": "symptom", "repair": "gone"}[part(s.Name)], part(s.Name)
			if fails == "" {
				continue
			}
			spoilt := f
			spoilt.World.Instances, spoilt.World.Users = slices.Clone(f.World.Instances), slices.Clone(f.World.Users)
			spoilt.Steps = slices.Delete(slices.Clone(f.Steps), n, n+1)
			for m := range spoilt.Steps {
				if part(spoilt.Steps[m].Name) == drops { // the others may go as they like
					spoilt.Steps[m].Expect = nil
				}
			}
			without, want = append(without, spoilt), append(want, fails)
			left = append(left, fmt.Sprintf("%s without %s", f.Name(), s.Name))
		}
	}
	report := scenarios.Console{Quiet: true, Workers: 8}.Run(t.Context(), without, scenarios.Options{Start: start})
	for n, r := range report.Flows {
		t.Run(left[n], func(t *testing.T) {
			require.Equal(t, scenarios.Failed, r.Status)
			at := slices.IndexFunc(r.Steps, func(s *scenarios.StepResult) bool { return s.Status == scenarios.Failed })
			require.GreaterOrEqual(t, at, 0, "no step failed")
			require.Equal(t, want[n], part(r.Steps[at].Title), "another step fails: %s", r.Steps[at].Title)
		})
	}
}

// TestIncidentsReadme holds the table of the README against the folder.
func TestIncidentsReadme(t *testing.T) {
	text, err := os.ReadFile("incidents/README.md")
	require.NoError(t, err)
	rows := regexp.MustCompile(`(?m)^\| F(\d+) \| [^|]+ \| (.+) \|$`).FindAllStringSubmatch(string(text), -1)
	require.Len(t, rows, 30)
	var named []string
	for n, row := range rows {
		require.Equal(t, fmt.Sprint(n+1), row[1])
		file := regexp.MustCompile(`^\[([^]]+)\]\((\S+)\)$`).FindStringSubmatch(row[2])
		require.NotNil(t, file, "F%s names no file: %s", row[1], row[2])
		require.Equal(t, file[1], file[2])
		require.True(t, strings.HasPrefix(file[1], fmt.Sprintf("f%02d_", n+1)), file[1])
		named = append(named, file[1])
	}
	there, err := fs.Glob(scenarios.Incidents(), "*")
	require.NoError(t, err)
	require.Equal(t, there, named, "F1 to F30, each in a file of its own")
}
