package token

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// pyNesting is how deep JSON may nest before Python gives up with a RecursionError:
// its limit of 1000 frames, less those that a request has used up already.
const pyNesting = 900

// PythonJSON reads text as Python's json.loads does, for services that take JSON from outside. Integers are *big.Int. A
// text that is no JSON is a *PythonSyntaxError; any other error is one that Python raises for bytes that are no UTF-8,
// numbers of too many digits and too deep nesting.
func PythonJSON(data []byte) (any, error) { return pyJSON(data) }

// PythonSyntaxError is what Python says of text that is no JSON.
type PythonSyntaxError struct {
	Message                string
	Line, Column, Position int // in characters; Position counts from 0
}

func (e *PythonSyntaxError) Error() string {
	return fmt.Sprintf("%s: line %d column %d (char %d)", e.Message, e.Line, e.Column, e.Position)
}

// pyJSON reads text as Python's json.loads does. Beyond JSON it takes NaN, Infinity
// and lone surrogates; of members with the same name the last counts. Values are nil,
// bool, *big.Int, float64, string, []any and map[string]any. Errors are worded as
// Python's, with the position in characters; errTypeError stands for too deep nesting.
func pyJSON(data []byte) (any, error) {
	if err := pyUTF8(data); err != nil {
		return nil, err
	}
	p := &pyParser{text: string(data)}
	if strings.HasPrefix(p.text, "\ufeff") {
		return nil, p.fail("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0)
	}
	at := p.space(0)
	v, at, err := p.value(at, 0)
	if err != nil {
		return nil, err
	}
	if at = p.space(at); at < len(p.text) {
		return nil, p.fail("Extra data", at)
	}
	return v, nil
}

type pyParser struct{ text string }

func (p *pyParser) fail(what string, at int) error {
	before := p.text[:at]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return &PythonSyntaxError{what, line, column, utf8.RuneCountInString(before)}
}

func (p *pyParser) space(at int) int {
	for at < len(p.text) && strings.IndexByte(" \t\n\r", p.text[at]) >= 0 {
		at++
	}
	return at
}

// is tells whether c stands at that place.
func (p *pyParser) is(at int, c byte) bool { return at < len(p.text) && p.text[at] == c }

var pyWords = []struct {
	word  string
	value any
}{
	{"null", nil}, {"true", true}, {"false", false}, {"NaN", math.NaN()}, {"Infinity", math.Inf(1)}, {"-Infinity", math.Inf(-1)},
}

func (p *pyParser) value(at, depth int) (any, int, error) {
	if at >= len(p.text) {
		return nil, 0, p.fail("Expecting value", at)
	}
	switch p.text[at] {
	case '"':
		return p.str(at + 1)
	case '{', '[':
		if depth >= pyNesting {
			return nil, 0, errTypeError
		}
		if p.text[at] == '{' {
			return p.object(at+1, depth+1)
		}
		return p.list(at+1, depth+1)
	}
	for _, w := range pyWords {
		if strings.HasPrefix(p.text[at:], w.word) {
			return w.value, at + len(w.word), nil
		}
	}
	return p.number(at)
}

func (p *pyParser) object(at, depth int) (any, int, error) {
	object := map[string]any{}
	at = p.space(at)
	if p.is(at, '}') {
		return object, at + 1, nil
	}
	for {
		if !p.is(at, '"') {
			return nil, 0, p.fail("Expecting property name enclosed in double quotes", at)
		}
		name, next, err := p.str(at + 1)
		if err != nil {
			return nil, 0, err
		}
		at = p.space(next)
		if !p.is(at, ':') {
			return nil, 0, p.fail("Expecting ':' delimiter", at)
		}
		v, next, err := p.value(p.space(at+1), depth)
		if err != nil {
			return nil, 0, err
		}
		object[name] = v
		at = p.space(next)
		switch {
		case p.is(at, '}'):
			return object, at + 1, nil
		case !p.is(at, ','):
			return nil, 0, p.fail("Expecting ',' delimiter", at)
		}
		at = p.space(at + 1)
	}
}

func (p *pyParser) list(at, depth int) (any, int, error) {
	list := []any{}
	at = p.space(at)
	if p.is(at, ']') {
		return list, at + 1, nil
	}
	for {
		v, next, err := p.value(at, depth)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, v)
		at = p.space(next)
		switch {
		case p.is(at, ']'):
			return list, at + 1, nil
		case !p.is(at, ','):
			return nil, 0, p.fail("Expecting ',' delimiter", at)
		}
		at = p.space(at + 1)
	}
}

func (p *pyParser) number(start int) (any, int, error) {
	at := start
	if p.text[at] == '-' {
		at++
	}
	switch {
	case p.is(at, '0'):
		at++
	case p.digits(at) > at:
		at = p.digits(at)
	default:
		return nil, 0, p.fail("Expecting value", start)
	}
	isFloat := false
	if p.is(at, '.') && p.digits(at+1) > at+1 {
		isFloat, at = true, p.digits(at+1)
	}
	if p.is(at, 'e') || p.is(at, 'E') {
		sign := at + 1
		if p.is(sign, '+') || p.is(sign, '-') {
			sign++
		}
		if end := p.digits(sign); end > sign {
			isFloat, at = true, end
		}
	}
	text := p.text[start:at]
	if isFloat {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) { // out of range is infinity
			return nil, 0, p.fail("Expecting value", start)
		}
		return f, at, nil
	}
	if digits := len(strings.TrimPrefix(text, "-")); digits > pyIntDigits {
		return nil, 0, fmt.Errorf("Exceeds the limit (%d digits) for integer string conversion: value has %d digits; "+ //nolint:staticcheck // Python's words
			"use sys.set_int_max_str_digits() to increase the limit", pyIntDigits, digits)
	}
	n, _ := new(big.Int).SetString(text, 10)
	return n, at, nil
}

func (p *pyParser) digits(at int) int {
	for at < len(p.text) && '0' <= p.text[at] && p.text[at] <= '9' {
		at++
	}
	return at
}

// str reads a string whose opening quote stands before at.
func (p *pyParser) str(at int) (string, int, error) {
	begin := at - 1
	var s []byte
	for {
		next := at
		for next < len(p.text) && p.text[next] != '"' && p.text[next] != '\\' {
			if p.text[next] <= 0x1f {
				return "", 0, p.fail("Invalid control character at", next)
			}
			next++
		}
		s = append(s, p.text[at:next]...)
		switch {
		case next == len(p.text):
			return "", 0, p.fail("Unterminated string starting at", begin)
		case p.text[next] == '"':
			return string(s), next + 1, nil
		case next+1 == len(p.text):
			return "", 0, p.fail("Unterminated string starting at", begin)
		case p.text[next+1] == 'u':
			r, end, err := p.unicode(next)
			if err != nil {
				return "", 0, err
			}
			s, at = appendSurrogate(s, r), end
			continue
		}
		escape := strings.IndexByte(`"\/bfnrt`, p.text[next+1])
		if escape < 0 {
			return "", 0, p.fail(`Invalid \escape`, next)
		}
		s, at = append(s, "\"\\/\b\f\n\r\t"[escape]), next+2
	}
}

// unicode reads \uXXXX, or two of them that make a pair, at the backslash.
func (p *pyParser) unicode(at int) (rune, int, error) {
	first, ok := p.hex(at + 2)
	if !ok {
		return 0, 0, p.fail(`Invalid \uXXXX escape`, at+1)
	}
	end := at + 6
	if first < 0xd800 || 0xdbff < first || !strings.HasPrefix(p.text[end:], `\u`) || end+6 >= len(p.text) {
		return first, end, nil
	}
	second, ok := p.hex(end + 2)
	if !ok {
		return 0, 0, p.fail(`Invalid \uXXXX escape`, end+1)
	}
	if second < 0xdc00 || 0xdfff < second {
		return first, end, nil
	}
	return (first-0xd800)<<10 + (second - 0xdc00) + 0x10000, end + 6, nil
}

// hex reads four hexadecimal digits that are not the end of the text.
func (p *pyParser) hex(at int) (rune, bool) {
	if at+4 >= len(p.text) {
		return 0, false
	}
	var r rune
	for _, c := range []byte(p.text[at : at+4]) {
		digit := strings.IndexByte("0123456789abcdef", lower(c))
		if digit < 0 {
			return 0, false
		}
		r = r<<4 | rune(digit)
	}
	return r, true
}

// appendSurrogate is utf8.AppendRune which keeps a lone surrogate as three bytes of
// its own, so that it equals nothing else.
func appendSurrogate(s []byte, r rune) []byte {
	if 0xd800 <= r && r <= 0xdfff {
		return append(s, byte(0xe0|r>>12), byte(0x80|r>>6&0x3f), byte(0x80|r&0x3f))
	}
	return utf8.AppendRune(s, r)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
