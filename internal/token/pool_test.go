package token

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPoolInMemory(t *testing.T) {
	p, err := NewPool("")
	require.NoError(t, err)
	keys := make([]*Key, 8)
	var wait sync.WaitGroup
	for n := range keys {
		wait.Go(func() {
			key, err := p.Get([]string{"a", "b"}[n%2])
			if err != nil {
				t.Error(err)
			}
			keys[n] = key
		})
	}
	wait.Wait()
	require.NotEqual(t, keys[0].ID(), keys[1].ID())
	for n, k := range keys {
		require.Same(t, keys[n%2], k)
	}
}

func TestPoolDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "keys")
	p, err := NewPool(dir)
	require.NoError(t, err)
	key, err := p.Get("gitlab.com-signing_1")
	require.NoError(t, err)

	info, err := os.Stat(filepath.Join(dir, "gitlab.com-signing_1.pem"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	info, err = os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	readme, err := os.ReadFile(filepath.Join(dir, poolMarker))
	require.NoError(t, err)
	require.Contains(t, string(readme), "Test keys made by ccmock")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 2, "no temporary file is left")

	again, err := NewPool(dir)
	require.NoError(t, err)
	same, err := again.Get("gitlab.com-signing_1")
	require.NoError(t, err)
	require.Equal(t, key.ID(), same.ID())
}

func TestPoolLeavesBadFilesAlone(t *testing.T) {
	good := testKey(t, "pool").PEM()
	for name, content := range map[string]string{
		"empty":         "",
		"garbled":       "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
		"cut":           string(good[:len(good)/2]),
		"two":           string(good) + string(good),
		"a public key":  "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
		"something odd": "hello",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			p, err := NewPool(dir)
			require.NoError(t, err)
			file := filepath.Join(dir, "a.pem")
			require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
			for range 2 {
				_, err = p.Get("a")
				require.ErrorContains(t, err, fmt.Sprintf("key file %q", file))
			}
			require.NotContains(t, err.Error(), "MII")
			left, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, content, string(left))

			require.NoError(t, os.WriteFile(file, good, 0o600))
			key, err := p.Get("a")
			require.NoError(t, err, "a repaired file is read")
			require.Equal(t, testKey(t, "pool").ID(), key.ID())
		})
	}
	t.Run("a directory", func(t *testing.T) {
		dir := t.TempDir()
		p, err := NewPool(dir)
		require.NoError(t, err)
		require.NoError(t, os.Mkdir(filepath.Join(dir, "a.pem"), 0o700))
		_, err = p.Get("a")
		require.ErrorContains(t, err, "read key")
	})
}

func TestPoolRefusesForeignDirectories(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "production.pem"), []byte("x"), 0o600))
	_, err := NewPool(dir)
	require.ErrorContains(t, err, `was not made by ccmock: it holds "production.pem"`)

	file := filepath.Join(dir, "production.pem")
	_, err = NewPool(file)
	require.ErrorContains(t, err, "key directory")
}

func TestPoolNames(t *testing.T) {
	p, err := NewPool("")
	require.NoError(t, err)
	for _, name := range []string{"", "../a", "a/b", "A", ".a", "a b", strings.Repeat("a", 101)} {
		_, err := p.Get(name)
		require.ErrorContains(t, err, "key name")
	}
}

// TestPoolIsSharedByProcesses runs this test binary several times on one directory.
func TestPoolIsSharedByProcesses(t *testing.T) {
	const variable = "CCMOCK_TEST_POOL"
	if dir := os.Getenv(variable); dir != "" {
		p, err := NewPool(dir)
		require.NoError(t, err)
		key, err := p.Get("shared")
		require.NoError(t, err)
		t.Log("id:" + key.ID())
		return
	}
	dir := filepath.Join(t.TempDir(), "keys")
	outputs := make([]string, 4)
	var wait sync.WaitGroup
	for n := range outputs {
		wait.Go(func() {
			run := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPoolIsSharedByProcesses$", "-test.v")
			run.Env = append(os.Environ(), variable+"="+dir)
			out, err := run.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
				return
			}
			for line := range strings.Lines(string(out)) {
				if _, id, found := strings.Cut(line, "id:"); found {
					outputs[n] = id
				}
			}
		})
	}
	wait.Wait()
	require.NotEmpty(t, outputs[0])
	for _, out := range outputs {
		require.Equal(t, outputs[0], out)
	}
}
