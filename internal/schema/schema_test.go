package schema_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/schema"
)

type Inner struct {
	Name string `yaml:"name,required,short"`

	Until *time.Time `yaml:"until,nullable"`
}

type common struct {
	Note string `yaml:"note"`
}

type outer struct {
	common `yaml:",inline"`
	Inner  *Inner             `yaml:"inner,required"`
	Count  map[string]*int    `yaml:"count"`
	Wait   time.Duration      `yaml:"wait"`
	Free   any                `yaml:"free"`
	Secret string             `yaml:"-"`
	Bare   []bool             // known by its name in lower case
	List   []map[string]Inner `yaml:"list"`
}

func TestOf(t *testing.T) {
	got, err := schema.Of(reflect.TypeFor[outer](), schema.Options{
		ID: "id", Title: "title",
		Docs:   map[string]string{"schema_test.Inner": "a part", "schema_test.Inner.Until": "when it ends"},
		Fields: map[string]schema.Rules{"schema_test.outer.Bare": {"minItems": 1}, "schema_test.outer": {"required": []string{"note"}}},
		Types:  map[reflect.Type]schema.Rules{reflect.TypeFor[time.Duration](): {"type": "string"}},
	})
	require.NoError(t, err)
	require.JSONEq(t, `{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "id", "title": "title",
		"type": "object", "additionalProperties": false, "required": ["inner", "note"],
		"properties": {
			"note": {"type": "string"},
			"inner": {"$ref": "#/$defs/schema_test.Inner"},
			"count": {"type": "object", "additionalProperties": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
			"wait": {"type": "string"},
			"free": {},
			"bare": {"type": "array", "items": {"type": "boolean"}, "minItems": 1},
			"list": {"type": "array", "items": {"type": "object", "additionalProperties": {"$ref": "#/$defs/schema_test.Inner"}}}
		},
		"$defs": {"schema_test.Inner": {"description": "a part", "oneOf": [{"type": "string"}, {
			"type": "object", "additionalProperties": false, "required": ["name"],
			"properties": {
				"name": {"type": "string"},
				"until": {"description": "when it ends", "anyOf": [
					{"type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}([T ]\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?)?( ?(Z|UTC|GMT|[+-]\\d{2}:?\\d{2}))?$"},
					{"type": "null"}
				]}
			}
		}]}}
	}`, string(got))
}

func TestOfRefusesRulesForWhatIsNotThere(t *testing.T) {
	_, err := schema.Of(reflect.TypeFor[outer](), schema.Options{Fields: map[string]schema.Rules{"schema_test.outer.Gone": {}}})
	require.EqualError(t, err, "there are rules for schema_test.outer.Gone, which is not part of schema_test.outer")
}

func TestDocs(t *testing.T) {
	docs, err := schema.Docs(".")
	require.NoError(t, err)
	require.Equal(t, "Options say what the Go types do not.", docs["schema.Options"])
	require.Equal(t, "Docs are the descriptions of fields and structs, named alike.", docs["schema.Options.Docs"])
	require.Empty(t, docs["schema_test.Inner.Until"], "tests are not read")
}
