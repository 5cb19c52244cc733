package scenarios

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/internal/journal"
)

// sequence is a sequence diagram: what happened in a step, by whom, from top to bottom.
// Lengths are in pixels.
type sequence struct {
	Width, Height int
	Label         string // for those who cannot see it
	Lanes         []lane
	Bars          []bar
	Arrows        []arrow
	Notes         []note
	More          string // what there was no room for
}

// lane is one who takes part.
type lane struct {
	X      int
	Name   string
	Title  string
	Class  string // actor, rails, customersdot, gateway, backend
	Bottom int
}

// bar is the time in which someone is at work.
type bar struct {
	X, Y, Height int
	Class        string
}

// arrow is a request or an answer.
type arrow struct {
	X1, X2, Y   int
	Head        string // the points of its head
	Class       string // request, answer, keys; and bad
	Text, Title string
	TextX       int
}

// note is something that someone decided by itself.
type note struct {
	X, Y, Width, Height int
	Class               string // refused, fault, issued, job
	Lines               []noteLine
}

type noteLine struct {
	X, Y int
	Text string
}

// Measures of a diagram. A character is as wide as an average one of the widest of the
// page's fonts.
const (
	diagramWidth = 800
	leftMargin   = 60
	rightMargin  = 170
	headHeight   = 44
	rowHeight    = 28
	lineHeight   = 16
	charWidth    = 7.0
	noteChars    = 60
	mostCalls    = 12
)

// drawing is a diagram as it grows.
type drawing struct {
	sequence
	at map[string]int // lanes by service
	y  int
}

// sequenceOf draws a step; nil where nothing was called.
func sequenceOf(s *StepResult) *sequence {
	trees := callTrees(s.Journal)
	own := func(v *visit) bool { return s.Request != nil && v.RequestID == s.RequestID && v.Method != "" }
	if s.Request != nil && !slices.ContainsFunc(trees, own) {
		trees = append(trees, unseen(s))
	}
	if len(trees) == 0 {
		return nil
	}
	more := 0
	if len(trees) > mostCalls {
		more, trees = len(trees)-mostCalls, trees[:mostCalls]
	}
	d := &drawing{at: map[string]int{}}
	actor := ""
	if s.Request != nil {
		actor = "test"
		if s.Action == "use" {
			actor = "user"
		}
	}
	d.lanes(actor, trees)
	d.y = headHeight
	for _, v := range trees {
		from := ""
		if own(v) {
			from = actorLane
		}
		d.visit(v, from)
		d.y += 6
	}
	d.Height = d.y + 10
	for n := range d.Lanes {
		d.Lanes[n].Bottom = d.y + 4
	}
	if more > 0 {
		d.More = "and " + quantity(more, "more call")
	}
	d.Label = "sequence of step " + fmt.Sprint(s.Number)
	return &d.sequence
}

// unseen is a request of which no journal tells.
func unseen(s *StepResult) *visit {
	e := journal.Entry{Service: "service", Method: s.Request.Method, Path: s.Request.URL, RequestID: s.RequestID, Kind: journal.Backend}
	if u, err := url.Parse(s.Request.URL); err == nil {
		e.Service, e.Path = cmp.Or(u.Host, e.Service), u.Path
	}
	if s.Response != nil {
		e.Status = s.Response.Status
	}
	return &visit{Entry: e, times: 1}
}

// actorLane is the lane of whoever sent the step's request, whose name might be a
// service's, too.
const actorLane = "(actor)"

// lanes places those who take part: whoever calls stands left of whoever is called.
func (d *drawing) lanes(actor string, trees []*visit) {
	kinds := map[string]journal.Kind{}
	var names []string
	var walk func([]*visit)
	walk = func(visits []*visit) {
		for _, v := range visits {
			if _, known := kinds[v.Service]; !known {
				kinds[v.Service] = v.Kind
				names = append(names, v.Service)
			}
			walk(v.below)
		}
	}
	walk(trees)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(depths[kinds[a]], depths[kinds[b]]) })
	if actor != "" {
		names = append([]string{actorLane}, names...)
	}
	apart := 0
	if len(names) > 1 {
		apart = min(190, max(112, (diagramWidth-leftMargin-rightMargin)/(len(names)-1)))
	}
	d.Width = leftMargin + apart*(len(names)-1) + rightMargin
	if floor := leftMargin + noteWidth(noteChars); d.Width < floor {
		d.Width = floor
	}
	for n, name := range names {
		x := leftMargin + n*apart
		d.at[name] = x
		title, class := name, string(kinds[name])
		if name == actorLane {
			title, class = actor, "actor"
		}
		d.Lanes = append(d.Lanes, lane{X: x, Name: shortened(title, 15), Title: title, Class: class})
	}
}

// visit draws a call, what came of it, and the answer.
func (d *drawing) visit(v *visit, from string) {
	to := d.at[v.Service]
	x, called := d.at[from]
	called = called && x != to
	if called && v.keyFetch() {
		d.y += rowHeight
		d.arrow(x, to, d.y, "keys"+bad(v.Status), fmt.Sprintf("%s %s: %s", v.Method, v.Path, statusText(v.Status)), hover(v))
		d.remarks(v)
		return
	}
	if called {
		d.y += rowHeight
		d.arrow(x, to, d.y, "request", v.Method+" "+v.Path, hover(v))
	}
	top := d.y
	if v.Method == "" {
		d.alone(v)
	}
	early := v.Kind == journal.Rails && v.Issued != nil // it needs the token for what comes
	if early {
		d.note(v.Service, "issued", issueLines(v))
	}
	for _, below := range v.below {
		d.visit(below, v.Service)
	}
	d.remarks(v)
	if v.Issued != nil && !early {
		d.note(v.Service, "issued", issueLines(v))
	}
	if called {
		d.y += rowHeight
		text := statusText(v.Status)
		if v.Issued != nil && !early {
			text += ", a token"
		}
		d.arrow(to, x, d.y, "answer"+bad(v.Status), text, "")
	}
	if d.y > top {
		d.Bars = append(d.Bars, bar{X: to - 4, Y: top, Height: d.y - top, Class: string(v.Kind)})
	}
}

// alone tells what a service did without being asked.
func (d *drawing) alone(v *visit) {
	switch {
	case v.job():
		text := fmt.Sprintf("%s job %s", v.At.UTC().Format("Jan 2 15:04:05"), strings.TrimPrefix(v.Route, "job:"))
		if v.times > 1 {
			text += fmt.Sprintf(" (and %d more times)", v.times-1)
		}
		lines := []string{text}
		if v.Detail != "" {
			lines = append(lines, wrap(v.Detail, 2)...)
		}
		class := "job"
		if v.Reason != "" {
			class = "refused"
		}
		d.note(v.Service, class, lines)
	case v.Issued == nil:
		d.note(v.Service, "job", wrap(entryLine(v.Entry), 3))
	}
}

// remarks tell of a fault, and of a refusal.
func (d *drawing) remarks(v *visit) {
	if v.Fault != "" {
		d.note(v.Service, "fault", []string{fmt.Sprintf("the fault %q was applied", v.Fault)})
	}
	if v.Reason != "" && !v.job() {
		text := v.Reason
		if v.Detail != "" {
			text += ": " + v.Detail
		}
		d.note(v.Service, "refused", wrap(text, 4))
	}
}

// issueLines say what went into a token, and the first of what did not.
func issueLines(v *visit) []string {
	const shown = 2
	var granted []string
	var dropped []journal.Scope
	for _, s := range v.Scopes {
		if s.Granted {
			granted = append(granted, s.Name)
		} else {
			dropped = append(dropped, s)
		}
	}
	text := "signs token " + v.Issued.Digest
	switch n := len(granted); {
	case n > shown:
		text += fmt.Sprintf(" with %s and %d more", strings.Join(granted[:shown], ", "), n-shown)
	case n > 0:
		text += " with " + strings.Join(granted, ", ")
	case len(v.Scopes) > 0:
		text += " with no scope"
	}
	lines := wrap(text, 2)
	for _, s := range dropped[:min(shown, len(dropped))] {
		lines = append(lines, wrap(fmt.Sprintf("drops %s: %s", s.Name, s.Why), 2)...)
	}
	if more := len(dropped) - shown; more > 0 {
		lines = append(lines, fmt.Sprintf("drops %d more", more))
	}
	return lines
}

func (d *drawing) arrow(from, to, y int, class, text, title string) {
	const length, half = 8, 4
	tip, back := to-5, to-5-length
	start := from + 5
	if to < from {
		tip, back, start = to+5, to+5+length, from-5
	}
	textX := min(from, to) + 10
	room := int(float64(d.Width-textX-4) / charWidth)
	d.Arrows = append(d.Arrows, arrow{
		X1: start, X2: back, Y: y, Class: class, Text: shortened(text, room), Title: cmp.Or(title, text), TextX: textX,
		Head: fmt.Sprintf("%d,%d %d,%d %d,%d", tip, y, back, y-half, back, y+half),
	})
}

func (d *drawing) note(service, class string, lines []string) {
	longest := 0
	for _, line := range lines {
		longest = max(longest, len([]rune(line)))
	}
	width := noteWidth(longest)
	x := d.at[service] - width/2
	x = max(2, min(x, d.Width-width-2))
	d.y += 10
	n := note{X: x, Y: d.y, Width: width, Height: lineHeight*len(lines) + 8, Class: class}
	for k, line := range lines {
		n.Lines = append(n.Lines, noteLine{X: x + 8, Y: d.y + 16 + k*lineHeight, Text: line})
	}
	d.Notes = append(d.Notes, n)
	d.y += n.Height + 2
}

func noteWidth(chars int) int { return int(float64(chars)*charWidth) + 20 }

func hover(v *visit) string {
	text := fmt.Sprintf("%s %s at %s", v.Method, v.Path, v.Service)
	if v.Token != nil {
		text += ", with token " + v.Token.Digest
	}
	return text
}

func bad(status int) string {
	if status == 0 || status >= http.StatusBadRequest {
		return " bad"
	}
	return ""
}

func statusText(status int) string {
	if status == 0 {
		return "no answer"
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

// shortened takes from the middle of a text what is too much.
func shortened(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most || most < 3 {
		return s
	}
	head := (most - 1) / 2
	return string(runes[:head]) + "…" + string(runes[len(runes)-(most-1-head):])
}

// wrap breaks a text into lines that fit a note, and cuts what no longer fits.
func wrap(text string, most int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(printable(text)) {
		word = shortened(word, noteChars)
		if line != "" && len([]rune(line))+1+len([]rune(word)) > noteChars {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	if lines = append(lines, line); len(lines) > most {
		lines = lines[:most]
		lines[most-1] = strings.TrimRight(lines[most-1], " ,;:.") + " …"
	}
	return lines
}

// Left is where the head of a lane begins.
func (l lane) Left() int { return l.X - 50 }

// TextY is the height of an arrow's text.
func (a arrow) TextY() int { return a.Y - 6 }
