// Package derive makes flows out of feature files: the cases that prove a scope and that
// nobody writes by hand. A case is the text of a flow file, so that it can be kept, changed
// and run like any other.
//
// There are three kinds. An entitlement case puts an instance into a situation (deployment,
// time, version, add-ons, licence), syncs, and has a user use the feature. A token case
// makes one call that is good but for one thing. A drill goes through a key rotation of
// GitLab.com, well or badly, or takes an issuer's keys away, and says who is refused from
// when to when.
//
// What is expected does not come from running anything. The scopes and the answers of
// entitlement cases come from an oracle that is written from the documented rules and
// shares nothing with package catalog, by which the services decide; those of token cases
// from a table of what each verifier profile answers, and those of drills from how long
// each profile keeps a key set. So a case that fails tells that either a service or a
// catalog is wrong.
package derive
