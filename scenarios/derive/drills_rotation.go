package derive

import (
	"time"

	"github.com/ccmock/ccmock/internal/token"
)

// rotations are the ways to change the key that an issuer signs with, well or badly.
var rotations = []drill{
	{"overlap", "the new key is published a day before it signs, and the old one goes when its last token has expired: nobody is refused.", overlap},
	{"hard-cut", "the keys are swapped and the old one is dropped, all at once.", hardCut},
	{"rollback", "the new key signs, and then the old one again: nobody is refused.", rollback},
	{"trim-too-early", "the old key is dropped while its tokens are about.", trimTooEarly},
	{"restart-forgotten", "the keys are swapped, but the processes go on signing with the one that they had loaded.", restartForgotten},
}

func overlap(r *rotation) {
	r.publishAhead()
	r.issue("old")
	r.call("a day later the new key is known", "old", accepted, r.due())
	r.rotate("rotate", 2, "changed")
	r.issue("new")
	r.call("the new key signs", "new", accepted, r.due())
	r.call("the old token is good", "old", accepted, r.due())
	r.advance(r.issuer.ttl - aMoment)
	r.call("until its last second", "old", accepted, r.due())
	r.advance(2 * aMoment) // the AI gateway takes it up to and with the second of its expiry
	r.call("then it has expired", "old", no(token.Expired), r.due())
	r.rotate("trim", 1, "same")
	r.issue("newer")
	r.call("nobody misses the old key", "newer", accepted, r.due())
	r.advance(keepsKeys)
	r.issue("last")
	r.call("nor when it is forgotten", "last", accepted, r.due())
}

func hardCut(r *rotation) {
	r.issue("old")
	r.call("the backend fetches the keys", "old", accepted, r.due())
	r.rotate("create", 2, "same")
	r.rotate("rotate", 2, "changed")
	r.rotate("trim", 1, "same")
	r.issue("new")
	r.call("the old token is good while its key is remembered", "old", accepted, r.due())
	if r.asksAgain() {
		r.call("the new key is asked for", "new", accepted, again)
		r.call("which drops the old one", "old", no(token.UnknownKey), fromCache)
		r.advance(time.Minute)
		r.call("and it does not come back", "old", no(token.UnknownKey), again)
		r.call("the new token is good", "new", accepted, fromCache)
		return
	}
	r.call("the new key is unknown", "new", no(token.UnknownKey), r.due())
	r.advance(keepsKeys - time.Minute)
	r.issue("newer")
	r.call("for as long as the old set is kept", "newer", no(token.UnknownKey), r.due())
	r.advance(time.Minute)
	r.call("a day later it is known", "newer", accepted, r.due())
}

// publishAhead publishes a new key a day before it signs, so that every key set has it.
func (r *rotation) publishAhead() {
	r.issue("first")
	r.call("the backend fetches the keys", "first", accepted, r.due())
	r.rotate("create", 2, "same")
	r.advance(keepsKeys)
}

func rollback(r *rotation) {
	r.publishAhead()
	r.issue("old")
	r.call("a day later the new key is known", "old", accepted, r.due())
	r.rotate("rotate", 2, "changed")
	r.issue("new")
	r.call("the new key signs", "new", accepted, r.due())
	r.rotate("rotate", 2, "changed")
	r.issue("back")
	r.call("the old key signs again", "back", accepted, r.due())
	r.call("the tokens of the new one are good", "new", accepted, r.due())
	r.advance(r.issuer.ttl)
	r.rotate("trim", 1, "same")
	r.restart("", r.feature.Backend.Name)
	r.issue("last")
	r.call("nobody misses the new key", "last", accepted, r.due())
}

func trimTooEarly(r *rotation) {
	r.publishAhead()
	r.issue("old")
	r.call("a day later the new key is known", "old", accepted, r.due())
	r.rotate("rotate", 2, "changed")
	r.rotate("trim", 1, "same")
	r.issue("new")
	r.call("the old token is good while its key is remembered", "old", accepted, r.due())
	r.restart("", r.feature.Backend.Name)
	r.call("a backend that starts now does not know the old key", "old", no(token.UnknownKey), r.due())
	r.call("the new token is good", "new", accepted, r.due())
	r.advance(r.issuer.ttl)
	r.issue("last")
	r.call("and when the tokens of the old key have run out, nobody misses it", "last", accepted, r.due())
}

func restartForgotten(r *rotation) {
	r.publishAhead()
	r.rotate("rotate", 2, "same", member{"restart", false})
	r.issue("old")
	r.call("the old key signs, and is published", "old", accepted, r.due())
	r.advance(r.issuer.ttl)
	r.issue("published")
	r.call("it is as long as it is not trimmed", "published", accepted, r.due())
	r.rotate("trim", 1, "same")
	r.issue("unknown")
	r.call("it signs still, and is remembered", "unknown", accepted, r.due())
	r.advance(keepsKeys)
	r.issue("refused")
	r.call("a day later everybody is refused", "refused", no(token.UnknownKey), r.due())
	r.restart("the processes are restarted", r.issuer.service)
	r.issue("new")
	r.call("the new key signs", "new", accepted, r.due())
}
