package strictyaml

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// describe says what n is, for "got ...".
func (n *node) describe() string {
	switch n.kind {
	case kindNull:
		return "nothing"
	case kindBool, kindInt, kindFloat:
		if n.kind == kindBool {
			return n.shown()
		}
		return "the number " + n.shown()
	case kindString:
		return fmt.Sprintf("the string %q", n.shown())
	case kindSequence:
		return "a list"
	case kindMapping:
		return "a block of keys"
	}
	return "something unreadable"
}

// shown is a scalar's text, shortened.
func (n *node) shown() string {
	const longest = 60
	if text := []rune(n.text); len(text) > longest {
		return string(text[:longest]) + "..."
	}
	return n.text
}

// quoteHint says how to make a string of n, and what happens without.
func (n *node) quoteHint() string {
	switch n.kind {
	case kindBool, kindInt:
		return fmt.Sprintf("quote it: '%s'", n.shown())
	case kindFloat:
		hint := fmt.Sprintf("quote it: '%s'", n.shown())
		if f, err := n.number(); err == nil {
			if read := strconv.FormatFloat(f.(float64), 'f', -1, 64); read != n.text {
				hint += fmt.Sprintf("; without quotes %s is read as the number %s", n.shown(), read)
			}
		}
		return hint
	}
	return ""
}

// unquoteHint is for a number in quotes.
func (n *node) unquoteHint() string {
	if n.kind == kindString && n.quoted {
		if _, err := strconv.ParseFloat(n.text, 64); err == nil {
			return "remove the quotes"
		}
	}
	return ""
}

func (n *node) boolHint() string {
	if n.kind != kindString {
		return ""
	}
	switch strings.ToLower(n.text) {
	case "yes", "on", "y", "true":
		return "write true"
	case "no", "off", "n", "false":
		return "write false"
	}
	return ""
}

// asKey is a mapping's key as a node to decode into a key type: a key that is
// wanted as a number is taken for one.
func (n *node) asKey(t reflect.Type) *node {
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		key := *n
		if _, err := strconv.ParseInt(n.text, 10, 64); err == nil {
			key.kind = kindInt
		}
		return &key
	}
	return n
}

// describeType says what a Go type takes, for "expected ...".
func describeType(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == timeType:
		return "a time such as 2024-02-15 00:00:00 UTC"
	case t == durationType:
		return "a duration such as 90s, 2h or 3d"
	case reflect.PointerTo(t).Implements(textType):
		return "a string"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "a block of keys"
	case reflect.Interface:
		return "a value"
	}
	return "a whole number"
}

// blockType reports whether t is written as a block or list below its key.
func blockType(t reflect.Type) bool {
	return describeType(t) == "a list" || describeType(t) == "a block of keys"
}
