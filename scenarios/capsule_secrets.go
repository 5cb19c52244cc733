package scenarios

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// standIns puts something of the same shape in the place of the secrets of a text that is
// to be run again: the same for the same secret, so that a flow stays the flow that it is.
type standIns struct{ own []*regexp.Regexp }

// carried matches a token, or else what encoded does.
var carried = regexp.MustCompile(jwt.String() + `|` + encoded.String())

var wholePersonal = regexp.MustCompile(`glpat-[A-Za-z0-9_-]+`)

func newStandIns(f *Flow) standIns {
	var s standIns
	for _, pat := range newRedactor(f).pats {
		if pat != "" && strings.Contains(f.text, pat) {
			s.own = append(s.own, regexp.MustCompile(`(^|[^A-Za-z0-9_-])`+regexp.QuoteMeta(pat)+`($|[^A-Za-z0-9_-])`))
		}
	}
	return s
}

func (s standIns) text(text string) string {
	text = private.ReplaceAllString(text, "$1...$2")
	text = carried.ReplaceAllStringFunc(text, func(raw string) string {
		if n := strings.LastIndexByte(raw, '.'); n >= 0 {
			return raw[:n+1] + "REMOVED" // the signature is the secret
		}
		return raw[:9] + "..."
	})
	text = wholePersonal.ReplaceAllStringFunc(text, func(pat string) string { return "glpat-" + standIn(pat) })
	for _, own := range s.own {
		text = own.ReplaceAllStringFunc(text, func(found string) string {
			m := own.FindStringSubmatchIndex(found)
			return found[:m[3]] + "hidden-" + standIn(found[m[3]:m[4]]) + found[m[4]:]
		})
	}
	return text
}

func standIn(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:10])
}
