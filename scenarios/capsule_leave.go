package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ccmock/ccmock/internal/feature"
)

// Capsules says where to leave a capsule of each flow that fails.
type Capsules struct {
	// Dir is a folder, which is made when there is something to leave.
	Dir string
	// Feature reads the file of a feature.
	Feature func(feature.Feature) ([]byte, error)
}

// capsuleNames are the names of the flows' capsules: their own, numbered where they are
// not the only one of the name. That of a derived case tells the feature, too.
func capsuleNames(flows []Flow) []string {
	names, used := make([]string, len(flows)), map[string]bool{}
	for n, f := range flows {
		base := f.Name()
		if strings.HasPrefix(f.File, "derived/") {
			base = strings.ReplaceAll(strings.TrimSuffix(f.File, ".yaml"), "/", "-")
		}
		names[n] = base
		for i := 2; used[names[n]]; i++ {
			names[n] = fmt.Sprintf("%s-%d", base, i)
		}
		used[names[n]] = true
	}
	return names
}

// leave writes the capsule of a flow that failed, and notes in the result how to replay it.
func (c *Capsules) leave(f *Flow, r *Result) {
	if c == nil {
		return
	}
	file := filepath.Join(c.Dir, r.capsule+".capsule")
	err := os.MkdirAll(c.Dir, 0o755)
	if err == nil {
		err = c.write(file, f, r)
	}
	if err != nil {
		r.Notes = append(r.Notes, fmt.Sprintf("no capsule was left: %v", err))
		return
	}
	r.Replay = "ccmock replay " + ShellWord(file)
}

func (c *Capsules) write(file string, f *Flow, r *Result) error {
	capsule, err := NewCapsule(*f, r, c.Feature, Version())
	if err != nil {
		return err
	}
	text, err := capsule.YAML()
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}
