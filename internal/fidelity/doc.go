// Package fidelity holds what is said to be true of the real services, fact by fact, and ties each fact to the tests that
// assert it.
//
// A fact is a row of facts/*.yaml. A test calls Proves with the fact's id beside the assertion; `go test -json` then tells
// which test that was and how it ended, and the command in write makes docs/fidelity.md of it. A fact that no test proves
// does not get in.
//
// It imports testing, so that only tests and that command may import it.
package fidelity
