package scenarios

import (
	"embed"
	"fmt"
	"strings"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// The schemas are made from the structs, and from the comments in their sources.
//
//go:generate go test -run TestSchemasAreThoseOfTheStructs|TestEveryShippedFileNamesItsSchema . -update
//go:embed schemas/*.json
var schemaFiles embed.FS

// Schemas are the forms of files that there is a JSON Schema of.
func Schemas() []string { return []string{"feature", "flow", "target"} }

// Schema returns the JSON Schema of a form of files, as editors use it.
func Schema(form string) ([]byte, error) {
	text, err := schemaFiles.ReadFile("schemas/" + form + ".schema.json")
	if err != nil {
		unknown := strictyaml.Unknown("form of files", form, Schemas())
		return nil, fmt.Errorf("%w, expected one of %s", unknown, strings.Join(Schemas(), ", "))
	}
	return text, nil
}
