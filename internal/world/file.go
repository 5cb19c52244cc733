package world

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/strictyaml"
)

// file is a world as it is written: what a flow has under given, with names as keys.
type file struct {
	Now         time.Time           `yaml:"now"`
	Instances   map[string]Instance `yaml:"instances"`
	Users       map[string]User     `yaml:"users"`
	Catalog     string              `yaml:"catalog"`
	CatalogFile string              `yaml:"catalog_file"`
	SeatCount   bool                `yaml:"seat_count_enforced"`

	CustomersDot CustomersDot `yaml:"customersdot"`
}

// Parse reads a world file and completes the world. Now is the time of a file that names
// none. Beside reads a file that the world file names, relative to its own place. All
// problems come back at once, as strictyaml.Problems.
func Parse(name string, data []byte, now time.Time, beside func(name string) ([]byte, error)) (World, error) {
	doc, err := strictyaml.Parse(name, data)
	if err != nil {
		return World{}, err
	}
	f := file{Now: now}
	var found strictyaml.Problems
	if err := doc.Decode(&f); err != nil && !errors.As(err, &found) {
		return World{}, err
	}
	undecoded := slices.Clone(found)
	w := World{Now: f.Now, Catalog: f.Catalog, SeatCountEnforced: f.SeatCount, CustomersDot: f.CustomersDot}
	for _, name := range sortedKeys(f.Instances) {
		i := f.Instances[name]
		i.Name = name
		w.Instances = append(w.Instances, i)
	}
	for _, name := range sortedKeys(f.Users) {
		u := f.Users[name]
		u.Name = name
		w.Users = append(w.Users, u)
	}
	if f.CatalogFile != "" {
		text, err := beside(f.CatalogFile)
		switch {
		case f.Catalog != "":
			found = append(found, doc.Problem("catalog_file", "the catalog is given as catalog or as catalog_file, not as both", ""))
		case err != nil:
			found = append(found, doc.Problem("catalog_file", "cannot be read: "+reason(err), "it is looked up beside the world file"))
		default:
			w.Catalog, w.CatalogName = string(text), f.CatalogFile
			_, err := catalog.Parse(f.CatalogFile, text, "")
			found.Add(err)
		}
	} else if w.Catalog != "" {
		_, err := catalog.Parse(name+" (catalog)", []byte(w.Catalog), "")
		found.Add(err)
	}
	for _, c := range w.Complete() {
		if !covered(doc, undecoded, c.Path) {
			found = append(found, doc.Problem(c.Path, c.Message, c.Hint))
		}
	}
	return w, found.Err()
}

// covered reports whether the decoder has complained about a place: the place itself,
// something in it or, where nothing stands there, what stands around it.
func covered(doc *strictyaml.Document, found strictyaml.Problems, path string) bool {
	return slices.ContainsFunc(found, func(p strictyaml.Problem) bool {
		return p.Path == path || strings.HasPrefix(p.Path, path+".") ||
			!doc.Has(path) && p.Path != "" && strings.HasPrefix(path, p.Path+".")
	})
}

// reason is why a file cannot be read, without its name.
func reason(err error) string {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err.Error()
	}
	return err.Error()
}
