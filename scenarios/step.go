package scenarios

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/world"
)

// Step is one line of a story: exactly one action, and what is expected of it. A step
// must go well unless Expect says otherwise; the package comment lists the actions.
type Step struct {
	Name   string  `yaml:"name"`
	As     string  `yaml:"as"` // with use: the user
	Save   *Save   `yaml:"save"`
	Expect *Expect `yaml:"expect"`

	// Calls over the imitated APIs.
	Use     *Use     `yaml:"use"`
	Call    *Call    `yaml:"call"`
	Request *Request `yaml:"request"`

	// What happens at an instance.
	AccessToken *AccessToken `yaml:"access_token"`
	Sync        *Sync        `yaml:"sync"`
	SeatLink    *OnInstance  `yaml:"seat_link"`
	Activate    *Activate    `yaml:"activate"`
	AssignSeat  *AssignSeat  `yaml:"assign_seat"`
	SetUser     *SetUser     `yaml:"set_user"`
	Upgrade     *Upgrade     `yaml:"upgrade"`
	Stored      *OnInstance  `yaml:"stored"`
	Jobs        *Jobs        `yaml:"jobs"`

	UploadLicense *UploadLicense `yaml:"upload_license"`

	// What happens at CustomersDot.
	Purchase      *Purchase     `yaml:"purchase"`
	CancelAddOn   *CancelAddOn  `yaml:"cancel_add_on"`
	RevokeLicense *OnInstance   `yaml:"revoke_license"`
	RenewLicense  *RenewLicense `yaml:"renew_license"`
	Catalog       *Catalog      `yaml:"catalog"`
	Credits       *Credits      `yaml:"credits"`

	// What happens to keys and services.
	Sign       *Sign       `yaml:"sign"`
	Misissue   *Misissue   `yaml:"misissue"`
	RotateKeys *RotateKeys `yaml:"rotate_keys"`
	Restart    *Restart    `yaml:"restart"`
	Limits     *Limits     `yaml:"limits"`
	Fault      *fault.Rule `yaml:"fault"`
	Heal       *string     `yaml:"heal"`

	// What the flow itself remembers.
	Let *Let `yaml:"let"`

	// Time.
	Advance *time.Duration `yaml:"advance"`
	SetTime *time.Time     `yaml:"set_time"`
	Skew    *Skew          `yaml:"skew"`
}

// Save keeps what a step got, for later steps to refer to as `token: NAME` or ${NAME}.
type Save struct {
	Name string `yaml:"name,required,short"`
	// Value says where in the answer it is, such as body.token or headers.X-Request-Id. Empty
	// means the token that the action gave.
	Value string `yaml:"value"`
}

// Use calls a feature as an end user does: at the user's instance, with the user's
// personal access token.
type Use struct {
	Feature string            `yaml:"feature,required,short"`
	As      string            `yaml:"as"`
	Headers map[string]string `yaml:"headers"`
	Body    any               `yaml:"body"` // {} if absent
}

// Call sends to the gateway what GitLab would send for a feature, with changes.
type Call struct {
	Feature  string `yaml:"feature,required,short"`
	Instance string `yaml:"instance"` // the user's if empty
	User     string `yaml:"user"`     // none: no X-Gitlab-Global-User-Id
	// Token is the name of a saved token, or none for no Authorization header. Empty means
	// the token that the instance has at the time.
	Token string `yaml:"token"`
	// Endpoint is another one than the feature's, with the gateway's path prefix, such as
	// "POST /auth/v1/code/user_access_token".
	Endpoint feature.Endpoint `yaml:"endpoint"`
	// Headers replace GitLab's; null removes one.
	Headers map[string]*string `yaml:"headers"`
	// Also are headers that are sent once more, after those of the same name.
	Also map[string]string `yaml:"also"`
	Body any               `yaml:"body"`
}

// Request is any HTTP request to any service.
type Request struct {
	To      string            `yaml:"to,required"`
	Method  string            `yaml:"method"` // GET, with a body POST
	Path    string            `yaml:"path,required"`
	Headers map[string]string `yaml:"headers"`
	Body    any               `yaml:"body"` // text as it is, anything else as JSON
	Token   string            `yaml:"token"`
}

// AccessToken asks an instance for a token, as the tutorial's
// CloudConnector::AccessService does.
type AccessToken struct {
	Instance    string         `yaml:"instance,short"` // the user's if empty
	User        string         `yaml:"user"`
	Scopes      []string       `yaml:"scopes"` // those of all the flow's features if empty
	ExtraClaims map[string]any `yaml:"extra_claims"`
}

// OnInstance is an action that needs to know an instance and no more.
type OnInstance struct {
	Instance string `yaml:"instance,required,short"`
}

// Sync runs an instance's token sync job.
type Sync struct {
	Instance string `yaml:"instance,required,short"`
	// Force syncs even where the instance's version would skip it, as a manual sync does.
	Force bool `yaml:"force"`
}

// Activate types an activation code in; an empty one means the right one.
type Activate struct {
	Instance string `yaml:"instance,required,short"`
	Code     string `yaml:"code"`
}

// AssignSeat gives a user a seat of an add-on, or takes it away.
type AssignSeat struct {
	User   string `yaml:"user,required"`
	AddOn  string `yaml:"add_on,required"`
	Remove bool   `yaml:"remove"`
}

// SetUser changes a user; what is absent stays as it is.
type SetUser struct {
	User    string   `yaml:"user,required"`
	Blocked *bool    `yaml:"blocked"`
	Denied  []string `yaml:"denied"` // features; [] allows all again
}

// Jobs changes how an instance's jobs are run; what is absent stays as it is.
type Jobs struct {
	Instance     string `yaml:"instance,required"`
	Run          *bool  `yaml:"run"`           // false: nothing is run when it falls due
	StaleLicense *bool  `yaml:"stale_license"` // true: the token sync goes on with the present licence
}

// UploadLicense installs a licence key at an instance, as its administrator does.
type UploadLicense struct {
	Instance string `yaml:"instance,required"`
	Key      string `yaml:"key,required"`
}

// Let keeps a value under a name, as a setting that later steps refer to and change.
type Let struct {
	Name  string `yaml:"name,required"`
	Value string `yaml:"value,required"`
}

// Upgrade installs another GitLab version.
type Upgrade struct {
	Instance      string          `yaml:"instance,required"`
	GitLabVersion catalog.Version `yaml:"gitlab_version,required"`
}

// Purchase sells an add-on to an instance.
type Purchase struct {
	Instance         string `yaml:"instance,required"`
	catalog.Purchase `yaml:",inline"`
}

// CancelAddOn ends every purchase of an add-on.
type CancelAddOn struct {
	Instance string `yaml:"instance,required"`
	AddOn    string `yaml:"add_on,required"`
}

// RenewLicense gives a subscription a new licence. Without a start it starts now, without
// an end it ends a year later.
type RenewLicense struct {
	Instance        string `yaml:"instance,required,short"`
	catalog.License `yaml:",inline"`
}

// Catalog puts another cloud_connector.yml in force.
type Catalog struct {
	YAML string `yaml:"yaml,short"`
	File string `yaml:"file"` // beside the flow
}

// Sign has an issuer sign what it never would. Claims and header are laid over those of a
// good token for Instance; null removes one.
type Sign struct {
	Service  string         `yaml:"service,required"`
	Instance string         `yaml:"instance"`
	Claims   map[string]any `yaml:"claims"`
	Header   map[string]any `yaml:"header"`
	Stranger bool           `yaml:"stranger"` // sign with a key that nobody publishes
	Alg      string         `yaml:"alg"`      // sign by another algorithm; the header says the same unless it is given
	HMACKey  string         `yaml:"hmac_key"` // with HS256, the form of the public key that it is keyed with
	Spoil    string         `yaml:"spoil"`    // what is done to the token beside
}

// Misissue makes CustomersDot issue wrong tokens to an instance from now on: claims and
// header are laid over those of each. Without either, it issues right ones again.
type Misissue struct {
	Instance string         `yaml:"instance,required,short"`
	Claims   map[string]any `yaml:"claims"`
	Header   map[string]any `yaml:"header"`
	Stranger bool           `yaml:"stranger"` // sign with a key that nobody publishes
}

// Credits says what is left of the credits of an instance's subscription, or of
// GitLab.com's group.
type Credits struct {
	Instance string        `yaml:"instance,required"`
	State    world.Credits `yaml:"state,required"`
}

// RotateKeys does a step of a key rotation at an issuer: create, rotate, trim or list.
type RotateKeys struct {
	Service string `yaml:"service,required"`
	Step    string `yaml:"step,required"`
	// Restart is false where a rotate leaves the processes of an instance running, which then
	// go on signing with the old key.
	Restart *bool `yaml:"restart"`
}

// Restart restarts a backend, the gateway or an instance. Called all, it restarts every
// backend and the gateway.
type Restart struct {
	Service string `yaml:"service,required,short"`
}

// all is what Restart calls every service that can be restarted.
const all = "all"

// Limits are rate limits of the gateway; a number that is absent limits nothing.
type Limits struct {
	Window          time.Duration `yaml:"window"` // a minute if absent
	PerUser         int           `yaml:"per_user"`
	PerInstance     int           `yaml:"per_instance"`
	PerUnauthorized int           `yaml:"per_unauthorized"`
}

// Skew makes the clock of one service run ahead of the others, or behind.
type Skew struct {
	Service string        `yaml:"service,required"`
	By      time.Duration `yaml:"by,required"`
}

// notActions are the keys of a step beside its action.
var notActions = map[string]bool{"name": true, "as": true, "save": true, "expect": true}

// keys lists the YAML keys of a step in the struct's order: first those that go with any
// action, then the actions.
func keys() (common, actions []string) {
	t := reflect.TypeFor[Step]()
	for n := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(n).Tag.Get("yaml"), ",")
		if notActions[name] {
			common = append(common, name)
		} else {
			actions = append(actions, name)
		}
	}
	return common, actions
}

// actions are the actions that are set, by their YAML keys.
func (s Step) actions() []string {
	var set []string
	v := reflect.ValueOf(s)
	for n := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(n).Tag.Get("yaml"), ",")
		if !notActions[name] && !v.Field(n).IsNil() {
			set = append(set, name)
		}
	}
	return set
}

// action is the step's one action, once the step was checked.
func (s Step) action() string {
	set := s.actions()
	if len(set) != 1 {
		return ""
	}
	return set[0]
}

// user is who uses the feature.
func (s Step) user() string {
	if s.Use != nil && s.Use.As != "" {
		return s.Use.As
	}
	return s.As
}

// Title says in a few words what the step does.
func (s Step) Title() string {
	if s.Name != "" {
		return s.Name
	}
	action := s.action()
	words := strings.ReplaceAll(action, "_", " ")
	detail := ""
	switch {
	case s.Use != nil:
		detail = s.Use.Feature + " as " + s.user()
	case s.Call != nil:
		detail = s.Call.Feature
		if s.Call.User != "" {
			detail += " for " + s.Call.User
		}
		if s.Call.Token != "" {
			detail += " with token " + s.Call.Token
		}
	case s.Request != nil:
		detail = fmt.Sprintf("%s %s at %s", s.Request.method(), s.Request.Path, s.Request.To)
	case s.AccessToken != nil:
		detail = "of " + s.AccessToken.Instance
		if s.AccessToken.User != "" {
			detail = "for " + s.AccessToken.User
		}
	case s.Sync != nil:
		detail = s.Sync.Instance
	case s.SeatLink != nil:
		detail = "of " + s.SeatLink.Instance
	case s.Activate != nil:
		detail = s.Activate.Instance
	case s.AssignSeat != nil:
		detail = fmt.Sprintf("of %s to %s", s.AssignSeat.AddOn, s.AssignSeat.User)
		if s.AssignSeat.Remove {
			words, detail = "take seat", fmt.Sprintf("of %s from %s", s.AssignSeat.AddOn, s.AssignSeat.User)
		}
	case s.SetUser != nil:
		detail = s.SetUser.User
	case s.Upgrade != nil:
		detail = fmt.Sprintf("%s to %s", s.Upgrade.Instance, s.Upgrade.GitLabVersion)
	case s.Purchase != nil:
		detail = fmt.Sprintf("%s for %s", s.Purchase.AddOn, s.Purchase.Instance)
	case s.CancelAddOn != nil:
		words, detail = "cancel", fmt.Sprintf("%s of %s", s.CancelAddOn.AddOn, s.CancelAddOn.Instance)
	case s.RevokeLicense != nil:
		detail = "of " + s.RevokeLicense.Instance
	case s.RenewLicense != nil:
		detail = "of " + s.RenewLicense.Instance
	case s.Catalog != nil:
		words = "edit the catalog"
	case s.Credits != nil:
		words, detail = "set the credits", fmt.Sprintf("of %s to %s", s.Credits.Instance, s.Credits.State)
	case s.Stored != nil:
		words, detail = "look at what is stored", "at "+s.Stored.Instance
	case s.Jobs != nil:
		words, detail = "change the jobs", "of "+s.Jobs.Instance
	case s.UploadLicense != nil:
		words, detail = "upload a license", "to "+s.UploadLicense.Instance
	case s.Let != nil:
		detail = s.Let.Name + " be " + s.Let.Value
	case s.Misissue != nil:
		detail = "to " + s.Misissue.Instance
	case s.Sign != nil:
		detail = "by " + s.Sign.Service
		if s.Sign.Stranger {
			detail = "as a stranger"
		}
	case s.RotateKeys != nil:
		words, detail = s.RotateKeys.Step+" keys", "of "+s.RotateKeys.Service
	case s.Restart != nil:
		detail = s.Restart.Service
	case s.Limits != nil:
		words = "limit rates"
	case s.Fault != nil:
		detail = s.Fault.Name
	case s.Heal != nil:
		detail = *s.Heal
	case s.Advance != nil:
		detail = length(*s.Advance)
	case s.SetTime != nil:
		detail = s.SetTime.Format(time.RFC3339)
	case s.Skew != nil:
		detail = fmt.Sprintf("%s by %s", s.Skew.Service, length(s.Skew.By))
	}
	return strings.TrimSpace(words + " " + detail)
}
