package strictyaml

import (
	"encoding/json"
	"strings"
)

// Quote writes any text on one line as JSON does, which YAML reads as the same text.
func Quote(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a text can always be written
	return strings.TrimSuffix(b.String(), "\n")
}
