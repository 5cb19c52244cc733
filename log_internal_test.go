package ccmock

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

type logTest struct {
	Tester
	lines []string
}

func (l *logTest) Logf(format string, args ...any) {
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func TestTheTestsLogIsLeftAloneAfterTheTest(t *testing.T) {
	to := &logTest{}
	log := &testLog{t: to}
	_, err := log.Write([]byte("one\n"))
	require.NoError(t, err)
	log.end()
	_, err = log.Write([]byte("two\n"))
	require.NoError(t, err)
	require.Equal(t, []string{"one"}, to.lines)
}
