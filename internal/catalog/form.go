package catalog

import (
	"slices"

	"github.com/ccmock/ccmock/internal/strictyaml"
)

// form is what a document is, told by its keys.
type form int

const (
	perEnvironment form = iota // a cloud_connector.yml, perhaps a broken one
	accessData                 // Rails' copy of one, which has no environments
	library                    // all of a library
	piece                      // one thing of a library
	unknownForm
)

// formOf tells by the keys at the top. Whatever could be meant for a cloud_connector.yml
// is taken for one, so that its own complaints are heard.
func formOf(doc *strictyaml.Document, env string) form {
	keys := doc.Keys("")
	switch {
	case len(keys) == 0, !doc.IsMapping(""):
		return perEnvironment
	case slices.Contains(keys, kindPrimitives) && !doc.Has("name"):
		return library
	case slices.Equal(keys, []string{kindServices}):
		return accessData
	case slices.Contains(keys, env), slices.ContainsFunc(keys, meantForEnvironment):
		return perEnvironment
	case doc.Has("name"):
		return piece
	case slices.ContainsFunc(keys, func(key string) bool { return strictyaml.Suggest(key, libraryKinds()) == kindPrimitives }):
		return library
	}
	return unknownForm
}

func meantForEnvironment(key string) bool {
	known := append(environments(), kindServices)
	return slices.Contains(known, key) || strictyaml.Suggest(key, known) != ""
}
