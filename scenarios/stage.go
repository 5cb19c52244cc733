package scenarios

import (
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/world"
)

// Stage is what a flow was played on, as far as its journal cannot be understood without.
type Stage struct {
	Instances []StagedInstance `json:"instances"`
	Endpoints []StagedEndpoint `json:"endpoints"`
	// Services are those of the target, and Actions what its control planes take. Both are
	// empty where there is no control plane.
	Services []control.Service `json:"services,omitempty"`
	Actions  []string          `json:"actions,omitempty"`
	// CalledRoutes and CalledActions are what was called of the control planes by the end of
	// the flow; of a served target, by this flow or an earlier one.
	CalledRoutes  []string `json:"called_routes,omitempty"`
	CalledActions []string `json:"called_actions,omitempty"`
}

// StagedInstance is an instance of the flow's world.
type StagedInstance struct {
	Name       string     `json:"name"`
	ID         string     `json:"id"` // as X-Gitlab-Instance-Id has it
	Deployment Deployment `json:"deployment"`
}

// StagedEndpoint is where a backend serves a feature, and the scope that it requires there.
type StagedEndpoint struct {
	Service string `json:"service"`
	Method  string `json:"method"`
	Path    string `json:"path"`
	Scope   string `json:"scope"`
}

// Deployment is the kind of an instance.
type Deployment string

// The deployments.
const (
	SaaS        Deployment = "saas"
	SelfManaged Deployment = "self-managed"
	Dedicated   Deployment = "dedicated" // self-managed on the wire
)

// Deployments lists them, in the order in which they are shown.
func Deployments() []Deployment { return []Deployment{SaaS, SelfManaged, Dedicated} }

func deploymentOf(i world.Instance) Deployment {
	switch {
	case i.Realm == world.SaaS:
		return SaaS
	case i.Dedicated:
		return Dedicated
	}
	return SelfManaged
}

func newStage(f *Flow, c *control.Client) *Stage {
	s := &Stage{Instances: []StagedInstance{}, Endpoints: []StagedEndpoint{}}
	for _, i := range f.World.Instances {
		s.Instances = append(s.Instances, StagedInstance{i.Name, i.UUID, deploymentOf(i)})
	}
	for _, feature := range f.Features {
		b := feature.Backend
		s.Endpoints = append(s.Endpoints, StagedEndpoint{b.Name, b.Endpoint.Method, b.Endpoint.Path, b.Scope})
	}
	if c != nil {
		s.Services, s.Actions = c.Services(), c.Actions()
	}
	return s
}

// called notes what has been called of the control planes.
func (s *Stage) called(c *control.Client) {
	if c != nil {
		s.CalledRoutes, s.CalledActions = c.Called()
	}
}
