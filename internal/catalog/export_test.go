package catalog

// Unplaced is c without the lines that it was read from, for comparisons of what it says.
func (c *Catalog) Unplaced() *Catalog {
	out := &Catalog{}
	for _, s := range c.Services {
		out.Services = append(out.Services, s.Unplaced())
	}
	return out
}

// Unplaced is s without the lines that it was read from.
func (s Service) Unplaced() Service {
	s.places = nil
	return s
}
