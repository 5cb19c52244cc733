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

// tokens shows the tokens of a step claim by claim. Of two, what the second has otherwise
// stands below.
func (w *story) tokens(s *StepResult) {
	if len(s.Tokens) == 0 {
		return
	}
	first, rest := s.Tokens[0], s.Tokens[1:]
	title := fmt.Sprintf("%s %s", first.Label, first.Digest)
	for _, t := range rest {
		title += fmt.Sprintf("; where they differ, ! is the one %s, %s", t.Label, t.Digest)
	}
	w.line("    token   %s", title)
	row := func(name, text string, others []string) {
		w.line("            %-19s %s", name, text)
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
	row("header", headerText(first.Header), headers)
	names := map[string]bool{}
	for _, t := range s.Tokens {
		for name := range t.Claims {
			names[name] = true
		}
	}
	for _, name := range ordered(names) {
		var others []string
		for _, t := range rest {
			others = append(others, claimText(name, t, s.At))
		}
		row(name, claimText(name, first, s.At), others)
	}
}

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
		return "(absent)"
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
