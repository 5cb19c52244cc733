// Package probe sends the token cases that follow from a feature to a real service: the
// good call of either issuer, and every forged or spoilt one.
//
// It starts the issuers, with the clock at real time, and a gateway that the calls go
// through. Nothing that a case does lasts, so that they all share one world. A service words
// its refusals in its own way: only the class of the status counts, and whether it fetched
// what a token told it to fetch.
package probe
