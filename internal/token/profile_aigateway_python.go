package token

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The AI gateway reads tokens with Python's base64, json and int. Where those differ
// from what Go's readers take, verdicts differ, so this file follows Python's.

// errTypeError stands for an exception that the gateway does not catch: it answers 500.
var errTypeError = errors.New("a Python exception that is not caught")

// pyBase64 decodes base64url as python-jose does: it adds the padding that the
// length asks for, takes both alphabets, skips every other byte, and ends at a
// sufficient padding. It fails when data characters are left over.
func pyBase64(segment []byte) ([]byte, bool) {
	if rest := len(segment) % 4; rest > 0 {
		segment = append(slices.Clip(segment), "===="[rest:]...)
	}
	return pyBase64Padded(segment)
}

func pyBase64Padded(segment []byte) ([]byte, bool) {
	out := make([]byte, 0, len(segment)*3/4)
	var have, pads int // data characters and padding in the group of four at hand
	var left byte
	for _, c := range segment {
		if c == '=' {
			if have >= 2 {
				if pads++; have+pads >= 4 {
					return out, true
				}
			}
			continue
		}
		v, ok := base64Value(c)
		if !ok {
			continue
		}
		pads = 0
		switch have {
		case 0:
			left = v
		case 1:
			out = append(out, left<<2|v>>4)
			left = v & 0x0f
		case 2:
			out = append(out, left<<4|v>>2)
			left = v & 0x03
		case 3:
			out = append(out, left<<6|v)
		}
		have = (have + 1) % 4
	}
	return out, have == 0
}

func base64Value(c byte) (byte, bool) {
	switch {
	case 'A' <= c && c <= 'Z':
		return c - 'A', true
	case 'a' <= c && c <= 'z':
		return c - 'a' + 26, true
	case '0' <= c && c <= '9':
		return c - '0' + 52, true
	case c == '-' || c == '+':
		return 62, true
	case c == '_' || c == '/':
		return 63, true
	}
	return 0, false
}

// pyUTF8 checks that data is UTF-8, and words the failure as Python's decoder does.
func pyUTF8(data []byte) error {
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r != utf8.RuneError || size > 1 {
			at += size
			continue
		}
		n, why := badUTF8(data[at:])
		if n == 1 {
			return fmt.Errorf("'utf-8' codec can't decode byte 0x%02x in position %d: %s", data[at], at, why)
		}
		return fmt.Errorf("'utf-8' codec can't decode bytes in position %d-%d: %s", at, at+n-1, why)
	}
	return nil
}

// badUTF8 tells how many bytes of data, which starts with a bad sequence, belong to
// it, and what is wrong.
func badUTF8(data []byte) (int, string) {
	first := data[0]
	var need int
	switch {
	case 0xc2 <= first && first <= 0xdf:
		need = 1
	case 0xe0 <= first && first <= 0xef:
		need = 2
	case 0xf0 <= first && first <= 0xf4:
		need = 3
	default:
		return 1, "invalid start byte"
	}
	for n := 1; n <= need; n++ {
		if n == len(data) {
			return n, "unexpected end of data"
		}
		low, high := byte(0x80), byte(0xbf)
		if n == 1 {
			switch first {
			case 0xe0:
				low = 0xa0
			case 0xed:
				high = 0x9f
			case 0xf0:
				low = 0x90
			case 0xf4:
				high = 0x8f
			}
		}
		if data[n] < low || data[n] > high {
			return n, "invalid continuation byte"
		}
	}
	return 1, "invalid start byte" // not reached: the sequence would be good
}

// pyTrue is Python's truth value.
func pyTrue(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case *big.Int:
		return v.Sign() != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

// PythonTrue is the truth value that Python gives a claim.
func PythonTrue(v any) bool { return pyTrue(v) }

// errValue stands for Python's ValueError.
var errValue = errors.New("not an integer")

// pyIntDigits is how many digits Python converts to an int.
const pyIntDigits = 4300

// pyInt is int(v). It fails with errValue where Python raises a ValueError, which
// python-jose catches, and else with errTypeError.
func pyInt(v any) (*big.Int, error) {
	switch v := v.(type) {
	case bool:
		if v {
			return big.NewInt(1), nil
		}
		return new(big.Int), nil
	case *big.Int:
		return v, nil
	case float64:
		switch {
		case math.IsNaN(v):
			return nil, errValue
		case math.IsInf(v, 0):
			return nil, errTypeError // OverflowError
		}
		whole, _ := big.NewFloat(v).Int(nil)
		return whole, nil
	case string:
		return pyIntOf(v)
	}
	return nil, errTypeError
}

// pyIntOf reads text as int() does: space around it, a sign, the decimal digits of
// any script, and single underscores between digits.
func pyIntOf(text string) (*big.Int, error) {
	text = strings.TrimFunc(text, unicode.IsSpace)
	negative := strings.HasPrefix(text, "-")
	if negative || strings.HasPrefix(text, "+") {
		text = text[1:]
	}
	var digits strings.Builder
	underscore := true // none may come first
	for _, r := range text {
		if r == '_' {
			if underscore {
				return nil, errValue
			}
			underscore = true
			continue
		}
		d, ok := decimalDigit(r)
		if !ok {
			return nil, errValue
		}
		digits.WriteByte('0' + d)
		underscore = false
	}
	if underscore || digits.Len() > pyIntDigits {
		return nil, errValue
	}
	n, _ := new(big.Int).SetString(digits.String(), 10)
	if negative {
		n.Neg(n)
	}
	return n, nil
}

// PythonInt says whether Python's int() takes a text.
func PythonInt(text string) bool {
	_, err := pyIntOf(text)
	return err == nil
}

// decimalDigit is the value of a decimal digit. Unicode lists them in runs of ten
// that begin with a zero.
func decimalDigit(r rune) (byte, bool) {
	if '0' <= r && r <= '9' {
		return byte(r - '0'), true
	}
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10), true
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10), true
		}
	}
	return 0, false
}

// latin1 reads a header value as the gateway's server does, byte by byte.
func latin1(s string) string {
	for n := range len(s) {
		if s[n] >= utf8.RuneSelf {
			runes := make([]rune, len(s))
			for n := range len(s) {
				runes[n] = rune(s[n])
			}
			return string(runes)
		}
	}
	return s
}
