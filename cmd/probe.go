package cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/probe"
)

func newProbe() *cobra.Command {
	p := &probing{}
	c := &cobra.Command{
		Use:   "probe --url URL --scope SCOPE --audience AUDIENCE",
		Short: "Send forged tokens to a real service",
		Long: `probe starts the issuers, prints what a service needs to trust them, waits until the
service answers, and sends it the good call of either issuer and every forged or spoilt
one.

The exit code is 0 when all went as it must, 1 when a forged call got in, crashed the
service, or a good one was refused, 2 for a wrong usage, and 3 when the issuers did not
start or the service did not answer.`,
		Example: `  ccmock probe --url http://localhost:8000/new_feature_endpoint --scope new_feature_scope --audience gitlab-foo`,
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return p.run(c) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&p.o.URL, "url", "", "`URL` of the endpoint")
	f.StringVar(&p.o.Scope, "scope", "", "`SCOPE` that it requires")
	f.StringVar(&p.o.Audience, "audience", "", "`AUDIENCE` that it takes")
	f.StringVar(&p.o.Method, "method", "POST", "`METHOD` of the calls")
	f.StringVar(&p.o.Body, "body", "", "`TEXT` to send (default: an empty JSON object)")
	f.StringArrayVar(&p.headers, "header", nil, "`NAME: VALUE` to send with each call; may be repeated")
	f.StringVar(&p.profile, "profile", string(feature.Strict), "what is expected, strict or ai-gateway: that lists the real library's gaps as known")
	f.StringVar(&p.only, "run", "", "only cases whose name `PATTERN` matches")
	f.DurationVar(&p.wait, "wait", 30*time.Second, "how long to wait for the service")
	p.keyFlags(c)
	p.ports.flags(c)
	f.BoolVar(&p.json, "json", false, "print the verdicts as one JSON object")
	f.StringVar(&p.junit, "junit", "", "write a report in JUnit XML to `FILE`")
	_ = c.MarkFlagFilename("junit", "xml")
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

func (p *probing) run(c *cobra.Command) (err error) {
	o := p.o
	o.Profile, o.Version, o.Headers = feature.Profile(p.profile), version(), map[string]string{}
	for _, h := range p.headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok || name == "" {
			return usagef("--header: expected \"NAME: VALUE\", got %q", h)
		}
		o.Headers[name] = strings.TrimSpace(value)
	}
	if o.Run, err = regexp.Compile(p.only); err != nil {
		return usagef("--run: %w", err)
	}
	if o.Ports, err = p.ports.layout(c, nil); err != nil {
		return err
	}
	if o.Keys, err = p.keys(); err != nil {
		return err
	}
	running, err := probe.Start(c.Context(), o)
	switch {
	case errors.Is(err, probe.ErrOptions):
		return usagef("%w", err)
	case err != nil:
		return notStarted(err)
	}
	defer func() { _ = running.Close() }()
	// Standard output may be for JSON alone.
	line(c.ErrOrStderr(), "The service needs to trust these issuers:")
	for _, v := range running.Environment() {
		line(c.ErrOrStderr(), "  %s", v)
	}
	if err := running.Wait(c.Context(), p.wait); err != nil {
		return notStarted(err)
	}
	result, err := running.Run(c.Context())
	if err != nil {
		return failedf("probe: %w", err)
	}
	if err := p.write(c, result); err != nil {
		return failedf("write the report: %w", err)
	}
	if len(result.Failed()) > 0 {
		return silent(exitFailed)
	}
	return nil
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
		e := json.NewEncoder(c.OutOrStdout())
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	return r.Write(c.OutOrStdout())
}
