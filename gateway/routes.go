package gateway

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// route is a path prefix and the origin behind it.
type route struct {
	name   string // the prefix without slashes at the ends
	prefix string // "/" and the name
	origin *url.URL
	text   string // the origin's URL without a trailing slash
	// path and escaped are the origin's own path, without a trailing slash.
	path, escaped string
}

// segments is what a prefix may be: segments that are the same encoded and decoded, and
// none that a router would take for a variable.
var segments = regexp.MustCompile(`^[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*$`)

func newRoute(prefix, origin string) (*route, error) {
	if !segments.MatchString(prefix) {
		return nil, fmt.Errorf("gateway: %q cannot be a path prefix, expected segments of letters, digits, \".\", \"_\", \"~\", \"-\" such as \"foo\" or \"foo/v2\"", prefix)
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("gateway: the origin of %q is %q, expected a URL such as http://127.0.0.1:5100", prefix, origin)
	}
	return &route{
		name: prefix, prefix: "/" + prefix, origin: u,
		text:    strings.TrimSuffix(origin, "/"),
		path:    strings.TrimSuffix(u.Path, "/"),
		escaped: strings.TrimSuffix(u.EscapedPath(), "/"),
	}, nil
}

// rewrite points u, the URL of an incoming request, at the origin.
func (r *route) rewrite(u *url.URL) {
	u.Scheme, u.Host = r.origin.Scheme, r.origin.Host
	// The prefix is matched as it is sent, so it is as long encoded as it is decoded.
	path, escaped := r.path+u.Path[len(r.prefix):], ""
	if u.RawPath != "" || r.path != r.escaped {
		escaped = r.escaped + u.EscapedPath()[len(r.prefix):]
	}
	if path == "" {
		path, escaped = "/", ""
	}
	u.Path, u.RawPath = path, escaped
}

// upstream is where a request goes, for the journal: without the query, which may hold
// what is nobody's business.
func (r *route) upstream(u *url.URL) string {
	rest := u.EscapedPath()[len(r.prefix):]
	if rest == "" && r.escaped == "" {
		rest = "/"
	}
	return r.text + rest
}
