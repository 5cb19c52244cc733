package strictyaml

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// maxProblems is how many problems Decode collects. Who has made more wants to
// see the first ones.
const maxProblems = 100

var (
	documentType = reflect.TypeFor[*Document]()
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// Decode fills v, a pointer to a struct, a map or any other type that the
// package knows, and reports all that does not fit as Problems. What is not
// mentioned in the document keeps its value, so v may hold defaults. After an
// error v holds the parts that were good.
func (d *Document) Decode(v any) error {
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return fmt.Errorf("expected a pointer to decode into, got %T", v)
	}
	dec := &decoder{src: d.src, structs: make(map[reflect.Type]*structType)}
	dec.value(d.root, target.Elem(), place{path: d.base, key: d.key})
	return dec.problems.Err()
}

type decoder struct {
	src      *source
	problems Problems
	structs  map[reflect.Type]*structType
	within   []*structType // the structs that are being filled, outermost first
}

// place is where a value stands, for problems.
type place struct {
	path     string
	key      *node // nil at the top and in lists
	nullable bool
}

func (p place) in(key *node) place { return place{path: Join(p.path, key.text), key: key} }
func (p place) item(i int) place   { return place{path: Join(p.path, i)} }

func (d *decoder) problem(at span, path, message, hint string) {
	if !d.full() {
		d.problems = append(d.problems, d.src.problem(at, path, message, hint))
	}
}

// full reports whether there are problems enough.
func (d *decoder) full() bool { return len(d.problems) >= maxProblems }

// mismatch reports that n is not what was wanted.
func (d *decoder) mismatch(n *node, wanted string, p place, hint string) {
	at := n.at
	if p.key != nil && (n.kind == kindMapping || n.kind == kindSequence) {
		at = p.key.at // a block is best found by its key
	}
	d.problem(at, p.path, fmt.Sprintf("expected %s, got %s", wanted, n.describe()), hint)
}

func (d *decoder) value(n *node, v reflect.Value, p place) {
	if d.full() {
		return
	}
	t := v.Type()
	if t == documentType {
		v.Set(reflect.ValueOf(&Document{src: d.src, root: n, key: p.key, base: p.path}))
		return
	}
	for _, f := range n.flaws {
		d.problem(f.at, p.path, f.message, f.hint)
	}
	switch {
	case n.kind == kindBroken:
		return
	case t.Kind() == reflect.Interface && t.NumMethod() == 0:
		if free := d.free(n, p); free != nil {
			v.Set(reflect.ValueOf(free))
		} else {
			v.SetZero()
		}
		return
	case n.kind == kindNull:
		d.null(n, v, p)
		return
	case t.Kind() == reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(t.Elem()))
		}
		d.value(n.sound(), v.Elem(), p)
		return
	}
	switch {
	case t == timeType:
		d.time(n, v, p)
		return
	case t == durationType:
		d.duration(n, v, p)
		return
	case reflect.PointerTo(t).Implements(textType):
		d.text(n, v, p)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		d.structure(n, v, p)
	case reflect.Map:
		d.mapping(n, v, p)
	case reflect.Slice:
		d.slice(n, v, p)
	default:
		d.scalar(n, v, p)
	}
}

// null handles a key without a value.
func (d *decoder) null(n *node, v reflect.Value, p place) {
	if p.nullable || (v.Kind() == reflect.Pointer && !n.implicit) {
		v.SetZero()
		return
	}
	d.problem(n.at, p.path, fmt.Sprintf("expected %s, got nothing", describeType(v.Type())), d.nullHint(n, v.Type()))
}

func (d *decoder) nullHint(n *node, t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case !n.implicit:
		return "remove the key"
	case blockType(t):
		return "what belongs to it must be indented deeper than it"
	case t.Kind() == reflect.String:
		return "write '' for an empty text, or remove the key"
	}
	return "remove the key if nothing is meant"
}

func (d *decoder) structure(n *node, v reflect.Value, p place) {
	info := d.structType(v.Type())
	if n.kind != kindMapping {
		if info.short != nil && n.kind != kindSequence {
			d.value(n.sound(), info.short.in(v), place{path: p.path, key: p.key})
			d.require(n, info, info.short.name, p)
			return
		}
		hint := ""
		if len(info.names) > 0 {
			hint = hintFor("", info.names)
		}
		d.mismatch(n, describeType(v.Type()), p, hint)
		return
	}
	d.within = append(d.within, info)
	for _, e := range n.entries {
		if d.full() {
			break
		}
		f, known := info.fields[e.key.text]
		if !known {
			d.problem(e.key.at, p.path, fmt.Sprintf("unknown key %q", e.key.text), d.unknownHint(e.key.text, n, info))
			d.value(e.value, reflect.ValueOf(new(any)).Elem(), p.in(e.key)) // it may be broken besides
			continue
		}
		at := p.in(e.key)
		at.nullable = f.nullable
		d.value(e.value, f.in(v), at)
	}
	d.within = d.within[:len(d.within)-1]
	d.require(n, info, "", p)
}

// require reports the required keys that are missing; given is one that is
// there without standing in n.
func (d *decoder) require(n *node, info *structType, given string, p place) {
	for _, name := range info.names {
		if _, there := n.child(name); there || name == given || !info.fields[name].required {
			continue
		}
		at := n.at
		if p.key != nil {
			at = p.key.at
		}
		d.problem(at, p.path, fmt.Sprintf("key %q is missing", name), "")
	}
}

// unknownHint says where an unknown key belongs, if it is known elsewhere near,
// or which key was meant.
func (d *decoder) unknownHint(name string, n *node, info *structType) string {
	for _, outer := range slices.Backward(d.within[:len(d.within)-1]) {
		if _, known := outer.fields[name]; known {
			return "it belongs further out: check the indentation"
		}
	}
	for _, sibling := range info.names {
		t := info.fields[sibling].typ
		if t.Kind() != reflect.Struct || t == timeType || d.structType(t).fields[name] == nil {
			continue
		}
		if _, there := n.child(sibling); there {
			return fmt.Sprintf("it belongs inside %q: check the indentation", sibling)
		}
	}
	return hintFor(name, info.names)
}

func (d *decoder) mapping(n *node, v reflect.Value, p place) {
	t := v.Type()
	if n.kind != kindMapping {
		d.mismatch(n, describeType(t), p, "")
		return
	}
	if v.IsNil() {
		v.Set(reflect.MakeMapWithSize(t, min(len(n.entries), 1000)))
	}
	for _, e := range n.entries {
		at := p.in(e.key)
		key := reflect.New(t.Key()).Elem()
		before := len(d.problems)
		d.value(e.key.asKey(t.Key()), key, at)
		if len(d.problems) > before {
			continue
		}
		elem := reflect.New(t.Elem()).Elem()
		d.value(e.value, elem, at)
		v.SetMapIndex(key, elem)
	}
}

func (d *decoder) slice(n *node, v reflect.Value, p place) {
	if n.kind != kindSequence {
		hint := ""
		if n.kind >= kindBool && n.kind <= kindString {
			hint = fmt.Sprintf("write [%s]", n.shown())
		}
		d.mismatch(n, describeType(v.Type()), p, hint)
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		d.value(item, out.Index(i), p.item(i))
	}
	v.Set(out)
}

// text gives a scalar to a TextUnmarshaler. Only a string will do, as with
// string fields: 16.10 has lost its zero for anyone who reads it as a number.
func (d *decoder) text(n *node, v reflect.Value, p place) {
	if n.kind != kindString {
		d.mismatch(n, "a string", p, n.quoteHint())
		return
	}
	target, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
	if !ok {
		return // the caller has asked for the interface
	}
	if err := target.UnmarshalText([]byte(n.text)); err != nil {
		hint := ""
		if problem := new(Problem); errors.As(err, problem) {
			err, hint = errors.New(problem.Message), problem.Hint
		}
		d.problem(n.at, p.path, err.Error(), hint)
	}
}

// free is n as JSON would have it: nil, bool, int64, float64, string, []any or
// map[string]any.
func (d *decoder) free(n *node, p place) any {
	switch n.kind {
	case kindBool:
		b, _ := n.boolean()
		return b
	case kindInt, kindFloat:
		number, err := n.number()
		if err != nil {
			d.problem(n.at, p.path, err.Error(), n.quoteHint())
		}
		return number
	case kindString:
		return n.text
	case kindSequence:
		list := make([]any, len(n.items))
		for i, item := range n.items {
			d.value(item, reflect.ValueOf(&list[i]).Elem(), p.item(i))
		}
		return list
	case kindMapping:
		block := make(map[string]any, min(len(n.entries), 1000))
		for _, e := range n.entries {
			var value any
			d.value(e.value, reflect.ValueOf(&value).Elem(), p.in(e.key))
			block[e.key.text] = value
		}
		return block
	}
	return nil
}

// sound is n without its flaws, once they have been reported.
func (n *node) sound() *node {
	if len(n.flaws) == 0 {
		return n
	}
	clean := *n
	clean.flaws = nil
	return &clean
}
