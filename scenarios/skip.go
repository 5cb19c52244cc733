package scenarios

import (
	"fmt"
	"slices"
)

// controlled are the actions that are taken by a control plane under another name than
// their own, or under none.
var controlled = map[string]string{
	"fault": "", "heal": "", "advance": "", "set_time": "", "skew": "", // parts of the plane itself
	"let": none, "use": none, "call": none, "request": none, "grpc": none, // over the imitated APIs
}

// dispensable are the actions after which a flow is worth going on with where they cannot
// be taken: jobs that a real instance runs by itself, and what changes nothing.
var dispensable = []string{"sync", "seat_link", "activate", "use", "call", "request", "grpc", "access_token", "sign"}

// cannot says why the target cannot do a step; empty if it can.
func (p *player) cannot(n int) string {
	s := &p.flow.Steps[n]
	action := s.action()
	if reason := p.unmovable(s, action); reason != "" {
		return reason
	}
	for before := range n {
		earlier := p.result.Steps[before]
		if earlier.Status != Skipped {
			continue
		}
		skipped := &p.flow.Steps[before]
		if skipped.Save != nil && needs(s, skipped.Save.Name) {
			return fmt.Sprintf("it needs %q of step %d, which was skipped", skipped.Save.Name, before+1)
		}
		if !slices.Contains(dispensable, skipped.action()) {
			return fmt.Sprintf("step %d was skipped, and without it this is another story", before+1)
		}
	}
	return ""
}

func (p *player) unmovable(s *Step, action string) string {
	name, special := controlled[action]
	if !special {
		name = action
	}
	switch {
	case name == none && p.client == nil && (s.Call != nil && s.Call.Token == "" || s.GRPC != nil && s.GRPC.Token == ""):
		return "the target has no control plane to ask for the instance's token"
	case name == none:
		return ""
	case p.client == nil:
		return fmt.Sprintf("the target has no control plane, and %s needs one", action)
	case name != "" && !p.client.Can(name):
		return fmt.Sprintf("no control plane of the target takes the action %s", name)
	}
	return ""
}

// needs reports whether a step refers to a saved value.
func needs(s *Step, name string) bool {
	if s.Call != nil && s.Call.Token == name || s.Request != nil && s.Request.Token == name || s.GRPC != nil && s.GRPC.Token == name {
		return true
	}
	found := false
	var r resolver = func(ref string) (any, error) {
		found = found || ref == name
		return "", nil
	}
	look := func(values ...any) {
		for _, v := range values {
			_, _ = expand(v, r)
		}
	}
	switch {
	case s.Use != nil:
		_, _ = r.texts(s.Use.Headers)
		look(s.Use.Body)
	case s.Call != nil:
		_, _ = r.nullableTexts(s.Call.Headers)
		_, _ = r.texts(s.Call.Also)
		look(s.Call.Body)
	case s.Request != nil:
		_, _ = r.texts(s.Request.Headers)
		look(s.Request.Path, s.Request.Body)
	case s.GRPC != nil:
		_, _ = r.nullableTexts(s.GRPC.Metadata)
		look(s.GRPC.Messages)
	case s.Sign != nil:
		look(anyMap(s.Sign.Claims), anyMap(s.Sign.Header))
	case s.Misissue != nil:
		look(anyMap(s.Misissue.Claims), anyMap(s.Misissue.Header))
	case s.UploadLicense != nil:
		look(s.UploadLicense.Key)
	case s.Activate != nil:
		look(s.Activate.Code)
	case s.Let != nil:
		look(s.Let.Value)
	case s.AccessToken != nil:
		look(anyMap(s.AccessToken.ExtraClaims))
	}
	if e := s.Expect; e != nil {
		_, _ = r.nullableTexts(e.Headers)
		look(e.Body)
		if e.Token != nil {
			look(e.Token.Issuer, e.Token.Subject, anyMap(e.Token.Claims), anyMap(e.Token.Header))
		}
	}
	return found
}

// anyMap is m as a value to expand; expanding nil gives nil.
func anyMap(m map[string]any) any {
	if m == nil {
		return nil
	}
	return m
}
