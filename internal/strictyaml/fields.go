package strictyaml

import (
	"reflect"
	"strings"
)

// structType is what a struct's tags say.
type structType struct {
	names  []string // in field order, inlined ones in their place
	fields map[string]*field
	short  *field // takes a scalar that stands for the whole struct
}

type field struct {
	name               string
	typ                reflect.Type // pointers removed
	index              []int
	required, nullable bool
}

func (d *decoder) structType(t reflect.Type) *structType {
	if info := d.structs[t]; info != nil {
		return info
	}
	info := &structType{fields: make(map[string]*field)}
	d.structs[t] = info
	info.read(t, nil)
	return info
}

func (s *structType) read(t reflect.Type, index []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := strings.Split(f.Tag.Get("yaml"), ",")
		name, options := tag[0], tag[1:]
		if name == "-" || (!f.IsExported() && !f.Anonymous) {
			continue
		}
		at := append(append([]int(nil), index...), i)
		typ := f.Type
		for typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		out := &field{name: name, typ: typ, index: at}
		inline, short := false, false
		for _, option := range options {
			switch option {
			case "inline":
				inline = true
			case "required":
				out.required = true
			case "nullable":
				out.nullable = true
			case "short":
				short = true
			}
		}
		if inline && f.Type.Kind() == reflect.Struct {
			s.read(f.Type, at)
			continue
		}
		if !f.IsExported() {
			continue
		}
		if out.name == "" {
			out.name = strings.ToLower(f.Name)
		}
		if s.fields[out.name] != nil {
			continue // an outer field hides an inlined one, as in Go, when it stands first
		}
		if short {
			s.short = out
		}
		s.fields[out.name] = out
		s.names = append(s.names, out.name)
	}
}

// in is the field of a struct value.
func (f *field) in(v reflect.Value) reflect.Value { return v.FieldByIndex(f.index) }
