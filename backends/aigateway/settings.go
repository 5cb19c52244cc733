package aigateway

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ccmock/ccmock/internal/world"
)

// release is one of the gateway, named after the month of its source.
type release string

const (
	release2025 release = "2025-01" // the last with the library's version 1
	release2026 release = "2026-08"
)

// settings are how the gateway is deployed.
type settings struct {
	world.AIGateway
	release release
}

func newSettings(w world.World) *settings {
	s := &settings{release: release2026}
	if w.AIGateway != nil {
		s.AIGateway = *w.AIGateway
	}
	if s.Release != "" {
		s.release = release(s.Release)
	}
	return s
}

// is says whether the gateway is of that release.
func (g *Gateway) is(r release) bool { return g.settings.Load().release == r }

// lineEnd ends the lines of server-sent events.
func (s *settings) lineEnd() string {
	if s.LineEnds == "lf" {
		return "\n"
	}
	return "\r\n"
}

// flags are the feature flags that the instance says are on, without those that are not listened to in its realm.
func (s *settings) flags(h http.Header) []string {
	names := []string{}
	disallowed := s.DisallowedFlags[h.Get("X-Gitlab-Realm")]
	for name := range strings.SplitSeq(h.Get("X-Gitlab-Enabled-Feature-Flags"), ",") {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(disallowed, name) {
			names = append(names, name)
		}
	}
	return names
}
