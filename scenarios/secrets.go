package scenarios

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/internal/token"
)

// jwt matches a token, with its first two segments and its signature.
var jwt = regexp.MustCompile(`(eyJ[A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)`)

// personal matches a personal access token by its prefix.
var personal = regexp.MustCompile(`(glpat-[A-Za-z0-9_-])[A-Za-z0-9_-]*`)

// encoded matches base64 of a JSON object, which a licence key is, in lines of 60
// characters, and what is left of a token that was cut.
var encoded = regexp.MustCompile(`(eyJ[A-Za-z0-9]{6})[A-Za-z0-9+/_-]{30,}(?:(?:\\n|\n)[A-Za-z0-9+/]+)*=*`)

// private matches a private key in PEM, on lines of its own or escaped into one.
var private = regexp.MustCompile(`(?s)(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END [A-Z ]*PRIVATE KEY-----|$)`)

// redactor takes secrets out of what is shown and reported.
type redactor struct{ pats []string }

// newRedactor knows the personal access tokens of a flow's users, whatever they look like.
func newRedactor(f *Flow) redactor {
	var r redactor
	for _, u := range f.World.Users {
		if !strings.HasPrefix(u.Token, "glpat-") {
			r.pats = append(r.pats, u.Token)
		}
	}
	slices.SortFunc(r.pats, func(a, b string) int { return len(b) - len(a) })
	return r
}

// text is s without secrets.
func (r redactor) text(s string) string {
	s = private.ReplaceAllString(s, "$1...$2")
	s = jwt.ReplaceAllStringFunc(s, func(raw string) string {
		return "[token " + token.Digest(raw) + "]"
	})
	s = encoded.ReplaceAllString(s, "$1...")
	s = personal.ReplaceAllString(s, "$1...")
	for _, pat := range r.pats {
		s = strings.ReplaceAll(s, pat, shorten(pat))
	}
	return s
}

// values is what JSON holds without secrets.
func (r redactor) values(v any) any {
	switch v := v.(type) {
	case string:
		return r.text(v)
	case []any:
		list := make([]any, len(v))
		for n, item := range v {
			list[n] = r.values(item)
		}
		return list
	case map[string]any:
		if v == nil {
			return v
		}
		object := make(map[string]any, len(v))
		for key, item := range v {
			object[key] = r.values(item)
		}
		return object
	}
	return v
}

// shorten keeps enough of a secret to tell it from others.
func shorten(secret string) string {
	const shown = 4
	if len(secret) <= 2*shown {
		return "..."
	}
	return secret[:shown] + "..."
}

// headers lists a request's or an answer's headers, sorted by name.
func (r redactor) headers(h http.Header) []Field {
	fields := []Field{}
	for name, values := range h {
		for _, value := range values {
			value = r.text(value)
			if name == "Private-Token" || name == "X-Admin-Token" || name == "X-License-Token" {
				value = mask(value)
			}
			fields = append(fields, Field{name, value})
		}
	}
	slices.SortStableFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return fields
}

// mask shortens what is a secret for sure, unless that was done already.
func mask(value string) string {
	if strings.HasSuffix(value, "...") {
		return value
	}
	return shorten(value)
}
