package scenarios

import (
	"embed"
	"io/fs"
)

//go:embed features/*.yaml
var featureFiles embed.FS

//go:embed flows/*.yaml
var flowFiles embed.FS

//go:embed incidents/*.yaml
var incidentFiles embed.FS

// Features returns the feature files that ccmock comes with.
func Features() fs.FS { return folder(featureFiles, "features") }

// Flows returns the flows that ccmock comes with.
func Flows() fs.FS { return folder(flowFiles, "flows") }

// Incidents returns the flows that reproduce what went wrong in life: the symptom, its
// cause, the check that finds it, and the repair.
func Incidents() fs.FS { return folder(incidentFiles, "incidents") }

func folder(files embed.FS, name string) fs.FS {
	sub, err := fs.Sub(files, name)
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}
