package scenarios

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// mend is what an expected value is to be for a flow to pass.
type mend struct {
	value any
	kept  string // why it stays as it is; empty if it need not
}

func (j *judging) body(a *answer) {
	want, err := expand(j.want.Body, j.resolve)
	if err != nil {
		j.complain("body", "%v", err)
		return
	}
	var got any
	notJSON := json.Unmarshal(a.body, &got) != nil
	plain := strings.TrimSpace(string(a.body))
	if text, ok := want.(string); ok {
		decoded, isText := got.(string)
		if same := isText && decoded == text || plain == strings.TrimSpace(text); !same {
			j.otherBody(nil, plain, "expected the body %q, got %q", text, plain)
		}
		return
	}
	if notJSON {
		j.otherBody(nil, plain, "expected JSON, got %q", cut(string(a.body), 200))
		return
	}
	exact := exactly(a.body)
	for _, d := range differences(want, got) {
		j.otherBody(d.path, dig(exact, d.path), "body%s: %s", d.at(), d.text)
	}
}

// otherBody complains about a part of a body that is another one than expected.
func (j *judging) otherBody(path []any, got any, format string, args ...any) {
	p := j.problem(strictyaml.Join(j.at+".expect.body", path...), format, args...)
	p.mend = &mend{value: got, kept: j.kept(path, got)}
	j.found = append(j.found, p)
}

// kept is why what is expected of a part of a body is not to be rewritten, empty if it may be.
func (j *judging) kept(path []any, got any) string {
	switch written := dig(j.want.Body, path); {
	case written == nil:
		return "null says that there must be nothing"
	case refers(written):
		return "a reference says what it must be"
	case refers(got):
		return "the new value would be read as a reference"
	case !reflect.DeepEqual(j.redact.values(got), got):
		return "the new value is a secret"
	}
	return ""
}

// refers reports whether there is a reference in what YAML or JSON holds.
func refers(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, "${")
	case []any:
		for _, item := range v {
			if refers(item) {
				return true
			}
		}
	case map[string]any:
		for key, item := range v {
			if refers(key) || refers(item) {
				return true
			}
		}
	}
	return false
}

// dig is the part of a value at a path; nil if there is none.
func dig(v any, path []any) any {
	for _, part := range path {
		switch in := v.(type) {
		case map[string]any:
			v = in[fmt.Sprint(part)]
		case []any:
			n, ok := part.(int)
			if !ok || n >= len(in) {
				return nil
			}
			v = in[n]
		default:
			return nil
		}
	}
	return v
}

// exactly reads JSON as YAML would be read: with whole numbers.
func exactly(body []byte) any {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return whole(v)
}

func whole(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64() // JSON that was read as float64 before
		return f
	case []any:
		for n := range v {
			v[n] = whole(v[n])
		}
	case map[string]any:
		for key := range v {
			v[key] = whole(v[key])
		}
	}
	return v
}
