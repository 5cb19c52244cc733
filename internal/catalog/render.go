package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// YAML renders c as a cloud_connector.yml that a person can edit: the services
// below "defaults: &defaults", and a block for each environment that merges
// them. Each service keeps its form, unless it has what only G2 can express. A
// library becomes one document in JSON, which is YAML too. Parse reads the same
// catalog back.
func (c *Catalog) YAML() []byte {
	if c.Library != nil {
		return c.renderLibrary()
	}
	var b strings.Builder
	b.WriteString("# Which scopes there are, and who may have them. Versions need quotes: 16.10 without is 16.1.\n")
	b.WriteString("defaults: &defaults\n")
	if len(c.Services) == 0 {
		b.WriteString("  services: {}\n")
	} else {
		b.WriteString("  services:\n")
	}
	for _, s := range c.Services {
		fmt.Fprintf(&b, "    %s:\n", word(s.Name))
		if s.Generation == G2 || !s.plain() {
			s.renderG2(&b)
		} else {
			s.renderG0(&b)
		}
	}
	for _, env := range []string{DefaultEnvironment, "test", "staging", "production"} {
		fmt.Fprintf(&b, "\n%s:\n  <<: *defaults\n", env)
	}
	return []byte(b.String())
}

func (c *Catalog) renderLibrary() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(c.AsLibrary(func(string) string { return "" })); err != nil {
		panic(err) // a struct of plain fields always marshals
	}
	return b.Bytes()
}

// plain reports whether G0 and G1 can express s.
func (s Service) plain() bool {
	return len(s.LicenseTypes) == 0 && len(s.Bundles) == 1 && slices.Equal(s.Bundles[0].UnitPrimitives, []string{s.Name}) &&
		// G0 needs a key at least: an empty block is an unfinished one.
		(s.CutOff != nil || s.Backend != "" || s.Bundles[0].AddOn != "" || !s.MinVersion.IsZero() || !s.MinVersionForFreeAccess.IsZero())
}

func (s Service) renderG0(b *strings.Builder) {
	if s.CutOff != nil {
		line(b, "service_start_time", instant(*s.CutOff))
	}
	if s.Backend != "" {
		line(b, "backend", quoted(s.Backend))
	}
	version(b, "min_gitlab_version", s.MinVersion)
	version(b, "min_gitlab_version_for_beta", s.MinVersionForFreeAccess)
	if addOn := s.Bundles[0].AddOn; addOn != "" {
		line(b, "bundled_with", quoted(addOn))
	}
}

func (s Service) renderG2(b *strings.Builder) {
	cutOff := "null"
	if s.CutOff != nil {
		cutOff = instant(*s.CutOff)
	}
	line(b, "cut_off_date", cutOff)
	if s.Backend != "" {
		line(b, "backend", quoted(s.Backend))
	}
	version(b, "min_gitlab_version", s.MinVersion)
	version(b, "min_gitlab_version_for_free_access", s.FreeAccessMinimum())
	if len(s.LicenseTypes) > 0 {
		line(b, "license_types", words(s.LicenseTypes))
	}
	if len(s.Bundles) == 1 && s.Bundles[0].AddOn == "" && slices.Equal(s.Bundles[0].UnitPrimitives, []string{s.Name}) {
		return // what is left out means the same
	}
	if len(s.Bundles) == 0 {
		return
	}
	b.WriteString("      bundled_with:\n")
	for _, bundle := range s.Bundles {
		addOn := bundle.AddOn
		if addOn == "" {
			addOn = dummyAddOn
		}
		fmt.Fprintf(b, "        %s:\n          unit_primitives:\n", word(addOn))
		for _, scope := range bundle.UnitPrimitives {
			fmt.Fprintf(b, "            - %s\n", word(scope))
		}
	}
}

func line(b *strings.Builder, key, value string) {
	fmt.Fprintf(b, "      %s: %s\n", key, value)
}

func version(b *strings.Builder, key string, v Version) {
	if !v.IsZero() {
		line(b, key, quoted(v.String()))
	}
}

// instant writes a time as the tutorial does, if it has no fraction of a second.
func instant(t time.Time) string {
	t = t.UTC()
	if t.Nanosecond() != 0 {
		return t.Format(time.RFC3339Nano)
	}
	return t.Format("2006-01-02 15:04:05 UTC")
}

// bare is a word that YAML takes for a string without quotes.
var bare = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

func word(s string) string {
	switch strings.ToLower(s) {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		return quoted(s) // some readers take these for something else
	}
	if bare.MatchString(s) {
		return s
	}
	return quoted(s)
}

func words(list []string) string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		out = append(out, word(s))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
