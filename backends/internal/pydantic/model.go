package pydantic

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Field is one of a model.
type Field struct {
	Name     string
	Type     Type
	Required bool
	Nullable bool
}

// Needs is a field that must be there.
func Needs(name string, t Type) Field { return Field{Name: name, Type: t, Required: true} }

// Takes is a field that may be left out or be null, which is the same to whom it concerns.
func Takes(name string, t Type) Field { return Field{Name: name, Type: t, Nullable: true} }

// Defaults is a field that may be left out, as it has a default, and not be null.
func Defaults(name string, t Type) Field { return Field{Name: name, Type: t} }

// Model is an object with these fields; it ignores others. What is left out or null is not in the result.
func Model(name string, fields ...Field) Type { return &model{name, fields} }

type model struct {
	name   string
	fields []Field
}

func (m *model) branch() string { return m.name }

func (m *model) check(c *checker, at []any, v any) any {
	object, ok := v.(map[string]any)
	if !ok {
		c.add("model_attributes_type", at, "Input should be a valid dictionary or object to extract fields from", v, nil)
		return map[string]any{}
	}
	out := make(map[string]any, len(m.fields))
	for _, f := range m.fields {
		member, there := object[f.Name]
		switch {
		case !there && f.Required:
			c.add("missing", below(at, f.Name), "Field required", v, nil)
		case !there, member == nil && f.Nullable:
		default:
			out[f.Name] = f.Type.check(c, below(at, f.Name), member)
		}
	}
	return out
}

// Union is the first of several types that fits. If none does, what every one of them lacks is listed.
func Union(of ...Type) Type { return union(of) }

type union []Type

func (union) branch() string { return "union" }

func (t union) check(c *checker, at []any, v any) any {
	var all []Error
	for _, one := range t {
		tried := &checker{}
		out := one.check(tried, below(at, one.branch()), v)
		if len(tried.errors) == 0 {
			return out
		}
		all = append(all, tried.errors...)
	}
	c.errors = append(c.errors, all...)
	return nil
}

// Tagged is one of several models by the value of one member, the tag. A tag that is a number is written as one, and a
// member that is left out has the tag unsaid, if that is not empty.
func Tagged(tag, unsaid string, order []string, by map[string]Type) Type {
	return &tagged{tag, unsaid, order, by}
}

type tagged struct {
	tag, unsaid string
	order       []string
	by          map[string]Type
}

func (*tagged) branch() string { return "tagged-union" }

func (t *tagged) check(c *checker, at []any, v any) any {
	object, ok := v.(map[string]any)
	if !ok {
		c.add("model_attributes_type", at, "Input should be a valid dictionary or object to extract fields from", v, nil)
		return map[string]any{}
	}
	context := map[string]any{"discriminator": "'" + t.tag + "'"}
	got, there := object[t.tag]
	word := t.unsaid
	if there {
		word = tagWord(got)
	}
	if word == "" {
		c.add("union_tag_not_found", at, fmt.Sprintf("Unable to extract tag using discriminator '%s'", t.tag), v, context)
		return map[string]any{}
	}
	one, known := t.by[word]
	if !known {
		expected := strings.Join(t.order, ", ")
		bare := strings.Trim(word, "'")
		context["tag"], context["expected_tags"] = bare, expected
		c.add("union_tag_invalid", at, fmt.Sprintf("Input tag '%s' found using '%s' does not match any of the expected tags: %s", bare, t.tag, expected), v, context)
		return map[string]any{}
	}
	return one.check(c, below(at, bareTag(got, word)), v)
}

// tagWord is a tag as the tags that are expected are written. True is 1 to Python, and so is 1.0.
func tagWord(v any) string {
	switch v := v.(type) {
	case string:
		return "'" + v + "'"
	case nil:
		return "None"
	case bool, *big.Int, float64:
		if n, kind, _ := integer(v); kind == "" {
			return n.String()
		}
	}
	text, _ := json.Marshal(v) //nolint:errchkjson // a float that is no number stands for no tag anyway
	return string(text)
}

// bareTag is a tag as the place of an error has it.
func bareTag(got any, word string) any {
	if f, ok := got.(float64); ok {
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	if n, ok := new(big.Int).SetString(word, 10); ok {
		return n
	}
	return strings.Trim(word, "'")
}
