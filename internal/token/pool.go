package token

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

const (
	poolMarker     = "README-TEST-KEYS-ONLY.txt"
	poolTempPrefix = ".ccmock-"
	poolText       = `Test keys made by ccmock.

They sign tokens for stubs on this machine. No real service trusts them, and none
may ever be made to. Delete this directory to get new ones.
`
)

var keyName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,99}$`)

// Pool hands out keys by name: the same key for the same name, for as long as the
// pool or its directory lives. It is safe for concurrent use, and several processes
// may share a directory.
type Pool struct {
	dir  string
	mu   sync.Mutex
	keys map[string]*poolEntry
}

type poolEntry struct {
	once sync.Once
	key  *Key
	err  error
}

// NewPool returns a pool that keeps its keys in dir, as <name>.pem readable by the
// owner only, or in memory if dir is "". The directory is made when absent, and gets
// a file which says that the keys are for tests. A directory that holds something and
// was not made by a pool is refused, so that real keys are never taken for ours.
func NewPool(dir string) (*Pool, error) {
	p := &Pool{dir: dir, keys: map[string]*poolEntry{}}
	if dir == "" {
		return p, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("key directory: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("key directory: %w", err)
	}
	marked, foreign := false, ""
	for _, e := range entries {
		switch {
		case e.Name() == poolMarker:
			marked = true
		case !strings.HasPrefix(e.Name(), poolTempPrefix):
			foreign = e.Name()
		}
	}
	switch {
	case marked:
		return p, nil
	case foreign != "":
		return nil, fmt.Errorf("key directory %q was not made by ccmock: it holds %q and no %s", dir, foreign, poolMarker)
	}
	if err := p.write(poolMarker, []byte(poolText)); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("key directory: %w", err)
	}
	return p, nil
}

// Get returns the key called name, and makes it at the first call. Callers of the
// same name wait for one generation. Names are lower-case letters, digits, ".", "_"
// and "-". A key file that cannot be read or understood is an error and stays as it is.
func (p *Pool) Get(name string) (*Key, error) {
	if !keyName.MatchString(name) {
		return nil, fmt.Errorf("key name %q: expected lower-case letters, digits, \".\", \"_\" and \"-\"", short(name))
	}
	p.mu.Lock()
	entry := p.keys[name]
	if entry == nil {
		entry = &poolEntry{}
		p.keys[name] = entry
	}
	p.mu.Unlock()
	entry.once.Do(func() { entry.key, entry.err = p.open(name) })
	if entry.err != nil {
		// Let a later call look again, once somebody has repaired the file.
		p.mu.Lock()
		if p.keys[name] == entry {
			delete(p.keys, name)
		}
		p.mu.Unlock()
	}
	return entry.key, entry.err
}

func (p *Pool) open(name string) (*Key, error) {
	if p.dir == "" {
		return GenerateKey()
	}
	file := name + ".pem"
	key, err := p.read(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key, err = GenerateKey()
	if err != nil {
		return nil, err
	}
	err = p.write(file, key.PEM())
	if errors.Is(err, fs.ErrExist) {
		return p.read(file) // another process was first
	}
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", name, err)
	}
	return key, nil
}

func (p *Pool) read(file string) (*Key, error) {
	path := filepath.Join(p.dir, file)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	key, err := ParseKey(data)
	if err != nil {
		return nil, fmt.Errorf("key file %q: %w (it is left as it is; delete it to get a new key)", path, err)
	}
	return key, nil
}

// write puts a whole file in place, or fails with fs.ErrExist if there is one.
// Linking, unlike renaming, never replaces what another process has put there.
func (p *Pool) write(file string, data []byte) (err error) {
	temp, err := os.CreateTemp(p.dir, poolTempPrefix) // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(temp.Name())) }()
	_, err = temp.Write(data)
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return os.Link(temp.Name(), filepath.Join(p.dir, file))
}
