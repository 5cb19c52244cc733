package railsstub

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// selection is a field of a GraphQL query, with those that are selected of it.
type selection struct {
	name string
	of   []selection
}

// maxSelections bounds how many fields a query may select, at all depths.
const maxSelections = 200

// lexeme is what queries consist of, as far as they are understood here.
var lexeme = regexp.MustCompile(`[{}]|[_A-Za-z][_0-9A-Za-z]*|[^\s,]`)

// parseSelection reads a query without arguments, aliases, variables and fragments, which
// the fields that are answered here do not need.
func parseSelection(text string) ([]selection, error) {
	tokens := lexeme.FindAllString(text, -1)
	if len(tokens) > 0 && tokens[0] == "query" {
		tokens = tokens[1:]
		if len(tokens) > 0 && isName(tokens[0]) {
			tokens = tokens[1:]
		}
	}
	p := selectionParser{tokens: tokens}
	fields, err := p.block()
	if err == nil && len(p.tokens) > 0 {
		err = unexpected(p.tokens[0])
	}
	return fields, err
}

type selectionParser struct {
	tokens []string
	count  int
}

func (p *selectionParser) block() ([]selection, error) {
	if len(p.tokens) == 0 || p.tokens[0] != "{" {
		return nil, unexpected(strings.Join(p.tokens[:min(1, len(p.tokens))], ""))
	}
	p.tokens = p.tokens[1:]
	var fields []selection
	for len(p.tokens) > 0 {
		next := p.tokens[0]
		switch {
		case next == "}" && len(fields) > 0:
			p.tokens = p.tokens[1:]
			return fields, nil
		case next == "{" && len(fields) > 0 && fields[len(fields)-1].of == nil:
			of, err := p.block()
			if err != nil {
				return nil, err
			}
			fields[len(fields)-1].of = of
		case isName(next) && p.count < maxSelections:
			p.count++
			p.tokens = p.tokens[1:]
			fields = append(fields, selection{name: next})
		default:
			return nil, unexpected(next)
		}
	}
	return nil, unexpected("")
}

func isName(token string) bool {
	return token != "{" && token != "}" && lexeme.FindString(token) == token && token[0] >= 'A'
}

func unexpected(token string) error {
	if token == "" {
		return fmt.Errorf("Unexpected end of document") //nolint:staticcheck // the server's own words
	}
	return fmt.Errorf("Expected NAME, actual: %q", token) //nolint:staticcheck // the server's own words
}

// object is the value of a type, by field.
type object map[string]any

// pick is what a selection has of an object, its members in the selection's order.
func pick(typeName string, from object, fields []selection) (json.RawMessage, error) {
	var b strings.Builder
	b.WriteByte('{')
	for n, f := range fields {
		value, known := from[f.name]
		if !known {
			return nil, fmt.Errorf("Field '%s' doesn't exist on type '%s'", f.name, typeName) //nolint:staticcheck // the server's own words
		}
		text, err := pickValue(f, value)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", f.name, text)
	}
	b.WriteByte('}')
	return json.RawMessage(b.String()), nil
}

// typed is an object, or a list of them, under the name of its type.
type typed struct {
	name string
	one  object
	list []object
}

func pickValue(f selection, value any) (json.RawMessage, error) {
	t, isObject := value.(typed)
	switch {
	case value == nil:
		return json.RawMessage("null"), nil
	case !isObject && f.of != nil:
		return nil, fmt.Errorf("Selections can't be made on scalars (field '%s')", f.name) //nolint:staticcheck // the server's own words
	case !isObject:
		return json.Marshal(value)
	case f.of == nil:
		return nil, fmt.Errorf("Field must have selections (field '%s' returns %s but has no selections)", f.name, t.name) //nolint:staticcheck // the server's own words
	case t.one != nil:
		return pick(t.name, t.one, f.of)
	}
	items := make([]json.RawMessage, len(t.list))
	for n, item := range t.list {
		var err error
		if items[n], err = pick(t.name, item, f.of); err != nil {
			return nil, err
		}
	}
	return json.Marshal(items)
}
