package inprocess

// MostIdle is how many ecosystems wait for a flow.
const MostIdle = mostIdle

// Idle is how many do.
func (p *Pool) Idle() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle)
}
