package probe

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/internal/token"
)

// Options say what is probed.
type Options struct {
	URL             string // of the endpoint, without a query
	Method          string // empty means POST
	Scope, Audience string
	Profile         feature.Profile // empty means strict
	// Leeway is how far the service's clock may be off, in whole seconds.
	Leeway  time.Duration
	Body    string            // sent with each call in place of what GitLab would send
	Headers map[string]string // sent with each call, in place of GitLab's of the same name
	Run     *regexp.Regexp    // only the cases whose names match, and the good calls; nil means all
	Keys    *token.Pool       // nil means new keys
	Ports   *ecosystem.Ports  // nil means free ports
	Version string
}

// ErrOptions is wrapped by errors about options that make no sense. Each may be a
// strictyaml.Problem, with a hint.
var ErrOptions = errors.New("wrong options")

// backend is the name that the service has here.
const backend = "probed"

// word is what a scope can be in a catalog.
var word = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:-]+$`)

var (
	methods  = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	profiles = []string{string(feature.Strict), string(feature.AIGateway)}
	// cases are made of these headers.
	reserved = []string{"Authorization", token.RealmHeader, token.InstanceHeader, token.UserHeader, token.AuthTypeHeader}
)

// Methods are those of endpoints that can be probed.
func Methods() []string { return slices.Clone(methods) }

func (o *Options) complete() {
	if o.Method == "" {
		o.Method = http.MethodPost
	}
	if o.Profile == "" {
		o.Profile = feature.Strict
	}
}

// validate returns what is wrong first.
func (o *Options) validate() error {
	u, err := url.Parse(o.URL)
	switch {
	case o.URL == "":
		return missing("URL", "http://localhost:8000/new_feature_endpoint")
	case err != nil, u.Host == "", u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%q is not the URL of an endpoint, expected such as http://localhost:8000/new_feature_endpoint", o.URL)
	case u.RawQuery != "", u.Fragment != "":
		return fmt.Errorf("the URL %q has more than a path, expected such as http://localhost:8000/new_feature_endpoint", o.URL)
	case o.Scope == "":
		return missing("scope", "new_feature_scope")
	case !word.MatchString(o.Scope):
		return fmt.Errorf("%q cannot be a scope, expected one word such as new_feature_scope", o.Scope)
	case o.Audience == "":
		return missing("audience", "gitlab-ai-gateway")
	case len(o.Audience) < 2:
		return fmt.Errorf("the audience %q is too short for another one to look like it", o.Audience)
	case !slices.Contains(methods, o.Method):
		return strictyaml.Unknown("method", o.Method, methods)
	case !slices.Contains(profiles, string(o.Profile)):
		return strictyaml.Unknown("profile", string(o.Profile), profiles)
	case o.Leeway < 0 || o.Leeway > time.Hour || o.Leeway%time.Second != 0:
		return fmt.Errorf("the leeway %s is not one, expected whole seconds and an hour at most, such as 60s", o.Leeway)
	}
	for name, value := range o.Headers {
		if err := plain("header "+name, value); err != nil {
			return err
		}
		if slices.ContainsFunc(reserved, func(r string) bool { return strings.EqualFold(r, name) }) {
			return fmt.Errorf("the header %s is what the cases are about; it cannot be set", textproto.CanonicalMIMEHeaderKey(name))
		}
	}
	return plain("body", o.Body)
}

// plain refuses what a flow would read as a reference.
func plain(what, text string) error {
	if strings.Contains(text, "${") {
		return fmt.Errorf("the %s has ${ in it, which cannot be sent, as a flow has its references that way", what)
	}
	return nil
}

func missing(what, example string) error {
	return fmt.Errorf("the %s is missing, expected such as %s", what, example)
}

// feature makes a feature of the options, which is free for everybody.
func (o *Options) feature() (feature.Feature, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return feature.Feature{}, err
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	text := fmt.Sprintf(`format: 1
feature: %q
backend: {name: %s, endpoint: %q, url: %q, profile: %q, scope: %q, audience: %q}
cloud_connector: {backend: %q, bundled_with: {duo_pro: {unit_primitives: [%q]}}}
`, o.Scope, backend, o.Method+" "+path, u.Scheme+"://"+u.Host, o.Profile, o.Scope, o.Audience, o.Audience, o.Scope)
	return feature.Parse("options", []byte(text))
}
