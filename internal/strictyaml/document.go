package strictyaml

import (
	"encoding"
	"errors"
	"time"
)

// MaxSize is the most bytes that Parse accepts.
const MaxSize = 1 << 20

// MaxDepth is the deepest nesting that Parse accepts, aliases expanded.
const MaxDepth = 100

var errSoon = errors.New("not implemented yet")

// Document is one YAML document, or a part of one (Slice).
type Document struct{}

// Parse reads YAML text: exactly one document, not empty. The error is Problems.
func Parse(file string, data []byte) (*Document, error) { return nil, errSoon }

// Decode fills v, a pointer. The error is Problems: all of them.
func (d *Document) Decode(v any) error { return errSoon }

// Problem points at the value found by path ("steps[3].use"), or at its nearest existing parent.
func (d *Document) Problem(path, message, hint string) Problem { return Problem{} }

// KeyProblem is Problem, but points at the key.
func (d *Document) KeyProblem(path, message, hint string) Problem { return Problem{} }

// Line is the line of the value at path (its key's, for a block), counted from 1.
func (d *Document) Line(path string) int { return 0 }

// Keys lists the keys of the mapping at path in file order, merged ones last; nil if it is no mapping.
func (d *Document) Keys(path string) []string { return nil }

// Slice is the part of d at path, with the same file name and lines; false if nothing is there.
func (d *Document) Slice(path string) (*Document, bool) { return nil, false }

// File is the name that Parse was given.
func (d *Document) File() string { return "" }

// ParseTime reads a date or an instant.
func ParseTime(s string) (time.Time, error) { return time.Time{}, errSoon }

// ParseDuration reads "90s", "2h30m", and days: "3d", "1d12h".
func ParseDuration(s string) (time.Duration, error) { return 0, errSoon }

var _ encoding.TextUnmarshaler
