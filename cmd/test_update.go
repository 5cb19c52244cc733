package cmd

import (
	"context"
	"io"

	"github.com/ccmock/ccmock/scenarios"
)

// checkUpdate complains about --update with what it cannot go with.
func (t *test) checkUpdate(args []string) error {
	if !t.update {
		return nil
	}
	for _, other := range []struct {
		flag string
		set  bool
	}{
		{"--watch", t.watch},
		{"--json", t.json},
		{"--show", t.show != ""},
		{"--list, --derived, --full and --catalog", t.wanted()},
	} {
		if other.set {
			return usagef("--update rewrites files of flows, and does not go with %s", other.flag)
		}
	}
	if len(args) == 0 {
		return hint(usagef("--update has nothing to rewrite: the flows that ccmock comes with do not change"), "name your flows")
	}
	return nil
}

// updated are the flows with the bodies that they are to expect from now on. It says what
// became of those that failed.
func (t *test) updated(ctx context.Context, flows []scenarios.Flow, o scenarios.Options, out io.Writer) ([]scenarios.Flow, error) {
	features, err := t.load()
	if err != nil {
		return nil, err
	}
	now, all, err := scenarios.Update(ctx, flows, features, o, t.parallel)
	for _, u := range all {
		if u.Why != "" {
			line(out, "left as it is: %s: %s", u.File, u.Why)
		}
		for _, c := range u.Changes {
			line(out, "updated %s:%d: %s: %s, now %s", u.File, c.Line, c.Path, c.Old, c.New)
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, failedf("stopped before all flows had run")
	case err != nil:
		return nil, failedf("%w", err)
	}
	return now, nil
}
