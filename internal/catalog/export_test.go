package catalog

import "slices"

// Unplaced is c without the lines that it was read from, for comparisons of what it says.
func (c *Catalog) Unplaced() *Catalog {
	out := &Catalog{Services: slices.Clone(c.Services)}
	for n, s := range out.Services {
		out.Services[n] = s.Unplaced()
	}
	if c.Library != nil {
		library := *c.Library
		library.UnitPrimitives = slices.Clone(library.UnitPrimitives)
		for n := range library.UnitPrimitives {
			library.UnitPrimitives[n].places = nil
		}
		out.Library = &library
	}
	return out
}

// Unplaced is s without the lines that it was read from.
func (s Service) Unplaced() Service {
	s.places = nil
	return s
}
