package strictyaml

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Suggest is the known word that word was probably meant to be, or "" if none
// is near. Case, dashes and underscores count for nothing.
func Suggest(word string, known []string) string {
	const longest = 64
	if word == "" || len(word) > longest {
		return ""
	}
	flat := flatten(word)
	best, bestDistance := "", len(flat)/3+1
	if len(flat) <= 2 {
		bestDistance = 1 // two letters changed into another two say nothing
	}
	for _, k := range known {
		if len(k) > longest {
			continue
		}
		d := levenshtein.ComputeDistance(flat, flatten(k))
		if d == 2 && swapped(flat, flatten(k)) {
			d = 1 // the commonest slip of all
		}
		if d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// swapped reports whether a is b with two neighbours exchanged.
func swapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) - 1 {
		if a[i] != b[i] {
			return a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		}
	}
	return false
}

func flatten(word string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(word))
}

// hintFor is the hint about an unknown word: the one that was meant, or a list
// of those that there are.
func hintFor(word string, known []string) string {
	if s := Suggest(word, known); s != "" {
		return fmt.Sprintf("did you mean %q?", s)
	}
	if len(known) == 0 {
		return ""
	}
	return "known: " + strings.Join(known, ", ")
}

// Unknown is the problem of a word that is not among those known, with a hint.
// It has no place yet: Document.Problem, or Decode when an UnmarshalText
// returns it, gives it one.
func Unknown(what, word string, known []string) Problem {
	return Problem{Message: fmt.Sprintf("unknown %s %q", what, word), Hint: hintFor(word, known)}
}
