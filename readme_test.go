package ccmock_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestREADME runs the README. In a block marked "console", each line that begins with
// "$ " is a command and what follows is what it prints; "..." stands for anything. The
// commands of one section share a folder. "ccmock up" goes on in the background, on
// other ports, until the section ends. A block marked yaml whose first line is a comment
// that names a file is written to that file.
//
// Blocks that need more than this machine has (Docker, a real GitLab) are marked "sh" and
// are run by .ci/run, or by nobody where the README says so.
func TestREADME(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, tool := range []string{"sh", "sed", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CCMOCK_REQUIRE_DOCKER") != "" { // set where nothing may be left out
				t.Fatal(err)
			}
			t.Skipf("the README's commands need %s, which is not here", tool)
		}
	}
	binary := build(t)
	ran := 0
	for _, s := range sections(string(text)) {
		if len(s.blocks) == 0 {
			continue
		}
		t.Run(s.title, func(t *testing.T) {
			shell := &session{dir: t.TempDir(), path: filepath.Dir(binary)}
			for _, b := range s.blocks {
				ran += shell.run(t, b)
			}
		})
	}
	require.GreaterOrEqual(t, ran, 16, "the README lost its commands, or this test no longer finds them")
}

// build makes the binary that the README's commands call.
func build(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ccmock")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", name, "./cmd/ccmock").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return name
}

type section struct {
	title  string
	blocks []block
}

type block struct {
	kind string
	line int
	text string
}

func sections(text string) []section {
	all := []section{{title: "top"}}
	var open *block
	for n, line := range strings.Split(text, "\n") {
		last := &all[len(all)-1]
		switch {
		case open == nil && strings.HasPrefix(line, "## "):
			all = append(all, section{title: strings.TrimPrefix(line, "## ")})
		case open == nil && strings.HasPrefix(line, "```"):
			open = &block{kind: strings.TrimPrefix(line, "```"), line: n + 2}
		case open != nil && line == "```":
			if open.kind == "console" || open.kind == "yaml" {
				last.blocks = append(last.blocks, *open)
			}
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	return all
}

// session is the shell of one section.
type session struct {
	dir, path string
	moved     *strings.Replacer // from the README's addresses to those of the running ccmock
	back      *strings.Replacer
}

var fileComment = regexp.MustCompile(`^# (\S+\.ya?ml)\b`)

func (s *session) run(t *testing.T, b block) (commands int) {
	t.Helper()
	if b.kind == "yaml" {
		if m := fileComment.FindStringSubmatch(b.text); m != nil {
			name := filepath.Join(s.dir, filepath.FromSlash(m[1]))
			require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
			require.NoError(t, os.WriteFile(name, []byte(b.text), 0o600))
		}
		return 0
	}
	lines := strings.Split(strings.TrimSuffix(b.text, "\n"), "\n")
	for n := 0; n < len(lines); commands++ {
		at := fmt.Sprintf("README.md:%d", b.line+n)
		command, ok := strings.CutPrefix(lines[n], "$ ")
		require.True(t, ok, "%s: expected a command, found %q", at, lines[n])
		n++
		for strings.HasSuffix(command, "\\") && n < len(lines) {
			command += "\n" + lines[n]
			n++
		}
		var want []string
		for n < len(lines) && !strings.HasPrefix(lines[n], "$ ") {
			want = append(want, lines[n])
			n++
		}
		s.command(t, at, command, strings.Join(want, "\n"))
	}
	return commands
}

func (s *session) command(t *testing.T, at, command, want string) {
	t.Helper()
	if strings.HasPrefix(command, "ccmock up") {
		require.NotEmpty(t, want, "%s: nothing is expected of %q", at, command)
		s.up(t, at, command)
		return
	}
	if s.moved != nil {
		command = s.moved.Replace(command)
	}
	out, err := s.shell(t.Context(), command).CombinedOutput()
	got := string(out)
	if s.back != nil {
		got = s.back.Replace(got)
	}
	if err != nil {
		got += fmt.Sprintf("exit status %d\n", exitCode(err))
	}
	require.Regexp(t, pattern(want), strings.TrimRight(got, "\n"), "%s: $ %s\nprinted:\n%s", at, command, got)
}

func exitCode(err error) int {
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // exec returns it as it is
		return exit.ExitCode()
	}
	return -1
}

func (s *session) shell(ctx context.Context, command string) *exec.Cmd {
	c := exec.CommandContext(ctx, "sh", "-c", command)
	c.Dir = s.dir
	c.Env = append(os.Environ(), "PATH="+s.path+string(os.PathListSeparator)+os.Getenv("PATH"))
	return c
}

// pattern makes an expression of expected output, in which "..." stands for anything.
func pattern(want string) string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimRight(want, "\n"), "\n") {
		if strings.TrimSpace(line) == "..." {
			lines = append(lines, `(?s:.*)`)
			continue
		}
		line = regexp.QuoteMeta(strings.TrimRight(line, " "))
		lines = append(lines, strings.ReplaceAll(line, `\.\.\.`, `.*`)+` *`)
	}
	return `^` + strings.Join(lines, "\n") + `$`
}

// up starts ccmock on free ports and notes where each of the README's ports has gone.
func (s *session) up(t *testing.T, at, command string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	c := s.shell(ctx, "exec "+command+" --json --port-base 0")
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	complaints := filepath.Join(s.dir, "up.stderr")
	stderr, err := os.Create(complaints)
	require.NoError(t, err)
	defer func() { _ = stderr.Close() }()
	c.Stderr = stderr
	said := func() string { text, _ := os.ReadFile(complaints); return string(text) }
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start(), at)
	t.Cleanup(func() {
		stop()
		_ = c.Wait()
		require.Equal(t, 0, c.ProcessState.ExitCode(), "%s: it did not end well:\n%s", at, said())
	})
	var ready struct {
		Control  string
		Services []struct{ Name, URL string }
	}
	if err := json.NewDecoder(bufio.NewReader(stdout)).Decode(&ready); err != nil {
		t.Fatalf("%s: %v: %s", at, err, said())
	}
	ports := map[string]string{
		"gitlab": "3000", "acme": "3001", "dedicated": "3002",
		"customersdot": "5000", "gateway": "8080", "ai": "5052", "foo": "5100",
	}
	moved := []string{
		"127.0.0.1:7070", hostOf(t, ready.Control),
		"ccmock explain --request", "ccmock explain --control " + ready.Control + " --request", // its default is port 7070
	}
	for _, service := range ready.Services {
		if port, ok := ports[service.Name]; ok {
			moved = append(moved, "127.0.0.1:"+port, hostOf(t, service.URL))
		}
	}
	back := make([]string, len(moved))
	for n := 0; n < len(moved); n += 2 {
		back[n], back[n+1] = moved[n+1], moved[n]
	}
	s.moved, s.back = strings.NewReplacer(moved...), strings.NewReplacer(back...)
}

func hostOf(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u.Host
}
