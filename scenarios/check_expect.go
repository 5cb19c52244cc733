package scenarios

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/explain"
	"github.com/ccmock/ccmock/internal/strictyaml"
)

// expectable says which keys of expect go with which action. Calls and error go with any.
var expectable = map[string][]string{
	"use":          {"status", "body", "headers", "refused", "token"},
	"call":         {"status", "body", "headers", "refused", "token"},
	"request":      {"status", "body", "headers", "refused", "token"},
	"access_token": {"token"},
	"sign":         {"token"},
	"sync":         {"outcome", "message", "token", "refused"},
	"seat_link":    {"outcome", "message", "token", "refused"},
	"activate":     {"outcome", "message", "token", "refused"},
	"rotate_keys":  {"keys"},
	"stored":       {"stored", "token"},
}

// tokenGivers are the actions that hand out a token to save.
var tokenGivers = []string{"access_token", "sign"}

var savable = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// save checks what is kept of the step. It comes after the step's own references, as a
// step cannot refer to what it gets.
func (c *checker) save(at string, s *Step) {
	if s.Save == nil {
		return
	}
	here, save := at+".save", s.Save
	switch {
	case save.Name == "":
		c.required(here, "")
		return
	case !c.named(here, save.Name):
		return
	case save.Value == "" && !slices.Contains(tokenGivers, s.action()):
		c.complain(here, "say which value: save: {name: "+save.Name+", value: body.token}",
			"%s hands out no token to save", s.action())
	case save.Value != "" && !overHTTP(s):
		c.complain(here, "", "%s has no answer to take a value of", s.action())
	case save.Value != "" && !strings.HasPrefix(save.Value, "body.") && !strings.HasPrefix(save.Value, "headers."):
		c.complain(here+".value", "", "expected such as body.token or headers.X-Request-Id, got %q", save.Value)
	}
	c.remember(here, save.Name)
}

// named complains about a name that nothing can be saved under.
func (c *checker) named(at, name string) bool {
	if name == none || name == "now" || !savable.MatchString(name) {
		c.complain(at, "", "%q cannot be a name: a lower-case letter, then letters, digits and underscores, and neither %s nor now", name, none)
		return false
	}
	return true
}

// remember notes that something is saved, for later steps to refer to.
func (c *checker) remember(at, name string) {
	if _, twice := c.saved[name]; twice && !c.used[name] {
		c.complain(at, "", "%q is saved again before it was used", name)
	}
	c.saved[name] = at
	delete(c.used, name)
}

// overHTTP reports whether the step's action is a request with an answer.
func overHTTP(s *Step) bool { return s.Use != nil || s.Call != nil || s.Request != nil }

func (c *checker) expect(at string, s *Step) {
	here := at + ".expect"
	if s.Expect == nil {
		switch {
		case s.Save != nil:
		case s.Call != nil || s.Request != nil:
			c.complain(at, "add expect, such as expect: {status: 200}", "nobody looks at the answer")
		case s.AccessToken != nil || s.Sign != nil:
			c.complain(at, "add save: NAME, or expect: {token: ...}", "a token is asked for, and nobody looks at it")
		}
		return
	}
	given := c.doc.Keys(here)
	if len(given) == 0 && !c.covered(here) {
		c.complain(here, "", "this expects nothing")
	}
	fit := append([]string{"calls", "error"}, expectable[s.action()]...)
	for _, key := range given {
		if slices.Contains(expectKeys, key) && !slices.Contains(fit, key) {
			c.complain(strictyaml.Join(here, key), "", "%s has no %s to look at", s.action(), key)
		}
	}
	e := s.Expect
	if c.doc.Has(here+".status") && (e.Status < 100 || e.Status > 599) && !c.covered(here+".status") {
		c.complain(here+".status", "", "%d is not a status", e.Status)
	}
	c.expectBody(here+".body", e.Body)
	if e.Refused != nil {
		c.word(here+".refused.by", "service", e.Refused.By, c.flow.services())
		c.required(here+".refused.by", e.Refused.By)
		c.word(here+".refused.reason", "reason", string(e.Refused.Reason), reasonNames())
		c.required(here+".refused.reason", string(e.Refused.Reason))
		// GraphQL tells refusals with 200, and chat with 201.
		if s.Request == nil && e.Status >= 200 && e.Status < 300 && (s.Use == nil || e.Status != http.StatusCreated) {
			c.complain(here+".refused", "", "a call that is answered %d was not refused", e.Status)
		}
	}
	c.word(here+".outcome", "outcome", string(e.Outcome), []string{
		string(control.Succeeded), string(control.Skipped), string(control.Failed),
	})
	for _, key := range []string{"message", "error", "outcome"} {
		if text := map[string]string{"message": e.Message, "error": e.Error, "outcome": string(e.Outcome)}[key]; text == "" {
			c.required(strictyaml.Join(here, key), "")
		}
	}
	c.notEmpty(here+".headers", len(e.Headers))
	c.refs(here+".headers", e.Headers)
	c.notEmpty(here+".calls", len(e.Calls))
	for service, count := range e.Calls {
		c.word(strictyaml.Join(here, "calls", service), "service", service, c.flow.services())
		if count < 0 {
			c.complain(strictyaml.Join(here, "calls", service), "", "%d calls cannot be", count)
		}
	}
	if e.Keys != nil {
		c.notEmpty(here+".keys", len(c.doc.Keys(here+".keys")))
		c.required(here+".keys.signing", e.Keys.Signing)
		c.word(here+".keys.signing", "answer", e.Keys.Signing, []string{same, changed})
		if c.doc.Has(here+".keys.published") && e.Keys.Published < 1 {
			c.complain(here+".keys.published", "", "an issuer publishes one key at least")
		}
	}
	if e.Stored != nil {
		c.expectStored(here+".stored", e.Stored)
	}
	if e.Token != nil {
		c.expectToken(here+".token", e.Token)
	}
}

// The answers to what became of the signing key.
const (
	same    = "same"
	changed = "changed"
)

var expectKeys = []string{
	"status", "body", "headers", "refused", "token", "outcome", "message", "error", "calls", "keys", "stored",
}

// notEmpty complains about a block in which nothing stands.
func (c *checker) notEmpty(at string, n int) {
	if n == 0 && c.doc.Has(at) && !c.covered(at) {
		c.complain(at, "", "this expects nothing")
	}
}

func (c *checker) expectBody(at string, body any) {
	if !c.doc.Has(at) {
		return
	}
	switch b := body.(type) {
	case nil:
		if !c.covered(at) {
			c.complain(at, "write '' for an empty body", "this expects nothing")
		}
	case map[string]any:
		c.notEmpty(at, len(b))
	}
	c.refs(at, body)
}

func (c *checker) expectToken(at string, t *TokenExpect) {
	given := c.doc.Keys(at)
	c.notEmpty(at, len(given))
	if t.Absent && len(given) > 1 {
		c.complain(at+".absent", "", "a token that is absent has nothing else")
	}
	if !t.Absent && c.doc.Has(at+".absent") && !c.covered(at+".absent") {
		c.complain(at+".absent", "leave it out, or say what the token has", "this expects nothing")
	}
	if c.doc.Has(at + ".audience") {
		if _, err := audience(t.Audience); err != nil && !c.covered(at+".audience") {
			c.complain(at+".audience", "", "%v", err)
		}
	}
	if c.doc.Has(at+".ttl") && t.TTL <= 0 && !c.covered(at+".ttl") {
		c.complain(at+".ttl", "", "a token lives longer than nothing")
	}
	c.word(at+".realm", "realm", t.Realm, []string{"saas", "self-managed"})
	for key, text := range map[string]string{"issuer": t.Issuer, "subject": t.Subject, "realm": t.Realm} {
		c.required(strictyaml.Join(at, key), text)
	}
	if !strings.ContainsAny(t.Issuer, ":/$") {
		c.word(at+".issuer", "service", t.Issuer, append(c.flow.services(), c.audiences()...))
	}
	c.refs(at+".issuer", t.Issuer)
	c.refs(at+".subject", t.Subject)
	c.notEmpty(at+".claims", len(t.Claims))
	c.refs(at+".claims", t.Claims)
	c.notEmpty(at+".header", len(t.Header))
	c.refs(at+".header", t.Header)
}

// audiences are those of the flow's backends. The AI gateway signs user tokens under its
// own audience's name.
func (c *checker) audiences() []string {
	known := map[string]bool{}
	for _, f := range c.flow.Features {
		known[f.Backend.Audience] = true
	}
	return slices.Sorted(maps.Keys(known))
}

// audience reads what is expected of aud: a text, or a list of texts.
func audience(v any) ([]string, error) {
	switch v := v.(type) {
	case string:
		return []string{v}, nil
	case []any:
		list := make([]string, 0, len(v))
		for _, item := range v {
			text, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("expected names of services, got %v among them", item)
			}
			list = append(list, text)
		}
		return list, nil
	}
	return nil, fmt.Errorf("expected the name of a service or a list of them, got %v", v)
}

// reasonNames are all reasons that a service gives.
func reasonNames() []string {
	var names []string
	for _, r := range explain.Reasons() {
		names = append(names, string(r))
	}
	return names
}
