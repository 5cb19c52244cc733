package catalog

import (
	"fmt"
	"strings"

	goversion "github.com/hashicorp/go-version"
)

// Version is a GitLab version such as 16.9.2-ee. The zero Version is "not
// given". Versions that read alike are == to each other.
//
// A suffix takes no part in comparisons: 17.9.0-pre is at least 17.9, as is
// 17.9.0-ee. How CustomersDot itself treats "-pre" is not established; an
// instance that runs a pre-release of 17.9 has 17.9's code, so the friendly
// reading is taken.
type Version struct {
	text string
	core [3]int
}

// ParseVersion reads "16.8", "16.9.2" or "17.8.0-ee".
func ParseVersion(s string) (Version, error) {
	wrong := fmt.Errorf("expected a GitLab version such as 16.8 or 16.9.2-ee, got %q", s)
	if s == "" || s[0] < '0' || s[0] > '9' || len(s) > 64 || strings.HasSuffix(s, "-") {
		return Version{}, wrong
	}
	parsed, err := goversion.NewVersion(s)
	if err != nil {
		return Version{}, wrong
	}
	number, _, _ := strings.Cut(s, "-")
	number, _, _ = strings.Cut(number, "+")
	if strings.Count(number, ".") > 2 {
		return Version{}, wrong
	}
	v := Version{text: s}
	copy(v.core[:], parsed.Segments())
	return v, nil
}

// AtLeast reports whether v is min or later. Every version, even one that is
// not given, is at least a minimum that is not given.
func (v Version) AtLeast(minimum Version) bool {
	if minimum.IsZero() {
		return true
	}
	if v.IsZero() {
		return false
	}
	for i, n := range v.core {
		if n != minimum.core[i] {
			return n > minimum.core[i]
		}
	}
	return true
}

// IsZero reports whether no version was given.
func (v Version) IsZero() bool { return v.text == "" }

// String is the version as it was written.
func (v Version) String() string { return v.text }

// Core is the version in three numbers and without a suffix: "16.9.0" for
// 16.9-ee. It is empty for the zero Version.
func (v Version) Core() string {
	if v.IsZero() {
		return ""
	}
	return fmt.Sprintf("%d.%d.%d", v.core[0], v.core[1], v.core[2])
}

// MarshalText is String.
func (v Version) MarshalText() ([]byte, error) { return []byte(v.text), nil }

// UnmarshalText is ParseVersion, and takes an empty text for the zero Version.
func (v *Version) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*v = Version{}
		return nil
	}
	parsed, err := ParseVersion(string(text))
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}
