package cmd

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ccmock/ccmock/internal/clock"
)

// lookEvery is how often watched files are looked at, in real time.
const lookEvery = 200 * time.Millisecond

// watching runs the flows again whenever a file that they are made of changes, until it is
// told to stop. A file that cannot be read is complained about, and waited for.
func (t *test) watching(c *cobra.Command, args []string) error {
	var places []string
	for _, arg := range args {
		if info, err := os.Stat(arg); err == nil && !info.IsDir() {
			arg = filepath.Dir(arg) // a flow may name files beside it
		}
		places = append(places, arg)
	}
	if t.features != "" {
		places = append(places, t.features)
	}
	if len(places) == 0 {
		return hint(usagef("--watch has nothing to watch: the flows that ccmock comes with do not change"),
			"name your flows, or the folder of your features with --features")
	}
	ctx := c.Context()
	for {
		seen := fingerprint(places)
		err := t.run(c, args)
		if ctx.Err() != nil {
			return nil // stopped on request, in the midst of it
		}
		report(c.ErrOrStderr(), err)
		line(c.ErrOrStderr(), "watching %s", list(places))
		for fingerprint(places) == seen {
			if clock.Wait(ctx, lookEvery) != nil {
				return nil
			}
		}
	}
}

// fingerprint changes when a YAML file in one of the places does, comes or goes.
func fingerprint(places []string) string {
	var b strings.Builder
	for _, place := range places {
		_ = filepath.WalkDir(place, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !isYAML(name) {
				return nil // it may be gone by now
			}
			if info, err := entry.Info(); err == nil {
				fmt.Fprintf(&b, "%s %d %d\n", name, info.Size(), info.ModTime().UnixNano())
			}
			return nil
		})
	}
	return b.String()
}
