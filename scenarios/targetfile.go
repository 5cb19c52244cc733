package scenarios

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// targetFile is a target as it is written.
type targetFile struct {
	Format       int               `yaml:"format,required"`
	Control      []string          `yaml:"control"`
	ControlToken string            `yaml:"control_token"`
	Services     map[string]string `yaml:"services"`
	ConnectTo    map[string]string `yaml:"connect_to"`
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}`)

// ParseTarget reads a target file. In its texts, ${NAME} and ${NAME:-default} are taken
// from the environment, which getenv looks up. All problems come back at once, as
// strictyaml.Problems.
func ParseTarget(name string, data []byte, getenv func(string) string) (Target, error) {
	doc, err := strictyaml.Parse(name, data)
	if err != nil {
		return Target{}, err
	}
	var f targetFile
	var found strictyaml.Problems
	if err := doc.Decode(&f); err != nil && !errors.As(err, &found) {
		return Target{}, err
	}
	complain := func(at, hint, format string, args ...any) {
		found = append(found, doc.Problem(at, fmt.Sprintf(format, args...), hint))
	}
	fill := func(at, text string) string {
		return variable.ReplaceAllStringFunc(text, func(ref string) string {
			m := variable.FindStringSubmatch(ref)
			value := getenv(m[1])
			if value == "" && m[2] == "" {
				complain(at, "export it, or write ${"+m[1]+":-default}", "%s is not set", m[1])
			}
			if value == "" {
				value = m[3]
			}
			return value
		})
	}
	base := func(at, text string) string {
		text = fill(at, text)
		if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			complain(at, "", "%q is not the URL of a service, expected such as http://127.0.0.1:7070", text)
		}
		return text
	}
	if f.Format != Format && f.Format != 0 {
		complain("format", "", "format %d is not known, expected %d", f.Format, Format)
	}
	t := Target{
		Name: strings.TrimSuffix(path.Base(name), path.Ext(name)), ControlToken: fill("control_token", f.ControlToken),
		Services: map[string]string{}, ConnectTo: map[string]string{},
	}
	for n, u := range f.Control {
		t.Control = append(t.Control, base(strictyaml.Join("control", n), u))
	}
	for service, u := range f.Services {
		t.Services[service] = base(strictyaml.Join("services", service), u)
	}
	for from, to := range f.ConnectTo {
		at := strictyaml.Join("connect_to", from)
		to = fill(at, to)
		for _, addr := range []string{from, to} {
			if _, _, err := net.SplitHostPort(addr); err != nil {
				complain(at, "", "%q is not a host and a port, expected such as *.test:3000", addr)
			}
		}
		t.ConnectTo[from] = to
	}
	if len(f.Control) == 0 && len(f.Services) == 0 && len(found) == 0 {
		complain("", "", "the target has neither control planes nor services")
	}
	return t, found.Err()
}
