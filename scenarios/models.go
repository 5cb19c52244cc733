package scenarios

import (
	"fmt"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/feature"
)

// title says in a few words what models answer.
func (m *Model) title() string {
	text := "with a text"
	switch {
	case m.Forget:
		text = "as usual again"
	case m.Fail != nil && m.Fail.NoAnswer != "":
		text = "nothing: " + m.Fail.NoAnswer
	case m.Fail != nil:
		text = fmt.Sprintf("with a failure, %d", m.Fail.Status)
	case len(m.Chunks) > 0:
		text = fmt.Sprintf("in %d pieces", len(m.Chunks))
	case m.Answer == "":
		text = "nothing"
	}
	if m.Name != "" {
		text += " (" + m.Name + ")"
	}
	return text
}

// aiGateways are the backends of the flow that are AI gateways.
func (f *Flow) aiGateways() []string {
	var names []string
	for _, one := range f.Features {
		if one.Backend.Profile == feature.AIGateway {
			names = append(names, one.Backend.Name)
		}
	}
	return names
}

// model checks a step that tells models what to answer.
func (c *checker) model(at string, m *Model) {
	known := c.flow.aiGateways()
	switch {
	case m.Service != "":
		c.word(at+".service", "AI gateway", m.Service, known)
	case len(known) > 0:
		m.Service = known[0]
	default:
		c.complain(at, "its features have none with backend.profile: ai-gateway", "the flow has no AI gateway")
	}
	if m.Forget && (m.Prompt != "" || m.Route != "" || m.Answer != "" || len(m.Chunks) > 0 || m.Fail != nil || m.Times != 0) {
		c.complain(at, "", "forget goes with service and name alone")
	}
	for _, found := range m.Validate() {
		if place := at + "." + found.Path; !c.covered(place) {
			c.complain(place, found.Hint, "%s", found.Message)
		}
	}
}

func (m *Model) request() control.ModelRequest {
	return control.ModelRequest{Service: m.Service, Forget: m.Forget, Answer: m.ModelAnswer}
}
