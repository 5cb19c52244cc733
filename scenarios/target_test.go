package scenarios

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConnectTo(t *testing.T) {
	rules := map[string]string{
		"*.test:*":          "127.0.0.1:*",
		"gitlab.test:3000":  "10.0.0.1:4000",
		"backends:*":        "127.0.0.1:*",
		"other.test:3000":   "*:5000",
		"not a pattern":     "127.0.0.1:1",
		"broken:*":          "nowhere",
		"*.gitlab.test:443": "127.0.0.2:8443",
	}
	for addr, want := range map[string]string{
		"gitlab.test:3000":           "10.0.0.1:4000",
		"gitlab.test:3001":           "127.0.0.1:3001",
		"customers.gitlab.test:5000": "127.0.0.1:5000",
		"cloud.gitlab.test:443":      "127.0.0.2:8443",
		"acme.test:3000":             "127.0.0.1:3000",
		"other.test:3000":            "other.test:5000",
		"backends:5100":              "127.0.0.1:5100",
		"example.com:443":            "",
		"broken:1":                   "",
		"no port":                    "",
	} {
		got, ok := connectTo(rules, addr)
		require.Equal(t, want, got, addr)
		require.Equal(t, want != "", ok, addr)
	}
}

func TestTheComposeTarget(t *testing.T) {
	data, err := os.ReadFile("targets/compose.yaml")
	require.NoError(t, err)
	target, err := ParseTarget("targets/compose.yaml", data, func(string) string { return "" })
	require.NoError(t, err)
	require.Equal(t, "compose", target.Name)
	require.Len(t, target.Control, 4)
	require.Equal(t, "ccmock-test-only", target.ControlToken)
	got, ok := connectTo(target.ConnectTo, "customers.gitlab.test:5000")
	require.True(t, ok)
	require.Equal(t, "127.0.0.1:5000", got)

	target, err = ParseTarget("targets/compose.yaml", data, func(name string) string { return "of " + name })
	require.NoError(t, err)
	require.Equal(t, "of CCMOCK_CONTROL_TOKEN", target.ControlToken)
}

func TestTargetsThatAreWrong(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", []string{"t.yaml:1:1: the file is empty"}},
		{"nothing in it", "format: 1\n", []string{"neither control planes nor services"}},
		{"a typing error", "format: 1\ncontrl: [http://x]\n", []string{`unknown key "contrl" (did you mean "control"?)`}},
		{"all at once", "format: 2\ncontrol: [x, ftp://y]\nservices: {foo: z}\nconnect_to: {a: b}\n", []string{
			"format 2 is not known", `control[0]: "x" is not the URL`, `control[1]: "ftp://y" is not the URL`,
			`services.foo: "z" is not the URL`, `connect_to.a: "a" is not a host and a port`,
		}},
		{"a variable that is not set", "format: 1\ncontrol: ['${NOWHERE}']\n", []string{"NOWHERE is not set", "${NOWHERE:-default}"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseTarget("t.yaml", []byte(c.text), func(string) string { return "" })
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}
