package cmd

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
	"github.com/ccmock/ccmock/scenarios"
)

// given are the flags that say what several commands take as given: the world, the
// features, the time and the keys.
type given struct {
	world    string
	features string
	at       moment
	data     string
	dataSet  func() bool
}

func (g *given) worldFlags(c *cobra.Command) {
	c.Flags().StringVar(&g.world, "world", "", "`FILE` with instances and users, as a flow has under given (default: one of each deployment)")
	c.Flags().Var(&g.at, "at", "`TIME` that it is, such as 2024-02-14T23:00:00Z (default: that of the world file, or now)")
	g.featureFlags(c)
}

func (g *given) featureFlags(c *cobra.Command) {
	c.Flags().StringVar(&g.features, "features", "", "folder of feature files, `DIR` (default: those that ccmock comes with)")
	_ = c.MarkFlagDirname("features")
}

func (g *given) keyFlags(c *cobra.Command) {
	c.Flags().StringVar(&g.data, "data", dataFolder(), "`DIR` that keeps signing keys between runs; '' keeps them in memory")
	_ = c.MarkFlagDirname("data")
	g.dataSet = func() bool { return c.Flags().Changed("data") }
}

// moment is a flag with a time; its zero value is no time.
type moment struct{ time.Time }

func (m *moment) Set(text string) error {
	t, err := strictyaml.ParseTime(text)
	m.Time = t
	return err
}

func (m *moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

func (m *moment) Type() string { return "time" }

// or is the moment, or the system's time if none was given.
func (m *moment) or(otherwise time.Time) time.Time {
	if m.IsZero() {
		return otherwise
	}
	return m.Time
}

// dataFolder is where keys are kept unless told otherwise; empty where the user has no
// cache folder, as in a container.
func dataFolder() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "ccmock")
}

// keys opens the pool of signing keys. A default folder that cannot be used, as on a
// file system that is read-only, is done without.
func (g *given) keys() (*token.Pool, error) {
	pool, err := token.NewPool(g.data)
	if err == nil {
		return pool, nil
	}
	if !g.dataSet() && (errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)) {
		return token.NewPool("")
	}
	return nil, hint(notStarted(err), "--data names another folder, and --data '' keeps keys in memory")
}

// load reads the feature files.
func (g *given) load() ([]feature.Feature, error) {
	if g.features == "" {
		return feature.Load(scenarios.Features(), ".")
	}
	features, err := feature.Load(files{}, g.features)
	if err == nil && len(features) == 0 {
		err = usagef("there is no feature file in %s", g.features)
	}
	return features, err
}

// read reads the world file, or makes the default world.
func (g *given) read() (world.World, error) {
	now := g.at.or(clock.Real{}.Now().Truncate(time.Second))
	if g.world == "" {
		w := world.Default(now)
		w.Complete()
		return w, nil
	}
	data, err := os.ReadFile(g.world)
	if err != nil {
		return world.World{}, usagef("read the world: %w", err)
	}
	w, err := world.Parse(g.world, data, now, func(name string) ([]byte, error) {
		return readBeside(filepath.Join(filepath.Dir(g.world), name))
	})
	if err != nil {
		return world.World{}, err
	}
	w.Now = g.at.or(w.Now)
	return w, nil
}

// files is the system's files under the very names that users give them, such as
// ../features, so that problems are reported under these names too.
type files struct{}

func (files) Open(name string) (fs.File, error) { return os.Open(name) }

func (files) ReadFile(name string) ([]byte, error) { return os.ReadFile(name) }

func (files) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }

// completeScopes offers the scopes and names of the features that the flags name.
func (g *given) completeScopes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	features, _ := g.load()
	names := feature.Names(features)
	for _, f := range features {
		names = append(names, f.CloudConnector.Scopes()...)
	}
	slices.Sort(names)
	return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
}

// completeInstances offers the instances of the world that the flags name, and their kinds.
func (g *given) completeInstances(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	names := kinds()
	if w, err := g.read(); err == nil {
		for _, i := range w.Instances {
			names = append(names, i.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
}
