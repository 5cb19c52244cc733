package scenarios

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/explain"
)

//go:embed page.gohtml
var pageText string

// page is the page that WriteHTML fills in. It needs no script and nothing from elsewhere.
var page = template.Must(template.New("page").Parse(pageText))

// WriteHTML writes the report as one page that stands for itself. Flows that failed come
// first and are open.
func (r *Report) WriteHTML(w io.Writer) error {
	var text strings.Builder
	if err := page.Execute(&text, newPage(r)); err != nil {
		return err
	}
	_, err := io.WriteString(w, clean(text.String()))
	return err
}

// pageView is what the page shows, with the words chosen and the drawings made.
type pageView struct {
	Target   string // empty where each flow has an ecosystem of its own
	Counts   []countView
	Steps    string
	Took     string
	Failed   bool
	Flows    []flowView
	Coverage *coverageView
}

type countView struct {
	Status Status
	Number int
}

type flowView struct {
	Number   int
	Status   Status
	Badge    string
	Scenario string
	File     string
	Facts    string // steps, time, seed
	Open     bool
	Notes    []string
	Problems []problemView
	Again    []string // command lines
	Steps    []stepView
}

type problemView struct{ Message, Where string }

type stepView struct {
	Number   int
	Status   Status
	Badge    string
	Title    string
	Facts    string
	Open     bool
	Skipped  string
	Notes    []string
	Problems []problemView
	Answer   string
	Why      *explain.Explanation
	Links    []linkView
	Diagram  *sequence
	Tokens   []tokenView
	Request  *messageView
	Response *messageView
}

// Empty reports whether there is nothing to unfold.
func (s stepView) Empty() bool {
	return s.Diagram == nil && len(s.Tokens) == 0 && s.Request == nil && len(s.Problems) == 0 && len(s.Notes) == 0 &&
		s.Answer == "" && s.Skipped == ""
}

type linkView struct {
	Verdict explain.Verdict
	Class   string
	Who     string
	Text    string
}

type messageView struct {
	Start  string
	Fields []Field
	Body   string
}

type tokenView struct {
	Label, Digest  string
	Header, Wanted string // Wanted is what of it was expected otherwise
	Claims         []claimView
}

type claimView struct {
	Name    string
	Wanted  string // what was expected; empty if it is that
	Text    string
	Items   []itemView // of a list
	Differs bool       // from the step's first token
}

type itemView struct {
	Text     string
	Required bool // an endpoint asked for it in this step
}

type coverageView struct {
	Sum       string
	Columns   []string
	Rows      []coverageRowView
	Others    string
	Untouched []groupView
}

type coverageRowView struct {
	Scope      string // empty where it is the row's above
	Deployment Deployment
	Cells      []cellView
}

type cellView struct {
	Seen  bool
	Text  string
	Title string
}

type groupView struct {
	What  string
	Lines []string
}

// badges are the statuses as the page has them.
var badges = map[Status]string{Passed: "passed", Failed: "failed", Skipped: "skipped", NotRun: "not run"}

func newPage(r *Report) *pageView {
	c := r.Counts()
	p := &pageView{Target: r.Target, Failed: c.Failed > 0, Counts: []countView{
		{Passed, c.Passed}, {Failed, c.Failed}, {Skipped, c.Skipped}, {NotRun, c.NotRun},
	}}
	p.Counts = slices.DeleteFunc(p.Counts, func(v countView) bool { return v.Number == 0 && v.Status != Passed && v.Status != Failed })
	if r.Target == InProcess {
		p.Target = ""
	}
	steps, took := 0, time.Duration(0)
	for n, f := range r.Flows {
		steps += len(f.Steps)
		took += f.Elapsed
		p.Flows = append(p.Flows, newFlowView(n, f))
	}
	p.Steps, p.Took = quantity(steps, "step"), elapsed(took)
	slices.SortStableFunc(p.Flows, func(a, b flowView) int { return rank(a.Status) - rank(b.Status) })
	if r.Coverage != nil {
		p.Coverage = newCoverageView(r.Coverage)
	}
	return p
}

// rank puts what needs to be read first.
func rank(s Status) int { return slices.Index([]Status{Failed, NotRun, Skipped, Passed}, s) }

func newFlowView(n int, f *Result) flowView {
	v := flowView{
		Number: n + 1, Status: f.Status, Badge: badges[f.Status], Scenario: f.Scenario, File: f.File,
		Facts: fmt.Sprintf("%s, %s", quantity(len(f.Steps), "step"), elapsed(f.Elapsed)),
		Open:  f.Status == Failed, Notes: f.Notes, Problems: problemViews(f.Problems),
	}
	if f.Status == Failed && f.Seed != 0 {
		v.Facts += fmt.Sprintf(", seed %d", f.Seed)
	}
	for _, command := range []string{f.Again, f.Replay} {
		if f.Status == Failed && command != "" {
			v.Again = append(v.Again, command)
		}
	}
	for _, s := range f.Steps {
		v.Steps = append(v.Steps, newStepView(s))
	}
	return v
}

func problemViews(problems []Problem) []problemView {
	var views []problemView
	for _, p := range problems {
		views = append(views, problemView{p.Message, fmt.Sprintf("%s:%d", p.File, p.Line)})
	}
	return views
}

func newStepView(s *StepResult) stepView {
	v := stepView{
		Number: s.Number, Status: s.Status, Badge: badges[s.Status], Title: s.Title, Open: s.Status == Failed,
		Skipped: s.Skipped, Notes: s.Notes, Problems: problemViews(s.Problems), Answer: s.Answer, Why: s.Explanation,
		Diagram: sequenceOf(s), Tokens: tokenViews(s),
	}
	var facts []string
	if !s.At.IsZero() {
		facts = append(facts, s.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	if s.Status == Passed || s.Status == Failed {
		facts = append(facts, elapsed(s.Elapsed))
	}
	v.Facts = strings.Join(append(facts, fmt.Sprintf("line %d", s.Line)), " · ")
	if s.Explanation != nil {
		for _, l := range s.Explanation.Chain {
			who := string(l.Part)
			if l.Service != "" && l.Service != who {
				who += " " + l.Service
			}
			v.Links = append(v.Links, linkView{l.Verdict, strings.ReplaceAll(string(l.Verdict), " ", "_"), who, l.Text})
		}
	}
	if q := s.Request; q != nil {
		v.Request = &messageView{q.Method + " " + q.URL, q.Headers, pretty(q.Body)}
	}
	if a := s.Response; a != nil {
		v.Response = &messageView{strings.TrimSpace(fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status))), a.Headers, pretty(a.Body)}
	}
	return v
}

// pretty indents JSON, and shows the beginning of what is long.
func pretty(body string) string {
	const most = 6000
	var indented bytes.Buffer
	if json.Indent(&indented, []byte(body), "", "  ") == nil {
		body = indented.String()
	}
	return cut(body, most)
}

// tokenViews are the tokens of a step claim by claim; what was expected otherwise of the
// first is marked, and the second one's differences from it.
func tokenViews(s *StepResult) []tokenView {
	required := map[string]bool{}
	for _, e := range s.Journal {
		if e.Scope != "" {
			required[e.Scope] = true
		}
	}
	var views []tokenView
	for n, t := range s.Tokens {
		v := tokenView{Label: t.Label, Digest: t.Digest, Header: headerText(t.Header)}
		if n == 0 {
			v.Wanted = s.expectedHeader()
		}
		for _, name := range s.claims(t, s.Tokens[0]) {
			c := claimView{Name: name, Text: cmp.Or(claimText(name, t, s.At), "(empty)")}
			if n == 0 && t.Claims != nil {
				c.Wanted = s.expectedClaim(name)
			}
			c.Differs = n > 0 && c.Text != cmp.Or(claimText(name, s.Tokens[0], s.At), "(empty)")
			if list, ok := texts(t.Claims[name]); ok && len(list) > 0 && !isText(t.Claims[name]) {
				for _, item := range list {
					c.Items = append(c.Items, itemView{printable(item), name == "scopes" && required[item]})
				}
			}
			v.Claims = append(v.Claims, c)
		}
		views = append(views, v)
	}
	return views
}

func isText(v any) bool {
	_, ok := v.(string)
	return ok
}

func newCoverageView(c *Coverage) *coverageView {
	v := &coverageView{Sum: c.Sum(), Others: strings.Join(c.NotRequired, ", ")}
	for _, p := range Proofs() {
		v.Columns = append(v.Columns, phrases[p])
	}
	last := ""
	for _, row := range c.Rows {
		r := coverageRowView{Deployment: row.Deployment}
		if row.Scope != last {
			r.Scope, last = row.Scope, row.Scope
		}
		for _, p := range Proofs() {
			cell := cellView{Text: "–", Title: "not seen"}
			if s := row.Seen[p]; s != nil {
				cell = cellView{true, fmt.Sprint(s.Times), fmt.Sprintf("first at %s:%d", s.File, s.Line)}
			}
			r.Cells = append(r.Cells, cell)
		}
		v.Rows = append(v.Rows, r)
	}
	for _, g := range c.Untouched.groups() {
		v.Untouched = append(v.Untouched, groupView{g.what, g.lines})
	}
	return v
}
