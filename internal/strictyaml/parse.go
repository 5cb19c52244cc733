package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	deepMessage     = "the nesting is too deep, expected at most 100 levels"
	blockKeyMessage = "a key must be a single word, not a list or a block"
	sizeMessage     = "the document is too large once its aliases are expanded"
)

// maxTokens bounds what the parser gets. Its time grows with the square of a
// block's length: this many tokens take it a fraction of a second, and a file
// that a person wrote has a tenth of them.
const maxTokens = 50_000

// Parse reads YAML text: exactly one document, which is not empty. The error
// is Problems. Of several syntax errors only the first is known; whatever else
// can be wrong comes from Decode, all at once.
func Parse(file string, data []byte) (doc *Document, err error) {
	if len(data) > MaxSize {
		return nil, Problems{{File: file, Message: fmt.Sprintf("expected at most %d bytes, got %d", MaxSize, len(data))}}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	src := newSource(file, string(data))
	if problem, bad := src.encoding(); bad {
		return nil, Problems{problem}
	}

	last := span{line: 1, column: 1}
	defer func() {
		// The parser is somebody else's: its panic is a file we cannot read.
		if r := recover(); r != nil {
			problem := src.problem(last, "", "this is no YAML that can be read", "")
			if big, ok := r.(tooBig); ok {
				problem = src.problem(big.at, "", big.message, "")
			}
			doc, err = nil, Problems{problem}
		}
	}()

	tokens := lexer.Tokenize(strings.Join(src.lines, "\n"))
	if len(tokens) > maxTokens {
		return nil, Problems{src.problem(src.tokenSpan(tokens[maxTokens]), "", fmt.Sprintf("the document is too large, expected at most %d words and marks", maxTokens), "")}
	}
	if at, deep := src.tooDeep(tokens); deep {
		return nil, Problems{src.problem(at, "", deepMessage, "")}
	}
	parsed, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, Problems{src.syntaxProblem(err)}
	}
	body, problem := src.only(parsed)
	if body == nil {
		return nil, Problems{problem}
	}
	b := &builder{src: src, anchors: make(map[string]*node)}
	root := b.node(body, 0)
	return &Document{src: src, root: root}, nil
}

// encoding finds bytes that are no text.
func (s *source) encoding() (Problem, bool) {
	for i, line := range s.lines {
		for j, r := range line {
			if r == utf8.RuneError && !strings.HasPrefix(line[j:], string(utf8.RuneError)) {
				at := span{i + 1, utf8.RuneCountInString(line[:j]) + 1, 1}
				return s.problem(at, "", "expected UTF-8 text, got another encoding", "save the file as UTF-8"), true
			}
			if r == 0 {
				at := span{i + 1, utf8.RuneCountInString(line[:j]) + 1, 1}
				return s.problem(at, "", "expected text, got a zero byte", ""), true
			}
		}
	}
	return Problem{}, false
}

// only is the body of the file's one document.
func (s *source) only(f *ast.File) (ast.Node, Problem) {
	var bodies []ast.Node
	for _, d := range f.Docs {
		if d == nil || d.Body == nil {
			continue
		}
		if _, directive := d.Body.(*ast.DirectiveNode); directive {
			continue
		}
		bodies = append(bodies, d.Body)
	}
	switch len(bodies) {
	case 0:
		return nil, s.problem(span{line: 1, column: 1}, "", "the file is empty", "")
	case 1:
		return bodies[0], Problem{}
	}
	at := (&builder{src: s}).span(bodies[1])
	for n := at.line; n > 0; n-- {
		if strings.HasPrefix(s.line(n), "---") {
			at = span{n, 1, 3}
			break
		}
	}
	return nil, s.problem(at, "", fmt.Sprintf("expected one document, got %d", len(bodies)), "split the file here")
}

// tooDeep estimates the nesting from the tokens, before the parser recurses:
// a stack that overflows cannot be recovered from. The estimate is at most a
// few levels above the truth.
func (s *source) tooDeep(tokens token.Tokens) (span, bool) {
	const limit = 2*MaxDepth + 10
	var columns []int // of the open blocks
	flow, run := 0, 0 // open brackets; tags, anchors and marks in a row
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
			run = 0
		case token.SequenceEndType, token.MappingEndType:
			flow = max(flow-1, 0)
			run = 0
		case token.CollectEntryType:
			run = 0
		case token.CommentType:
			continue
		default:
			run++
			if flow > 0 {
				break
			}
			for len(columns) > 0 && columns[len(columns)-1] >= t.Position.Column {
				columns = columns[:len(columns)-1]
			}
			columns = append(columns, t.Position.Column)
			run = 0
		}
		if flow+run+len(columns) > limit {
			return s.tokenSpan(t), true
		}
	}
	return span{}, false
}

// syntaxProblem words a parser's error. Most of them come from indentation,
// and then the parser seldom says so.
func (s *source) syntaxProblem(err error) Problem {
	var syntax yaml.Error
	if !errors.As(err, &syntax) || syntax.GetToken() == nil || syntax.GetToken().Position == nil {
		return s.problem(span{line: 1, column: 1}, "", window([]rune(err.Error()), 0), "")
	}
	t, message := syntax.GetToken(), syntax.GetMessage()
	at := s.tokenSpan(t)

	if tab, found := s.tabbed(at.line); found {
		return s.problem(tab, "", "a tab in the indentation", "indent with spaces")
	}
	if at, message, hint, found := s.misindented(t, at); found {
		return s.problem(at, "", message, hint)
	}
	if indent, _ := s.indent(at.line); at.column > indent+1 && strings.HasPrefix(message, "value is not allowed in this context") {
		return s.problem(at, "", "unexpected text behind a value", "put quotes around the whole of it, if it is one text")
	}
	switch message {
	case "mapping value is not allowed in this context":
		return s.problem(at, "", `a second "key: value" on one line`, `quote the text if it holds a colon and a space`)
	case "could not find end character of single-quoted text", "could not find end character of double-quoted text":
		at.column += len([]rune(t.Value)) - len([]rune(strings.TrimLeft(t.Value, " ")))
		return s.problem(at, "", "the quote that opens here is never closed", "")
	case "sequence end token ']' not found", "',' or ']' must be specified":
		return s.problem(at, "", `expected "," or "]" in a list that was opened with "["`, "")
	case "could not find flow mapping end token '}'", "',' or '}' must be specified":
		return s.problem(at, "", `expected "," or "}" in a block that was opened with "{"`, "")
	case "found an invalid key for this map":
		return s.problem(at, "", blockKeyMessage, "")
	case "non-map value is specified", "value is not allowed in this context":
		return s.problem(at, "", `expected "key: value" at this indentation`, "check the indentation")
	}
	return s.problem(at, "", window([]rune(message), 0), "")
}

// tabbed finds a tab in the indentation of line n or the one after: the parser
// names either.
func (s *source) tabbed(n int) (span, bool) {
	for _, n := range []int{n, n + 1} {
		text := s.line(n)
		blank := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
		if i := strings.IndexByte(blank, '\t'); i >= 0 {
			return span{n, i + 1, 1}, true
		}
	}
	return span{}, false
}

// misindented recognizes the two ways in which a block gets a wrong
// indentation: a key deeper than its neighbours, which the parser reads as the
// continuation of the value above, and a key between two levels.
func (s *source) misindented(t *token.Token, at span) (span, string, string, bool) {
	if origin := strings.TrimSpace(t.Origin); t.Type == token.StringType && strings.Contains(origin, "\n") {
		n := at.line + strings.Count(origin, "\n")
		indent, ok := s.indent(n)
		key, _, isKey := strings.Cut(strings.TrimSpace(s.line(n)), ":")
		above := at.line
		wanted := s.blockIndent(above)
		if ok && isKey && indent > wanted {
			return span{n, indent + 1, len([]rune(key))},
				fmt.Sprintf("%q is indented deeper than the key before it, which has a value already", key),
				fmt.Sprintf("check the indentation: line %d has %s before its key, line %d has %s", above, spaces(wanted), n, spaces(indent)),
				true
		}
	}
	indent, ok := s.indent(at.line)
	if !ok || at.column != indent+1 {
		return span{}, "", "", false
	}
	levels := s.levels(at.line)
	if len(levels) == 0 {
		return span{}, "", "", false
	}
	if slices.Contains(levels, indent) {
		return span{}, "", "", false
	}
	names := make([]string, 0, len(levels))
	for _, level := range levels {
		names = append(names, fmt.Sprint(level))
	}
	return at,
		fmt.Sprintf("the indentation, %s, fits no block above", spaces(indent)),
		fmt.Sprintf("check the indentation: blocks above have %s", strings.Join(names, ", ")),
		true
}

// blockIndent is the column, from 0, of the key on line n, behind dashes.
func (s *source) blockIndent(n int) int {
	text := s.line(n)
	return len(text) - len(strings.TrimLeft(text, " -"))
}

// levels lists the indentations of the blocks that are open above line n, the
// outermost first.
func (s *source) levels(n int) []int {
	var levels []int
	least := math.MaxInt
	add := func(level int) {
		if level < least {
			levels = append([]int{level}, levels...)
			least = level
		}
	}
	for n--; n > 0 && least > 0 && len(levels) < MaxDepth; n-- {
		if indent, ok := s.indent(n); ok {
			add(s.blockIndent(n))
			add(indent)
		}
	}
	return levels
}

func spaces(n int) string {
	if n == 1 {
		return "1 space"
	}
	return fmt.Sprintf("%d spaces", n)
}
