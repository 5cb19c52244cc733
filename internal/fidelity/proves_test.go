package fidelity_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
)

// recorder is a test that writes down what happens to it.
type recorder struct {
	testing.TB
	attributes, failures []string
}

func (r *recorder) Attr(key, value string) { r.attributes = append(r.attributes, key+" "+value) }
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func TestProves(t *testing.T) {
	r := &recorder{TB: t}
	fidelity.Proves(r, "rails/headers/realm", "rails/headers/relm", "rails/claims/nbf")
	require.Equal(t, []string{"fact rails/headers/realm", "fact rails/claims/nbf"}, r.attributes)
	require.Equal(t, []string{`no fact is called "rails/headers/relm", nearest is "rails/headers/realm"`}, r.failures)
}
