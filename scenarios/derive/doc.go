// Package derive makes flows out of feature files: the cases that prove a new scope and
// that nobody writes by hand. A case is the text of a flow file, so that it can be kept,
// changed and run like any other.
package derive
