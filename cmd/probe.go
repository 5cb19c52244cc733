package cmd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/probe"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/scenarios"
)

func newProbe() *cobra.Command {
	p := &probing{}
	c := &cobra.Command{
		Use:   "probe --url URL --scope SCOPE --audience AUDIENCE [-- COMMAND...]",
		Short: "Send forged tokens to a real service",
		Long: `probe starts the issuers, prints the environment that a service needs to trust them,
waits until the service answers, and sends it the good call of either issuer and every
forged or spoilt one. With a COMMAND, it starts the service in that environment first, on
free ports unless told otherwise, and stops it at the end.

The exit code is 0 when all went as it must, 1 when a forged call got in or crashed the
service or a good one was refused, 2 for a wrong usage, and 3 when the issuers did not
start or the service did not answer.`,
		Example: `  ccmock probe --url http://localhost:8000/new_feature_endpoint --scope new_feature_scope --audience gitlab-foo
  ccmock probe --url http://localhost:8000/new_feature_endpoint --scope new_feature_scope --audience gitlab-foo \
    --junit probe.xml -- uvicorn --factory main:create_app --port 8000`,
		RunE: func(c *cobra.Command, args []string) error { return p.run(c, args) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&p.o.URL, "url", "", "`URL` of the endpoint")
	f.StringVar(&p.o.Scope, "scope", "", "`SCOPE` that it requires")
	f.StringVar(&p.o.Audience, "audience", "", "`AUDIENCE` that it takes")
	f.StringVar(&p.o.Method, "method", "POST", "`METHOD` of the calls")
	f.StringVar(&p.o.Body, "body", "", "`TEXT` to send (default: an empty JSON object)")
	f.StringArrayVar(&p.headers, "header", nil, "`'NAME: VALUE'` to send with each call; may be repeated")
	f.StringVar(&p.profile, "profile", string(feature.Strict), "`PROFILE` that is expected: strict, or ai-gateway, which lists the real library's gaps as known")
	f.DurationVar(&p.o.Leeway, "leeway", 0, "how far the clock of the service may be off by its own account, `DURATION`")
	f.StringVar(&p.only, "run", "", "only the good calls, and cases whose name `REGEX` matches")
	f.DurationVar(&p.wait, "wait", 30*time.Second, "how long to wait for the service, `DURATION`")
	p.keyFlags(c)
	p.ports.flags(c, "gitlab-port", "customersdot-port", "gateway-port", "control-port")
	f.BoolVar(&p.json, "json", false, "print the verdicts as one JSON object")
	f.StringVar(&p.junit, "junit", "", "write a report in JUnit XML to `FILE`")
	_ = c.MarkFlagFilename("junit", "xml")
	_ = c.RegisterFlagCompletionFunc("profile", cobra.FixedCompletions([]string{string(feature.Strict), string(feature.AIGateway)}, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("method", cobra.FixedCompletions(probe.Methods(), cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("scope", p.completeScopes)
	return c
}

// probing is the command with its flags.
type probing struct {
	given
	ports                ports
	o                    probe.Options
	headers              []string
	profile, only, junit string
	wait                 time.Duration
	json                 bool
}

func (p *probing) run(c *cobra.Command, args []string) error {
	if c.ArgsLenAtDash() != 0 && len(args) > 0 {
		return hint(usagef("%s takes no arguments, got %q", c.CommandPath(), args[0]), "a command that starts the service comes after --")
	}
	o, err := p.options(c, len(args) > 0)
	if err != nil {
		return err
	}
	running, err := probe.Start(c.Context(), o)
	switch {
	case errors.Is(err, probe.ErrOptions):
		return p.wrongOption(err)
	case err != nil:
		return hint(notStarted(err), "--port-base 0 takes free ports")
	}
	defer func() { _ = running.Close() }()
	result, err := p.send(c, running, args)
	switch {
	case c.Context().Err() != nil:
		return failedf("stopped before all calls had been sent")
	case err != nil:
		return err
	}
	if err := p.write(c, result); err != nil {
		return failedf("write the report: %w", err)
	}
	if !result.OK {
		return silent(exitFailed)
	}
	return nil
}

func (p *probing) options(c *cobra.Command, serves bool) (probe.Options, error) {
	o := p.o
	o.Profile, o.Version, o.Headers = feature.Profile(p.profile), scenarios.Version(), map[string]string{}
	for _, h := range p.headers {
		name, value, ok := strings.Cut(h, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return o, usagef("--header: expected \"NAME: VALUE\", got %q", h)
		}
		o.Headers[name] = strings.TrimSpace(value)
	}
	var err error
	if o.Run, err = regexp.Compile(p.only); err != nil {
		return o, usagef("--run: %w", err)
	}
	if !serves || p.ports.given(c) {
		if o.Ports, err = p.ports.layout(c, nil); err != nil {
			return o, err
		}
	}
	o.Keys, err = p.keys()
	return o, err
}

// wrongOption is the error of a flag, without what only callers of the package ask for.
func (p *probing) wrongOption(err error) error {
	var problem strictyaml.Problem
	if errors.As(err, &problem) {
		return hint(usagef("%s", problem.Message), "%s", problem.Hint)
	}
	text := strings.TrimPrefix(err.Error(), probe.ErrOptions.Error()+": ")
	return hint(usagef("%s", text), "ccmock probe --help lists its flags")
}

// send probes the service once it answers, and has it started before if it is to be.
func (p *probing) send(c *cobra.Command, running *probe.Probe, commandLine []string) (*probe.Result, error) {
	ctx, errs := c.Context(), c.ErrOrStderr() // standard output may be for JSON alone
	line(errs, "the environment that the service needs, to trust these issuers:")
	for _, v := range running.Environment() {
		line(errs, "  %s", v)
	}
	if len(commandLine) == 0 {
		result, err := p.probe(ctx, errs, running)
		if err != nil {
			err = hint(err, "the service must be started with the environment above, or by probe: ccmock probe ... -- COMMAND")
		}
		return result, err
	}
	served, err := running.Serve(ctx, commandLine)
	if err != nil {
		return nil, notStarted(err)
	}
	defer served.Close()
	ctx, stop := served.While(ctx)
	defer stop()
	result, err := p.probe(ctx, errs, running)
	served.Close() // so that it has written all
	if err != nil || result.Crashed() {
		if text := served.Output(40); text != "" {
			line(errs, "the last that %s wrote:\n  %s", commandLine[0], strings.ReplaceAll(text, "\n", "\n  "))
		}
	}
	return result, err
}

func (p *probing) probe(ctx context.Context, progress io.Writer, running *probe.Probe) (*probe.Result, error) {
	if err := running.Wait(ctx, p.wait); err != nil {
		return nil, notStarted(err)
	}
	line(progress, "sending %s to %s", counted(len(running.Cases()), "call"), p.o.URL)
	result, err := running.Run(ctx)
	if err != nil {
		return nil, notStarted(err)
	}
	return result, nil
}

func (p *probing) write(c *cobra.Command, r *probe.Result) error {
	if p.junit != "" {
		var text bytes.Buffer
		if err := r.Report.WriteJUnit(&text); err != nil {
			return err
		}
		if err := os.WriteFile(p.junit, text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if p.json {
		return printJSON(c.OutOrStdout(), r)
	}
	return r.Write(c.OutOrStdout())
}
