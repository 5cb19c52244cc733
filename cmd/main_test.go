package cmd_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUsageIsRefusedInOneLineWithAHint(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"tset", "ccmock: unknown command \"tset\" for \"ccmock\"\nhint: did you mean \"test\"?\n"},
		{"--json tset", "ccmock: unknown command \"tset\" for \"ccmock\"\nhint: did you mean \"test\"?\n"},
		{"tset --json", "ccmock: unknown command \"tset\" for \"ccmock\"\nhint: did you mean \"test\"?\n"},
		{"help tset", "ccmock: unknown command \"tset\" for \"ccmock\"\nhint: did you mean \"test\"?\n"},
		{"zzz", "ccmock: unknown command \"zzz\" for \"ccmock\"\nhint: commands are completion, diff, explain, health, help, lint, new, probe, replay, schema, test, token, up, version\n"},
		{"completion bahs", "ccmock: unknown command \"bahs\" for \"ccmock completion\"\nhint: did you mean \"bash\"?\n"},
		{"--helpp", "ccmock: unknown flag: --helpp\nhint: did you mean --help?\n"},
		{"lint --jsn", "ccmock: unknown flag: --jsn\nhint: did you mean --json?\n"},
		{"lint --zzz", "ccmock: unknown flag: --zzz\nhint: ccmock lint --help lists its flags\n"},
		{"lint -x", "ccmock: unknown shorthand flag: 'x' in -x\nhint: ccmock lint --help lists its flags\n"},
		{"up --seed", "ccmock: flag needs an argument: --seed\nhint: ccmock up --help lists its flags\n"},
		{"version now", "ccmock: ccmock version takes no arguments, got \"now\"\n"},
		{"health nowhere", "ccmock: \"nowhere\" is not a URL, expected such as http://127.0.0.1:7070\n"},
	} {
		t.Run(c.args, func(t *testing.T) {
			r := ccmock(t, strings.Fields(c.args)...)
			require.Equal(t, 2, r.code)
			require.Equal(t, c.want, r.err)
			require.Empty(t, r.out)
		})
	}
}

func TestHelpAndVersion(t *testing.T) {
	for _, args := range []string{"", "help", "--help", "-h", "up --help", "help token mint", "token", "test -h", "lint -h", "explain -h", "health -h", "probe -h"} {
		require.Contains(t, ok(t, strings.Fields(args)...), "Usage:\n  ccmock", args)
	}
	require.Regexp(t, `^ccmock \S+ \(go1\S+ \w+/\w+\)\n$`, ok(t, "version"))
	require.Regexp(t, `^ccmock \S+\n$`, ok(t, "--version"))
}

func TestHealthOfSeveral(t *testing.T) {
	u := up(t)
	require.Empty(t, ok(t, "health", "--quiet", u.Control))
	r := ccmock(t, "health", u.Control, "http://127.0.0.1:1", u.url(t, "foo"))
	require.Equal(t, 1, r.code)
	require.Equal(t, u.Control+" is well\n", r.out)
	require.Contains(t, r.err, "ccmock: http://127.0.0.1:1 does not answer: dial tcp")
	require.Contains(t, r.err, "is not well: it answered 401")
}

func TestShellCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		require.Contains(t, ok(t, "completion", shell), "ccmock")
	}
	features := filepath.Join(write(t, map[string]string{"shine.yaml": goodFeature}))
	for _, c := range []struct{ args, want string }{
		{"up |", "rails customersdot gateway backends"},
		{"up gateway |", "rails customersdot backends"},
		{"up --log-level |", "debug info warn error"},
		{"explain --features " + features + " --scope |", "shine"},
		{"probe --profile |", "strict ai-gateway"},
		{"probe --method |", "GET POST PUT PATCH DELETE"},
		{"explain --instance |", "acme dedicated gitlab saas self-managed"},
		{"explain --license |", "none online_cloud offline_cloud legacy"},
		{"token mint --features " + features + " --scope |", "shine"},
		{"test --features " + features + " --run |", ""},
	} {
		t.Run(c.args, func(t *testing.T) {
			args := append([]string{"__complete"}, strings.Fields(strings.TrimSuffix(c.args, "|"))...)
			r := ccmock(t, append(args, "")...)
			require.Equal(t, 0, r.code)
			var offered []string
			for line := range strings.Lines(r.out) {
				if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, ":") {
					offered = append(offered, line)
				}
			}
			require.Equal(t, c.want, strings.Join(offered, " "))
		})
	}
	require.Contains(t, ccmock(t, "__complete", "test", "--run", "").out, "cut_off\n")
	require.Contains(t, ccmock(t, "__complete", "explain", "--scope", "").out, "new_feature_scope\n")
}
