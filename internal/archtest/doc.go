// Package archtest holds the shape of the source tree: which package may import which, how long a file may get, and that
// every package says what it is for. It has tests only.
//
// Imports run one way, from the first layer of the table (table_test.go) to the last. A new package needs a place there
// before it is used; what does not fit is more often a sign of a missing HTTP call or a misplaced type than of a bad table.
package archtest
