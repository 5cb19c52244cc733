package cmd

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/scenarios"
)

func newUp() *cobra.Command {
	u := &up{}
	c := &cobra.Command{
		Use:   "up [PART...]",
		Short: "Run the ecosystem, or some parts of it",
		Long: `up runs GitLab instances, CustomersDot, the gateway and all backends until it is
stopped, or only the parts that are named: rails, customersdot, gateway, backends.
Parts that do not run here are expected at their usual ports, or where the flags say.

Without --world there are GitLab.com, a self-managed and a Dedicated instance, with a
user each. A part that runs alone has its control plane at 7071 (rails), 7072
(customersdot), 7073 (gateway) or 7074 (backends), so that one terminal for each works;
together they have it at 7070.`,
		Example: `  ccmock up
  ccmock up --at 2024-02-14T23:00:00Z --features my/features
  ccmock up backends --customersdot-url http://customers.gitlab.test:5000`,
		Args: u.args,
		ValidArgsFunction: func(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
			left := slices.DeleteFunc(ecosystem.Parts(), func(p string) bool { return slices.Contains(given, p) })
			return left, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, _ []string) error { return u.run(c) },
	}
	u.flags(c)
	return c
}

// up is the command with its flags.
type up struct {
	given
	ports
	elsewhere
	parts        []string
	freeze, sync bool
	seed         uint64
	listenHost   string
	controlToken string
	catalog      string
	environment  string
	limits       limits
	edgeAuth     bool
	tls          bool
	tlsCert      string
	json         bool
	logLevel     slog.Level
}

func (u *up) args(_ *cobra.Command, args []string) error {
	for _, a := range args {
		if !slices.Contains(ecosystem.Parts(), a) {
			err := usagef("unknown part %q, expected some of %s", a, strings.Join(ecosystem.Parts(), ", "))
			if near := strictyaml.Suggest(a, ecosystem.Parts()); near != "" {
				err = hint(err, "did you mean %q?", near)
			}
			return err
		}
	}
	u.parts = args
	return nil
}

// runs reports whether a part runs in this process.
func (u *up) runs(part string) bool { return len(u.parts) == 0 || slices.Contains(u.parts, part) }

func (u *up) run(c *cobra.Command) error {
	ctx := c.Context()
	o, err := u.options(c)
	if err != nil {
		return err
	}
	e, err := ecosystem.Start(ctx, o)
	if err != nil {
		if ctx.Err() != nil {
			return nil // stopped while it started
		}
		return notStarted(err)
	}
	background, stop := context.WithCancel(ctx)
	followUp := u.prepare(background, e, o)
	err = u.announce(c.OutOrStdout(), e, o)
	if err == nil {
		err = wait(ctx, e, o.Log)
	}
	stop()
	<-followUp
	if closeErr := e.Close(context.Background()); err == nil && closeErr != nil {
		o.Log.Warn("requests under way were cut off", "error", closeErr)
	}
	return err
}

// wait waits until it is time to stop.
func wait(ctx context.Context, e *ecosystem.Ecosystem, log *slog.Logger) error {
	select {
	case <-ctx.Done():
		log.Info("stopping; a second signal stops at once")
		return nil
	case err := <-e.Failed():
		return &exitError{code: exitStart, err: err}
	}
}

// options makes the ecosystem's options of the flags.
func (u *up) options(c *cobra.Command) (ecosystem.Options, error) {
	o := ecosystem.Options{
		Parts: u.parts, Seed: u.seed, ListenHost: u.listenHost, ControlToken: controlToken(u.controlToken),
		CatalogFile: u.catalog, Environment: u.environment,
		EdgeAuth: u.edgeAuth, GatewayTLS: u.tls || u.tlsCert != "", Version: scenarios.Version(),
		Log: slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: u.logLevel})),
	}
	var err, worldErr, featureErr error
	o.World, worldErr = u.read()
	o.Features, featureErr = u.load()
	if err := bothProblems(worldErr, featureErr); err != nil {
		return o, err
	}
	if o.URLs, err = u.urls(o.Features); err != nil {
		return o, err
	}
	if o.GatewayLimits, err = u.limits.read(); err != nil {
		return o, err
	}
	if o.Ports, err = u.layout(c, u.parts); err != nil {
		return o, err
	}
	if u.catalog != "" {
		source, err := openCatalog(u.catalog)
		if err != nil {
			return o, err
		}
		if _, err := source.Catalog(u.environment); err != nil {
			return o, err
		}
	}
	if !loopback(u.listenHost) && o.ControlToken == "" {
		return o, hint(
			usagef("listening on %s needs a control token, as whoever reaches the control plane can steer the ecosystem", u.listenHost),
			"give one with --control-token or %s", controlTokenVariable)
	}
	if o.Keys, err = u.keys(); err != nil {
		return o, err
	}
	o.Clock = clock.NewRunning(o.World.Now)
	if u.world == "" && u.at.IsZero() {
		// The present to the second is up to one behind, which others with a clock would notice.
		o.Clock = clock.NewRunning(clock.Real{}.Now())
	}
	if u.freeze {
		o.Clock = clock.NewFrozen(o.World.Now)
	}
	return o, nil
}

// bothProblems reports what is wrong in the one and in the other, at once.
func bothProblems(a, b error) error {
	var problems strictyaml.Problems
	for _, err := range []error{a, b} {
		if err != nil && !errors.As(err, new(strictyaml.Problems)) {
			return err
		}
		problems.Add(err)
	}
	return problems.Err()
}
