// Package pydantic checks JSON values as pydantic 2 does in its lax mode, for services that imitate FastAPI: what is
// converted, what is refused, and how the refusal is worded.
//
// Values are those of Python's JSON: nil, bool, *big.Int, float64, string, []any and map[string]any.
package pydantic

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// Error is one thing that does not fit, as FastAPI lists it.
type Error struct {
	Type    string         `json:"type"`
	Loc     []any          `json:"loc"` // names and indices, from "body" on
	Msg     string         `json:"msg"`
	Input   any            `json:"input"`
	Context map[string]any `json:"ctx,omitempty"`
}

func (e Error) String() string {
	path := make([]string, len(e.Loc))
	for n, l := range e.Loc {
		path[n] = fmt.Sprint(l)
	}
	return strings.Join(path, ".") + ": " + e.Msg
}

// Type is a type as a model's annotation names it.
type Type interface {
	// check returns the value as the model holds it. What does not fit is added to c.
	check(c *checker, at []any, v any) any
	// branch is the type's name in the place of an error, where it is one of a union.
	branch() string
}

// Check holds a body against a type: the value as converted, or everything that does not fit. There is nothing to a body
// that is nil.
func Check(t Type, body any) (any, []Error) {
	c := &checker{}
	at := []any{"body"}
	if body == nil {
		c.add("missing", at, "Field required", nil, nil)
		return nil, c.errors
	}
	v := t.check(c, at, body)
	return v, c.errors
}

type checker struct{ errors []Error }

func (c *checker) add(kind string, at []any, msg string, input any, context map[string]any) {
	c.errors = append(c.errors, Error{kind, slices.Clone(at), msg, input, context})
}

func below(at []any, step any) []any { return append(at[:len(at):len(at)], step) }

// integerText is a text that stands for an int: digits with single underscores between them, and a fraction of zeros.
var integerText = regexp.MustCompile(`^([+-]?[0-9]+(?:_[0-9]+)*)(?:\.0+)?$`)

// mostDigits is how many characters such a text has at most.
const mostDigits = 4300

// integer is v as Python's int, if v is one or stands for one.
func integer(v any) (*big.Int, string, string) {
	const wanted = "Input should be a valid integer"
	switch v := v.(type) {
	case *big.Int:
		return v, "", ""
	case bool:
		if v {
			return big.NewInt(1), "", ""
		}
		return new(big.Int), "", ""
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, "finite_number", "Input should be a finite number"
		}
		whole, accuracy := big.NewFloat(v).Int(nil)
		switch {
		case accuracy != big.Exact:
			return nil, "int_from_float", wanted + ", got a number with a fractional part"
		case !whole.IsInt64():
			return nil, "int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size"
		}
		return whole, "", ""
	case string:
		m := integerText.FindStringSubmatch(strings.TrimSpace(v))
		switch {
		case m == nil:
			return nil, "int_parsing", wanted + ", unable to parse string as an integer"
		case len(m[1]) > mostDigits:
			return nil, "int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size"
		}
		n, _ := new(big.Int).SetString(strings.ReplaceAll(m[1], "_", ""), 10)
		return n, "", ""
	}
	return nil, "int_type", wanted
}
