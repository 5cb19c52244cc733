package probetest

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

// The environment of a backend in a process of its own, beside that of the probe.
const (
	AddressVariable = "CCMOCK_PROBETEST_ADDRESS" // where to listen
	FlawVariable    = "CCMOCK_PROBETEST_FLAW"
)

// Main makes the test binary a backend if the environment says so, until it is killed, and
// reports whether it did. TestMain calls it first.
func Main() bool {
	address := os.Getenv(AddressVariable)
	if address == "" {
		return false
	}
	s := &Service{Flaw: Flaw(os.Getenv(FlawVariable))}
	s.Trust(os.Getenv("GITLAB_URL"), os.Getenv("CUSTOMERSDOT_URL"))
	server := http.Server{Addr: address, Handler: s, ReadHeaderTimeout: 10 * time.Second}
	_, _ = fmt.Fprintln(os.Stderr, "listening on", address)
	_, _ = fmt.Fprintln(os.Stderr, server.ListenAndServe())
	return true
}
