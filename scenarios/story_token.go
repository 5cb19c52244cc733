package scenarios

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/explain"
)

// claimOrder is the order in which the claims of Cloud Connector are shown; others follow
// by name.
var claimOrder = []string{"iss", "sub", "aud", "gitlab_realm", "scopes", "iat", "nbf", "exp"}

// times are the claims that are times.
var timeClaims = map[string]bool{"iat": true, "nbf": true, "exp": true}

// tokens shows the tokens of a step claim by claim: above what a claim is stands what it
// was expected to be, and below it what a second token has otherwise.
func (w *story) tokens(s *StepResult) {
	if len(s.Tokens) == 0 {
		return
	}
	first, rest := s.Tokens[0], s.Tokens[1:]
	title := fmt.Sprintf("%s %s", first.Label, first.Digest)
	if s.Expected != nil && first.Claims != nil {
		title += "; - is what was expected, + what it has"
	}
	for _, t := range rest {
		title += fmt.Sprintf("; where they differ, ! is the one %s, %s", t.Label, t.Digest)
	}
	w.line("    token   %s", title)
	row := func(name, expected, text string, others []string) {
		if expected == "" {
			w.line("            %-19s %s", name, text)
		} else {
			w.line("            %-19s %s", name, w.paint(green, "- "+expected))
			w.line("            %-19s %s", "", w.paint(red, "+ "+text))
		}
		for _, other := range others {
			if other != text {
				w.line("            %-19s %s", "", w.paint(red, "! "+other))
			}
		}
	}
	if first.Claims == nil {
		return // no service has looked into it
	}
	var headers []string
	for _, t := range rest {
		headers = append(headers, headerText(t.Header))
	}
	row("header", s.expectedHeader(), headerText(first.Header), headers)
	for _, name := range s.claims(s.Tokens...) {
		var others []string
		for _, t := range rest {
			others = append(others, claimText(name, t, s.At))
		}
		row(name, s.expectedClaim(name), claimText(name, first, s.At), others)
	}
}

// claims are the names of the claims that tokens have or were expected to have.
func (s *StepResult) claims(tokens ...Token) []string {
	names := map[string]bool{}
	for _, t := range tokens {
		for name := range t.Claims {
			names[name] = true
		}
	}
	if s.Expected != nil {
		for name := range s.Expected.Claims {
			names[name] = true
		}
	}
	return ordered(names)
}

// expectedClaim is what a claim of the step's token should have been, empty if it is as
// expected.
func (s *StepResult) expectedClaim(name string) string {
	if s.Expected == nil {
		return ""
	}
	value, differs := s.Expected.Claims[name]
	switch {
	case !differs:
		return ""
	case value == nil:
		return absent
	}
	return claimText(name, *s.Expected, s.At)
}

// expectedHeader is what the header of the step's token should have had.
func (s *StepResult) expectedHeader() string {
	if s.Expected == nil {
		return ""
	}
	header := maps.Clone(s.Expected.Header)
	for name, value := range header {
		if value == nil {
			header[name] = absent
		}
	}
	return headerText(header)
}

const absent = "(absent)"

func ordered(names map[string]bool) []string {
	var list []string
	for _, name := range claimOrder {
		if names[name] {
			list = append(list, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !slices.Contains(claimOrder, name) {
			list = append(list, name)
		}
	}
	return list
}

func headerText(header map[string]any) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(header)) {
		parts = append(parts, fmt.Sprintf("%s %s", name, plain(header[name])))
	}
	return strings.Join(parts, ", ")
}

// claimText is a claim as a person reads it: times are told from the stub time.
func claimText(name string, t Token, now time.Time) string {
	value, ok := t.Claims[name]
	if !ok {
		return absent
	}
	if n, isNumber := number(value); isNumber && timeClaims[name] {
		at := time.Unix(int64(n), 0).UTC()
		return fmt.Sprintf("%s (%s)", at.Format("2006-01-02 15:04:05 UTC"), distance(name, at, now))
	}
	text := cut(plain(value), 160)
	if whose := t.Names[name]; whose != "" {
		text += " (" + whose + ")"
	}
	return text
}

func distance(name string, at, now time.Time) string {
	switch d := at.Sub(now); {
	case name == "exp":
		return explain.Expiry(at, now)
	case d == 0:
		return "now"
	case d > 0:
		return "in " + explain.Span(d)
	default:
		return explain.Span(-d) + " ago"
	}
}

// plain is a value without the quotes of a text.
func plain(v any) string {
	if text, ok := v.(string); ok {
		return printable(text)
	}
	return shown(v)
}
