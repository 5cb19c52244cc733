package customersdotstub

// Reload is what Watch does every second.
func (s *Stub) Reload() { s.reload() }
