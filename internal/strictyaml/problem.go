package strictyaml

// Problem is one thing wrong in a file.
type Problem struct {
	File         string
	Line, Column int    // counted from 1; columns in characters
	Path         string // "steps[3].use"; empty for the whole document
	Message      string // one clause, lower case
	Hint         string // how to mend it; may be empty
	Excerpt      string // the lines around, with a caret; may be empty
}

func (p Problem) Error() string { return "" }

// Problems are all the things wrong in one or more files.
type Problems []Problem

func (ps Problems) Error() string { return "" }

// Add appends err: Problems and a Problem as they are, anything else as a Problem without a place. Nil adds nothing.
func (ps *Problems) Add(err error) {}

// Err is nil when there are no problems.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// Suggest is the known word that word was probably meant to be, or "".
func Suggest(word string, known []string) string { return "" }
