package cmd

import "io"

// lintProblem is a problem as --json prints it.
type lintProblem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Excerpt string `json:"excerpt,omitempty"`
}

func (l *lint) printJSON(w io.Writer) error {
	report := struct {
		Files    map[form]int  `json:"files"`
		Skipped  []string      `json:"skipped"`
		Problems []lintProblem `json:"problems"`
		Warnings []lintProblem `json:"warnings"`
	}{l.seen, append([]string{}, l.skipped...), []lintProblem{}, []lintProblem{}}
	for _, p := range l.warnings.Sorted() {
		report.Warnings = append(report.Warnings, lintProblem(p))
	}
	for _, p := range l.problems.Sorted() {
		report.Problems = append(report.Problems, lintProblem(p))
	}
	return printJSON(w, report)
}
