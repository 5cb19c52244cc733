package scenarios

import (
	"fmt"
	"io"
	"strings"
)

// columns are the proofs as the head of a table has them.
var columns = map[Proof]string{
	ProofIssued: "issued", ProofAccepted: "accepted",
	ProofMissing: "missing", ProofExpired: "expired", ProofAudience: "audience", ProofInstance: "instance",
}

// phrases are the proofs in a sentence.
var phrases = map[Proof]string{
	ProofIssued: "issued", ProofAccepted: "accepted",
	ProofMissing: "refused when missing", ProofExpired: "refused when expired",
	ProofAudience: "refused for the wrong audience", ProofInstance: "refused for another instance",
}

// WriteTable writes the coverage for people to read.
func (c *Coverage) WriteTable(w io.Writer) error {
	text := &story{paint: painter(false)}
	text.line("coverage %s", c.Sum())
	if len(c.Rows) > 0 {
		c.table(text)
	}
	if len(c.NotRequired) > 0 {
		text.line("")
		text.line("no endpoint was seen to require %s", strings.Join(c.NotRequired, ", "))
	}
	for _, group := range c.Untouched.groups() {
		text.line("")
		text.line("no flow used these %s:", group.what)
		for _, line := range group.lines {
			text.line("  %s", line)
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// Sum is the coverage in a few words: "50.0 % (9 of 18)".
func (c *Coverage) Sum() string {
	return fmt.Sprintf("%.1f %% (%d of %d)", c.Percent, c.Covered, c.Total)
}

func (c *Coverage) table(w *story) {
	scopes, deployments := len("scope"), len("deployment")
	for _, row := range c.Rows {
		scopes, deployments = max(scopes, len(row.Scope)), max(deployments, len(row.Deployment))
	}
	const cell = 8
	head := fmt.Sprintf("  %-*s  %-*s", scopes, "scope", deployments, "deployment")
	over := strings.Repeat(" ", len(head)+2*(cell+2))
	w.line("%s  refused for", over)
	for _, p := range Proofs() {
		head += fmt.Sprintf("  %*s", cell, columns[p])
	}
	w.line("%s", head)
	last := ""
	for _, row := range c.Rows {
		scope := row.Scope
		if scope == last {
			scope = ""
		}
		last = row.Scope
		line := fmt.Sprintf("  %-*s  %-*s", scopes, scope, deployments, row.Deployment)
		for _, p := range Proofs() {
			seen := "-"
			if s := row.Seen[p]; s != nil {
				seen = fmt.Sprint(s.Times)
			}
			line += fmt.Sprintf("  %*s", cell, seen)
		}
		w.line("%s", line)
	}
}

// Missing lists what was not seen: a line for each scope on each deployment that lacks
// something.
func (c *Coverage) Missing() []string {
	var lines []string
	for _, row := range c.Rows {
		var lacking []string
		for _, p := range Proofs() {
			if row.Seen[p] == nil {
				lacking = append(lacking, phrases[p])
			}
		}
		if len(lacking) > 0 {
			lines = append(lines, fmt.Sprintf("%s on %s: %s", row.Scope, row.Deployment, strings.Join(lacking, ", ")))
		}
	}
	return lines
}

// group is a list of things that no flow used.
type group struct {
	what  string
	lines []string
}

// groups are the lists that are not empty. Routes of one service share a line.
func (u Untouched) groups() []group {
	var routes []string
	last := ""
	for _, r := range u.Routes {
		if r.Service != last {
			routes, last = append(routes, r.Service+": "+r.Route), r.Service
			continue
		}
		routes[len(routes)-1] += ", " + r.Route
	}
	var groups []group
	if len(routes) > 0 {
		groups = append(groups, group{"routes of stubs", routes})
	}
	if len(u.ControlRoutes) > 0 {
		groups = append(groups, group{"routes of the control plane", u.ControlRoutes})
	}
	if len(u.Actions) > 0 {
		groups = append(groups, group{"actions of the control plane", []string{strings.Join(u.Actions, ", ")}})
	}
	return groups
}
