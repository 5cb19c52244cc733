package scenarios

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/explain"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/token"
)

// seen is the token that a step is about: the one that the action gave; of a request, one
// that it saves from the answer, or else the one that got furthest in.
func (j *judging) seen() (t *journal.Token, known bool) {
	if !j.out.sent {
		return j.out.token, true
	}
	if s := j.step.Save; s != nil {
		if raw, err := j.out.value(s.Value); err == nil {
			if text, ok := raw.(string); ok {
				if decoded, err := token.Decode(text); err == nil {
					return &journal.Token{Digest: token.Digest(text), Header: decoded.Header, Claims: decoded.Claims}, true
				}
			}
		}
	}
	for _, hop := range slices.Backward(j.r.Hops) {
		if hop.Token != nil {
			return explain.Full(j.r.Journal, hop.Token), true
		}
	}
	return nil, j.client != nil
}

func (j *judging) token() {
	got, known := j.seen()
	want := j.want.Token
	switch {
	case !known:
		j.notes = append(j.notes, "which token the services saw is not known without a control plane")
		return
	case want.Absent && got != nil:
		j.complain("token.absent", "expected no token, got one with the scopes %s", shown(got.Claims["scopes"]))
		return
	case want.Absent:
		return
	case got == nil:
		j.complain("token", "expected a token, got none")
		return
	}
	claims := got.Claims
	if want.Scopes != nil {
		if have, ok := texts(claims["scopes"]); !ok || !sameSet(*want.Scopes, have) {
			j.complain("token.scopes", "expected the scopes %s, got %s", shown(*want.Scopes), shown(claims["scopes"]))
			j.expected("scopes", *want.Scopes)
		}
	}
	if want.Audience != nil {
		expected, _ := audience(want.Audience)
		if have, ok := texts(claims["aud"]); !ok || !sameSet(expected, have) {
			j.complain("token.audience", "expected the audience %s, got %s", shown(want.Audience), shown(claims["aud"]))
			j.expected("aud", want.Audience)
		}
	}
	if want.TTL != 0 {
		j.ttl(claims)
	}
	j.claim("issuer", want.Issuer, "iss", claims, func(name string) (string, bool) { return j.url(name) })
	j.claim("subject", want.Subject, "sub", claims, j.subject)
	j.claim("realm", want.Realm, "gitlab_realm", claims, nil)
	j.compare(claimsKey, want.Claims, claims)
	j.compare("token.header", want.Header, got.Header)
}

// claimsKey is the key of what is expected of claims that have none of their own.
const claimsKey = "token.claims"

// expected notes that a claim should have been another; nil means that it should not be.
func (j *judging) expected(claim string, value any) {
	t := j.instead()
	t.Claims[claim] = j.redact.values(value)
	if name := j.whose(value); name != "" {
		t.Names[claim] = name
	}
}

// instead is what the step's token should have had.
func (j *judging) instead() *Token {
	if j.r.Expected == nil {
		j.r.Expected = &Token{Label: "expected", Header: map[string]any{}, Claims: map[string]any{}, Names: map[string]string{}}
	}
	return j.r.Expected
}

func (j *judging) ttl(claims map[string]any) {
	iat, okI := number(claims["iat"])
	exp, okE := number(claims["exp"])
	if !okI || !okE {
		j.complain("token.ttl", "expected it to live for %s, got iat %s and exp %s", length(j.want.Token.TTL), shown(claims["iat"]), shown(claims["exp"]))
		return
	}
	if got := time.Duration(exp-iat) * time.Second; got != j.want.Token.TTL {
		j.expected("exp", iat+j.want.Token.TTL.Seconds())
		j.complain("token.ttl", "expected it to live for %s, got %s", length(j.want.Token.TTL), length(got))
	}
}

// claim compares a claim with a name or a literal text.
func (j *judging) claim(key, want, claim string, claims map[string]any, name func(string) (string, bool)) {
	if want == "" {
		return
	}
	got := claims[claim]
	text, err := j.resolve.text(want)
	if err != nil {
		j.complain("token."+key, "%v", err)
		return
	}
	what := fmt.Sprintf("%q", text)
	if name != nil {
		if known, ok := name(text); ok {
			what, text = fmt.Sprintf("%s (%s)", text, known), known
		}
	}
	have, ok := got.(string)
	if key == "issuer" {
		have, text = strings.TrimSuffix(have, "/"), strings.TrimSuffix(text, "/")
	}
	if !ok || have != text {
		j.complain("token."+key, "expected the %s to be %s, got %s%s", key, what, shown(got), j.who(got))
		j.expected(claim, text)
	}
}

// subject is the id of an instance or a user.
func (j *judging) subject(name string) (string, bool) {
	if i, ok := j.flow.World.Instance(name); ok {
		return i.UUID, true
	}
	if u, ok := j.flow.World.User(name); ok {
		i, _ := j.flow.World.Instance(u.Instance)
		return i.GlobalUserID(u), true
	}
	return "", false
}

// whose is the name of the one whose id or URL a claim is, if it is anybody's.
func (j *judging) whose(claim any) string {
	text, ok := claim.(string)
	if !ok || text == "" {
		return ""
	}
	for _, name := range append(j.flow.instances(), j.flow.users()...) {
		if id, ok := j.subject(name); ok && id == text {
			return name
		}
	}
	for _, name := range j.flow.services() {
		if u, ok := j.url(name); ok && u == strings.TrimSuffix(text, "/") {
			return name
		}
	}
	return ""
}

func (j *judging) who(claim any) string {
	if name := j.whose(claim); name != "" {
		return " (" + name + ")"
	}
	return ""
}

// compare compares claims, or members of the header, like a body. Times are told from the
// stub time.
func (j *judging) compare(key string, want, got map[string]any) {
	if len(want) == 0 {
		return
	}
	filled, err := expand(anyMap(want), j.resolve)
	if err != nil {
		j.complain(key, "%v", err)
		return
	}
	object, _ := filled.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		want := object[name]
		value, there := got[name]
		found := differences(want, value)
		if len(found) == 0 {
			continue
		}
		_, isTime := number(want)
		switch {
		case want == nil:
			j.complain(key+"."+name, "expected no %s, got %s", name, shown(value))
		case !there:
			j.complain(key+"."+name, "%s: expected %s, got nothing", name, shown(want))
		case isTime && timeClaims[name] && key == claimsKey:
			text := func(v any) string { return claimText(name, Token{Claims: map[string]any{name: v}}, j.r.At) }
			j.complain(key+"."+name, "%s: expected %s, got %s", name, text(want), text(value))
		default:
			for _, d := range found {
				j.complain(key+"."+name+d.at(), "%s%s: %s", name, d.at(), d.text)
			}
		}
		if key == claimsKey {
			j.expected(name, want)
		} else {
			j.instead().Header[name] = j.redact.values(want)
		}
	}
}

// describe adds to a step's result what a reader of its story wants to know.
func (p *player) describe(ctx context.Context, n int, out *outcome, r *StepResult) {
	j := &judging{player: p, step: &p.flow.Steps[n], out: out, r: r}
	if t, _ := j.seen(); t != nil {
		r.Tokens = append(r.Tokens, j.shown("the token", t))
	}
	if p.client == nil {
		return
	}
	everything := p.journal
	if len(r.Problems) > 0 { // then what happened between the steps is worth a request
		var err error
		if everything, err = p.client.Journal(ctx, nil, ""); err != nil {
			return
		}
	}
	if out.sent {
		x := explain.Call(everything, p.question(j.step, r))
		r.Explanation = &x
	} else if surprises := j.surprises(r); len(surprises) > 0 {
		if x := explain.Issue(everything, r.Tokens[0].Digest, surprises); x.Text != "" {
			r.Explanation = &x
		}
	}
	if len(r.Tokens) > 0 && r.Tokens[0].Claims == nil {
		r.Tokens[0] = j.shown("the token", explain.Full(everything, &journal.Token{Digest: r.Tokens[0].Digest}))
	}
	if len(r.Problems) == 0 {
		return
	}
	if other := j.other(everything); other != nil {
		r.Tokens = append(r.Tokens, *other)
	}
}

// surprises are the scopes that a token has or lacks against expectation.
func (j *judging) surprises(r *StepResult) []string {
	want := j.step.Expect
	if want == nil || want.Token == nil || want.Token.Scopes == nil || len(r.Tokens) == 0 {
		return nil
	}
	have, _ := texts(r.Tokens[0].Claims["scopes"])
	lacking := slices.DeleteFunc(slices.Clone(*want.Token.Scopes), func(s string) bool { return slices.Contains(have, s) })
	more := slices.DeleteFunc(slices.Clone(have), func(s string) bool { return slices.Contains(*want.Token.Scopes, s) })
	return append(lacking, more...)
}

// question asks about the step's request.
func (p *player) question(s *Step, r *StepResult) explain.Question {
	q := explain.Question{RequestID: r.RequestID, Instance: p.instanceOf(s)}
	name := ""
	switch {
	case s.Use != nil:
		name = s.Use.Feature
	case s.Call != nil && s.Call.Endpoint.Path == "":
		name = s.Call.Feature
	}
	if f, ok := p.flow.feature(name); ok {
		q.Scope = f.Backend.Scope
	}
	return q
}

// instanceOf is the instance that a step is about, if there is one.
func (p *player) instanceOf(s *Step) string {
	user := ""
	switch {
	case s.Use != nil:
		user = s.user()
	case s.Call != nil && s.Call.Instance != "":
		return s.Call.Instance
	case s.Call != nil:
		user = s.Call.User
	case s.GRPC != nil && s.GRPC.Instance != "":
		return s.GRPC.Instance
	case s.GRPC != nil:
		user = s.GRPC.User
	case s.Sync != nil:
		return s.Sync.Instance
	case s.SeatLink != nil:
		return s.SeatLink.Instance
	case s.Activate != nil:
		return s.Activate.Instance
	}
	u, _ := p.flow.World.User(user)
	return u.Instance
}

// other is a second token worth showing beside the step's: the last one that was issued
// for the same instance, if it is another.
func (j *judging) other(everything []journal.Entry) *Token {
	i, ok := j.flow.World.Instance(j.instanceOf(j.step))
	if !ok {
		return nil
	}
	issuer, _ := j.url(i.Name)
	for _, e := range slices.Backward(everything) {
		t := e.Issued
		if t == nil || t.Claims["sub"] != i.UUID && t.Claims["iss"] != issuer {
			continue
		}
		if len(j.r.Tokens) > 0 && j.r.Tokens[0].Digest == t.Digest {
			return nil
		}
		found := j.shown("last issued to "+i.Name, t)
		return &found
	}
	return nil
}

// shown is a token for the report, with the names of those whom its claims are about.
func (j *judging) shown(label string, t *journal.Token) Token {
	names := map[string]string{}
	for _, claim := range []string{"iss", "sub"} {
		if name := j.whose(t.Claims[claim]); name != "" {
			names[claim] = name
		}
	}
	header, _ := j.redact.values(t.Header).(map[string]any)
	claims, _ := j.redact.values(t.Claims).(map[string]any)
	return Token{Label: label, Digest: t.Digest, Header: header, Claims: claims, Names: names}
}
