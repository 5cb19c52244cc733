package scenarios

import "context"

// tester is what a *testing.T has of T. It is spelled out so that nothing which is linked
// into the binary imports testing.
type tester[P any] interface {
	Run(name string, f func(P)) bool
	Parallel()
	Errorf(format string, args ...any)
	Skipf(format string, args ...any)
	Context() context.Context
	Name() string
	Helper()
}

// Testing makes a T of a *testing.T: flows and steps become subtests.
func Testing[P tester[P]](t P) T { return testShim[P]{t} }

type testShim[P tester[P]] struct{ t P }

func (s testShim[P]) Run(name string, f func(T)) bool {
	return s.t.Run(name, func(t P) { f(testShim[P]{t}) })
}

func (s testShim[P]) again(seed uint64) string         { return again(s.t.Name(), seed) }
func (s testShim[P]) Parallel()                        { s.t.Parallel() }
func (s testShim[P]) Context() context.Context         { return s.t.Context() }
func (s testShim[P]) Skipf(format string, args ...any) { s.t.Helper(); s.t.Skipf(format, args...) }
func (s testShim[P]) Errorf(format string, args ...any) {
	s.t.Helper()
	s.t.Errorf(format, args...)
}
