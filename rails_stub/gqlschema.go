package railsstub

import (
	_ "embed" // for the schema
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/ccmock/ccmock/internal/graphql"
)

// schemaText is the schema of all versions. A line that ends in "# since 17.3" is in that
// version and in later ones.
//
//go:embed schema.graphql
var schemaText string

// schemas are the schemas of the versions that are in use.
type schemas struct {
	log *slog.Logger

	mu     sync.Mutex
	byText map[string]*graphql.Schema
}

// of returns the schema of a version. Versions that differ in nothing share one.
func (s *schemas) of(m milestone) (*graphql.Schema, error) {
	text := schemaAt(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.byText[text]; known != nil {
		return known, nil
	}
	parsed, err := graphql.NewSchema(text, &root{}, "rails", s.log)
	if err != nil {
		return nil, fmt.Errorf("the GraphQL schema of GitLab: %w", err)
	}
	if s.byText == nil {
		s.byText = map[string]*graphql.Schema{}
	}
	s.byText[text] = parsed
	return parsed, nil
}

// schemaAt is the schema as a version has it.
func schemaAt(m milestone) string {
	var text strings.Builder
	for line := range strings.Lines(schemaText) {
		_, version, marked := strings.Cut(line, "# since ")
		if !marked || since(strings.TrimSpace(version)).reached(m) {
			text.WriteString(line)
		}
	}
	return text.String()
}

// globalID is one of the scalars of global ids, such as gid://gitlab/User/7.
type globalID string

func (globalID) ImplementsGraphQLType(name string) bool { return strings.HasSuffix(name, "ID") }

// UnmarshalGraphQL takes nothing but a global id.
func (g *globalID) UnmarshalGraphQL(input any) error {
	text, ok := input.(string)
	if !ok || !strings.HasPrefix(text, "gid://gitlab/") {
		return fmt.Errorf("%q is not a valid Global ID", fmt.Sprint(input))
	}
	*g = globalID(text)
	return nil
}

// anyJSON is the scalar JSON.
type anyJSON struct{ value any }

func (anyJSON) ImplementsGraphQLType(name string) bool { return name == "JSON" }

func (j *anyJSON) UnmarshalGraphQL(input any) error {
	j.value = input
	return nil
}

func (j anyJSON) MarshalJSON() ([]byte, error) { return json.Marshal(j.value) }
