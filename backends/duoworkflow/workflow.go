package duoworkflow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/ccmock/ccmock/internal/duocontract"
)

// startRequest is what the service looks at of a request to start a workflow.
type startRequest struct {
	WorkflowID              string         `json:"workflowID"`
	WorkflowDefinition      string         `json:"workflowDefinition"`
	Goal                    string         `json:"goal"`
	FlowConfig              map[string]any `json:"flowConfig"`
	FlowConfigID            string         `json:"flowConfigId"`
	FlowConfigSchemaVersion string         `json:"flowConfigSchemaVersion"`
	FlowVersion             string         `json:"flowVersion"`
}

// clientEvent is a message of the client.
type clientEvent struct {
	StartRequest   startRequest `json:"startRequest"`
	ActionResponse struct {
		RequestID string `json:"requestID"`
	} `json:"actionResponse"`
	StopWorkflow struct {
		Reason string `json:"reason"`
	} `json:"stopWorkflow"`
}

// executeWorkflow runs the script for the workflow that the client's first message starts:
// it sends one action after the other, and waits for the answer to each that has one.
func (s *Service) executeWorkflow(ctx context.Context, c *call) error {
	c.Forever()
	first, err := c.Receive()
	if errors.Is(err, io.EOF) {
		return end(duocontract.OK, "workflow execution never started")
	}
	if err != nil {
		return err
	}
	var event clientEvent
	if err := duocontract.Read(first, &event); err != nil {
		return err
	}
	start := event.StartRequest
	if err := c.credits(ctx, onExecute, start.WorkflowDefinition); err != nil {
		return err
	}
	workflow, wrong := start.workflow()
	if wrong != "" {
		return end(duocontract.InvalidArgument, wrong)
	}
	workflow = mapped(workflow)
	if err := c.permit(workflow, "Unauthorized to execute "+orWorkflow(workflow), true); err != nil {
		return err
	}
	c.note(fmt.Sprintf("workflow %s %q", workflow, short(start.WorkflowID)))
	actions, last, err := c.running.script.Read() // messages of its own for each workflow
	if err != nil {
		return err
	}
	if err := c.play(ctx, actions, start.Goal); err != nil {
		return err
	}
	if last.Code != duocontract.OK {
		return end(last.Code, last.Message)
	}
	return end(last.Code, "workflow execution success")
}

// play sends actions until the last is answered, or the client has it stop.
func (c *call) play(ctx context.Context, actions []*dynamicpb.Message, goal string) error {
	events := make(chan received)
	stop := make(chan struct{})
	go func() {
		defer close(events)
		for {
			m, err := c.Receive()
			select {
			case events <- received{m, err}:
			case <-stop:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	defer func() {
		close(stop)
		c.StopReading()
		for range events { // until the reader is done, as it must not outlive the call
			continue
		}
	}()
	for n, action := range actions {
		id := c.prepare(action, goal)
		if proto.Size(action) > duocontract.MaxMessage {
			return end(duocontract.ResourceExhausted, "Outgoing message too large.")
		}
		if err := c.Send(action); err != nil {
			return err
		}
		if !duocontract.Answered(action) {
			continue
		}
		if err := c.await(ctx, events, id); err != nil {
			c.note(fmt.Sprintf("stopped at action %d of %d, %s", n+1, len(actions), duocontract.Kind(action)))
			return err
		}
	}
	return nil
}

// received is what came of a receive.
type received struct {
	event *dynamicpb.Message
	err   error
}

// prepare gives an action its id and a checkpoint the workflow's goal, unless the script
// has them.
func (c *call) prepare(action *dynamicpb.Message, goal string) (id string) {
	field := action.Descriptor().Fields().ByName("requestID")
	if !action.Has(field) {
		action.Set(field, protoreflect.ValueOfString(c.service.env.Random.UUID()))
	}
	if checkpoint := action.Descriptor().Fields().ByName("newCheckpoint"); action.Has(checkpoint) {
		m := action.Mutable(checkpoint).Message()
		if goalField := m.Descriptor().Fields().ByName("goal"); !m.Has(goalField) {
			m.Set(goalField, protoreflect.ValueOfString(goal))
		}
	}
	return action.Get(field).String()
}

// await waits for the answer to an action. An answer without an id counts, as old clients
// send none; one with another id does not.
func (c *call) await(ctx context.Context, events <-chan received, id string) error {
	for {
		var got received
		select {
		case got = <-events:
		case <-ctx.Done():
			return ctx.Err()
		}
		if errors.Is(got.err, io.EOF) {
			return &refusal{duocontract.Status{Code: duocontract.Cancelled, Message: "RPC cancelled by client"}, clientGone, "the client sends no more"}
		}
		if got.err != nil {
			return got.err
		}
		var event clientEvent
		if err := duocontract.Read(got.event, &event); err != nil {
			return err
		}
		switch duocontract.EventKind(got.event) {
		case "actionResponse":
			if other := event.ActionResponse.RequestID; other == id || other == "" {
				return nil
			}
		case "stopWorkflow":
			if event.StopWorkflow.Reason == "WORKHORSE_SERVER_SHUTDOWN" {
				return end(duocontract.Unavailable, "workflow execution interrupted: running")
			}
			return end(duocontract.OK, "workflow execution stopped")
		}
	}
}

// legacy are the workflows that are older than versions of flows.
var legacy = []string{"software_development", "convert_to_gitlab_ci", chat, "issue_to_merge_request"}

// workflow is what the request is to run, in the form of the old workflowDefinition, or
// what is wrong with the request.
func (r startRequest) workflow() (name, wrong string) {
	switch {
	case r.FlowConfigID != "" && r.FlowConfig != nil:
		return "", "flowConfigId and flowConfig are mutually exclusive — set one or the other, not both."
	case r.FlowConfigID != "" && r.FlowConfigSchemaVersion == "":
		return "", "flowConfigId requires flowConfigSchemaVersion to also be provided."
	case r.FlowConfigID != "" && r.FlowVersion == "":
		return "", "flowConfigId requires flowVersion to also be provided."
	case r.FlowConfigID != "":
		return r.FlowConfigID + "/" + r.FlowConfigSchemaVersion, ""
	case r.FlowConfig != nil:
		if version, _ := r.FlowConfig["version"].(string); version == "" {
			return "", "flowConfig requires flowConfigSchemaVersion to also be provided."
		}
		return r.WorkflowDefinition, ""
	case r.FlowVersion != "":
		return "", "flowVersion requires flowConfigId to also be provided."
	case r.WorkflowDefinition == "":
		return legacy[0], ""
	case slices.Contains(legacy, r.WorkflowDefinition) || strings.Contains(r.WorkflowDefinition, "/"):
		return r.WorkflowDefinition, ""
	}
	return "", "Unsupported workflow_definition value: '.'. Expected format: '<flow_name>/<flow_registry_version>' (e.g., 'my_flow/v1')"
}

// mapped renames the workflows that GitLab knows by the name of an experiment.
func mapped(workflow string) string {
	switch workflow {
	case "duo_planner/experimental", "security_analyst_agent/experimental":
		return strings.TrimSuffix(workflow, "experimental") + "v1"
	}
	return workflow
}

func orWorkflow(workflow string) string {
	if workflow == "" {
		return "workflow"
	}
	return workflow
}

// trackSelfHosted answers each call of a model that a service on a customer's own machines
// reports.
func (s *Service) trackSelfHosted(ctx context.Context, c *call) error {
	c.Forever()
	for checked := false; ; checked = true {
		m, err := c.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var event struct {
			RequestID            string `json:"requestID"`
			FeatureQualifiedName string `json:"featureQualifiedName"`
		}
		if err := duocontract.Read(m, &event); err != nil {
			return err
		}
		if !checked {
			if err := c.credits(ctx, onExecute, event.FeatureQualifiedName); err != nil {
				return err
			}
			if err := c.demand([]string{agentPlatform}, "Unauthorized to track self-hosted workflow execution", false); err != nil {
				return err
			}
		}
		if err := c.Answer(map[string]any{"requestID": event.RequestID}); err != nil {
			return err
		}
	}
}
