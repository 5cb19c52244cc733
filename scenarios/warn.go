package scenarios

import (
	"slices"

	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/strictyaml"
)

// provers are the actions that are there for what comes of them. A job that runs without
// an expectation prepares for something else as a rule, and a call or a token that nobody
// looks at is an error.
var provers = []string{"use", "activate", "rotate_keys"}

// Warnings are the steps that only have to go well although more could be said of what
// comes of them. The flow is none the less good.
func (f Flow) Warnings() strictyaml.Problems {
	var found strictyaml.Problems
	for n, s := range f.Steps {
		if action := s.action(); s.Expect == nil && s.Save == nil && slices.Contains(provers, action) {
			at := strictyaml.Join("steps", n, action)
			found = append(found, f.doc.KeyProblem(at, "nothing is expected of it but that it goes well", "add "+proof[action]))
		}
	}
	return found
}

// proof is an expectation to add to an action.
var proof = map[string]string{
	"use": "expect: {status: 200}", "activate": "expect: {outcome: succeeded}", "rotate_keys": "expect: {keys: {signing: same}}",
}

// Unused are the features that no flow is about.
func Unused(features []feature.Feature, flows []Flow) strictyaml.Problems {
	used := map[string]bool{}
	for _, f := range flows {
		for _, of := range f.Features {
			used[of.Name] = true
		}
	}
	var found strictyaml.Problems
	for _, f := range features {
		if !used[f.Name] {
			found = append(found, strictyaml.Problem{
				File: f.File, Line: 1, Column: 1, Path: "feature",
				Message: "no flow is about " + f.Name, Hint: "list it under features: of one",
			})
		}
	}
	return found
}
