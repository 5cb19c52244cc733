package scenarios

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/ccmock/ccmock/internal/feature"
)

// What tests that run flows take from the environment, as `go test` has no flag that all
// packages know.
const (
	SeedVariable     = "CCMOCK_SEED"     // the seed, in place of the test's own
	CapsulesVariable = "CCMOCK_CAPSULES" // the folder to leave capsules in
)

// UnderTest is the seed to run flows with and where to leave capsules of those that fail,
// as the environment says. Otherwise it is the seed given, and nowhere. Features is the
// folder of the flows' features.
func UnderTest(getenv func(string) string, seed uint64, features fs.FS) (uint64, *Capsules, error) {
	if text := getenv(SeedVariable); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return 0, nil, fmt.Errorf("%s: expected a number from 0 on, got %q", SeedVariable, text)
		}
		seed = n
	}
	dir := getenv(CapsulesVariable)
	if dir == "" {
		return seed, nil, nil
	}
	dir, err := filepath.Abs(dir) // a test runs in the folder of its package
	if err != nil {
		return 0, nil, fmt.Errorf("%s: %w", CapsulesVariable, err)
	}
	return seed, &Capsules{Dir: dir, Feature: func(f feature.Feature) ([]byte, error) {
		return fs.ReadFile(features, f.File)
	}}, nil
}

// again is the command line that runs a test alone.
func again(test string, seed uint64) string {
	words := []string{fmt.Sprintf("%s=%d", SeedVariable, seed), "go", "test", "-count=1"}
	if info, ok := debug.ReadBuildInfo(); ok {
		if tested, ok := strings.CutSuffix(info.Path, ".test"); ok {
			words = append(words, ShellWord(tested))
		}
	}
	parts := strings.Split(test, "/")
	for n, part := range parts {
		parts[n] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(append(words, "-run", ShellWord(strings.Join(parts, "/"))), " ")
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+,-]+$`)

// ShellWord is a word as a shell takes it.
func ShellWord(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
