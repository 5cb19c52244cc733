package derive

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// object is a YAML mapping that keeps its order.
type object []member

type member struct {
	key   string
	value any
}

// with is o with one more member.
func (o object) with(key string, value any) object {
	return append(o[:len(o):len(o)], member{key, value})
}

// plain are texts that YAML reads as the same text without quotes.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*$`)

// special are words that YAML reads as something other than text.
var special = map[string]bool{
	"true": true, "false": true, "null": true, "yes": true, "no": true, "on": true, "off": true, "y": true, "n": true,
}

// inline writes a value on one line.
func inline(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case object:
		texts := make([]string, len(v))
		for n, m := range v {
			texts[n] = inline(m.key) + ": " + inline(m.value)
		}
		return "{" + strings.Join(texts, ", ") + "}"
	case []any:
		texts := make([]string, len(v))
		for n, item := range v {
			texts[n] = inline(item)
		}
		return "[" + strings.Join(texts, ", ") + "]"
	case []string:
		texts := make([]string, len(v))
		for n, item := range v {
			texts[n] = inline(item)
		}
		return "[" + strings.Join(texts, ", ") + "]"
	case string:
		if plain.MatchString(v) && !special[strings.ToLower(v)] {
			return v
		}
		return strictyaml.Quote(v)
	}
	return fmt.Sprint(v)
}

// story is a flow to be written.
type story struct {
	scenario, description string
	feature               string
	given                 object // instances and users are objects of objects
	catalog               source
	steps                 []object
}

// source is a catalog that is given as a text, and what its file is called.
type source struct{ name, text string }

// text is the flow file.
func (s story) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("format: 1")
	line("scenario: %s", inline(s.scenario))
	line("description: %s", inline(s.description))
	line("features: [%s]", s.feature)
	line("given:")
	for _, m := range s.given {
		things, nested := m.value.(object)
		if !nested {
			line("  %s: %s", m.key, inline(m.value))
			continue
		}
		line("  %s:", m.key)
		for _, thing := range things {
			line("    %s: %s", thing.key, inline(thing.value))
		}
	}
	if s.catalog.name != "" {
		line("  catalog_name: %s", inline(s.catalog.name))
	}
	if s.catalog.text != "" {
		line("  catalog: |")
		for _, text := range strings.Split(strings.TrimRight(s.catalog.text, "\n"), "\n") {
			line("    %s", text)
		}
	}
	line("steps:")
	for _, st := range s.steps {
		mark := "-"
		for _, m := range st {
			line("  %s %s: %s", mark, m.key, inline(m.value))
			mark = " "
		}
	}
	return b.String()
}
