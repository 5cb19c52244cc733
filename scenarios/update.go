package scenarios

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/strictyaml"
)

// Updated is what became of a flow that failed.
type Updated struct {
	File    string
	Changes []BodyChange
	// Why says why the flow still fails and its file is as it was; empty if it passes now.
	Why string
}

// BodyChange is a part of an expected body that was rewritten.
type BodyChange struct {
	Line     int
	Path     string // such as steps[3].expect.body.id
	Old, New string // as JSON
}

// Update runs flows, and rewrites the bodies that those which fail for nothing else expect,
// until they pass: in their files, if all of a flow can be mended so, and nowhere else. What
// holds a reference stays, and so does null; a status, a refusal or a token is never
// rewritten. It returns the flows as they are then, and what became of those that failed.
// Features are those that flows may name. Of the options, Capsules and Done are not used.
func Update(ctx context.Context, flows []Flow, features []feature.Feature, o Options, workers int) ([]Flow, []Updated, error) {
	o.Capsules, o.Done = nil, nil
	run := func(flows ...Flow) *Report { return Console{Quiet: true, Workers: workers}.Run(ctx, flows, o) }
	var all []Updated
	now := append([]Flow(nil), flows...)
	for n, r := range run(flows...).Flows {
		if r.Status != Failed {
			continue
		}
		f, u := flows[n].mended(r, features, func(f Flow) *Result { return run(f).Flows[0] })
		if err := ctx.Err(); err != nil {
			return now, all, err
		}
		if u.Why == "" {
			if err := rewrite(f.File, []byte(flows[n].text), []byte(f.text)); err != nil {
				return now, all, err
			}
			now[n] = f
		}
		all = append(all, u)
	}
	return now, all, nil
}

// mended is the flow with bodies that let it pass, if there are such. R is what became of
// the flow as it is.
func (f Flow) mended(r *Result, features []feature.Feature, run func(Flow) *Result) (Flow, Updated) {
	u := Updated{File: f.File}
	mended, secrets := map[string]bool{}, newRedactor(&f)
	for r.Status != Passed {
		s := r.failing()
		if s == nil {
			return f, u.because("the flow as a whole fails: %s", firstMessage(r.Problems))
		}
		for _, p := range s.Problems {
			switch {
			case p.mend == nil:
				return f, u.because("step %d fails for another reason: %s", s.Number, p.Message)
			case p.mend.kept != "":
				return f, u.because("line %d: %s, but %s", p.Line, p.Message, p.mend.kept)
			case mended[p.Path]:
				return f, u.because("line %d: it is another one in each run: %s", p.Line, p.Message)
			}
			mended[p.Path] = true
			old, _ := f.expectedBody(p.Path)
			text, err := strictyaml.Edit(f.File, []byte(f.text), p.Path, p.mend.value)
			if err == nil {
				f, err = ParseFlow(f.File, text, features, f.besideIt)
			}
			if err != nil {
				return f, u.because("line %d: %s", p.Line, oneLine(err))
			}
			u.Changes = append(u.Changes, BodyChange{
				Line: p.Line, Path: p.Path, Old: secrets.text(shown(old)), New: shown(p.mend.value),
			})
		}
		r = run(f)
	}
	return f, u
}

func (u Updated) because(format string, args ...any) Updated {
	return Updated{File: u.File, Why: fmt.Sprintf(format, args...)}
}

func firstMessage(problems []Problem) string {
	if len(problems) == 0 {
		return "it was not run to its end"
	}
	return problems[0].Message
}

// oneLine is an error without the lines that it shows.
func oneLine(err error) string {
	var problems strictyaml.Problems
	if errors.As(err, &problems) && len(problems) > 0 {
		return problems[0].Message
	}
	return err.Error()
}

// expectedBody is what the flow's file has at a path.
func (f Flow) expectedBody(path string) (any, bool) {
	part, ok := f.doc.Slice(path)
	if !ok {
		return nil, false
	}
	var v any
	return v, part.Decode(&v) == nil
}

// besideIt reads a file beside the flow as it was when the flow was read.
func (f Flow) besideIt(name string) ([]byte, error) {
	for _, b := range f.beside {
		if b.name == name {
			return []byte(b.text), nil
		}
	}
	return nil, fs.ErrNotExist
}

// rewrite writes a file, unless somebody else has.
func rewrite(name string, was, now []byte) error {
	info, err := os.Stat(name)
	if err != nil {
		return fmt.Errorf("update: %w", err)
	}
	there, err := os.ReadFile(name)
	switch {
	case err != nil:
		return fmt.Errorf("update: %w", err)
	case !bytes.Equal(there, was):
		return fmt.Errorf("update: %q has changed since it was read", name)
	}
	if err := os.WriteFile(name, now, info.Mode().Perm()); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	return nil
}
