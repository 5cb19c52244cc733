// Package stub is what all stubs have in common: they listen, route by named routes,
// reply, and word errors in the dialect of the service that they imitate.
//
// A request passes, outermost first: recover, journal, fault, router. Journal and
// faults stand outside the router, so that they see what matches no route too. An answer
// that a fault had a hand in says so in FaultHeader.
package stub
