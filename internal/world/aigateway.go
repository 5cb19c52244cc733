package world

// AIGateway is how the AI gateway is deployed.
type AIGateway struct {
	// Quota says that it holds CustomersDot's credentials, and asks whether there are credits left.
	Quota bool `json:"quota,omitempty" yaml:"quota"`
}
