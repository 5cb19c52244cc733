package probetest

import (
	"fmt"
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// FreeAddress is where nobody listens, for a process that is to be started. It is none of the
// ports that the system gives who asks for any, as the probe's own issuers may.
func FreeAddress(t testing.TB) string {
	t.Helper()
	for n := range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+(os.Getpid()+101*n)%10000)
		ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
		if err == nil {
			require.NoError(t, ln.Close())
			return address
		}
	}
	require.Fail(t, "no port is free")
	return ""
}
