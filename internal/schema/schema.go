package schema

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"time"
)

// Rules are JSON Schema keywords and their values.
type Rules map[string]any

// Options say what the Go types do not.
type Options struct {
	ID, Title string
	// Types replace what is made of a type, where its kind says too little.
	Types map[reflect.Type]Rules
	// Fields add to what is made of a field, which is named as in "scenarios.Step.Save", or
	// of a struct, as in "scenarios.Step". The key "required" adds to the required keys.
	Fields map[string]Rules
	// Docs are the descriptions of fields and structs, named alike.
	Docs map[string]string
}

// Of is the schema of files that are decoded into t, a struct.
func Of(t reflect.Type, o Options) ([]byte, error) {
	g := &generator{Options: o, defs: Rules{}}
	root := g.object(t)
	delete(root, "description") // the title says it
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"], root["title"] = o.ID, o.Title
	if len(g.defs) > 0 {
		root["$defs"] = g.defs
	}
	for name := range o.Fields {
		if !g.met[name] {
			return nil, fmt.Errorf("there are rules for %s, which is not part of %s", name, t)
		}
	}
	text, err := json.MarshalIndent(root, "", "  ")
	return append(text, '\n'), err
}

type generator struct {
	Options
	defs Rules
	met  map[string]bool // of Fields
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// The texts that strictyaml.ParseTime and strictyaml.ParseDuration take.
const (
	timePattern     = `^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}:\d{2}(\.\d+)?)?( ?(Z|UTC|GMT|[+-]\d{2}:?\d{2}))?$`
	durationPattern = `^[+-]?(0|(\d+(\.\d*)?d)?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))*)$`
)

func (g *generator) value(t reflect.Type) Rules {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if rules, ok := g.Types[t]; ok {
		return maps.Clone(rules)
	}
	switch {
	case t == timeType:
		return Rules{"type": "string", "pattern": timePattern}
	case t == durationType:
		return Rules{"anyOf": []any{Rules{"type": "string", "pattern": durationPattern, "minLength": 1}, Rules{"const": 0}}}
	case reflect.PointerTo(t).Implements(textType):
		return Rules{"type": "string"}
	}
	switch t.Kind() {
	case reflect.String:
		return Rules{"type": "string"}
	case reflect.Bool:
		return Rules{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return Rules{"type": "number"}
	case reflect.Slice:
		return Rules{"type": "array", "items": g.value(t.Elem())}
	case reflect.Map:
		values := g.value(t.Elem())
		if t.Elem().Kind() == reflect.Pointer {
			values = orNull(values)
		}
		return Rules{"type": "object", "additionalProperties": values}
	case reflect.Struct:
		return g.ref(t)
	case reflect.Interface:
		return Rules{}
	}
	return Rules{"type": "integer"}
}

// ref describes a struct once, and refers to that.
func (g *generator) ref(t reflect.Type) Rules {
	name := t.String() // such as world.Instance
	if _, done := g.defs[name]; !done {
		g.defs[name] = nil // a struct within itself refers to this
		g.defs[name] = g.orShort(t, g.object(t))
	}
	return Rules{"$ref": "#/$defs/" + name}
}

// orShort lets a scalar stand for a struct that has a field for it.
func (g *generator) orShort(t reflect.Type, object Rules) Rules {
	for n := range t.NumField() {
		name, options := tag(t.Field(n))
		if !strings.Contains(options, ",short") {
			continue
		}
		short := object["properties"].(Rules)[name]
		either := Rules{"oneOf": []any{short, object}}
		if text, ok := object["description"]; ok {
			either["description"] = text
			delete(object, "description")
		}
		return either
	}
	return object
}

func (g *generator) object(t reflect.Type) Rules {
	properties, required := Rules{}, []string{}
	g.fields(t, properties, &required)
	object := Rules{"type": "object", "properties": properties, "additionalProperties": false}
	more := g.extra(t.String(), object)
	if names, ok := more["required"].([]string); ok {
		required = append(required, names...)
	}
	delete(object, "required")
	if len(required) > 0 {
		object["required"] = required
	}
	return object
}

func (g *generator) fields(t reflect.Type, properties Rules, required *[]string) {
	for n := range t.NumField() {
		f := t.Field(n)
		name, options := tag(f)
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
			continue
		case strings.Contains(options, ",inline"):
			g.fields(f.Type, properties, required)
			continue
		case name == "":
			name = strings.ToLower(f.Name)
		}
		if _, hidden := properties[name]; hidden {
			continue // an outer field hides an inlined one
		}
		rules := g.value(f.Type)
		g.extra(t.String()+"."+f.Name, rules)
		if strings.Contains(options, ",nullable") {
			rules = orNull(rules)
		}
		properties[name] = rules
		if strings.Contains(options, ",required") {
			*required = append(*required, name)
		}
	}
}

// extra adds the rules and the description of a field or struct, and returns the rules.
func (g *generator) extra(name string, to Rules) Rules {
	if text := g.Docs[name]; text != "" {
		to["description"] = text
	}
	more := g.Fields[name]
	if more != nil && g.met == nil {
		g.met = map[string]bool{}
	}
	if more != nil {
		g.met[name] = true
	}
	maps.Copy(to, more)
	return more
}

func orNull(rules Rules) Rules {
	text := rules["description"]
	delete(rules, "description")
	either := Rules{"anyOf": []any{rules, Rules{"type": "null"}}}
	if text != nil {
		either["description"] = text
	}
	return either
}

// tag is the key of a field, and what follows it.
func tag(f reflect.StructField) (name, options string) {
	name, options, _ = strings.Cut(f.Tag.Get("yaml"), ",")
	return name, "," + options
}
