package strictyaml

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Edit returns a document with another value at path: nil, a bool, an int64, a float64, a
// string, or a []any or map[string]any of those. Everything else stays as it is, byte by
// byte, comments included; a list or a block is written on one line, without the comments
// that stood in it. A value that stands in more than one place, by an alias or a merge, is
// not replaced. The result has been read again and found to differ in the value alone.
func Edit(file string, data []byte, path string, value any) ([]byte, error) {
	doc, err := Parse(file, data)
	if err != nil {
		return nil, err
	}
	refuse := func(why string) error {
		return Problems{doc.Problem(path, "cannot be replaced: "+why, "edit it by hand")}
	}
	at, why := doc.only(path)
	if why != "" {
		return nil, refuse(why)
	}
	bare, marked := bytes.CutPrefix(data, []byte(mark))
	text := strings.Join(doc.src.lines, "\n")
	crlf := len(bare) != len(text)
	if crlf && bytes.Count(bare, []byte("\n")) != bytes.Count(bare, []byte("\r\n")) {
		return nil, refuse("some lines end with a carriage return and some without")
	}
	e := editor{src: doc.src, text: text}
	start, end, ok := e.extent(at)
	if !ok {
		return nil, refuse("it is not clear where it ends")
	}
	edited := text[:start] + e.written(at.value, start, value) + text[end:]
	if crlf {
		edited = strings.ReplaceAll(edited, "\n", "\r\n")
	}
	if marked {
		edited = mark + edited
	}
	if !sameBut(doc, []byte(edited), path, value) {
		return nil, refuse("it would change more than the value")
	}
	return []byte(edited), nil
}

// mark may stand before a text in UTF-8.
const mark = "\ufeff"

// only finds what path names, if it stands in one place.
func (d *Document) only(path string) (found, string) {
	at := found{key: d.key, value: d.root}
	for _, part := range splitPath(path) {
		next, ok := at.value.child(part)
		if !ok {
			return at, "it is not there"
		}
		if at = next; at.value.shared {
			return at, "other places in the file have it, too"
		}
	}
	if at.value.implicit {
		return at, "it is empty"
	}
	return at, ""
}

// sameBut reports whether edited text differs from a document in one value alone.
func sameBut(doc *Document, edited []byte, path string, value any) bool {
	again, err := Parse(doc.File(), edited)
	if err != nil {
		return false
	}
	var before, after map[string]any
	if doc.Decode(&before) != nil || again.Decode(&after) != nil {
		return false
	}
	parts := splitPath(path)
	var put func(in any, parts []any) any
	put = func(in any, parts []any) any {
		if len(parts) == 0 {
			return value
		}
		switch in := in.(type) {
		case map[string]any:
			key := fmt.Sprint(parts[0])
			in[key] = put(in[key], parts[1:])
		case []any:
			if n, ok := parts[0].(int); ok && n < len(in) {
				in[n] = put(in[n], parts[1:])
			}
		}
		return in
	}
	put(before, parts)
	return reflect.DeepEqual(before, after)
}

// editor knows where the values of a text begin and end, in bytes.
type editor struct {
	src  *source
	text string
}

// offset is where a span begins.
func (e *editor) offset(at span) (int, bool) {
	if at.line < 1 || at.line > len(e.src.lines) {
		return 0, false
	}
	n := 0
	for _, line := range e.src.lines[:at.line-1] {
		n += len(line) + 1
	}
	rest := e.src.line(at.line)
	for range at.column - 1 {
		_, size := utf8.DecodeRuneInString(rest)
		rest, n = rest[size:], n+size
	}
	return n, true
}

// extent is where a value begins and ends. That of a block which has the line below its
// key begins behind the key.
func (e *editor) extent(at found) (start, end int, ok bool) {
	start, ok = e.offset(at.value.at)
	if !ok || start >= len(e.text) {
		return 0, 0, false
	}
	rest := e.text[start:]
	switch {
	case at.value.kind == kindMapping && rest[0] != '{', at.value.kind == kindSequence && rest[0] != '[':
		end := start + e.block(at.value)
		if line := e.src.line(at.value.at.line - 1); at.key != nil && at.key.at.line == at.value.at.line-1 && strings.HasSuffix(line, ":") {
			start = strings.LastIndexByte(e.text[:start], '\n')
		}
		return start, end, true
	case at.value.kind == kindMapping || at.value.kind == kindSequence:
		end, ok = brackets(rest)
	case rest[0] == '"' || rest[0] == '\'':
		end, ok = quotes(rest)
	case at.value.quoted && (rest[0] == '|' || rest[0] == '>'):
		end, ok = e.literal(at.value), true
	default:
		end, ok = len(at.value.text), strings.HasPrefix(rest, at.value.text)
	}
	return start, start + end, ok
}

// quotes is the length of the quoted text that s begins with.
func quotes(s string) (int, bool) {
	for n := 1; n < len(s); n++ {
		switch {
		case s[0] == '"' && s[n] == '\\':
			n++
		case s[n] != s[0]:
		case s[0] == '\'' && strings.HasPrefix(s[n:], "''"):
			n++
		default:
			return n + 1, true
		}
	}
	return 0, false
}

// brackets is the length of the list or block in brackets that s begins with.
func brackets(s string) (int, bool) {
	depth := 0
	before := byte(0) // the last character that is no space
	for n := 0; n < len(s); n++ {
		switch c := s[n]; {
		case (c == '"' || c == '\'') && strings.IndexByte("{[,:", before) >= 0:
			length, ok := quotes(s[n:])
			if !ok {
				return 0, false
			}
			n += length - 1
		case c == '#' && n > 0 && strings.IndexByte(" \t\n", s[n-1]) >= 0:
			length := strings.IndexByte(s[n:], '\n')
			if length < 0 {
				return 0, false
			}
			n += length
			continue
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return n + 1, true
			}
		}
		if strings.IndexByte(" \t\n", s[n]) < 0 {
			before = s[n]
		}
	}
	return 0, false
}

// block is the length of a block without brackets: to the end of its last line that is
// neither empty nor a comment.
func (e *editor) block(n *node) int {
	own := n.at.column - 1
	return e.lines(n.at, true, func(indent int, line string) bool {
		return indent > own || indent == own && (n.kind == kindMapping || strings.HasPrefix(line[indent:], "-"))
	})
}

// literal is the length of a text behind | or >.
func (e *editor) literal(n *node) int {
	own, known := 0, false
	return e.lines(n.at, false, func(indent int, _ string) bool {
		if !known {
			own, known = indent, true
			outer := e.src.line(n.at.line)
			return indent > len(outer)-len(strings.TrimLeft(outer, " "))
		}
		return indent >= own
	})
}

// lines is the length of what begins at a span and goes on as long as the lines below
// belong to it. Empty ones may stand between, and comments where they are such.
func (e *editor) lines(at span, comments bool, belongs func(indent int, line string) bool) int {
	start, _ := e.offset(at)
	first, _ := e.offset(span{line: at.line, column: 1})
	end := first + len(e.src.line(at.line))
	pos := end
	for n := at.line + 1; n <= len(e.src.lines); n++ {
		line := e.src.line(n)
		pos += 1 + len(line)
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if strings.TrimSpace(line) == "" {
			continue
		}
		if comments && line[indent] == '#' {
			continue
		}
		if !belongs(indent, line) {
			break
		}
		end = pos
	}
	return end - start
}

// written is a value as it stands at start, in the style of the one that was there.
func (e *editor) written(old *node, start int, value any) string {
	text, isText := value.(string)
	now := write(value)
	switch first := e.text[start]; {
	case first == '\n':
		return " " + now // a block moves up to its key
	case isText && first == '"':
		return Quote(text)
	case isText && first == '\'' && !strings.ContainsFunc(text, unprintable):
		return singleQuoted(text)
	case isText && old.quoted && first == '|' && strings.Contains(text, "\n"):
		return e.literally(old, text, now)
	}
	return now
}

// literally is a text behind |, where it can stand there.
func (e *editor) literally(old *node, text, otherwise string) string {
	indent, _ := e.src.indent(old.at.line + 1)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if lines[0] != strings.TrimLeft(lines[0], " ") || lines[0] == "" || lines[len(lines)-1] == "" {
		return otherwise
	}
	out := "|-"
	if strings.HasSuffix(text, "\n") {
		out = "|"
	}
	for _, line := range lines {
		if strings.ContainsFunc(line, unprintable) {
			return otherwise
		}
		out += "\n"
		if line != "" {
			out += strings.Repeat(" ", indent) + line
		}
	}
	return out
}

// write is a value on one line.
func write(value any) string {
	switch v := value.(type) {
	case string:
		return writeText(v)
	case []any:
		items := make([]string, len(v))
		for n, item := range v {
			items[n] = write(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		var members []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			members = append(members, writeText(key)+": "+write(v[key]))
		}
		return "{" + strings.Join(members, ", ") + "}"
	case float64:
		text := strings.ToLower(fmt.Sprintf("%v", v))
		if !strings.ContainsAny(text, ".e") {
			text += ".0" // it stays one
		}
		return text
	case nil:
		return "null"
	}
	return fmt.Sprint(value)
}

// writeText writes a text without quotes where it is read as the same text then.
func writeText(text string) string {
	switch {
	case strings.ContainsFunc(text, unprintable):
		return Quote(text)
	case text == "" || strings.ContainsAny(text, "{}[],:#&*!|>'\"%@`\\") || strings.ContainsAny(text[:1], "-?"):
		return singleQuoted(text)
	}
	var read struct{ V string }
	doc, err := Parse("", []byte("v: "+text+"\n"))
	if err != nil || doc.Decode(&read) != nil || read.V != text {
		return singleQuoted(text)
	}
	return text
}

func singleQuoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
