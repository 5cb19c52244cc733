package control

import (
	"net/http"

	"github.com/ccmock/ccmock/internal/world"
)

// Connected is a Part that keeps connections to other services open for later requests.
type Connected interface {
	// Close lets go of those that are idle.
	Close()
}

// Renew starts over in a world, which must be complete, and which Reset goes back to from
// now on. It is for the process that holds the server.
func (s *Server) Renew(w world.World) error {
	s.steer.Lock()
	defer s.steer.Unlock()
	s.options.World = w
	_, err := s.seedLocked(w)
	return err
}

func (s *Server) reset(*http.Request) (any, error) {
	s.steer.Lock()
	defer s.steer.Unlock()
	return s.seedLocked(s.options.World)
}

func (s *Server) seed(w world.World) (any, error) {
	s.steer.Lock()
	defer s.steer.Unlock()
	return s.seedLocked(w)
}

// seedLocked starts over in the given world: at its time, with no faults, skews or journal
// left. Call with s.steer held.
func (s *Server) seedLocked(w world.World) (any, error) {
	s.options.Faults.Clear()
	s.options.Journal.Reset()
	s.options.Jobs.Clear()
	s.options.Clock.Set(w.Now)
	for _, p := range s.options.Parts {
		for _, service := range p.Services() {
			if skew := p.Skew(service.Name); skew != nil {
				skew.Set(0)
			}
		}
		if err := p.Seed(w); err != nil {
			return nil, err
		}
	}
	return s.info(nil)
}

// disconnect has the next request of each part open a connection. An HTTP client that
// finds a connection reset which it has used before takes it for one that was idle too
// long, and tries again; whether a fault is seen must not depend on what was called before
// it came into force.
func (s *Server) disconnect() {
	for _, p := range s.options.Parts {
		if c, ok := p.(Connected); ok {
			c.Close()
		}
	}
}
