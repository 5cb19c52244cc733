package railsstub

import (
	"time"

	"github.com/ccmock/ccmock/internal/world"
)

// clientRule is what the endpoints for editors and for chat do.
type clientRule struct {
	since
	connectionDetails bool // POST /api/v4/code_suggestions/connection_details exists
	defaultGroup      bool // on GitLab.com, who has chosen no default group for Duo gets a 422
	directLimit       limit
	chatAgent         chatProtocol
	expose            keyExposure
	chatFlag          string // the feature flag that aiAction looks at
}

// chatProtocol is how GitLab asks the AI gateway for an answer of chat.
type chatProtocol int

const (
	promptComponents chatProtocol = iota // POST /v1/chat/agent, answered by one JSON object
	eventsAndOptions                     // POST /v2/chat/agent, answered by a line for each event
	events                               // the same; the agent's steps are messages
)

// keyExposure is when the Cloud Connector keys are in the key set.
type keyExposure int

const (
	neverExposed keyExposure = iota // there are none
	behindFlag                      // with cloud_connector_expose_keys
	exposed
)

var clientRules = []clientRule{
	{"16.8", false, false, limit{10, 5 * time.Minute}, promptComponents, neverExposed, world.FlagAI},
	{"17.0", false, false, limit{10, 5 * time.Minute}, promptComponents, neverExposed, world.FlagChat},
	{"17.5", false, false, limit{10, 5 * time.Minute}, eventsAndOptions, neverExposed, world.FlagChat},
	{"17.9", false, false, limit{10, 5 * time.Minute}, eventsAndOptions, behindFlag, world.FlagChat},
	{"18.3", true, false, limit{50, time.Minute}, events, exposed, world.FlagChat},
	{"18.4", true, true, limit{50, time.Minute}, events, exposed, world.FlagChat},
}
