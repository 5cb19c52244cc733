package scenarios

import (
	"runtime/debug"
	"strings"
)

const module = "github.com/ccmock/ccmock"

// Version is that of the module ccmock in the running binary, with the commit where the
// module has none of its own.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range info.Deps { // a test of somebody else's
		if m.Path == module {
			return m.Version
		}
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	text := "devel"
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && s.Value != "":
			text += "-" + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			text += "+changed"
		}
	}
	return strings.TrimSpace(text)
}
