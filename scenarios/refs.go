package scenarios

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// A reference is written ${...} in the texts of a flow:
//
//	${NAME}             what a step saved
//	${now}, ${now+72h}  the stub time in seconds since 1970, and times relative to it
//	${SERVICE.url}      a service's base URL; also .host, its name without the port
//	${INSTANCE.uuid}    an instance's id; also .license_key and .activation_code
//	${USER.global_id}   a user's anonymous id; also .token
var reference = regexp.MustCompile(`\$\{([^}]*)\}`)

// resolver gives a reference its value, or says what is wrong with it.
type resolver func(ref string) (any, error)

// expand fills references into a copy of v. A text that is one reference and nothing else
// takes the value's own type, so that ${now} is a number.
func expand(v any, resolve resolver) (any, error) {
	switch v := v.(type) {
	case string:
		return expandText(v, resolve)
	case []any:
		list := make([]any, len(v))
		for n, item := range v {
			var err error
			if list[n], err = expand(item, resolve); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, item := range v {
			var err error
			if object[key], err = expand(item, resolve); err != nil {
				return nil, err
			}
		}
		return object, nil
	}
	return v, nil
}

func expandText(text string, resolve resolver) (any, error) {
	if !strings.Contains(text, "${") {
		return text, nil
	}
	if m := reference.FindStringSubmatch(text); m != nil && m[0] == text {
		return resolve(m[1])
	}
	var first error
	filled := reference.ReplaceAllStringFunc(text, func(ref string) string {
		value, err := resolve(ref[2 : len(ref)-1])
		if err != nil && first == nil {
			first = err
		}
		return fmt.Sprint(value)
	})
	return filled, first
}

// text is expand for what stays a text.
func (r resolver) text(s string) (string, error) {
	v, err := expandText(s, r)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(v), nil
}

// texts expands the values of a map of texts.
func (r resolver) texts(m map[string]string) (map[string]string, error) {
	out := make(map[string]string, len(m))
	for key, value := range m {
		var err error
		if out[key], err = r.text(value); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// nullableTexts is texts for a map in which null means something.
func (r resolver) nullableTexts(m map[string]*string) (map[string]*string, error) {
	out := make(map[string]*string, len(m))
	for key, value := range m {
		if value == nil {
			out[key] = nil
			continue
		}
		filled, err := r.text(*value)
		if err != nil {
			return nil, err
		}
		out[key] = &filled
	}
	return out, nil
}

// facts are what references and checks know of a flow.
type facts struct {
	flow  *Flow
	saved func(name string) (value any, names []string, ok bool)
	now   func() time.Time
	url   func(service string) (string, error)
}

// resolve is the resolver of a flow.
func (f facts) resolve(ref string) (any, error) {
	if offset, ok := strings.CutPrefix(ref, "now"); ok && (offset == "" || offset[0] == '+' || offset[0] == '-') {
		at := f.now()
		if offset != "" {
			d, err := strictyaml.ParseDuration(offset)
			if err != nil {
				return nil, fmt.Errorf("${%s}: %w", ref, err)
			}
			at = at.Add(d)
		}
		return at.Unix(), nil
	}
	name, attribute, dotted := cutLast(ref, ".")
	if !dotted {
		value, names, ok := f.saved(ref)
		if !ok {
			return nil, unknown("saved value", ref, append(names, "now"))
		}
		return value, nil
	}
	switch attribute {
	case "url":
		return f.url(name)
	case "host":
		return f.host(name)
	}
	if i, ok := f.flow.World.Instance(name); ok {
		switch attribute {
		case "uuid":
			return i.UUID, nil
		case "license_key":
			key, ok := i.LicenseKey()
			if !ok {
				return nil, fmt.Errorf("${%s}: %s has no license", ref, name)
			}
			return key, nil
		case "activation_code":
			return i.ActivationCode(), nil
		}
		return nil, unknown("attribute of an instance", attribute, []string{"uuid", "license_key", "activation_code", "url", "host"})
	}
	if u, ok := f.flow.World.User(name); ok {
		i, _ := f.flow.World.Instance(u.Instance)
		switch attribute {
		case "global_id":
			return i.GlobalUserID(u), nil
		case "token":
			return u.Token, nil
		}
		return nil, unknown("attribute of a user", attribute, []string{"global_id", "token"})
	}
	return nil, unknown("instance or user", name, append(f.flow.instances(), f.flow.users()...))
}

// host is the host name in a service's URL.
func (f facts) host(name string) (any, error) {
	base, err := f.url(name)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	return u.Hostname(), nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	n := strings.LastIndex(s, sep)
	if n < 0 {
		return s, "", false
	}
	return s[:n], s[n+len(sep):], true
}

// unknown is the error of a word that is not among those known.
func unknown(what, word string, known []string) error {
	return strictyaml.Unknown(what, word, known)
}
