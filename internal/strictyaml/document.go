package strictyaml

// MaxSize is the most bytes that Parse accepts.
const MaxSize = 1 << 20

// MaxDepth is the deepest nesting that Parse accepts, aliases expanded.
const MaxDepth = 100

// Document is one YAML document, or a part of one (Slice). It does not change,
// so any number of goroutines may read it.
type Document struct {
	src  *source
	root *node
	key  *node  // the key that root stands under; nil for a whole document and for list items
	base string // path of root in the whole document
}

// File is the name that Parse was given.
func (d *Document) File() string { return d.src.file }

// Path is where a Slice stands in its whole document; empty for the whole.
func (d *Document) Path() string { return d.base }

// Problem points at the value found by path ("steps[3].use", counted from d),
// or at its nearest existing parent. The path in the Problem is the one from
// the top of the file.
func (d *Document) Problem(path, message, hint string) Problem {
	found := d.find(path)
	at := found.value
	if !found.complete || at.kind == kindMapping || at.kind == kindSequence || at.implicit {
		// A block has no place of its own: its key says better which one it is.
		if found.key != nil {
			at = found.key
		}
	}
	return d.src.problem(at.at, d.full(path), message, hint)
}

// KeyProblem is Problem, but points at the key.
func (d *Document) KeyProblem(path, message, hint string) Problem {
	found := d.find(path)
	at := found.value
	if found.key != nil {
		at = found.key
	}
	return d.src.problem(at.at, d.full(path), message, hint)
}

// Line is the line of what path names, or of its nearest existing parent,
// counted from 1. A block counts from its key.
func (d *Document) Line(path string) int {
	found := d.find(path)
	if found.key != nil {
		return found.key.at.line
	}
	return found.value.at.line
}

// Has reports whether there is anything at path, be it null.
func (d *Document) Has(path string) bool { return d.find(path).complete }

// IsMapping reports whether there is a mapping at path, be it empty.
func (d *Document) IsMapping(path string) bool {
	found := d.find(path)
	return found.complete && found.value.kind == kindMapping
}

// Keys lists the keys of the mapping at path in file order, merged ones last;
// nil if there is no mapping.
func (d *Document) Keys(path string) []string {
	found := d.find(path)
	if !found.complete {
		return nil
	}
	var keys []string
	for _, e := range found.value.entries {
		keys = append(keys, e.key.text)
	}
	return keys
}

// Slice is the part of d at path, with the same file name, lines and full
// paths; false if nothing is there.
func (d *Document) Slice(path string) (*Document, bool) {
	found := d.find(path)
	if !found.complete {
		return nil, false
	}
	return &Document{src: d.src, root: found.value, key: found.key, base: d.full(path)}, true
}

func (d *Document) full(path string) string {
	return Join(d.base, splitPath(path)...)
}

type found struct {
	key, value *node
	complete   bool // false: value is only the nearest parent
}

func (d *Document) find(path string) found {
	at := found{key: d.key, value: d.root, complete: true}
	for _, part := range splitPath(path) {
		next, ok := at.value.child(part)
		if !ok {
			at.complete = false
			return at
		}
		at = next
	}
	return at
}

func (n *node) child(part any) (found, bool) {
	switch p := part.(type) {
	case string:
		for _, e := range n.entries {
			if e.key.text == p {
				return found{key: e.key, value: e.value, complete: true}, true
			}
		}
	case int:
		if p < len(n.items) {
			return found{value: n.items[p], complete: true}, true
		}
	}
	return found{}, false
}
