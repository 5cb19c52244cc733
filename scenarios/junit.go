package scenarios

import (
	"encoding/xml"
	"io"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The elements of a JUnit report, as far as GitLab CI and Jenkins read them. Both know a
// test by its class and name together; Jenkins makes a package of what stands before the
// last dot of the class.
type (
	junitSuites struct {
		XMLName  xml.Name `xml:"testsuites"`
		Name     string   `xml:"name,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Skipped  int      `xml:"skipped,attr"`
		Time     string   `xml:"time,attr"`
		Suites   []*junitSuite
	}
	junitSuite struct {
		XMLName    xml.Name        `xml:"testsuite"`
		Name       string          `xml:"name,attr"`
		File       string          `xml:"file,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []*junitCase
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		XMLName xml.Name    `xml:"testcase"`
		Class   string      `xml:"classname,attr"`
		Name    string      `xml:"name,attr"`
		File    string      `xml:"file,attr"`
		Time    string      `xml:"time,attr"`
		Skipped *junitNote  `xml:"skipped"`
		Error   *junitStory `xml:"error"`
		Failure *junitStory `xml:"failure"`
		Out     *junitText  `xml:"system-out"`
	}
	junitNote struct {
		Message string `xml:"message,attr"`
	}
	junitStory struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",cdata"`
	}
	junitText struct {
		Text string `xml:",cdata"`
	}
)

// WriteJUnit writes the report as JUnit XML: a suite for each flow and a test for each of
// its steps. The text of a failure is the flow's story. What is wrong with a flow as a
// whole is a test of its own.
func (r *Report) WriteJUnit(w io.Writer) error {
	all := &junitSuites{Name: "ccmock"}
	var took time.Duration
	for _, f := range r.Flows {
		s := newJUnitSuite(f)
		all.Suites = append(all.Suites, s)
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Skipped += s.Skipped
		took += f.Elapsed
	}
	all.Time = seconds(took)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// wholeFlow is the test that stands for what no step is to blame for.
const wholeFlow = "the flow as a whole"

func newJUnitSuite(f *Result) *junitSuite {
	s := &junitSuite{
		Name: clean(f.Scenario), File: clean(f.File), Time: seconds(f.Elapsed),
		Properties: []junitProperty{{"seed", strconv.FormatUint(f.Seed, 10)}},
	}
	class := className(f.File)
	for _, step := range f.Steps {
		c := &junitCase{
			Class: class, Name: clean(strconv.Itoa(step.Number) + " " + step.Title),
			File: clean(step.File), Time: seconds(step.Elapsed),
		}
		switch step.Status {
		case Failed:
			c.Failure = newJUnitStory(f, step.Problems)
			s.Failures++
		case Skipped:
			c.Skipped = &junitNote{clean(step.Skipped)}
			s.Skipped++
		case NotRun:
			c.Skipped = &junitNote{"not run"}
			s.Skipped++
		default:
			if len(step.Notes) > 0 {
				c.Out = &junitText{clean(strings.Join(step.Notes, "\n"))}
			}
		}
		s.Cases = append(s.Cases, c)
	}
	if len(f.Problems) > 0 {
		c := &junitCase{Class: class, Name: wholeFlow, File: clean(f.File), Time: seconds(0)}
		if f.NotStarted {
			c.Error = newJUnitStory(f, f.Problems)
			s.Errors++
		} else {
			c.Failure = newJUnitStory(f, f.Problems)
			s.Failures++
		}
		s.Cases = append(s.Cases, c)
	}
	s.Tests = len(s.Cases)
	return s
}

func newJUnitStory(f *Result, problems []Problem) *junitStory {
	message := ""
	if len(problems) > 0 {
		message = problems[0].Message
	}
	return &junitStory{Message: clean(message), Text: "\n" + clean(Story(f, false)) + "\n"}
}

// className makes a class of a file: flows/old/expired.yaml is flows.old.expired.
func className(file string) string {
	name := strings.TrimSuffix(file, path.Ext(file))
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' || r == '\\' || r == '.' })
	return clean(strings.Join(parts, "."))
}

// seconds is a duration as JUnit has it.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 6, 64) }

// clean drops what XML cannot hold in any spelling: control characters, surrogates and
// bytes that are not UTF-8.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return r
		case r < ' ' || r >= 0x7f && r <= 0x9f || r == utf8.RuneError || r == 0xfffe || r == 0xffff:
			return -1
		}
		return r
	}, s)
}
