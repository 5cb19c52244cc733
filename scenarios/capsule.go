package scenarios

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/strictyaml"
)

// Capsule is a flow that failed, with all that it takes to run it elsewhere, and what was
// seen of it. It holds no secret; where the flow's own text does, something of the same
// shape stands in for it.
type Capsule struct {
	Format  int    `yaml:"capsule,required"`
	Version string `yaml:"ccmock"` // of the ccmock that made it
	Seed    uint64 `yaml:"seed,required"`
	// Flow and Features are the files as they were; Catalogs are the files of catalogs that
	// the flow names.
	Flow     CapsuleFile   `yaml:"flow,required"`
	Features []CapsuleFile `yaml:"features,required"`
	Catalogs []CapsuleFile `yaml:"catalogs"`
	Failure  Failure       `yaml:"failure,required"`
	Evidence Evidence      `yaml:"evidence"`
	// Whole is the last line, which a capsule that was cut off lacks.
	Whole bool `yaml:"whole,required"`
}

// CapsuleFile is a file in a capsule.
type CapsuleFile struct {
	File string `yaml:"file,required"`
	Text string `yaml:"text,required"`
}

// Failure is where and why a flow failed.
type Failure struct {
	Step     int      `yaml:"step"` // counted from 1; 0 is the flow as a whole
	Title    string   `yaml:"title"`
	Messages []string `yaml:"messages,required"`
}

// Evidence is what was seen of a failure. Nothing of it is needed to replay it.
type Evidence struct {
	Clock   time.Time `yaml:"clock"` // stub time when the failing step began
	Story   string    `yaml:"story"`
	Journal string    `yaml:"journal"` // an entry of all steps in each line, as JSON
}

// Failure is where and why the flow failed; false if it did not.
func (r *Result) Failure() (Failure, bool) {
	f, problems := Failure{}, r.Problems
	if s := r.failing(); s != nil {
		f.Step, f.Title, problems = s.Number, s.Title, s.Problems
	}
	for _, p := range problems {
		f.Messages = append(f.Messages, p.Message)
	}
	return f, r.Status == Failed
}

// passing is what differs from one run to the next for no fault of the flow: the ports of
// the stubs, and what depends on their keys.
var passing = regexp.MustCompile(`(127\.0\.0\.1|localhost|\[::1\]):\d+|\[token [^\]]*\]`)

// Same reports whether a failure is in the same step and for the same reason.
func (f Failure) Same(other Failure) bool {
	same := func(a, b string) bool { return passing.ReplaceAllString(a, "") == passing.ReplaceAllString(b, "") }
	return f.Step == other.Step && slices.EqualFunc(f.Messages, other.Messages, same)
}

// String tells the failure in a line for each message.
func (f Failure) String() string {
	where := "the flow as a whole"
	if f.Step > 0 {
		where = fmt.Sprintf("step %d, %s", f.Step, f.Title)
	}
	return where + "\n  " + strings.Join(f.Messages, "\n  ")
}

// mostJournal is the size of the journal that a capsule holds at the most, in bytes.
const mostJournal = 256 << 10

// NewCapsule makes the capsule of a flow that failed. Text reads the file of one of its
// features; version is that of ccmock.
func NewCapsule(f Flow, r *Result, text func(feature.Feature) ([]byte, error), version string) (Capsule, error) {
	failure, _ := r.Failure()
	hide, secrets := newStandIns(&f), newRedactor(&f)
	c := Capsule{
		Format: Format, Version: version, Seed: r.Seed, Failure: failure, Whole: true,
		Flow: CapsuleFile{File: f.File, Text: hide.text(f.text)},
	}
	for _, of := range f.Features {
		data, err := text(of)
		if err != nil {
			return Capsule{}, fmt.Errorf("read the feature %q: %w", of.Name, err)
		}
		c.Features = append(c.Features, CapsuleFile{File: of.File, Text: hide.text(string(data))})
	}
	for _, b := range f.beside {
		c.Catalogs = append(c.Catalogs, CapsuleFile{File: b.name, Text: hide.text(b.text)})
	}
	c.Evidence.Story = Story(r, false) + "\n"
	if s := r.failing(); s != nil {
		c.Evidence.Clock = s.At
	}
	var lines []string
	size := 0
	for _, s := range slices.Backward(r.Steps) {
		for _, e := range slices.Backward(s.Journal) {
			line, err := json.Marshal(e)
			if err != nil {
				return Capsule{}, fmt.Errorf("write the journal: %w", err)
			}
			if size += len(line) + 1; size <= mostJournal {
				lines = append(lines, secrets.text(string(line))+"\n")
			}
		}
	}
	slices.Reverse(lines)
	c.Evidence.Journal = strings.Join(lines, "")
	return c, nil
}

// YAML is the capsule as a file, and an error if it would be too large to be read.
func (c Capsule) YAML() ([]byte, error) {
	w := &story{paint: painter(false)}
	w.line("# A flow that failed, to be run again elsewhere: ccmock replay FILE")
	w.line("capsule: %d", c.Format)
	w.line("ccmock: %s", strictyaml.Quote(c.Version))
	w.line("seed: %d", c.Seed)
	w.line("flow:")
	w.line("  file: %s", strictyaml.Quote(c.Flow.File))
	w.block("  ", "text", c.Flow.Text)
	w.files("features", c.Features)
	w.files("catalogs", c.Catalogs)
	w.line("failure:")
	w.line("  step: %d", c.Failure.Step)
	w.line("  title: %s", strictyaml.Quote(c.Failure.Title))
	w.line("  messages:")
	for _, m := range c.Failure.Messages {
		w.line("    - %s", strictyaml.Quote(m))
	}
	w.line("evidence:")
	if !c.Evidence.Clock.IsZero() {
		w.line("  clock: %s", c.Evidence.Clock.UTC().Format(time.RFC3339))
	}
	w.block("  ", "story", c.Evidence.Story)
	w.block("  ", "journal", c.Evidence.Journal)
	w.line("whole: true")
	if w.Len() > strictyaml.MaxSize {
		return nil, fmt.Errorf("the capsule has %d bytes, expected %d at most", w.Len(), strictyaml.MaxSize)
	}
	return []byte(w.String()), nil
}

func (w *story) files(key string, files []CapsuleFile) {
	if len(files) == 0 {
		return
	}
	w.line("%s:", key)
	for _, f := range files {
		w.line("  - file: %s", strictyaml.Quote(f.File))
		w.block("    ", "text", f.Text)
	}
}

// block writes a text as it is where YAML can hold it so, and quoted elsewhere.
func (w *story) block(indent, key, text string) {
	body, ended := strings.CutSuffix(text, "\n")
	plain := ended && body == strings.Trim(body, " \n") && body != "" && printable(strings.ReplaceAll(body, "\n", "")) == strings.ReplaceAll(body, "\n", "")
	if !plain {
		w.line("%s%s: %s", indent, key, strictyaml.Quote(text))
		return
	}
	w.line("%s%s: |", indent, key)
	for line := range strings.SplitSeq(body, "\n") {
		if line != "" {
			w.WriteString(indent + "  " + line)
		}
		w.WriteByte('\n')
	}
}

// ParseCapsule reads a capsule and the flow in it. Features named in instead are taken
// from there. All problems come back at once, as strictyaml.Problems, and point into the
// capsule.
func ParseCapsule(name string, data []byte, instead []feature.Feature) (Capsule, Flow, error) {
	var c Capsule
	doc, err := strictyaml.Parse(name, data)
	if err != nil {
		return c, Flow{}, err
	}
	if !doc.Has("capsule") && !doc.Has("flow") {
		return c, Flow{}, strictyaml.Problems{doc.Problem("", "this is no capsule: expected what ccmock test --capsule leaves, which begins with capsule: 1", "")}
	}
	if !doc.Has("whole") {
		return c, Flow{}, strictyaml.Problems{doc.Problem("", "the capsule was cut off: expected whole: true as its last line", "")}
	}
	if err := doc.Decode(&c); err != nil {
		return c, Flow{}, err
	}
	if c.Format != Format {
		return c, Flow{}, strictyaml.Problems{doc.Problem("capsule", fmt.Sprintf("format %d is not known, expected %d", c.Format, Format), "")}
	}
	lines := strings.Split(string(data), "\n")
	var found strictyaml.Problems
	var features []feature.Feature
	for n, file := range c.Features {
		at, text := within(doc, lines, strictyaml.Join("features", n, "text"), file.Text)
		f, err := feature.Parse(at, text)
		if n := slices.IndexFunc(instead, func(i feature.Feature) bool { return i.Name == f.Name }); n >= 0 && f.Name != "" {
			f, err = instead[n], nil
		}
		found.Add(err)
		features = append(features, f)
	}
	if err := found.Err(); err != nil {
		return c, Flow{}, err
	}
	for _, f := range instead {
		if !slices.Contains(feature.Names(features), f.Name) {
			features = append(features, f)
		}
	}
	at, text := within(doc, lines, "flow.text", c.Flow.Text)
	flow, err := ParseFlow(at, text, features, func(name string) ([]byte, error) {
		n := slices.IndexFunc(c.Catalogs, func(f CapsuleFile) bool { return f.File == name })
		if n < 0 {
			return nil, errors.New("it is not among the capsule's catalogs")
		}
		return []byte(c.Catalogs[n].Text), nil
	})
	var problems strictyaml.Problems
	if errors.As(err, &problems) {
		for n, p := range problems {
			if i := slices.IndexFunc(c.Catalogs, func(f CapsuleFile) bool { return f.File == p.File }); i >= 0 {
				problems[n].File = fmt.Sprintf("%s (%s)", name, strictyaml.Join("catalogs", i, "text"))
			}
		}
	}
	return c, flow, err
}

// within is a text that stands in a file, moved down to where it stands if it is a block.
func within(doc *strictyaml.Document, lines []string, at, text string) (string, []byte) {
	line := doc.Line(at)
	if line > 0 && line <= len(lines) && strings.HasSuffix(strings.TrimRight(lines[line-1], "-+ "), "|") {
		return doc.File(), []byte(strings.Repeat("\n", line) + text)
	}
	return fmt.Sprintf("%s (%s)", doc.File(), at), []byte(text)
}
