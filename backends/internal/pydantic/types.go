package pydantic

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Text is a string of at most so many characters; of any number if 0.
func Text(most int) Type { return text{most} }

type text struct{ most int }

func (t text) branch() string {
	if t.most > 0 {
		return "constrained-str"
	}
	return "str"
}

func (t text) check(c *checker, at []any, v any) any {
	s, ok := v.(string)
	switch {
	case !ok:
		c.add("string_type", at, "Input should be a valid string", v, nil)
	case t.most > 0 && utf8.RuneCountInString(s) > t.most:
		c.add("string_too_long", at, fmt.Sprintf("String should have at most %d character%s", t.most, plural(t.most)), v,
			map[string]any{"max_length": t.most})
	}
	return s
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// Integer is an int, or what lax mode takes for one.
func Integer() Type { return number{whole: true} }

// IntegerFrom is an int between two bounds.
func IntegerFrom(least, most int) Type {
	return number{whole: true, bounded: true, least: float64(least), most: float64(most)}
}

// NumberFrom is a float between two bounds.
func NumberFrom(least, most float64) Type { return number{bounded: true, least: least, most: most} }

// Number is a float of any size.
func Number() Type { return number{} }

type number struct {
	whole, bounded bool
	least, most    float64
}

func (t number) branch() string {
	if t.whole {
		return "int"
	}
	return "float"
}

func (t number) check(c *checker, at []any, v any) any {
	var got float64
	var out any
	if t.whole {
		n, kind, msg := integer(v)
		if kind != "" {
			c.add(kind, at, msg, v, nil)
			return nil
		}
		got, _ = new(big.Float).SetInt(n).Float64()
		out = n
	} else {
		f, kind, msg := float(v)
		if kind != "" {
			c.add(kind, at, msg, v, nil)
			return nil
		}
		got, out = f, f
	}
	switch {
	case t.bounded && got < t.least: // a float that is no number is over the most
		c.add("greater_than_equal", at, "Input should be greater than or equal to "+shown(t.least), v, map[string]any{"ge": t.least})
	case t.bounded && !(got <= t.most):
		c.add("less_than_equal", at, "Input should be less than or equal to "+shown(t.most), v, map[string]any{"le": t.most})
	}
	return out
}

func shown(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// withoutUnderscores leaves out single underscores within a number.
func withoutUnderscores(text string) string {
	if strings.Contains(text, "__") || strings.HasPrefix(text, "_") || strings.HasSuffix(text, "_") {
		return text
	}
	return strings.ReplaceAll(text, "_", "")
}

func float(v any) (f float64, kind, msg string) {
	const wanted = "Input should be a valid number"
	switch v := v.(type) {
	case float64:
		return v, "", ""
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f, "", ""
	case bool:
		if v {
			return 1, "", ""
		}
		return 0, "", ""
	case string:
		f, err := strconv.ParseFloat(withoutUnderscores(strings.TrimSpace(v)), 64)
		if hex := strings.ContainsAny(v, "xX"); !hex && (err == nil || errors.Is(err, strconv.ErrRange)) {
			return f, "", ""
		}
		return 0, "float_parsing", wanted + ", unable to parse string as a number"
	}
	return 0, "float_type", wanted
}

// Bool is a bool, or what lax mode takes for one: 0, 1, "true", "off" and their like.
func Bool() Type { return boolean{} }

type boolean struct{}

func (boolean) branch() string { return "bool" }

var (
	yes = []string{"1", "t", "true", "y", "yes", "on"}
	no  = []string{"0", "f", "false", "n", "no", "off"}
)

func (boolean) check(c *checker, at []any, v any) any {
	word, typed := "", false
	switch v := v.(type) {
	case bool:
		return v
	case string:
		word, typed = strings.ToLower(v), true
	case *big.Int:
		word, typed = v.String(), true
	case float64:
		word, typed = shown(v), v == math.Trunc(v)
	}
	if !typed {
		c.add("bool_type", at, "Input should be a valid boolean", v, nil)
		return false
	}
	if slices.Contains(yes, word) {
		return true
	}
	if !slices.Contains(no, word) {
		c.add("bool_parsing", at, "Input should be a valid boolean, unable to interpret input", v, nil)
	}
	return false
}

// OneOf is one of these words. Kind is enum for a Python Enum and literal_error for a Literal.
func OneOf(kind string, words ...string) Type { return oneOf{kind, words} }

type oneOf struct {
	kind  string
	words []string
}

func (t oneOf) branch() string { return t.kind }

func (t oneOf) check(c *checker, at []any, v any) any {
	if s, ok := v.(string); ok && slices.Contains(t.words, s) {
		return s
	}
	expected := alternatives(t.words)
	c.add(t.kind, at, "Input should be "+expected, v, map[string]any{"expected": expected})
	return ""
}

func alternatives(words []string) string {
	quoted := make([]string, len(words))
	for n, w := range words {
		quoted[n] = "'" + w + "'"
	}
	last := len(quoted) - 1
	if last == 0 {
		return quoted[0]
	}
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}

// Any is anything.
func Any() Type { return anything{} }

type anything struct{}

func (anything) branch() string                       { return "any" }
func (anything) check(_ *checker, _ []any, v any) any { return v }

// Dict is an object with any members.
func Dict() Type { return dict{} }

type dict struct{}

func (dict) branch() string { return "dict[str,any]" }

func (dict) check(c *checker, at []any, v any) any {
	if object, ok := v.(map[string]any); ok {
		return object
	}
	c.add("dict_type", at, "Input should be a valid dictionary", v, nil)
	return map[string]any{}
}

// List is a list of so many items; the most is none if 0.
func List(of Type, least, most int) Type { return list{of, least, most} }

type list struct {
	of          Type
	least, most int
}

func (t list) branch() string { return "list[" + t.of.branch() + "]" }

func (t list) check(c *checker, at []any, v any) any {
	items, ok := v.([]any)
	if !ok {
		c.add("list_type", at, "Input should be a valid list", v, nil)
		return []any{}
	}
	wrong := func(kind, word, member string, n int) {
		c.add(kind, at, fmt.Sprintf("List should have %s %d item%s after validation, not %d", word, n, plural(n), len(items)), v,
			map[string]any{"field_type": "List", member: n, "actual_length": len(items)})
	}
	if t.most > 0 && len(items) > t.most {
		wrong("too_long", "at most", "max_length", t.most)
		return []any{}
	}
	out, before := make([]any, len(items)), len(c.errors)
	for n, item := range items {
		out[n] = t.of.check(c, below(at, n), item)
	}
	if len(items) < t.least && len(c.errors) == before {
		wrong("too_short", "at least", "min_length", t.least)
	}
	return out
}
