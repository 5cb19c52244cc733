package customersdotstub

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/internal/world"
)

// subscription is what was sold to one instance. GitLab.com has none of its own terms.
type subscription struct {
	instance  world.Instance
	terms     []catalog.License // the first period and each renewal
	purchases []catalog.Purchase
	sold      []sale // every licence, by its ID from 1
	revoked   bool

	// What the instance said of itself, at activation or in its last seat link.
	instanceID string
	uniqueID   string

	wrong   *control.MisissueRequest // how its tokens are spoilt, nil if they are not
	credits world.Credits            // never empty
}

// sale is one licence that was handed out.
type sale struct {
	period   int // of terms
	file     world.LicenseFile
	checksum string // of its key
}

func newSubscription(i world.Instance) *subscription {
	s := &subscription{
		instance: i, instanceID: i.UUID, purchases: slices.Clone(i.AddOns), credits: creditsOf(i.Credits),
	}
	if i.License != nil {
		s.terms = []catalog.License{*i.License}
		s.sell(0)
	}
	return s
}

// sell hands out a new licence for a period.
func (s *subscription) sell(period int) {
	file := world.NewLicenseFile(len(s.sold)+1, s.instance.Name, s.terms[period], s.purchases)
	s.sold = append(s.sold, sale{period, file, checksumOf(file.Key())})
}

// resell hands out new licences for the present period and those to come, as a change of
// the purchases is in all of them.
func (s *subscription) resell(now time.Time) {
	for period := s.period(now); period < len(s.terms); period++ {
		s.sell(period)
	}
}

// period is the last one that has started, or the first.
func (s *subscription) period(now time.Time) int {
	for n := len(s.terms) - 1; n > 0; n-- {
		if s.terms[n].State(now) != catalog.NotStarted {
			return n
		}
	}
	return 0
}

// license is the newest licence that was sold for a period.
func (s *subscription) license(period int) world.LicenseFile {
	for n := len(s.sold) - 1; n > 0; n-- {
		if s.sold[n].period == period {
			return s.sold[n].file
		}
	}
	return s.sold[0].file
}

// current is the licence that the instance should hold now.
func (s *subscription) current(now time.Time) world.LicenseFile { return s.license(s.period(now)) }

// holds returns nil if file is a cloud licence that was sold as it is. Times are not
// compared: a CustomersDot that was started a second after the instance, in a default
// world that begins now, still knows the instance's licence.
func (s *subscription) holds(file world.LicenseFile) error {
	if file.ID < 1 || file.ID > len(s.sold) {
		return fmt.Errorf("licence %d of %q was never sold", file.ID, file.Subscription)
	}
	known := s.sold[file.ID-1]
	if file.ExpiresAt.IsZero() == known.file.ExpiresAt.IsZero() {
		file.ExpiresAt = known.file.ExpiresAt
	}
	file.StartsAt = known.file.StartsAt
	if file.Key() != known.file.Key() {
		return fmt.Errorf("licence %d of %q is not as it was sold", file.ID, file.Subscription)
	}
	if s.terms[known.period].Kind == catalog.Legacy {
		return fmt.Errorf("licence %d of %q is a legacy licence", file.ID, file.Subscription)
	}
	return nil
}

// find returns the subscription that a licence key was sold for. The caller holds st.mu.
func (st *state) find(key string) (*subscription, world.LicenseFile, error) {
	file, err := world.ParseLicenseKey(key)
	if err != nil {
		return nil, file, err
	}
	s := st.subscriptions[file.Subscription]
	if s == nil {
		return nil, file, fmt.Errorf("no licence was sold to %.100q", file.Subscription)
	}
	return s, file, s.holds(file)
}

// licensed returns the subscription of a named instance. The caller holds st.mu.
func (st *state) licensed(name string) (*subscription, error) {
	s, err := st.known(name)
	if err != nil {
		return nil, err
	}
	if len(s.terms) == 0 {
		return nil, fmt.Errorf("%q has no licence, so there is no subscription to change; give it one in the world", name)
	}
	return s, nil
}

// known returns what is on record of a named instance. The caller holds st.mu.
func (st *state) known(name string) (*subscription, error) {
	if s := st.subscriptions[name]; s != nil {
		return s, nil
	}
	if name == "" {
		return nil, errors.New("instance: missing, expected the name of one")
	}
	names := sortedKeys(st.subscriptions)
	if near := strictyaml.Suggest(name, names); near != "" {
		return nil, fmt.Errorf("unknown instance %q (did you mean %q?)", name, near)
	}
	return nil, fmt.Errorf("unknown instance %q, expected one of %s", name, strings.Join(names, ", "))
}

// activated returns the subscription that an activation code is for, nil if there is
// none. The caller holds st.mu.
func (st *state) activated(code string) *subscription {
	code = strings.ToUpper(strings.TrimSpace(code))
	for _, s := range st.subscriptions {
		if len(s.terms) > 0 && s.instance.ActivationCode() == code {
			return s
		}
	}
	return nil
}

// futureSubscription is a renewal that has not started, as GitLab lists it to its
// administrators. The mutation and the seat link spell its fields differently.
type futureSubscription struct {
	CloudLicenseEnabled        bool    `json:"cloud_license_enabled"`
	OfflineCloudLicenseEnabled bool    `json:"offline_cloud_license_enabled"`
	Plan                       string  `json:"plan"`
	Company                    string  `json:"company"`
	Email                      string  `json:"email"`
	Name                       string  `json:"name"`
	StartsAt                   string  `json:"starts_at"`
	ExpiresAt                  *string `json:"expires_at"`
	UsersInLicenseCount        int32   `json:"users_in_license_count"`
}

// future lists the periods that are still to come; never nil.
func (s *subscription) future(now time.Time) []futureSubscription {
	list := []futureSubscription{}
	for period := s.period(now) + 1; period < len(s.terms); period++ {
		file := s.license(period)
		list = append(list, futureSubscription{
			CloudLicenseEnabled:        file.CloudLicensingEnabled,
			OfflineCloudLicenseEnabled: file.OfflineCloudLicensingEnabled,
			Plan:                       file.Plan,
			Company:                    s.instance.Name,
			Email:                      "admin@" + s.instance.Host(),
			Name:                       "Administrator of " + s.instance.Name,
			StartsAt:                   file.StartsAt.Format(time.DateOnly),
			ExpiresAt:                  dateOf(file.ExpiresAt),
			UsersInLicenseCount:        usersInLicense,
		})
	}
	return list
}

// usersInLicense is how many users every licence is for: nothing here depends on it.
const usersInLicense = 10

func dateOf(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format(time.DateOnly)
	return &text
}

// maxInstanceID bounds what an instance may call itself, in bytes; a UUID has 36.
const maxInstanceID = 255

func checkInstanceID(id string) error {
	switch {
	case id == "":
		return errors.New("can't be blank")
	case len(id) > maxInstanceID:
		return fmt.Errorf("is too long (maximum is %d characters)", maxInstanceID)
	}
	return nil
}

// isNew says that the subscription was never renewed.
func (s *subscription) isNew() bool { return len(s.terms) == 1 }

// seats is how many Duo seats the instance has: the largest active purchase of Duo
// Enterprise or, without one, of Duo Pro, since GitLab keeps only the former of the two
// and sends its largest purchase in X-Gitlab-Duo-Seat-Count.
func seats(purchases []catalog.Purchase, now time.Time) int {
	for _, addOn := range []string{"duo_enterprise", "duo_pro"} {
		most := 0
		for _, p := range purchases {
			if catalog.NormalizeAddOn(p.AddOn) == addOn && p.Active(now) {
				most = max(most, p.Seats)
			}
		}
		if most > 0 {
			return most
		}
	}
	return 0
}
