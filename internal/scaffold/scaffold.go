package scaffold

import (
	"bytes"
	"embed"
	"fmt"
	"go/format"
	"net/http"
	"regexp"
	"strings"
	"text/template"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/world"
)

// New is a feature that is to be written down. Only Name is needed.
type New struct {
	Name       string           // the scope
	Backend    string           // path prefix at the gateway; the name with dashes if empty
	Endpoint   feature.Endpoint // of the backend; "POST /<name>" if empty
	AddOn      string           // that has the scope since the cut-off; none if empty
	CutOff     time.Time        // end of free access; zero: free for ever
	MinVersion catalog.Version  // of GitLab; zero: any
	// Schema and FlowSchema are where the JSON schemas are, for a line that editors read;
	// none if empty.
	Schema, FlowSchema string
}

var (
	scopes    = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	prefixes  = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)
	addOns    = regexp.MustCompile(`^[a-z0-9][a-z0-9_]*$`)
	paths     = regexp.MustCompile(`^/[A-Za-z0-9._~/-]*$`)
	templates = template.Must(template.ParseFS(files, "templates/*.tmpl"))
)

//go:embed templates/*.tmpl
var files embed.FS

// Complete fills in what was left out, and says what is wrong with the rest. The first word
// of the error is the field, in the words of the command line.
func (n *New) Complete() error {
	if n.Backend == "" {
		n.Backend = strings.ReplaceAll(n.Name, "_", "-")
	}
	if n.Endpoint.Path == "" {
		n.Endpoint = feature.Endpoint{Method: http.MethodPost, Path: "/" + n.Name}
	}
	switch {
	case !scopes.MatchString(n.Name):
		return fmt.Errorf("NAME cannot be %q: a scope has lower-case letters, digits and underscores, and begins with a letter", n.Name)
	case !prefixes.MatchString(n.Backend):
		return fmt.Errorf("--backend cannot be %q: a path prefix has lower-case letters, digits, dashes and underscores", n.Backend)
	case !paths.MatchString(n.Endpoint.Path):
		return fmt.Errorf("--endpoint cannot have the path %q: a path has letters, digits and . _ ~ - / only", n.Endpoint.Path)
	case n.AddOn != "" && !addOns.MatchString(n.AddOn):
		return fmt.Errorf("--add-on cannot be %q: an add-on has lower-case letters, digits and underscores", n.AddOn)
	}
	return nil
}

// Snippet is code for the author to begin with.
type Snippet struct {
	Title string
	File  string // what to call it
	Text  string
}

// Feature is the feature file.
func (n New) Feature() string { return n.execute("feature.yaml.tmpl") }

// Flow is a flow that passes as it stands, with the feature file as it stands.
func (n New) Flow() string { return n.execute("flow.yaml.tmpl") }

// Snippets are the FastAPI and the Go backend, of which one is needed, and the Rails side.
func (n New) Snippets() []Snippet {
	source := []byte(n.execute("backend.go.tmpl"))
	formatted, err := format.Source(source)
	if err != nil {
		formatted = source // a test compiles it
	}
	return []Snippet{
		{"the backend in FastAPI", n.Name + ".py", n.execute("fastapi.py.tmpl")},
		{"the backend in Go", n.Name + ".go", string(formatted)},
		{"the call in GitLab Rails", n.Name + ".rb", n.execute("rails.rb.tmpl")},
	}
}

// blank is what leaving out a part of a template leaves behind.
var blank = regexp.MustCompile(`\n{4,}`)

func (n New) execute(name string) string {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, fields{n}); err != nil {
		panic(err) // the templates are embedded, and fields has all that they ask for
	}
	return blank.ReplaceAllString(b.String(), "\n\n\n")
}

// fields is what the templates see.
type fields struct{ New }

// CutOff is written as in cloud_connector.yml.
func (f fields) CutOff() string {
	if f.New.CutOff.IsZero() {
		return ""
	}
	return f.New.CutOff.UTC().Format("2006-01-02 15:04:05 UTC")
}

// MinVersion is empty where any version will do.
func (f fields) MinVersion() string { return f.New.MinVersion.String() }

// GitLabVersion is the first one that gets the scope, in three numbers, which need no quotes.
func (f fields) GitLabVersion() string {
	if f.New.MinVersion.IsZero() {
		return world.DefaultVersion
	}
	return f.New.MinVersion.Core()
}

// Before is an hour before the cut-off, or any time where there is none.
func (f fields) Before() string {
	at := f.New.CutOff
	if at.IsZero() {
		at = time.Date(2024, 2, 15, 0, 0, 0, 0, time.UTC)
	}
	return at.UTC().Add(-time.Hour).Format(time.RFC3339)
}

// Audience is what tokens for the backend are made out to.
func (f fields) Audience() string { return catalog.DefaultAudience }

// Method, MethodLower and Path are those of the backend's endpoint.
func (f fields) Method() string      { return f.Endpoint.Method }
func (f fields) MethodLower() string { return strings.ToLower(f.Endpoint.Method) }
func (f fields) Path() string        { return f.Endpoint.Path }

// HasBody reports whether requests to the endpoint have one.
func (f fields) HasBody() bool {
	switch f.Endpoint.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return true
	}
	return false
}

// Camel is the name as a Ruby class has it.
func (f fields) Camel() string {
	var b strings.Builder
	for word := range strings.SplitSeq(f.Name, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}
