// Package strictyaml reads YAML that people write by hand, and forgives
// nothing: a key that no field takes, a key given twice, a version number
// without quotes, a date that is none. It collects every problem of a file
// before it gives up, and each one shows the line it is about.
//
//	flows/a.yaml:14:5: steps[3].expect: unknown key "satus" (did you mean "status"?)
//	  13 |   expect:
//	> 14 |     satus: 200
//	     |     ^^^^^
//
// Parse reads the text, Document.Decode fills a Go value by its yaml tags, and
// Document.Problem lets the caller complain about a value in the same voice
// when the YAML is fine but its meaning is not. Edit writes another value into a text and
// leaves everything else as the author wrote it.
//
// # Tags
//
//	Name   string         `yaml:"name,required"` // must be present
//	Until  *time.Time     `yaml:"until,nullable"` // "until:" and "until: null" mean nil
//	Common                `yaml:",inline"`       // the keys of Common, at this level
//	Block  *Document      `yaml:"block"`         // kept as it is, for somebody else to decode
//	Name   string         `yaml:"name,short"`    // "sync: acme" stands for "sync: {name: acme}"
//	Secret string         `yaml:"-"`             // no key
//
// A field without a tag is known by its name in lower case. A key without a
// value ("steps:") is a problem unless the field is nullable or free-form: in
// a hand-written file it is an unfinished line or a wrong indentation far more
// often than a wish for nothing.
//
// # Limits
//
// A file holds at most MaxSize bytes and nests at most MaxDepth levels, and
// its aliases and merges expand to at most a million values, so that a small
// file cannot stand for a huge one. Decode reports the first hundred problems.
//
// # Choices
//
// YAML 1.2 is meant, with three differences that protect the author: `<<`
// merges are known although 1.2 dropped them, a number with a leading zero
// (010 is 8 to some readers and 10 to others) is refused, and so are tags
// other than !!str. The package is the only importer of goccy/go-yaml, and
// uses its parser alone.
package strictyaml
