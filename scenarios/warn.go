package scenarios

import (
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/strictyaml"
)

// Warnings are the calls of a user that only have to go well: more could be said of what
// comes of them. The flow is none the less good. Nothing is said of what is a preparation
// as a rule, such as a job, and a call or a token that nobody looks at is an error.
func (f Flow) Warnings() strictyaml.Problems {
	var found strictyaml.Problems
	for n, s := range f.Steps {
		if s.Use != nil && s.Expect == nil && s.Save == nil {
			found = append(found, f.doc.KeyProblem(strictyaml.Join("steps", n, "use"),
				"nothing is expected of it but that it goes well", "add expect: {status: 200}"))
		}
	}
	return found
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
