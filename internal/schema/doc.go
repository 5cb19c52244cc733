// Package schema describes in JSON Schema (draft 2020-12) what package strictyaml reads
// into a Go struct, for editors that complete and check while an author types. It goes by
// the yaml tags, and takes the descriptions from the comments in the Go sources, so it is
// for tests and generators: the schemas themselves are files that a test keeps true.
//
// What a schema accepts is a shape. Whether a name exists, and whether the parts of a file
// agree with one another, only the reader of the file knows.
package schema
