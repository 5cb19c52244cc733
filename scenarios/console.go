package scenarios

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"sync"
)

// Console runs flows for a command line and tells their stories as they end.
type Console struct {
	Out io.Writer
	// Color is for a terminal.
	Color bool
	// Verbose tells the steps of flows that passed, too.
	Verbose bool
	// Quiet tells nothing, for callers that only want the report.
	Quiet bool
	// Workers is how many flows run beside one another; 0 means one for each processor.
	Workers int
}

// Run runs flows and tells how they went. Color in Options is the console's.
func (c Console) Run(ctx context.Context, flows []Flow, o Options) *Report {
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	o.Color = c.Color
	var mu sync.Mutex
	told, seen := o.Done, map[cause]int{}
	o.Done = func(r *Result) {
		mu.Lock()
		defer mu.Unlock()
		c.tell(r, seen)
		if told != nil {
			told(r)
		}
	}
	root := &part{ctx: ctx, slots: make(chan struct{}, c.Workers)}
	report := Run(root, flows, o)
	root.below.Wait()
	report.Coverage = report.Cover()
	if !c.Quiet {
		for _, message := range root.messages {
			_, _ = fmt.Fprintln(c.Out, message)
		}
		report.causes(c.Out)
		report.summary(c.Out, painter(c.Color))
	}
	return report
}

// sameStories is how many flows that failed for the same cause are told in full.
const sameStories = 2

// tell tells a flow's story. Seen counts those that failed, by cause.
func (c Console) tell(r *Result, seen map[cause]int) {
	if c.Quiet {
		return
	}
	if why, known := r.cause(); known {
		if seen[why]++; seen[why] > sameStories && !c.Verbose {
			w := &story{paint: painter(c.Color)}
			step := r.failing()
			w.line("%s %s: step %d, %s, as above (%s:%d)", w.status("FAIL"), r.Scenario, step.Number, why.what(), step.File, step.Line)
			w.rerun(r)
			_, _ = io.WriteString(c.Out, w.String())
			return
		}
	}
	if r.Status == Passed && !c.Verbose && count(r.Steps, Skipped) == 0 && len(r.Notes) == 0 {
		w := &story{paint: painter(c.Color)}
		w.line("%s %s (%s, %s)", w.status("ok"), r.Scenario, quantity(len(r.Steps), "step"), elapsed(r.Elapsed))
		_, _ = io.WriteString(c.Out, w.String())
		return
	}
	_, _ = fmt.Fprintln(c.Out, Story(r, c.Color))
}

// summary is the last line.
func (r *Report) summary(w io.Writer, paint func(colour, text string) string) {
	counts := r.Counts()
	steps := 0
	for _, f := range r.Flows {
		steps += len(f.Steps)
	}
	text := fmt.Sprintf("%s passed", quantity(counts.Passed, "flow"))
	colour := green
	if counts.Failed > 0 {
		text += fmt.Sprintf(", %d failed", counts.Failed)
		colour = red
	}
	if counts.Skipped > 0 {
		text += fmt.Sprintf(", %d skipped", counts.Skipped)
	}
	if counts.NotRun > 0 {
		text += fmt.Sprintf(", %d not run", counts.NotRun)
	}
	done := quantity(steps, "step")
	if c := r.Coverage; c != nil && c.Total > 0 {
		done += fmt.Sprintf(", coverage %.1f %%", c.Percent)
	}
	_, _ = fmt.Fprintf(w, "%s (%s)\n", paint(colour, text), done)
}

// WriteJSON writes the report for a machine to read.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// part is the T of a Console: like a test's, without the test.
type part struct {
	ctx   context.Context
	slots chan struct{} // taken by parts that run beside others

	aside    chan struct{} // closed when the part leaves its parent's sequence
	parallel bool
	failed   bool
	messages []string
	below    sync.WaitGroup
}

func (p *part) Context() context.Context { return p.ctx }

func (p *part) Run(_ string, f func(T)) bool {
	child := &part{ctx: p.ctx, slots: p.slots, aside: make(chan struct{})}
	ended := make(chan struct{})
	p.below.Go(func() {
		defer close(ended)
		f(child)
		child.below.Wait()
		if child.parallel {
			<-p.slots
		}
	})
	select {
	case <-ended:
		return !child.failed
	case <-child.aside:
		return true
	}
}

func (p *part) Parallel() {
	p.parallel = true
	close(p.aside)
	p.slots <- struct{}{}
}

// Errorf notes that the part failed. What it says is told from the result; only what no
// result holds is kept.
func (p *part) Errorf(format string, args ...any) {
	p.failed = true
	if p.aside == nil {
		p.messages = append(p.messages, fmt.Sprintf(format, args...))
	}
}

func (p *part) Skipf(string, ...any) {}
