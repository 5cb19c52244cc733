package world

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/strictyaml"
)

// LicenseFile is what a licence key says. The key is its text form: base64 in lines of 60
// characters, as long as a real one is handed around. Unlike a real one it is neither
// encrypted nor signed, so no real GitLab would take it.
type LicenseFile struct {
	// ID numbers the licences of one subscription; a renewal or a purchase makes a new one.
	ID int `json:"id"`
	// Subscription names the subscription that it belongs to, one for each instance.
	Subscription                 string                    `json:"subscription"`
	Plan                         string                    `json:"plan"`
	StartsAt                     time.Time                 `json:"starts_at"`
	ExpiresAt                    time.Time                 `json:"expires_at,omitzero"`
	Trial                        bool                      `json:"trial"`
	CloudLicensingEnabled        bool                      `json:"cloud_licensing_enabled"`
	OfflineCloudLicensingEnabled bool                      `json:"offline_cloud_licensing_enabled"`
	AddOnProducts                map[string][]AddOnProduct `json:"add_on_products"`
}

// AddOnProduct is one purchase as a licence's restrictions carry it (GitLab 18.9,
// add_on_products).
type AddOnProduct struct {
	Quantity  int    `json:"quantity"`
	StartedOn string `json:"started_on,omitempty"` // a date, 2006-01-02
	ExpiresOn string `json:"expires_on,omitempty"`
	Trial     bool   `json:"trial"`
}

// NewLicenseFile says in a licence file what was sold.
func NewLicenseFile(id int, subscription string, l catalog.License, purchases []catalog.Purchase) LicenseFile {
	file := LicenseFile{
		ID: id, Subscription: subscription, Plan: l.PlanName(),
		StartsAt: l.StartsAt.UTC(), Trial: l.Trial,
		CloudLicensingEnabled:        l.Kind != catalog.Legacy,
		OfflineCloudLicensingEnabled: l.Kind == catalog.OfflineCloud,
		AddOnProducts:                map[string][]AddOnProduct{},
	}
	if !l.NoExpiry {
		file.ExpiresAt = l.ExpiresAt.UTC()
	}
	for _, p := range purchases {
		file.AddOnProducts[p.AddOn] = append(file.AddOnProducts[p.AddOn], AddOnProduct{
			Quantity: p.Seats, StartedOn: date(p.StartsOn), ExpiresOn: date(p.ExpiresOn), Trial: p.Trial,
		})
	}
	return file
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// License is the licence that the file stands for.
func (f LicenseFile) License() catalog.License {
	l := catalog.License{
		Kind: catalog.Legacy, Plan: f.Plan,
		StartsAt: f.StartsAt, ExpiresAt: f.ExpiresAt, NoExpiry: f.ExpiresAt.IsZero(), Trial: f.Trial,
	}
	switch {
	case f.OfflineCloudLicensingEnabled:
		l.Kind = catalog.OfflineCloud
	case f.CloudLicensingEnabled:
		l.Kind = catalog.OnlineCloud
	}
	return l
}

// Purchases are the add-on purchases that the file carries, by add-on name.
func (f LicenseFile) Purchases() ([]catalog.Purchase, error) {
	var found []catalog.Purchase
	for _, name := range sortedKeys(f.AddOnProducts) {
		for _, p := range f.AddOnProducts[name] {
			purchase := catalog.Purchase{AddOn: name, Seats: p.Quantity, Trial: p.Trial}
			var errs [2]error
			purchase.StartsOn, errs[0] = parseDate(p.StartedOn)
			purchase.ExpiresOn, errs[1] = parseDate(p.ExpiresOn)
			if err := errors.Join(errs[:]...); err != nil {
				return nil, fmt.Errorf("add-on product %q: %w", name, err)
			}
			found = append(found, purchase)
		}
	}
	return found, nil
}

func parseDate(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.DateOnly, text)
}

// lineLength is how long the lines of a licence key are, as Ruby's Base64 breaks them.
const lineLength = 60

// Key is the file's text form, the licence key.
func (f LicenseFile) Key() string {
	text, err := json.Marshal(f)
	if err != nil {
		panic(err) // a struct of plain fields always marshals
	}
	var key strings.Builder
	for line := base64.StdEncoding.EncodeToString(text); line != ""; {
		n := min(lineLength, len(line))
		key.WriteString(line[:n])
		key.WriteByte('\n')
		line = line[n:]
	}
	return key.String()
}

// ParseLicenseKey reads a licence key. White space in it does not count.
func ParseLicenseKey(key string) (LicenseFile, error) {
	text, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(key), ""))
	if err != nil {
		return LicenseFile{}, fmt.Errorf("the licence key is not base64: %w", err)
	}
	var f LicenseFile
	if err := json.Unmarshal(text, &f); err != nil {
		return LicenseFile{}, fmt.Errorf("the licence key does not hold a licence: %w", err)
	}
	if f.Subscription == "" {
		return LicenseFile{}, errors.New("the licence key names no subscription")
	}
	return f, nil
}

// LicenseKey is the key of the first licence that was sold to the instance, and false if
// none was. CustomersDot and the instance work it out alike, so that neither has to be
// told by the other before a scenario starts.
func (i Instance) LicenseKey() (string, bool) {
	if i.License == nil {
		return "", false
	}
	return NewLicenseFile(1, i.Name, *i.License, i.AddOns).Key(), true
}

func suggest(word string, known []string) string {
	if near := strictyaml.Suggest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}
