package catalog

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// Source is the text of a catalog: that of a file, or those of a folder.
type Source struct {
	path  string
	files []sourceFile
	many  bool // a folder of a library
}

type sourceFile struct {
	name   string // as errors have it
	inside string // its path in the folder, with slashes
	data   []byte
}

// Open reads a cloud_connector.yml, a document of a library, or a library's folder: its
// config, or what config is in. What it is, is told by what is there.
func Open(name string) (Source, error) {
	info, err := os.Stat(name)
	if err != nil {
		return Source{}, err
	}
	if !info.IsDir() {
		data, err := readFile(name)
		return Source{path: name, files: []sourceFile{{name: name, data: data}}}, err
	}
	dir, found := libraryIn(name)
	if !found {
		return Source{}, &NoCatalogError{Folder: name, Near: misspelt(name)}
	}
	s := Source{path: name, many: true}
	for _, kind := range libraryKinds() {
		entries, err := os.ReadDir(filepath.Join(dir, kind))
		if err != nil && !os.IsNotExist(err) {
			return Source{}, err
		}
		for _, e := range entries {
			if ext := path.Ext(e.Name()); e.IsDir() || ext != ".yml" && ext != ".yaml" {
				continue
			}
			file := filepath.Join(dir, kind, e.Name())
			data, err := readFile(file)
			if err != nil {
				return Source{}, err
			}
			s.files = append(s.files, sourceFile{file, path.Join(kind, e.Name()), data})
		}
	}
	return s, nil
}

// NoCatalogError says that a folder holds no catalog.
type NoCatalogError struct {
	Folder string
	Near   string // a folder in it that may be misspelt
}

func (e *NoCatalogError) Error() string {
	text := fmt.Sprintf("%s holds no catalog: expected a folder %s in it, as config of the library gitlab-cloud-connector has", e.Folder, kindPrimitives)
	if e.Near != "" {
		text += fmt.Sprintf(" (is it %q?)", e.Near)
	}
	return text
}

// IsLibrary reports whether a folder is, or has, that of a library.
func IsLibrary(dir string) bool { _, found := libraryIn(dir); return found }

func libraryIn(name string) (dir string, found bool) {
	for _, dir := range []string{name, filepath.Join(name, "config")} {
		if info, err := os.Stat(filepath.Join(dir, kindPrimitives)); err == nil && info.IsDir() {
			return dir, true
		}
	}
	return "", false
}

// misspelt is a folder whose name is nearly that of the unit primitives.
func misspelt(name string) string {
	entries, err := os.ReadDir(name)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if e.IsDir() && strictyaml.Suggest(e.Name(), libraryKinds()[:1]) != "" {
			return e.Name()
		}
	}
	return ""
}

// Same reports whether both say the same in the same files.
func (s Source) Same(other Source) bool {
	return slices.EqualFunc(s.files, other.files, func(a, b sourceFile) bool {
		return a.name == b.name && bytes.Equal(a.data, b.data)
	})
}

// Catalog parses it. The environment counts in a cloud_connector.yml alone. The error is
// strictyaml.Problems.
func (s Source) Catalog(env string) (*Catalog, error) {
	if s.many {
		return parseFolder(s.files)
	}
	if len(s.files) == 0 {
		return &Catalog{}, nil
	}
	return Parse(s.files[0].name, s.files[0].data, env)
}

// Text is the source as one text that Parse reads: the file itself or, of a folder, all
// of it in one document.
func (s Source) Text(env string) (string, error) {
	if !s.many && len(s.files) == 1 {
		return string(s.files[0].data), nil
	}
	c, err := s.Catalog(env)
	if err != nil {
		return "", err
	}
	return string(c.YAML()), nil
}

// readFile reads a file, and no more of it than could be YAML of ours.
func readFile(name string) (_ []byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(f, strictyaml.MaxSize+1))
}
