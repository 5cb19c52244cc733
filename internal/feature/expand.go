package feature

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// Values are what a reply may refer to, as ${name}.
type Values struct {
	Now       time.Time // ${now.unix}, ${now.rfc3339}
	RequestID string    // ${request.id}
}

var variables = map[string]func(Values) any{
	"now.unix":    func(v Values) any { return v.Now.Unix() },
	"now.rfc3339": func(v Values) any { return v.Now.UTC().Format(time.RFC3339) },
	"request.id":  func(v Values) any { return v.RequestID },
}

var reference = regexp.MustCompile(`\$\{([^}]*)\}`)

// Expand fills the values into a copy of reply. A text that is one reference and nothing
// else takes the value's own type, so that ${now.unix} becomes a number.
func Expand(reply any, values Values) any {
	switch r := reply.(type) {
	case string:
		return expandText(r, values)
	case []any:
		list := make([]any, len(r))
		for n, item := range r {
			list[n] = Expand(item, values)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(r))
		for key, item := range r {
			object[key] = Expand(item, values)
		}
		return object
	default:
		return reply
	}
}

func expandText(text string, values Values) any {
	if !strings.Contains(text, "${") {
		return text
	}
	if m := reference.FindStringSubmatch(text); m != nil && m[0] == text {
		if value, ok := variables[m[1]]; ok {
			return value(values)
		}
	}
	return reference.ReplaceAllStringFunc(text, func(ref string) string {
		if value, ok := variables[ref[2:len(ref)-1]]; ok {
			return fmt.Sprint(value(values))
		}
		return ref
	})
}

// checkVariables returns an error for each reference that Expand does not know.
func checkVariables(reply any) []error {
	var errs []error
	switch r := reply.(type) {
	case string:
		for _, m := range reference.FindAllStringSubmatch(r, -1) {
			if _, ok := variables[m[1]]; ok {
				continue
			}
			known := slices.Sorted(maps.Keys(variables))
			text := fmt.Sprintf("unknown variable %q, expected one of %s", m[0], strings.Join(known, ", "))
			if near := strictyaml.Suggest(m[1], known); near != "" {
				text += fmt.Sprintf(" (did you mean ${%s}?)", near)
			}
			errs = append(errs, fmt.Errorf("%s", text))
		}
	case []any:
		for _, item := range r {
			errs = append(errs, checkVariables(item)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(r)) {
			errs = append(errs, checkVariables(r[key])...)
		}
	}
	return errs
}
