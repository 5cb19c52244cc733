package world

import (
	"fmt"
	"slices"
	"strings"
)

// AIGateway is how the AI gateway is deployed, and what its models answer.
type AIGateway struct {
	// Release is the release whose endpoints and checks it has: 2026-08 if empty, or 2025-01.
	Release string `json:"release,omitempty" yaml:"release"`
	// Quota says that it holds CustomersDot's credentials, and asks whether there are credits left. 2026-08 only.
	Quota bool `json:"quota,omitempty" yaml:"quota"`
	// NoInternalEvents turns internal events off, without which the ids of a request are not looked at.
	NoInternalEvents bool `json:"no_internal_events,omitempty" yaml:"no_internal_events"`
	// Bypass lets requests in without the usual checks: external skips authentication, header skips it for requests that
	// say Bypass-Auth: true, signature skips only the signature of tokens.
	Bypass string `json:"bypass,omitempty" yaml:"bypass"`
	// DuoCoreChat lets Duo Core into the chat of /v1/chat, as it was before its end there.
	DuoCoreChat bool `json:"duo_core_chat,omitempty" yaml:"duo_core_chat"`
	// LineEnds are those of server-sent events: crlf if empty, or lf.
	LineEnds string `json:"line_ends,omitempty" yaml:"line_ends"`
	// DisallowedFlags are feature flags that are not listened to, by realm.
	DisallowedFlags map[string][]string `json:"disallowed_flags,omitempty" yaml:"disallowed_flags"`
	// ProxySaaS are the root namespaces, and ProxySelfManaged the instances, that may use the proxy to model providers;
	// all if empty.
	ProxySaaS        []string `json:"proxy_saas,omitempty" yaml:"proxy_saas"`
	ProxySelfManaged []string `json:"proxy_self_managed,omitempty" yaml:"proxy_self_managed"`
	// Models are the answers that models give.
	Models []ModelAnswer `json:"models,omitempty" yaml:"models"`
}

// ModelAnswer is what the AI gateway's models answer to some requests, in place of a text that they make up of the
// prompt. The newest that is for a request counts.
type ModelAnswer struct {
	// Name tells it from others; one of the same name takes its place.
	Name string `json:"name,omitempty" yaml:"name"`
	// Prompt is a part of the prompts that it is for; all if empty.
	Prompt string `json:"prompt,omitempty" yaml:"prompt"`
	// Route is the one that it is for, as the journal names it; all if empty.
	Route string `json:"route,omitempty" yaml:"route"`
	// Times is how often it is given; until another takes its place if 0.
	Times int `json:"times,omitempty" yaml:"times"`
	// Answer is the text; Chunks, in its place, are the pieces that a stream sends it in.
	Answer string   `json:"answer,omitempty" yaml:"answer"`
	Chunks []string `json:"chunks,omitempty" yaml:"chunks"`
	// Fail, if set, is how the model fails, after the chunks if there are any.
	Fail *ModelFailure `json:"fail,omitempty" yaml:"fail"`
}

// ModelFailure is how a model's provider fails: with a status, or with no answer at all.
type ModelFailure struct {
	Status int `json:"status,omitempty" yaml:"status"`
	// RetryAfter is the provider's header of that name.
	RetryAfter string `json:"retry_after,omitempty" yaml:"retry_after"`
	// Message is the provider's text; that of the status if empty.
	Message string `json:"message,omitempty" yaml:"message"`
	// NoAnswer is timeout or connection, in place of a status.
	NoAnswer string `json:"no_answer,omitempty" yaml:"no_answer"`
}

// AIGatewayReleases are the releases that an AI gateway can be of, the newest first.
func AIGatewayReleases() []string { return []string{"2026-08", "2025-01"} }

// Bypasses are the ways past an AI gateway's checks.
func Bypasses() []string { return []string{"external", "header", "signature"} }

// LineEndings are those that server-sent events can have.
func LineEndings() []string { return []string{"crlf", "lf"} }

// NoAnswers are the ways in which a model gives no answer.
func NoAnswers() []string { return []string{"timeout", "connection"} }

// Validate returns everything wrong with the deployment, at paths below its own.
func (a *AIGateway) Validate() []Complaint {
	if a == nil {
		return nil
	}
	var found []Complaint
	word := func(path, what, got string, known []string) {
		if got != "" && !slices.Contains(known, got) {
			found = append(found, Complaint{path, fmt.Sprintf("unknown %s %q, expected %s", what, got, strings.Join(known, " or ")), suggest(got, known)})
		}
	}
	word("release", "release", a.Release, AIGatewayReleases())
	word("bypass", "bypass", a.Bypass, Bypasses())
	word("line_ends", "line ends", a.LineEnds, LineEndings())
	for n, m := range a.Models {
		for _, c := range m.Validate() {
			c.Path = strings.TrimSuffix(fmt.Sprintf("models[%d].%s", n, c.Path), ".")
			found = append(found, c)
		}
	}
	return found
}

// Validate returns everything wrong with the answer, at paths below its own.
func (m ModelAnswer) Validate() []Complaint {
	var found []Complaint
	if m.Times < 0 {
		found = append(found, Complaint{Path: "times", Message: fmt.Sprintf("%d is negative", m.Times)})
	}
	if m.Answer != "" && len(m.Chunks) > 0 {
		found = append(found, Complaint{Path: "chunks", Message: "a model answers with answer or with chunks, not with both"})
	}
	f := m.Fail
	switch {
	case f == nil:
		return found
	case m.Answer != "":
		found = append(found, Complaint{Path: "fail", Message: "a model that fails answers nothing, or with the chunks that it got out before"})
	}
	if (f.Status == 0) == (f.NoAnswer == "") {
		found = append(found, Complaint{Path: "fail", Message: "a model fails with a status or with no_answer, one of them"})
	}
	if f.Status != 0 && (f.Status < 400 || f.Status > 599) {
		found = append(found, Complaint{Path: "fail.status", Message: fmt.Sprintf("%d is not a status of a failure, expected 400 to 599", f.Status)})
	}
	if f.NoAnswer != "" && !slices.Contains(NoAnswers(), f.NoAnswer) {
		found = append(found, Complaint{"fail.no_answer", fmt.Sprintf("unknown %q, expected %s", f.NoAnswer, strings.Join(NoAnswers(), " or ")), suggest(f.NoAnswer, NoAnswers())})
	}
	return found
}
