package strictyaml

import (
	"fmt"
	"strconv"
	"strings"
)

// Join extends a path by keys (strings) and list positions (ints):
// Join("steps", 3, "use") is "steps[3].use". A key that holds a dot, a bracket
// or a quote is quoted: `users["a.b"]`.
func Join(path string, parts ...any) string {
	var b strings.Builder
	b.WriteString(path)
	for _, part := range parts {
		switch p := part.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", p)
		case string:
			switch {
			case p == "" || strings.ContainsAny(p, ".[]\"\n"):
				fmt.Fprintf(&b, "[%q]", p)
			case b.Len() > 0:
				b.WriteByte('.')
				b.WriteString(p)
			default:
				b.WriteString(p)
			}
		default:
			fmt.Fprintf(&b, ".%v", p)
		}
	}
	return b.String()
}

// splitPath undoes Join. What it cannot read it takes as a key.
func splitPath(path string) []any {
	var parts []any
	for path != "" {
		switch path[0] {
		case '.':
			path = path[1:]
		case '[':
			inside := path[1:]
			if quoted, err := strconv.QuotedPrefix(inside); err == nil && strings.HasPrefix(inside[len(quoted):], "]") {
				key, _ := strconv.Unquote(quoted) // QuotedPrefix vouches for it
				parts = append(parts, key)
				path = inside[len(quoted)+1:]
				continue
			}
			number, rest, _ := strings.Cut(inside, "]")
			if i, err := strconv.Atoi(number); err == nil && i >= 0 {
				parts = append(parts, i)
			} else {
				parts = append(parts, number)
			}
			path = rest
		default:
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			parts = append(parts, path[:end])
			path = path[end:]
		}
	}
	return parts
}
