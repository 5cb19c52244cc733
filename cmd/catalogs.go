package cmd

import (
	"errors"
	"os"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/feature"
)

// openCatalog opens what a user names as a catalog: a file or a library's folder, or the
// one that ccmock comes with.
func openCatalog(name string) (catalog.Source, error) {
	if name == catalog.Default {
		return catalog.DefaultSource(), nil
	}
	source, err := catalog.Open(name)
	if none := (*catalog.NoCatalogError)(nil); errors.As(err, &none) {
		return source, usagef("%w", err)
	}
	if err != nil {
		return source, usagef("read the catalog: %w", err)
	}
	return source, nil
}

// catalogText is what a user names as a catalog, in one text. The one that ccmock comes
// with has the features over it.
func catalogText(name string, features []feature.Feature) (string, error) {
	if name == catalog.Default {
		c, err := catalog.WithDefault(cloudConnectors(features)...)
		if err != nil {
			return "", err
		}
		return string(c.YAML()), nil
	}
	source, err := openCatalog(name)
	if err != nil {
		return "", err
	}
	return source.Text("")
}

// cloudConnectors are the features' services.
func cloudConnectors(features []feature.Feature) []catalog.Service {
	services := make([]catalog.Service, len(features))
	for n, f := range features {
		services[n] = f.CloudConnector
	}
	return services
}

// readBeside reads a file that another one names, and a library's folder as one text.
func readBeside(name string) ([]byte, error) {
	if _, found := catalog.LibraryIn(name); !found {
		return os.ReadFile(name)
	}
	source, err := catalog.Open(name)
	if err != nil {
		return nil, err
	}
	text, err := source.Text("")
	return []byte(text), err
}
