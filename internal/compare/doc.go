// Package compare says what two catalogs grant the instances of a world, and when: which
// scope an instance gains, loses or gets for another audience where one takes the other's
// place. catalog.Decide decides, at every date that may change its mind.
package compare
