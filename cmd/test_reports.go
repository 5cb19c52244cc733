package cmd

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ccmock/ccmock/scenarios"
)

// reports are what test is to leave behind beside the stories that it tells.
type reports struct {
	junit, html string
	coverage    bool
	least       percent
}

func (r *reports) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&r.junit, "junit", "", "write a report in JUnit XML to `FILE`")
	f.StringVar(&r.html, "html", "", "write a report as one HTML page to `FILE`")
	f.BoolVar(&r.coverage, "coverage", false, "print which scopes were seen issued, accepted and refused, and what no flow used")
	f.Var(&r.least, "min-coverage", "fail when less than `PERCENT` of that table was seen")
	_ = c.MarkFlagFilename("junit", "xml")
	_ = c.MarkFlagFilename("html", "html")
}

// percent is a flag between 0 and 100.
type percent float64

func (p *percent) Set(text string) error {
	n, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil || !(n >= 0 && n <= 100) {
		return usagef("%q is not a number from 0 to 100", text)
	}
	*p = percent(n)
	return nil
}

func (p *percent) String() string { return strconv.FormatFloat(float64(*p), 'f', -1, 64) }
func (*percent) Type() string     { return "PERCENT" }

// check complains, before anything runs, about files that would overwrite one another.
func (r *reports) check() error {
	if r.junit != "" && r.junit == r.html {
		return usagef("--junit and --html both write to %q", r.junit)
	}
	return nil
}

// write writes the files, and prints the coverage unless JSON, which holds it, is printed.
func (r *reports) write(report *scenarios.Report, out io.Writer, json bool) error {
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
	}{{r.junit, report.WriteJUnit}, {r.html, report.WriteHTML}} {
		if file.name == "" {
			continue
		}
		var text bytes.Buffer
		if err := file.write(&text); err != nil {
			return failedf("write the report: %w", err)
		}
		if err := os.WriteFile(file.name, text.Bytes(), 0o644); err != nil {
			return failedf("write the report: %w", err)
		}
	}
	if r.coverage && !json {
		line(out, "")
		if err := report.Coverage.WriteTable(out); err != nil {
			return failedf("write the coverage: %w", err)
		}
	}
	return nil
}

// gate fails a run that did not show enough.
func (r *reports) gate(report *scenarios.Report) error {
	c := report.Coverage
	if c.Percent >= float64(r.least) {
		return nil
	}
	return failedf("the coverage is %s, less than %s %%; missing are\n%s", c.Sum(), r.least.String(), strings.Join(c.Missing(), "\n"))
}
