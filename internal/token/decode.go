package token

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxSize is the longest token that the strict profile looks at, in bytes.
const MaxSize = 24 << 10

// Decoded is what a token says, believed or not. Numbers are float64.
type Decoded struct {
	Raw    string         `json:"-"`
	Header map[string]any `json:"header"`
	Claims map[string]any `json:"claims"`

	signature []byte
}

// signed is the part of the token that the signature is for.
func (d *Decoded) signed() string { return d.Raw[:strings.LastIndexByte(d.Raw, '.')] }

// Decode reads a token without verifying anything. The token must have three
// segments of base64url without padding, of which the first two are JSON objects in
// UTF-8; a member that occurs twice in one of them is an error, since readers differ
// on which of the two counts. The error is a *Refusal with reason Malformed.
func Decode(raw string) (*Decoded, error) {
	d, refusal := decode(raw)
	if refusal != nil {
		return nil, refusal
	}
	return d, nil
}

func decode(raw string) (*Decoded, *Refusal) {
	if len(raw) > MaxSize {
		return nil, malformed("expected a token of at most %d bytes, got %d", MaxSize, len(raw))
	}
	if n := strings.Count(raw, "."); n != 2 {
		return nil, malformed("expected 3 segments, got %d", n+1)
	}
	head, rest, _ := strings.Cut(raw, ".")
	body, signature, _ := strings.Cut(rest, ".")
	header, refusal := decodeObject("header", head)
	if refusal != nil {
		return nil, refusal
	}
	claims, refusal := decodeObject("payload", body)
	if refusal != nil {
		return nil, refusal
	}
	sum, refusal := decodeSegment("signature", signature)
	if refusal != nil {
		return nil, refusal
	}
	return &Decoded{Raw: raw, Header: header, Claims: claims, signature: sum}, nil
}

var segmentEncoding = base64.RawURLEncoding.Strict()

func decodeSegment(name, segment string) ([]byte, *Refusal) {
	// The decoder skips line breaks; a token has none.
	if strings.ContainsAny(segment, "\r\n") {
		return nil, malformed("%s is not base64url: it holds a line break", name)
	}
	data, err := segmentEncoding.DecodeString(segment)
	var corrupt base64.CorruptInputError
	switch {
	case errors.As(err, &corrupt):
		return nil, malformed("%s is not base64url without padding: wrong at byte %d", name, int64(corrupt))
	case err != nil:
		return nil, malformed("%s is not base64url without padding", name)
	}
	return data, nil
}

func decodeObject(name, segment string) (map[string]any, *Refusal) {
	data, refusal := decodeSegment(name, segment)
	if refusal != nil {
		return nil, refusal
	}
	if !utf8.Valid(data) {
		return nil, malformed("%s is not UTF-8", name)
	}
	if first := bytes.TrimLeft(data, " \t\r\n"); len(first) == 0 || first[0] != '{' {
		return nil, malformed("%s is not a JSON object", name)
	}
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil {
		return nil, malformed("%s is not a JSON object: %s", name, short(err.Error()))
	}
	// A map keeps the last of two members of one name, so it is the smaller one then.
	if members(data) != len(object) {
		return nil, malformed("%s member %q occurs twice", name, short(repeated(data)))
	}
	return object, nil
}

// members counts the members of a valid JSON object: the colons that belong to it itself.
func members(object []byte) int {
	count, depth, quoted := 0, 0, false
	for n := 0; n < len(object); n++ {
		switch c := object[n]; {
		case quoted && c == '\\':
			n++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ':' && depth == 1:
			count++
		}
	}
	return count
}

// repeated names the first member that a valid JSON object has twice.
func repeated(object []byte) string {
	dec := json.NewDecoder(bytes.NewReader(object))
	_, _ = dec.Token() // the brace
	seen := map[json.Token]bool{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			break
		}
		if seen[name] {
			return name.(string)
		}
		seen[name] = true
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			break
		}
	}
	return ""
}

// KeyID is the header's "kid", if it is a string.
func (d *Decoded) KeyID() (id string, ok bool) {
	id, ok = d.Header["kid"].(string)
	return id, ok
}

// Text is the claim if it is a string, else "".
func (d *Decoded) Text(claim string) string {
	s, _ := d.Claims[claim].(string)
	return s
}

// List is the claim as strings if it is a list of strings or one string, else nil.
func (d *Decoded) List(claim string) []string {
	l, _ := stringList(d.Claims[claim])
	return l
}

// Time is the claim if it is a number of seconds since 1970, else false.
func (d *Decoded) Time(claim string) (time.Time, bool) {
	n, ok := d.Claims[claim].(float64)
	if !ok {
		return time.Time{}, false
	}
	return secondsTime(n)
}

// lastSecond is the end of the year 9999, the last that RFC 3339 can write.
const lastSecond = 253402300799

func secondsTime(n float64) (time.Time, bool) {
	if !(n >= 0 && n <= lastSecond) {
		return time.Time{}, false
	}
	whole, part := math.Modf(n)
	return time.Unix(int64(whole), int64(part*float64(time.Second))).UTC(), true
}

// stringList reads a string or a list of strings.
func stringList(v any) ([]string, bool) {
	switch v := v.(type) {
	case string:
		return []string{v}, true
	case []any:
		l := make([]string, 0, len(v))
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, false
			}
			l = append(l, s)
		}
		return l, true
	}
	return nil, false
}

// Digest names a token in a journal: the first 12 hex digits of its SHA-256, and ""
// for the empty token.
func Digest(raw string) string {
	if raw == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(raw))
	return hex.EncodeToString(sum[:6])
}

func malformed(format string, args ...any) *Refusal {
	return &Refusal{Reason: Malformed, Detail: fmt.Sprintf(format, args...)}
}

// short cuts what a stranger sent to a length fit for an error text.
func short(s string) string {
	const limit = 64
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "..."
}
