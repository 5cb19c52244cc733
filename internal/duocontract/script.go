package duocontract

import (
	"fmt"

	"google.golang.org/protobuf/types/dynamicpb"
)

// Script is what the service does with a workflow, in place of a model: actions that it
// sends in this order, as the JSON of Action.
type Script []any

// DefaultScript is a short workflow: it reads a file and is done.
func DefaultScript() Script {
	checkpoint := func(status string) any {
		return map[string]any{"newCheckpoint": map[string]any{"status": status, "checkpoint": `{"channel_values":{}}`}}
	}
	return Script{
		checkpoint("RUNNING"),
		map[string]any{"runReadFile": map[string]any{"filepath": "README.md"}},
		checkpoint("FINISHED"),
	}
}

// Actions makes messages of the script. An entry that is no action, or none in particular,
// is an error, which names it.
func (s Script) Actions() ([]*dynamicpb.Message, error) {
	actions := make([]*dynamicpb.Message, len(s))
	for n, entry := range s {
		m := NewAction()
		if err := Fill(m, entry); err != nil {
			return nil, fmt.Errorf("action %d: %w", n+1, err)
		}
		if Kind(m) == "" {
			return nil, fmt.Errorf("action %d says nothing to do, expected such as runReadFile", n+1)
		}
		actions[n] = m
	}
	return actions, nil
}

// Kind is what an action is to do, such as "runReadFile"; "" for nothing.
func Kind(action *dynamicpb.Message) string {
	field := action.WhichOneof(action.Descriptor().Oneofs().ByName("action"))
	if field == nil {
		return ""
	}
	return string(field.Name())
}

// Answered reports whether clients answer an action. They do, but for checkpoints.
func Answered(action *dynamicpb.Message) bool { return Kind(action) != "newCheckpoint" }
