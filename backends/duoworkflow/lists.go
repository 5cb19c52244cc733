package duoworkflow

import (
	"context"

	"github.com/ccmock/ccmock/internal/duocontract"
)

// tools are a few of the real service's, in the form that models are told of them.
var tools = []struct {
	name, description, parameter, about, prompt string
}{
	{"read_file", "Read the contents of a file.", "file_path", "the file to read", "Read the file README.md"},
	{"list_dir", "List what is in a directory.", "directory", "the directory to list", "List the files of the directory src"},
	{"find_files", "Find files by a pattern of their names.", "name_pattern", "the pattern, such as *.py", "Find all Python files"},
	{"run_command", "Run a command in the project.", "command", "the command and its arguments", "Run the tests"},
}

// listTools lists the tools. It demands no scope.
func (s *Service) listTools(_ context.Context, c *call) error {
	if _, err := c.only(); err != nil {
		return err
	}
	var specs, prompts []any
	for _, t := range tools {
		specs = append(specs, map[string]any{"type": "function", "function": map[string]any{
			"name": t.name, "description": t.description,
			"parameters": map[string]any{
				"type": "object", "required": []any{t.parameter},
				"properties": map[string]any{t.parameter: map[string]any{"type": "string", "description": t.about}},
			},
		}})
		prompts = append(prompts, map[string]any{"prompt": t.prompt})
	}
	return c.Answer(map[string]any{"tools": specs, "eval_dataset": prompts})
}

// listCapabilities lists what the service can do beyond its first release. It demands no
// scope.
func (s *Service) listCapabilities(_ context.Context, c *call) error {
	if _, err := c.only(); err != nil {
		return err
	}
	var all []any
	for _, name := range capabilities {
		all = append(all, map[string]any{"name": name})
	}
	return c.Answer(map[string]any{"capabilities": all})
}

// checkHealth tells whether a service is served: all of them, or the one named.
func (s *Service) checkHealth(_ context.Context, c *call) error {
	known, err := c.healthOf()
	if err != nil {
		return err
	}
	if !known {
		return end(duocontract.NotFound, "")
	}
	return c.Answer(map[string]any{"status": "SERVING"})
}

// watchHealth tells the same, and every change of it, of which there is none.
func (s *Service) watchHealth(ctx context.Context, c *call) error {
	known, err := c.healthOf()
	if err != nil {
		return err
	}
	status := "SERVING"
	if !known {
		status = "SERVICE_UNKNOWN"
	}
	if err := c.Answer(map[string]any{"status": status}); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

func (c *call) healthOf() (known bool, err error) {
	m, err := c.only()
	if err != nil {
		return false, err
	}
	var request struct {
		Service string `json:"service"`
	}
	err = duocontract.Read(m, &request)
	return request.Service == "" || request.Service == duocontract.DuoWorkflow, err
}
