package scenarios

import (
	"embed"
	"io/fs"
)

//go:embed features/*.yaml
var features embed.FS

// Features returns the feature files that ccmock comes with.
func Features() fs.FS {
	sub, err := fs.Sub(features, "features")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}
