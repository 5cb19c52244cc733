package ecosystem

import (
	"github.com/ccmock/ccmock/internal/feature"
)

// userTokenPrefix is the second prefix under which the AI gateway is reached: GitLab asks
// it for user tokens at <gateway>/auth (GitLab 18.9, ee/lib/gitlab/ai_gateway.rb).
const userTokenPrefix = "auth"

// routes are the gateway's routes: the name of each backend is its path prefix. That of
// one that speaks gRPC is its service, which the gateway strips and the origin has again.
func (e *Ecosystem) routes() map[string]string {
	routes := map[string]string{}
	for _, f := range e.options.Features {
		origin := e.backendURL(f.Backend.Name)
		if f.Backend.GRPC() {
			origin += "/" + f.Backend.Prefix()
		}
		routes[f.Backend.Prefix()] = origin
	}
	if origin, ok := routes[aiGateway]; ok {
		routes[userTokenPrefix] = origin
	}
	return routes
}

// stubbedFeatures are the features whose backends run here.
func (e *Ecosystem) stubbedFeatures() []feature.Feature {
	var stubbed []feature.Feature
	for _, f := range e.options.Features {
		if e.realBackend(f.Backend.Name) == "" {
			stubbed = append(stubbed, f)
		}
	}
	return stubbed
}
