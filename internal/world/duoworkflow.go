package world

import "github.com/ccmock/ccmock/internal/duocontract"

// DuoWorkflow is how the Duo Workflow Service is deployed, and what it does with
// workflows.
type DuoWorkflow struct {
	// Script is the actions that it sends, in place of a short workflow of its own that reads
	// a file: package duocontract has the form. An empty one is done at once.
	Script []any `json:"script,omitzero" yaml:"script"`
	// Quota says that it holds CustomersDot's credentials, and asks whether there are credits
	// left before it begins.
	Quota bool `json:"quota,omitempty" yaml:"quota"`
}

// Workflow is the script that holds.
func (d *DuoWorkflow) Workflow() duocontract.Script {
	if d == nil || d.Script == nil {
		return duocontract.DefaultScript()
	}
	return d.Script
}

// Validate returns everything wrong with the deployment, at paths below its own.
func (d *DuoWorkflow) Validate() []Complaint {
	if _, _, err := d.Workflow().Read(); err != nil {
		return []Complaint{{Path: "script", Message: err.Error()}}
	}
	return nil
}
