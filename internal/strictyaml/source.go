package strictyaml

import (
	"fmt"
	"strings"
	"unicode"
)

// source is the text that problems point into.
type source struct {
	file  string
	lines []string
}

// span is a place in the text. Line and column count from 1, width is in
// characters.
type span struct{ line, column, width int }

func newSource(file, text string) *source {
	return &source{file: file, lines: strings.Split(text, "\n")}
}

// line is the text of line n; empty beyond the file.
func (s *source) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	return s.lines[n-1]
}

// clamp keeps a span inside the file, whatever the parser said.
func (s *source) clamp(at span) span {
	at.line = min(max(at.line, 1), len(s.lines))
	length := len([]rune(s.line(at.line)))
	at.column = min(max(at.column, 1), length+1)
	at.width = min(max(at.width, 1), max(length+1-at.column, 1))
	return at
}

// problem makes a Problem that points at a span.
func (s *source) problem(at span, path, message, hint string) Problem {
	at = s.clamp(at)
	return Problem{
		File: s.file, Line: at.line, Column: at.column,
		Path: printable(path), Message: printable(message), Hint: printable(hint), Excerpt: s.excerpt(at),
	}
}

// maxExcerpt is how much of a line an excerpt shows, in characters.
const maxExcerpt = 120

// excerpt shows a line, the one before it for orientation, and a caret.
func (s *source) excerpt(at span) string {
	if strings.TrimSpace(s.line(at.line)) == "" {
		return ""
	}
	gutter := len(fmt.Sprint(at.line))
	var b strings.Builder
	if before := s.line(at.line - 1); strings.TrimSpace(before) != "" {
		fmt.Fprintf(&b, "  %*d | %s\n", gutter, at.line-1, window([]rune(before), 0))
	}
	text := []rune(s.line(at.line))
	from := 0
	if at.column > maxExcerpt*3/4 {
		from = at.column - maxExcerpt/2
	}
	fmt.Fprintf(&b, "> %*d | %s\n", gutter, at.line, window(text, from))

	var pad strings.Builder
	for _, r := range text[from : at.column-1] {
		if r == '\t' {
			pad.WriteRune('\t') // as wide as the one above it
		} else {
			pad.WriteByte(' ')
		}
	}
	room := max(maxExcerpt-(at.column-1-from), 1)
	fmt.Fprintf(&b, "  %*s | %s%s", gutter, "", pad.String(), strings.Repeat("^", min(at.width, room)))
	return b.String()
}

// window is the visible part of a line.
func window(line []rune, from int) string {
	shown := line[min(from, len(line)):]
	return strings.TrimRight(printable(string(shown[:min(maxExcerpt, len(shown))])), " ")
}

// printable replaces what a terminal would obey instead of print.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return ' '
		case r != '\t' && !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// indent is the number of spaces that line n starts with, and whether there is
// anything on it but space and comment.
func (s *source) indent(n int) (int, bool) {
	text := s.line(n)
	rest := strings.TrimLeft(text, " ")
	return len(text) - len(rest), rest != "" && rest[0] != '#'
}
