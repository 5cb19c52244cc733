// Package scenarios reads flows, runs them against an ecosystem and reports what
// happened. It knows base URLs and the control plane, but no stub, so that the same flow
// runs in one process, against containers, or with real parts among the stubs.
package scenarios
