package scenarios

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// difference is one place where two values differ.
type difference struct {
	path []any  // keys and indexes; none for the whole
	text string // in words
	got  any    // what is there in place of what was expected; nil if nothing is
}

// at is the place for a reader, such as .a[3].b.
func (d difference) at() string {
	text := ""
	for _, part := range d.path {
		switch part.(type) {
		case int:
			text += fmt.Sprintf("[%d]", part)
		default:
			text += fmt.Sprintf(".%v", part)
		}
	}
	return text
}

// differences compares what was expected with what came, both as JSON has it. Objects may
// have more members than expected, and a member expected to be null may be absent.
func differences(want, got any) []difference { return compare(nil, want, got) }

func compare(path []any, want, got any) []difference {
	one := func(format string, args ...any) []difference {
		return []difference{{path, fmt.Sprintf(format, args...), got}}
	}
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return one("expected an object, got %s", shown(got))
		}
		var found []difference
		for _, key := range slices.Sorted(maps.Keys(want)) {
			at := append(slices.Clone(path), key)
			value, there := object[key]
			switch {
			case !there && want[key] == nil:
			case !there:
				found = append(found, difference{at, fmt.Sprintf("expected %s, got nothing%s", shown(want[key]), among(object)), nil})
			default:
				found = append(found, compare(at, want[key], value)...)
			}
		}
		return found
	case []any:
		list, ok := got.([]any)
		if !ok {
			return one("expected a list, got %s", shown(got))
		}
		if len(list) != len(want) {
			return one("expected %s (%d of them), got %s (%d)", shown(want), len(want), shown(got), len(list))
		}
		var found []difference
		for n := range want {
			found = append(found, compare(append(slices.Clone(path), n), want[n], list[n])...)
		}
		return found
	}
	if equal(want, got) {
		return nil
	}
	return one("expected %s, got %s", shown(want), shown(got))
}

// among names the members that are there, for a member that is not.
func among(object map[string]any) string {
	const most = 8
	if len(object) == 0 || len(object) > most {
		return ""
	}
	return " among " + strings.Join(slices.Sorted(maps.Keys(object)), ", ")
}

// equal compares scalars. A number is the same as an int and as a float.
func equal(want, got any) bool {
	a, okA := number(want)
	b, okB := number(got)
	if okA || okB {
		return okA && okB && a == b
	}
	return want == got
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// shown is a value as JSON, cut where it is long.
func shown(v any) string {
	const longest = 200
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(text) > longest {
		return strings.ToValidUTF8(string(text[:longest]), "") + "..."
	}
	return string(text)
}

// sameSet reports whether two lists hold the same texts, whatever the order.
func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// texts reads a claim that is a text or a list of texts.
func texts(claim any) ([]string, bool) {
	switch c := claim.(type) {
	case string:
		return []string{c}, true
	case []any:
		list := make([]string, 0, len(c))
		for _, item := range c {
			s, ok := item.(string)
			if !ok {
				return nil, false
			}
			list = append(list, s)
		}
		return list, true
	}
	return nil, false
}
