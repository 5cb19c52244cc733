// Package feature reads feature files. A feature file is all that a new scope needs: the
// entry in CustomersDot's cloud_connector.yml, the endpoint on the GitLab side and the
// backend that serves it.
package feature

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/duocontract"
	"github.com/ccmock/ccmock/internal/strictyaml"
)

// Feature is one feature file.
type Feature struct {
	File        string
	Name        string // the scope, or the service that bundles several
	Description string
	Rails       Rails
	Backend     Backend
	// CloudConnector is the feature's entry in cloud_connector.yml.
	CloudConnector catalog.Service
}

// Rails is the GitLab side: what an end user calls, and what GitLab then asks
// CloudConnector::AccessService for.
type Rails struct {
	// Endpoint defaults to "POST /api/v4/<feature>".
	Endpoint Endpoint `yaml:"endpoint"`
	// Scopes are what the caller asks a token for; by default those of the cloud_connector
	// entry. They count on GitLab.com only.
	Scopes []string `yaml:"scopes"`
	// ExtraClaims go into self-issued tokens, so on GitLab.com only.
	ExtraClaims map[string]any `yaml:"extra_claims"`
}

// Backend is the service that answers for the feature.
type Backend struct {
	// Name is the path prefix at the gateway: <gateway>/<name>.
	Name     string   `yaml:"name,required"`
	Endpoint Endpoint `yaml:"endpoint,required"`
	// Scope is what the endpoint requires of a token; by default the first of Rails.Scopes.
	Scope string `yaml:"scope"`
	// Audience is the aud that the backend takes; by default that of the cloud_connector
	// entry.
	Audience string  `yaml:"audience"`
	Profile  Profile `yaml:"profile"`
	// URL puts a real service in the stub's place.
	URL string `yaml:"url"`

	Status  int               `yaml:"status"` // of the answer; 200 if 0
	Headers map[string]string `yaml:"headers"`
	// Reply is the JSON body of the answer; see Expand for what it may refer to.
	Reply any `yaml:"reply"`
	// Stream, in place of Reply, is sent piece by piece as text/event-stream.
	Stream []string `yaml:"stream"`
}

// GRPC reports whether the backend speaks gRPC. Its path prefix at the gateway is then the
// gRPC service, which stays in the path, as gRPC clients know no other.
func (b Backend) GRPC() bool { return b.Profile == DuoWorkflow }

// Prefix is the backend's path prefix at the gateway, without slashes.
func (b Backend) Prefix() string {
	if b.GRPC() {
		return duocontract.DuoWorkflow
	}
	return b.Name
}

// Profile is how a backend verifies tokens.
type Profile string

// The verifier profiles.
const (
	// Strict is what the documentation asks of a backend.
	Strict Profile = "strict"
	// AIGateway is the AI gateway stub, with its own endpoints, messages and user tokens.
	AIGateway Profile = "ai-gateway"
	// DuoWorkflow is the Duo Workflow Service stub, which speaks gRPC.
	DuoWorkflow Profile = "duo-workflow"
)

// Endpoint is a method and a path, written as "POST /path".
type Endpoint struct{ Method, Path string }

func (e Endpoint) String() string { return e.Method + " " + e.Path }

var methods = []string{
	http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead,
}

// UnmarshalText reads "POST /path".
func (e *Endpoint) UnmarshalText(text []byte) error {
	method, target, ok := strings.Cut(string(text), " ")
	if !ok || !slices.Contains(methods, method) || !strings.HasPrefix(target, "/") || strings.ContainsAny(target, " ?#") {
		return fmt.Errorf("%q is not an endpoint, expected a method and a path such as \"POST /new_feature_endpoint\"", text)
	}
	e.Method, e.Path = method, target
	return nil
}

// file is a feature file as it is written.
type file struct {
	Format         int     `yaml:"format,required"`
	Feature        string  `yaml:"feature,required"`
	Description    string  `yaml:"description"`
	Rails          Rails   `yaml:"rails"`
	Backend        Backend `yaml:"backend,required"`
	CloudConnector any     `yaml:"cloud_connector,required"` // read by package catalog
}

// Shape is the type that a feature file is decoded into, for who describes the format.
// Its cloud_connector is of catalog.ServiceShape.
func Shape() reflect.Type { return reflect.TypeFor[file]() }

// Format is the only format of feature files so far.
const Format = 1

// Parse reads one feature file. All problems come back at once, as strictyaml.Problems.
func Parse(name string, data []byte) (Feature, error) {
	doc, err := strictyaml.Parse(name, data)
	if err != nil {
		return Feature{}, err
	}
	var f file
	var found strictyaml.Problems
	if err := doc.Decode(&f); err != nil && !errors.As(err, &found) {
		return Feature{}, err
	}
	complain := func(path, hint, format string, args ...any) {
		found = append(found, doc.Problem(path, fmt.Sprintf(format, args...), hint))
	}
	if f.Format != Format && f.Format != 0 {
		complain("format", "", "format %d is not known, expected %d", f.Format, Format)
	}
	feature := Feature{
		File: name, Name: f.Feature, Description: f.Description, Rails: f.Rails, Backend: f.Backend,
	}
	if f.Feature != "" && !identifier(f.Feature) {
		complain("feature", "", "%q cannot be a scope: lower-case letters, digits and underscores only", f.Feature)
	}
	if f.CloudConnector != nil && f.Feature != "" {
		feature.CloudConnector, err = catalog.ParseService(doc, "cloud_connector", f.Feature)
		var more strictyaml.Problems
		if errors.As(err, &more) {
			found = append(found, more...)
		} else if err != nil {
			return Feature{}, err
		}
	}
	feature.validate(complain)
	if err := found.Err(); err != nil {
		return Feature{}, err
	}
	feature.complete()
	return feature, nil
}

func (f Feature) validate(complain func(path, hint, format string, args ...any)) {
	b := f.Backend
	if b.Name != "" && !prefix(b.Name) {
		complain("backend.name", "", "%q cannot be a path prefix: lower-case letters, digits, dashes and underscores only", b.Name)
	}
	switch b.Profile {
	case "", Strict, AIGateway, DuoWorkflow:
	default:
		known := []string{string(Strict), string(AIGateway), string(DuoWorkflow)}
		p := strictyaml.Unknown("profile", string(b.Profile), known)
		complain("backend.profile", p.Hint, "%s", p.Message)
	}
	if b.URL != "" {
		if u, err := url.Parse(b.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			complain("backend.url", "", "%q is not the URL of a service, expected such as http://localhost:8000", b.URL)
		}
	}
	if b.Status != 0 && (b.Status < 200 || b.Status > 599) {
		complain("backend.status", "", "%d is not a status between 200 and 599", b.Status)
	}
	if b.GRPC() {
		if e := (Endpoint{http.MethodPost, "/DuoWorkflow/ExecuteWorkflow"}); b.Endpoint.Path != "" && b.Endpoint != e {
			complain("backend.endpoint", "", "the Duo Workflow Service is %s", e)
		}
		if b.Reply != nil || len(b.Stream) > 0 || b.Status != 0 || len(b.Headers) > 0 {
			complain("backend.profile", "duo_workflow.script of the world says what it does", "the Duo Workflow Service answers by gRPC alone, so that reply, stream, status and headers mean nothing")
		}
	}
	if b.Reply != nil && len(b.Stream) > 0 {
		complain("backend.stream", "", "a backend answers with reply or with stream, not with both")
	}
	for _, err := range checkVariables(b.Reply) {
		complain("backend.reply", "", "%v", err)
	}
	for _, s := range b.Stream {
		for _, err := range checkVariables(s) {
			complain("backend.stream", "", "%v", err)
		}
	}
}

func (f *Feature) complete() {
	if f.Rails.Endpoint.Path == "" {
		f.Rails.Endpoint = Endpoint{http.MethodPost, "/api/v4/" + f.Name}
	}
	if len(f.Rails.Scopes) == 0 {
		f.Rails.Scopes = f.CloudConnector.Scopes()
	}
	if f.Backend.Scope == "" {
		f.Backend.Scope = f.Rails.Scopes[0]
	}
	if f.Backend.Audience == "" {
		f.Backend.Audience = f.CloudConnector.Audience()
	}
	if f.Backend.Profile == "" {
		f.Backend.Profile = Strict
	}
	if f.Backend.Status == 0 {
		f.Backend.Status = http.StatusOK
	}
}

// Load reads every .yaml and .yml file of a folder, sorted by name. All problems of all
// files come back at once, as strictyaml.Problems.
func Load(fsys fs.FS, dir string) ([]Feature, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("read feature files: %w", err)
	}
	var features []Feature
	var found strictyaml.Problems
	for _, e := range entries {
		if ext := path.Ext(e.Name()); e.IsDir() || ext != ".yaml" && ext != ".yml" {
			continue
		}
		name := path.Join(dir, e.Name())
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("read feature files: %w", err)
		}
		f, err := Parse(name, data)
		var more strictyaml.Problems
		switch {
		case errors.As(err, &more):
			found = append(found, more...)
		case err != nil:
			return nil, err
		default:
			features = append(features, f)
		}
	}
	found = append(found, conflicts(features)...)
	return features, found.Err()
}

// conflicts finds what two features cannot both have.
func conflicts(features []Feature) strictyaml.Problems {
	var found strictyaml.Problems
	taken := map[string]string{}
	claim := func(f Feature, what, key, path string) {
		if other, ok := taken[what+key]; ok {
			found = append(found, strictyaml.Problem{
				File: f.File, Line: 1, Path: path,
				Message: fmt.Sprintf("%s %q is taken by %s already", what, key, other),
			})
			return
		}
		taken[what+key] = f.File
	}
	backends := map[string]Feature{}
	for _, f := range features {
		claim(f, "the feature", f.Name, "feature")
		claim(f, "the endpoint of GitLab", f.Rails.Endpoint.String(), "rails.endpoint")
		if f.Backend.Profile != AIGateway {
			claim(f, "the endpoint of backend", f.Backend.Name+" "+f.Backend.Endpoint.String(), "backend.endpoint")
		}
		first, ok := backends[f.Backend.Name]
		if !ok {
			backends[f.Backend.Name] = f
			continue
		}
		same := first.Backend.Audience == f.Backend.Audience && first.Backend.URL == f.Backend.URL && first.Backend.Profile == f.Backend.Profile
		if !same {
			found = append(found, strictyaml.Problem{
				File: f.File, Line: 1, Path: "backend",
				Message: fmt.Sprintf("backend %q has another audience, url or profile in %s", f.Backend.Name, first.File),
			})
		}
	}
	return found
}

// Names returns the features' names in their order.
func Names(features []Feature) []string {
	names := make([]string, len(features))
	for n, f := range features {
		names[n] = f.Name
	}
	return names
}

func identifier(s string) bool { return only(s, "_") }

func prefix(s string) bool { return only(s, "-_") }

func only(s, extra string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && !strings.ContainsRune(extra, c) {
			return false
		}
	}
	return s != ""
}
