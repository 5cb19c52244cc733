package cmd

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/compare"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/world"
)

func newDiff() *cobra.Command {
	d := &diff{}
	c := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say which instance gains or loses which scope by an edit of cloud_connector.yml",
		Long: `diff compares what two catalogs grant, at all times or, with --at, at one. OLD and NEW are
files such as cloud_connector.yml, of any generation, folders of the library
gitlab-cloud-connector, folders of feature files, or default for the catalog that ccmock
comes with. Who is looked at are the instances of --world; a licence without dates counts at any time.

The exit code is 0 when nobody gains or loses anything, 1 when somebody does, and 2 for a
wrong usage or file.`,
		Example: `  ccmock diff cloud_connector.yml cloud_connector.new.yml
  ccmock diff main/features branch/features --world customers.yaml --at 2024-02-29`,
		Args: cobra.ArbitraryArgs, // counted in run
		RunE: func(c *cobra.Command, args []string) error { return d.run(c, args) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&d.world, "world", "", "`FILE` with instances, as a flow has under given (default: one of each deployment)")
	f.Var(&d.at, "at", "compare at this `TIME` alone (default: at all times)")
	f.StringVar(&d.environment, "environment", "", "block of a cloud_connector.yml that counts, `NAME` (default: development, else defaults)")
	f.BoolVar(&d.json, "json", false, "print one JSON object")
	_ = c.MarkFlagFilename("world", "yaml", "yml")
	return c
}

// diff is the command with its flags.
type diff struct {
	given
	environment string
	json        bool
}

func (d *diff) run(c *cobra.Command, args []string) error {
	if len(args) != 2 {
		return usagef("%s takes two files or folders, OLD and NEW, got %d", c.CommandPath(), len(args))
	}
	before, err := d.catalog(args[0])
	if err != nil {
		return err
	}
	after, err := d.catalog(args[1])
	if err != nil {
		return err
	}
	timeless := d.given
	timeless.at = moment{} // the world is as it is at its own time
	w, err := timeless.read()
	if err != nil {
		return err
	}
	var changes []compare.Change
	if d.at.IsZero() {
		changes = compare.Over(before, after, undated(w))
	} else {
		changes = compare.At(before, after, undated(w), d.at.Time)
	}
	if d.json {
		report := struct {
			At      time.Time        `json:"at,omitzero"`
			Equal   bool             `json:"equal"`
			Changes []compare.Change `json:"changes"`
		}{d.at.Time, len(changes) == 0, append([]compare.Change{}, changes...)}
		if err := printJSON(c.OutOrStdout(), report); err != nil {
			return err
		}
	} else {
		printChanges(c.OutOrStdout(), changes, len(w.Instances), !d.at.IsZero())
	}
	if len(changes) > 0 {
		return silent(exitFailed)
	}
	return nil
}

// catalog reads a catalog, or makes one of a folder of feature files.
func (d *diff) catalog(name string) (*catalog.Catalog, error) {
	source, err := openCatalog(name)
	if err == nil {
		return source.Catalog(d.environment)
	}
	if !errors.As(err, new(*catalog.NoCatalogError)) {
		return nil, err
	}
	features, featureErr := feature.Load(files{}, name)
	if featureErr != nil {
		return nil, featureErr
	}
	if len(features) == 0 {
		return nil, hint(err, "there is no feature file in it either")
	}
	return catalog.Merge(nil, cloudConnectors(features)...)
}

// undated takes away the dates that were made up for licences that name none.
func undated(w world.World) world.World {
	made := world.World{Now: w.Now, Instances: []world.Instance{{Name: "made", License: &catalog.License{}}}}
	made.Complete()
	example, _ := made.Instance("made")
	instances := make([]world.Instance, 0, len(w.Instances))
	for _, i := range w.Instances {
		if i.License != nil {
			l := *i.License
			if l.StartsAt.Equal(example.License.StartsAt) {
				l.StartsAt = time.Time{}
			}
			if l.ExpiresAt.Equal(example.License.ExpiresAt) {
				l.ExpiresAt = time.Time{}
			}
			i.License = &l
		}
		instances = append(instances, i)
	}
	w.Instances = instances
	return w
}

// printChanges writes a paragraph for each instance, and in it the scopes to which the same
// happens for the same reasons together. Reasons say how long ago something was if the
// changes are those of one time.
func printChanges(w io.Writer, changes []compare.Change, instances int, once bool) {
	if len(changes) == 0 {
		line(w, "%s: nobody gains or loses a scope", counted(instances, "instance"))
		return
	}
	var texts []string // in order
	same := map[string][]string{}
	for _, c := range changes {
		text := fmt.Sprintf("%s %s%s\n  old  %s\n  new  %s", c.Instance, happens(c), when(c), decided(c.Old), decided(c.New))
		if !once {
			text = distance.ReplaceAllString(text, "")
		}
		if same[text] == nil {
			texts = append(texts, text)
		}
		same[text] = append(same[text], c.Scope)
	}
	for _, text := range texts {
		line(w, "%s", strings.Replace(text, "%s", list(same[text]), 1))
	}
	line(w, "%s", summary(changes))
}

// distance is what a reason says of how far off something is, such as ", 14 days ago".
var distance = regexp.MustCompile(`,?( which is)? (in (less than a second|\d+ (second|minute|hour|day)s?)|just now|\d+ (second|minute|hour|day)s? ago|today|tomorrow|yesterday)\b`)

// happens says what becomes of the scope, which stands for %s.
func happens(c compare.Change) string {
	if c.Kind == compare.Audience {
		return "gets %s for another audience"
	}
	return string(c.Kind) + " %s"
}

// when says how long a change lasts.
func when(c compare.Change) string {
	text := ""
	if !c.From.IsZero() {
		text += " from " + short(c.From)
	}
	if !c.Until.IsZero() {
		text += " until " + short(c.Until)
	}
	return text
}

// short is a time, without the time of day where that is midnight.
func short(t time.Time) string {
	if t = t.UTC().Truncate(time.Second); t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02 15:04:05 UTC")
}

func decided(d *catalog.ScopeDecision) string {
	switch {
	case d == nil:
		return "unknown: the catalog has no such scope"
	case d.Granted:
		return fmt.Sprintf("granted for %s: %s", list(append([]string{d.Audience}, d.AlsoFor...)), d.Why)
	}
	return "dropped: " + d.Why
}

func summary(changes []compare.Change) string {
	gained, lost, moved := 0, 0, 0
	seen := map[string]bool{}
	for _, c := range changes {
		key := string(c.Kind) + " " + c.Instance + " " + c.Scope
		if seen[key] {
			continue
		}
		seen[key] = true
		switch c.Kind {
		case compare.Gains:
			gained++
		case compare.Loses:
			lost++
		case compare.Audience:
			moved++
		}
	}
	return fmt.Sprintf("%d gained, %d lost, %d for another audience", gained, lost, moved)
}
