package fault

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
)

// What Action.Keys may be.
const (
	KeysWithoutFirst = "without_first" // the first key is missing
	KeysWithoutLast  = "without_last"  // the last key is missing
	KeysStale        = "stale"         // as it was before a key was last added or dropped
)

// What Action.CorruptSignature may be.
const (
	SignatureInRequest = "request" // of the token in the Authorization header
	SignatureInAnswer  = "answer"  // of every token in the body
)

// KeySets lists what Action.Keys may be.
func KeySets() []string { return []string{KeysWithoutFirst, KeysWithoutLast, KeysStale} }

// Signatures lists what Action.CorruptSignature may be.
func Signatures() []string { return []string{SignatureInRequest, SignatureInAnswer} }

// ChangesRequest reports whether the action changes the request before the service sees it.
func (a Action) ChangesRequest() bool { return a.CorruptSignature == SignatureInRequest }

// ChangesBody reports whether the action changes the body of the service's own answer.
func (a Action) ChangesBody() bool {
	return a.Truncate > 0 || a.Malformed || a.Keys != "" || a.CorruptSignature == SignatureInAnswer
}

// ChangeRequest changes the headers of a request. It reports false when they hold nothing
// to change.
func (a Action) ChangeRequest(h http.Header) bool {
	value := []byte(h.Get("Authorization"))
	if !a.ChangesRequest() || !jwt.Match(value) {
		return false
	}
	h.Set("Authorization", string(corruptSignatures(value)))
	return true
}

// ChangeBody is the body that is sent in place of body. Stale is what the body was before
// the last change of what it shows, nil where nobody knows. It reports false when there is
// nothing to change: a body that is too short, no JSON, no key set, without a token.
func (a Action) ChangeBody(body, stale []byte) ([]byte, bool) {
	switch {
	case a.Truncate > 0:
		if len(body) <= a.Truncate {
			return body, false
		}
		return body[:a.Truncate], true
	case a.Malformed:
		return malform(body)
	case a.Keys == KeysStale:
		return stale, stale != nil
	case a.Keys != "":
		return dropKey(body, a.Keys == KeysWithoutFirst)
	case a.CorruptSignature == SignatureInAnswer:
		return corruptSignatures(body), jwt.Match(body)
	}
	return body, false
}

// malform puts a comma where JSON has none: after the last member.
func malform(body []byte) ([]byte, bool) {
	body = bytes.TrimSpace(body)
	if !json.Valid(body) {
		return body, false
	}
	end := len(body)
	if last := body[end-1]; last == '}' || last == ']' {
		end--
	}
	return append(append(bytes.Clone(body[:end]), ','), body[end:]...), true
}

// dropKey leaves the first or the last key out of a key set.
func dropKey(body []byte, first bool) ([]byte, bool) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil || len(set.Keys) == 0 {
		return body, false
	}
	if first {
		set.Keys = set.Keys[1:]
	} else {
		set.Keys = set.Keys[:len(set.Keys)-1]
	}
	left, err := json.Marshal(set)
	return left, err == nil
}

// jwt is a signed token in compact form; its header is an object, so it begins with the
// Base64 of `{"`.
var jwt = regexp.MustCompile(`(eyJ[\w-]+\.[\w-]+\.)([\w-])`)

// corruptSignatures changes the first six bits of every signature, which leaves the length
// and the encoding right.
func corruptSignatures(text []byte) []byte {
	return jwt.ReplaceAllFunc(text, func(found []byte) []byte {
		changed := bytes.Clone(found)
		if last := len(changed) - 1; changed[last] == 'A' {
			changed[last] = 'B'
		} else {
			changed[last] = 'A'
		}
		return changed
	})
}
