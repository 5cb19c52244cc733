package duocontract

import (
	"encoding/json"
	"errors"
	"fmt"

	"google.golang.org/protobuf/types/dynamicpb"
)

// Script is what the service does with a workflow, in place of a model: actions that it
// sends in this order, as the JSON of Action. The last entry may be an end other than
// success: {"end": {"code": "INTERNAL", "message": "..."}}.
type Script []any

// End is how a workflow ends.
type End struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

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

// Read makes messages of the script. An entry that is no action, or none in particular, is
// an error, which names it.
func (s Script) Read() ([]*dynamicpb.Message, End, error) {
	actions, end := make([]*dynamicpb.Message, 0, len(s)), End{}
	for n, entry := range s {
		if object, ok := entry.(map[string]any); ok && object["end"] != nil {
			if n < len(s)-1 {
				return nil, End{}, fmt.Errorf("action %d ends the workflow, and another follows", n+1)
			}
			if err := end.read(object); err != nil {
				return nil, End{}, fmt.Errorf("action %d: %w", n+1, err)
			}
			continue
		}
		m := NewAction()
		if err := Fill(m, entry); err != nil {
			return nil, End{}, fmt.Errorf("action %d: %w", n+1, err)
		}
		if Kind(m) == "" {
			return nil, End{}, fmt.Errorf("action %d says nothing to do, expected such as runReadFile", n+1)
		}
		actions = append(actions, m)
	}
	return actions, end, nil
}

func (e *End) read(object map[string]any) error {
	if len(object) > 1 {
		return errors.New("end stands alone")
	}
	text, err := json.Marshal(object["end"])
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, e); err != nil {
		return fmt.Errorf("end: %w", err)
	}
	return nil
}

// Kind is what an action is to do, such as "runReadFile"; "" for nothing.
func Kind(action *dynamicpb.Message) string { return chosen(action, "action") }

// Answered reports whether clients answer an action. They do, but for checkpoints.
func Answered(action *dynamicpb.Message) bool { return Kind(action) != "newCheckpoint" }

// EventKind is what a client's event is, such as "startRequest"; "" for nothing.
func EventKind(event *dynamicpb.Message) string { return chosen(event, "response") }
