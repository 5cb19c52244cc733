package aigateway

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ccmock/ccmock/backends/internal/fastapi"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/world"
)

// prompts are the unit primitives of the prompts that are known, by id.
var prompts = map[string]string{
	"code_suggestions/completions": completeCode,
	"code_suggestions/generations": generateCode,
	"chat/react":                   duoClassicChat,
	"chat/agent":                   duoChat,
	"chat/build_reader":            "ask_build",
	"chat/commit_reader":           "ask_commit",
	"chat/epic_reader":             "ask_epic",
	"chat/issue_reader":            "ask_issue",
	"chat/merge_request_reader":    "ask_merge_request",
	"chat/work_item_reader":        "ask_work_item",
	"chat/documentation_search":    searchDocs,
	"chat/explain_code":            "explain_code",
	"chat/explain_vulnerability":   "explain_vulnerability",
	"chat/fix_code":                "fix_code",
	"chat/refactor_code":           "refactor_code",
	"chat/summarize_comments":      "summarize_comments",
	"chat/troubleshoot_job":        "troubleshoot_job",
	"chat/write_tests":             "write_tests",
	"categorize_question":          duoChat,
}

// promptVersions are those of every prompt here.
var promptVersions = []string{"1.0.0"}

// promptNeeds finds the prompt in the version that is asked for, and demands its unit primitive.
func promptNeeds(r *request) error {
	id := stub.Var(r.Request, "prompt")
	constraint, asked := r.body["prompt_version"].(string)
	if asked {
		met, valid := constraintOf(constraint)
		switch {
		case !valid:
			return &stub.Error{Status: http.StatusUnprocessableEntity, Message: "Invalid version constraint"}
		case prompts[id] != "" && !slices.ContainsFunc(promptVersions, met):
			return &stub.Error{Status: http.StatusBadRequest, Message: "No prompt version found matching the query"}
		}
	}
	scope, known := prompts[id]
	if !known {
		return &stub.Error{Status: http.StatusNotFound, Message: fmt.Sprintf("Prompt '%s' not found", id)}
	}
	if r.body.in("model_metadata").text("provider") == "amazon_q" {
		scope = amazonQ
	}
	return r.permit(scope, fmt.Sprintf("Unauthorized to access '%s'", id))
}

// askPrompt gives a model the inputs of a prompt.
func (g *Gateway) askPrompt(r *request) said {
	return g.ask(r, "answer", stub.Var(r.Request, "prompt"), inputs(r))
}

// inputs are the inputs as a text that is the same for the same inputs.
func inputs(r *request) string {
	return promptText(r.body["inputs"])
}

// prompt answers "POST /v1/prompts/<id>" with a JSON text.
func (g *Gateway) prompt(r *request) (stub.Reply, error) {
	return replied(g.askPrompt(r), r.body.stream(), func(text string) stub.Reply { return reply(text) }, raw(), vendorFailed)
}

// promptAnswer is an answer of version 2, and a line of its stream.
type promptAnswer struct {
	Content string           `json:"content"`
	Usage   map[string]usage `json:"usage,omitempty"`
}

// promptWithUsage answers "POST /v2/prompts/<id>". Its stream is lines of JSON, in spite of the content type.
func (g *Gateway) promptWithUsage(r *request) (stub.Reply, error) {
	s := g.askPrompt(r)
	used := map[string]usage{agentModel: {tokens(inputs(r)), tokens(s.text())}}
	whole := func(text string) stub.Reply { return reply(promptAnswer{text, used}) }
	form := lines(fastapi.EventStream, func(text string) any { return promptAnswer{Content: text} }, promptAnswer{Usage: used})
	return replied(s, r.body.stream(), whole, form, vendorFailed)
}

// vendorFailed is how prompts word a failed model: 421, whatever the model's provider said. Without an answer it is as
// elsewhere.
func vendorFailed(f world.ModelFailure) error {
	if f.NoAnswer != "" {
		return modelFailed(f, http.StatusServiceUnavailable, "Inference failed")
	}
	return modelFailed(f, http.StatusMisdirectedRequest, fmt.Sprintf("%d: %s", f.Status, reasonPhrase(f)))
}

// constraintOf reads a version constraint, such as ^1.0.0 or >=1.0,<2. Met says whether a version meets it.
func constraintOf(text string) (met func(version string) bool, valid bool) {
	var all []func([3]int) bool
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		one, ok := comparison(part)
		if !ok {
			return nil, false
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		return nil, false
	}
	return func(version string) bool {
		v, _, ok := numbers(version)
		return ok && !slices.ContainsFunc(all, func(one func([3]int) bool) bool { return !one(v) })
	}, true
}

func comparison(text string) (func([3]int) bool, bool) {
	if text == "*" {
		return func([3]int) bool { return true }, true
	}
	operator := text[:len(text)-len(strings.TrimLeft(text, "^~<>=!"))]
	want, given, ok := numbers(text[len(operator):])
	if !ok {
		return nil, false
	}
	compare := func(v [3]int) int { return slices.Compare(v[:], want[:]) }
	same := func(v [3]int, n int) bool { return slices.Equal(v[:n], want[:n]) }
	checks := map[string]func([3]int) bool{
		"":   func(v [3]int) bool { return same(v, given) },
		"=":  func(v [3]int) bool { return compare(v) == 0 },
		"==": func(v [3]int) bool { return compare(v) == 0 },
		"!=": func(v [3]int) bool { return compare(v) != 0 },
		">=": func(v [3]int) bool { return compare(v) >= 0 },
		"<=": func(v [3]int) bool { return compare(v) <= 0 },
		">":  func(v [3]int) bool { return compare(v) > 0 },
		"<":  func(v [3]int) bool { return compare(v) < 0 },
		"~":  func(v [3]int) bool { return compare(v) >= 0 && same(v, min(given, 2)) },
		"^": func(v [3]int) bool {
			fixed := 1 // up to the first number that is not 0
			for fixed < given && want[fixed-1] == 0 {
				fixed++
			}
			return compare(v) >= 0 && same(v, fixed)
		},
	}
	check, ok := checks[operator]
	return check, ok
}

// numbers reads up to three numbers, and says how many were given. A part x or * stands for those that were not.
func numbers(text string) (v [3]int, given int, ok bool) {
	parts := strings.Split(strings.TrimPrefix(text, "v"), ".")
	if len(parts) > 3 {
		return v, 0, false
	}
	for n, part := range parts {
		if n > 0 && (part == "x" || part == "*") {
			return v, n, true
		}
		number, err := strconv.Atoi(part)
		if err != nil {
			return v, 0, false
		}
		v[n] = number
	}
	return v, len(parts), true
}
