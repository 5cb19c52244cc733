// Package world holds what a scenario takes as given: GitLab instances, their users,
// licences and add-on purchases. It is data only. Every stub is handed the whole world
// and makes of it what the real service would know; the same world gives the same ids,
// licence keys and access tokens in every process.
package world

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ccmock/ccmock/internal/catalog"
)

// World is everything that is given.
type World struct {
	Now       time.Time  `json:"now"`
	Instances []Instance `json:"instances"`
	Users     []User     `json:"users"`
	// Catalog, if set, is the text of a cloud_connector.yml that CustomersDot and
	// GitLab.com use in place of the one that the feature files make up.
	Catalog string `json:"catalog,omitempty"`
	// CatalogName is what explanations call the catalog when they name one of its lines;
	// Complete fills it in.
	CatalogName string `json:"catalog_name,omitempty"`
	// SeatCountEnforced has the AI gateway refuse a token whose duo_seat_count is not what
	// the instance says, as its earlier releases did. Later ones only log that.
	SeatCountEnforced bool `json:"seat_count_enforced,omitempty"`
	// CustomersDot is how CustomersDot does what is not established of the real one.
	CustomersDot CustomersDot `json:"customersdot,omitzero"`
}

// Realm is a deployment as tokens and headers name it.
type Realm string

// The two realms. GitLab Dedicated is self-managed on the wire (GitLab never sends
// "dedicated" as a realm).
const (
	SaaS        Realm = "saas"
	SelfManaged Realm = "self-managed"
)

// Instance is a GitLab installation.
type Instance struct {
	Name  string `json:"name" yaml:"-"`
	Realm Realm  `json:"realm" yaml:"realm,required"`
	// Dedicated marks a GitLab Dedicated instance, which is self-managed on the wire.
	Dedicated     bool   `json:"dedicated,omitempty" yaml:"dedicated"`
	GitLabVersion string `json:"gitlab_version" yaml:"gitlab_version"`
	// UUID is the instance id, the sub of its tokens; made from the name if empty.
	UUID string `json:"uuid" yaml:"uuid"`
	// DBKeyBase salts the anonymous user ids; made from the name if empty.
	DBKeyBase string `json:"db_key_base" yaml:"db_key_base"`
	// License is what CustomersDot sold to a self-managed instance; nil means that it has
	// none. GitLab.com needs none.
	License *catalog.License `json:"license,omitempty" yaml:"license"`
	// AddOns were bought for the instance or, on GitLab.com, for the group that all its
	// users are members of.
	AddOns []catalog.Purchase `json:"add_ons,omitempty" yaml:"add_ons"`
	// NotActivated says that the licence has been bought but not yet been activated on the
	// instance, which therefore does not hold it.
	NotActivated bool `json:"not_activated,omitempty" yaml:"not_activated"`
	// Credits are those of the instance's subscription, or of GitLab.com's group.
	Credits Credits `json:"credits,omitempty" yaml:"credits"`
}

// GitLabCom is the name of GitLab.com in every world. It is always there, as it is in
// life, even if a scenario does not mention it.
const GitLabCom = "gitlab"

// DefaultVersion is the GitLab version of an instance that names none: the last one whose
// API is the tutorial's.
const DefaultVersion = "16.11.0"

// Host is the host name by which the instance is known, such as "acme.test".
func (i Instance) Host() string { return i.Name + ".test" }

// ActivationCode is the code that a customer would type in to activate the instance: 24
// characters, as the real ones.
func (i Instance) ActivationCode() string {
	sum := sha256.Sum256([]byte("activation code of " + i.Name))
	return strings.ToUpper(hex.EncodeToString(sum[:12]))
}

// User is a person, or a bot, with a personal access token on one instance.
type User struct {
	Name     string `json:"name" yaml:"-"`
	Instance string `json:"instance" yaml:"instance,required"`
	ID       int    `json:"id" yaml:"id"` // numbered by name within the world if 0
	// Token is the personal access token; "glpat-" and the name if empty.
	Token string `json:"token" yaml:"token"`
	// TokenScopes are the scopes of that token; ["api"] if empty.
	TokenScopes []string `json:"token_scopes" yaml:"token_scopes"`
	// TokenExpiresOn is the day from which the token is no longer good; zero means never.
	TokenExpiresOn time.Time `json:"token_expires_on,omitzero" yaml:"token_expires_on"`
	Blocked        bool      `json:"blocked,omitempty" yaml:"blocked"`
	Bot            bool      `json:"bot,omitempty" yaml:"bot"`
	Admin          bool      `json:"admin,omitempty" yaml:"admin"`
	TeamMember     bool      `json:"team_member,omitempty" yaml:"team_member"`
	// Seats are the add-ons that the user has a seat of.
	Seats []string `json:"seats,omitempty" yaml:"seats"`
	// Denied are the features that the instance's own policy keeps from the user.
	Denied []string `json:"denied,omitempty" yaml:"denied"`
}

// GlobalUserID is the anonymous id under which GitLab names the user to other services,
// in X-Gitlab-Global-User-Id: the Base64 of SHA-256 over the instance id, the user's id
// and, as a salt, the first 32 characters of db_key_base (GitLab 18.9,
// lib/gitlab/global_anonymous_id.rb).
func (i Instance) GlobalUserID(u User) string {
	salt := i.DBKeyBase[:min(32, len(i.DBKeyBase))]
	sum := sha256.Sum256([]byte(i.UUID + strconv.Itoa(u.ID) + salt))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Instance returns the instance of that name.
func (w *World) Instance(name string) (Instance, bool) {
	for _, i := range w.Instances {
		if i.Name == name {
			return i, true
		}
	}
	return Instance{}, false
}

// User returns the user of that name.
func (w *World) User(name string) (User, bool) {
	for _, u := range w.Users {
		if u.Name == name {
			return u, true
		}
	}
	return User{}, false
}

// Complaint is something wrong with a world, at a path such as "instances.acme.realm".
type Complaint struct{ Path, Message, Hint string }

func (c Complaint) Error() string {
	text := c.Path + ": " + c.Message
	if c.Hint != "" {
		text += " (" + c.Hint + ")"
	}
	return text
}

// namespace makes the UUIDs of instances from their names.
var namespace = uuid.MustParse("0f3cf5b2-6d0a-5c4e-9a55-0c1a6f0cc0de")

// Complete fills in whatever was left out, sorts by name and returns all complaints. A
// world with complaints must not be used. Copies of the same world may be completed at
// once: what they share is left as it is.
func (w *World) Complete() []Complaint {
	w.Instances, w.Users = slices.Clone(w.Instances), slices.Clone(w.Users)
	if w.Catalog != "" && w.CatalogName == "" {
		w.CatalogName = "catalog"
	}
	var found []Complaint
	complain := func(path, hint, format string, args ...any) {
		found = append(found, Complaint{path, fmt.Sprintf(format, args...), hint})
	}
	if w.Now.IsZero() {
		complain("now", "", "missing, expected a time such as 2024-02-15T00:00:00Z")
	}
	if _, ok := w.Instance(GitLabCom); !ok {
		w.Instances = append(w.Instances, Instance{Name: GitLabCom, Realm: SaaS})
	}
	slices.SortFunc(w.Instances, func(a, b Instance) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(w.Users, func(a, b User) int { return strings.Compare(a.Name, b.Name) })
	uuids := map[string]string{}
	for n := range w.Instances {
		i := &w.Instances[n]
		at := "instances." + i.Name
		i.complete(w.Now)
		switch i.Realm {
		case SaaS:
			if i.Name != GitLabCom {
				complain(at+".realm", "", "the one saas instance is GitLab.com, and it is called %q", GitLabCom)
			}
			if i.Dedicated {
				complain(at+".dedicated", "", "GitLab.com is not a Dedicated instance")
			}
			if i.License != nil {
				complain(at+".license", "", "GitLab.com syncs no token, so it takes no licence here; its add_ons are what counts")
			}
		case SelfManaged:
			if i.Name == GitLabCom {
				complain(at+".realm", "", "%q is GitLab.com, which is saas; choose another name", GitLabCom)
			}
		default:
			complain(at+".realm", "a Dedicated instance is self-managed with dedicated: true",
				"%q is not a realm, expected saas or self-managed", i.Realm)
		}
		if !validName(i.Name) {
			complain(at, "", "%q cannot be an instance's name: lower-case letters, digits and dashes only, as it becomes a host name", i.Name)
		}
		if _, err := catalog.ParseVersion(i.GitLabVersion); err != nil {
			complain(at+".gitlab_version", "", "%v", err)
		}
		if other, taken := uuids[i.UUID]; taken {
			complain(at+".uuid", "", "%s is the uuid of %q already", i.UUID, other)
		}
		uuids[i.UUID] = i.Name
		if i.License != nil {
			if err := i.License.Validate(); err != nil {
				complain(at+".license", "", "%v", err)
			}
		}
		for n, p := range i.AddOns {
			if err := p.Validate(); err != nil {
				complain(fmt.Sprintf("%s.add_ons[%d]", at, n), "", "%v", err)
			}
		}
	}
	tokens := map[string]string{}
	for n := range w.Users {
		u := &w.Users[n]
		at := "users." + u.Name
		u.complete(n + 1)
		if _, ok := w.Instance(u.Instance); !ok {
			complain(at+".instance", suggest(u.Instance, w.names()), "unknown instance %q", u.Instance)
		}
		if other, taken := tokens[u.Token]; taken {
			complain(at+".token", "", "it is the token of %q already", other)
		}
		tokens[u.Token] = u.Name
	}
	return found
}

func (i *Instance) complete(now time.Time) {
	if i.GitLabVersion == "" {
		i.GitLabVersion = DefaultVersion
	}
	if i.UUID == "" {
		i.UUID = uuid.NewSHA1(namespace, []byte(i.Name)).String()
	}
	if i.DBKeyBase == "" {
		sum := sha512.Sum512([]byte("db_key_base of " + i.Name))
		i.DBKeyBase = hex.EncodeToString(sum[:])
	}
	if i.License != nil {
		completed := *i.License
		if completed.Kind == "" {
			completed.Kind = catalog.OnlineCloud
		}
		if completed.Plan == "" {
			completed.Plan = catalog.PlanUltimate
		}
		if completed.StartsAt.IsZero() {
			completed.StartsAt = now.AddDate(0, -1, 0)
		}
		if completed.ExpiresAt.IsZero() && !completed.NoExpiry {
			completed.ExpiresAt = now.AddDate(1, 0, 0)
		}
		i.License = &completed
	}
	i.AddOns = slices.Clone(i.AddOns)
	for n := range i.AddOns {
		if i.AddOns[n].Seats == 0 {
			i.AddOns[n].Seats = DefaultSeats
		}
	}
}

// DefaultSeats is how many seats a purchase has that names no number.
const DefaultSeats = 10

func (u *User) complete(id int) {
	if u.ID == 0 {
		u.ID = id
	}
	if u.Token == "" {
		u.Token = "glpat-" + u.Name
	}
	if len(u.TokenScopes) == 0 {
		u.TokenScopes = []string{"api"}
	}
}

func (w *World) names() []string {
	names := make([]string, 0, len(w.Instances))
	for _, i := range w.Instances {
		names = append(names, i.Name)
	}
	return names
}

func validName(name string) bool {
	if name == "" || len(name) > 63 || name[0] == '-' || name[len(name)-1] == '-' {
		return false
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
