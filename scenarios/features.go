package scenarios

import (
	"embed"
	"io/fs"
)

//go:embed features/*.yaml
var featureFiles embed.FS

//go:embed flows/*.yaml
var flowFiles embed.FS

// Features returns the feature files that ccmock comes with.
func Features() fs.FS { return folder(featureFiles, "features") }

// Flows returns the flows that ccmock comes with.
func Flows() fs.FS { return folder(flowFiles, "flows") }

func folder(files embed.FS, name string) fs.FS {
	sub, err := fs.Sub(files, name)
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}
