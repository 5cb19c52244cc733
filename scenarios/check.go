package scenarios

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/internal/token"
)

// checker finds what is wrong with a flow whose YAML can be read.
type checker struct {
	flow   *Flow
	doc    *strictyaml.Document
	lines  []string
	beside func(name string) ([]byte, error)
	found  strictyaml.Problems
	addOns []string

	saved  map[string]string // by name, where
	used   map[string]bool   // saved values that a later step refers to
	faults []string
}

func (c *checker) complain(at, hint, format string, args ...any) {
	c.found = append(c.found, c.doc.Problem(at, fmt.Sprintf(format, args...), hint))
}

// add complains about an error that may carry a hint.
func (c *checker) add(at string, err error) {
	var p strictyaml.Problem
	if errors.As(err, &p) {
		c.complain(at, p.Hint, "%s", p.Message)
		return
	}
	c.complain(at, "", "%v", err)
}

// covered reports whether there is a problem with the place, or with one around it that
// says that it is missing.
func (c *checker) covered(at string) bool {
	return slices.ContainsFunc(c.found, func(p strictyaml.Problem) bool {
		if p.Path == at {
			return true
		}
		inside, ok := strings.CutPrefix(at, p.Path+".")
		return ok && (!c.doc.Has(at) || strings.Contains(p.Message, fmt.Sprintf("%q", inside)))
	})
}

func (c *checker) unknown(at, what, name string, known []string) {
	c.add(at, unknown(what, name, slices.Compact(slices.Sorted(slices.Values(known)))))
}

// word complains about a word that is there and not known.
func (c *checker) word(at, what, name string, known []string) {
	if name != "" && !slices.Contains(known, name) {
		c.unknown(at, what, name, known)
	}
}

// required complains about a text that is there and empty; one that is absent was
// complained about by the decoder.
func (c *checker) required(at, text string) {
	if text == "" && c.doc.Has(at) && !c.covered(at) {
		c.complain(at, "", "this is empty")
	}
}

// refs complains about references that cannot be followed.
func (c *checker) refs(at string, v any) {
	f := facts{
		flow: c.flow,
		now:  func() time.Time { return c.flow.World.Now },
		saved: func(name string) (any, []string, bool) {
			_, ok := c.saved[name]
			c.used[name] = c.used[name] || ok
			return name, slices.Sorted(maps.Keys(c.saved)), ok
		},
		url: func(service string) (string, error) {
			if known := c.flow.services(); !slices.Contains(known, service) {
				return "", unknown("service", service, known)
			}
			return "", nil
		},
	}
	// One by one, so that every reference is looked at.
	switch v := v.(type) {
	case string:
		for _, m := range reference.FindAllStringSubmatch(v, -1) {
			if _, err := f.resolve(m[1]); err != nil {
				c.add(at, err)
			}
		}
	case []any:
		for n, item := range v {
			c.refs(strictyaml.Join(at, n), item)
		}
	case map[string]any:
		for key, item := range v {
			c.refs(strictyaml.Join(at, key), item)
		}
	case map[string]string:
		for key, item := range v {
			c.refs(strictyaml.Join(at, key), item)
		}
	case map[string]*string:
		for key, item := range v {
			if item != nil {
				c.refs(strictyaml.Join(at, key), *item)
			}
		}
	}
}

func (c *checker) steps() {
	c.saved, c.used = map[string]string{}, map[string]bool{}
	if len(c.flow.Steps) == 0 && c.doc.Has("steps") && !c.covered("steps") {
		c.complain("steps", "", "a flow without steps proves nothing")
	}
	for n := range c.flow.Steps {
		c.step(strictyaml.Join("steps", n), &c.flow.Steps[n], n)
	}
	for _, name := range slices.Sorted(maps.Keys(c.saved)) {
		if !c.used[name] {
			c.complain(c.saved[name], "", "%q is saved and never used", name)
		}
	}
}

func (c *checker) step(at string, s *Step, n int) {
	_, known := keys()
	switch set := s.actions(); {
	case len(set) > 1:
		c.complain(strictyaml.Join(at, set[1]), "make two steps of it", "one step has one action, and this one has %s already", set[0])
		return
	case len(set) == 0:
		// A misspelt action, or one that could not be read, was complained about already.
		other := slices.ContainsFunc(c.doc.Keys(at), func(key string) bool { return !notActions[key] })
		if !other && !c.covered(at) {
			c.complain(at, "actions are "+strings.Join(known, ", "), "the step does nothing")
		}
		return
	}
	if s.As != "" && s.Use == nil {
		c.complain(at+".as", "", "as goes with use, not with %s", s.action())
	}
	c.arguments(strictyaml.Join(at, s.action()), at, s, n)
	c.save(at, s)
	c.expect(at, s)
}

// arguments checks the action itself, which stands at `at` in the step at step.
func (c *checker) arguments(at, step string, s *Step, n int) {
	instance := func(name string) {
		c.required(at+".instance", name)
		c.word(at+".instance", "instance", name, c.flow.instances())
	}
	user := func(name string) { c.word(at+".user", "user", name, c.flow.users()) }
	addOn := func(name string) {
		c.required(at+".add_on", name)
		c.word(at+".add_on", "add-on", name, c.addOns)
	}
	switch {
	case s.Use != nil:
		c.use(at, step, s)
	case s.Call != nil:
		c.call(at, s.Call)
	case s.Request != nil:
		c.request(at, s.Request)
	case s.AccessToken != nil:
		a := s.AccessToken
		user(a.User)
		c.word(at+".instance", "instance", a.Instance, c.flow.instances())
		if a.Instance == "" && a.User == "" {
			c.complain(at, "", "expected an instance or a user of one")
		}
		c.refs(at+".extra_claims", a.ExtraClaims)
	case s.Sync != nil:
		instance(s.Sync.Instance)
	case s.SeatLink != nil:
		instance(s.SeatLink.Instance)
	case s.Activate != nil:
		instance(s.Activate.Instance)
		c.refs(at+".code", s.Activate.Code)
	case s.AssignSeat != nil:
		c.required(at+".user", s.AssignSeat.User)
		user(s.AssignSeat.User)
		addOn(s.AssignSeat.AddOn)
	case s.SetUser != nil:
		c.required(at+".user", s.SetUser.User)
		user(s.SetUser.User)
		for n, name := range s.SetUser.Denied {
			c.word(strictyaml.Join(at, "denied", n), "feature", name, feature.Names(c.flow.Features))
		}
		if s.SetUser.Blocked == nil && s.SetUser.Denied == nil {
			c.complain(at, "set blocked or denied", "this changes nothing of the user")
		}
	case s.Upgrade != nil:
		instance(s.Upgrade.Instance)
	case s.Purchase != nil:
		instance(s.Purchase.Instance)
		if c.doc.Has(at + ".add_on") {
			addOn(s.Purchase.AddOn)
			if err := s.Purchase.Validate(); err != nil && s.Purchase.AddOn != "" {
				c.complain(at, "", "%v", err)
			}
		} else {
			c.complain(at, "", "key %q is missing", "add_on")
		}
	case s.CancelAddOn != nil:
		instance(s.CancelAddOn.Instance)
		addOn(s.CancelAddOn.AddOn)
	case s.RevokeLicense != nil:
		instance(s.RevokeLicense.Instance)
	case s.Credits != nil:
		instance(s.Credits.Instance)
	case s.RenewLicense != nil:
		instance(s.RenewLicense.Instance)
		if err := s.RenewLicense.Validate(); err != nil {
			c.complain(at, "", "%v", err)
		}
	case s.Catalog != nil:
		c.editCatalog(at, s)
	case s.Stored != nil, s.Jobs != nil, s.UploadLicense != nil, s.Misissue != nil, s.Let != nil:
		c.trouble(at, s)
	default:
		c.machinery(at, s, n)
	}
}

// machinery checks the actions on keys, services, faults and time.
func (c *checker) machinery(at string, s *Step, n int) {
	service := func(name string, known []string) {
		c.required(at+".service", name)
		c.word(at+".service", "service", name, known)
	}
	issuers := append(c.flow.instances(), customersDot)
	switch {
	case s.Sign != nil:
		service(s.Sign.Service, append(issuers, c.flow.backends()...))
		c.word(at+".instance", "instance", s.Sign.Instance, c.flow.instances())
		c.refs(at+".claims", s.Sign.Claims)
		c.refs(at+".header", s.Sign.Header)
		c.forgery(at, s.Sign)
	case s.RotateKeys != nil:
		service(s.RotateKeys.Service, issuers)
		c.required(at+".step", s.RotateKeys.Step)
		c.word(at+".step", "step of a rotation", s.RotateKeys.Step, []string{"create", "rotate", "trim", "list"})
	case s.Restart != nil:
		service(s.Restart.Service, append(append(c.flow.backends(), c.flow.instances()...), gateway, all))
	case s.Limits != nil:
		l := *s.Limits
		if l.Window < 0 || l.PerUser < 0 || l.PerInstance < 0 || l.PerUnauthorized < 0 {
			c.complain(at, "", "a limit cannot be negative")
		}
	case s.Fault != nil:
		if s.Fault.Name == "" {
			s.Fault.Name = fmt.Sprintf("step %d", n+1)
		}
		c.word(at+".where.service", "service", s.Fault.Where.Service, c.flow.services())
		if err := s.Fault.Validate(); err != nil && !c.covered(at+".do") {
			for _, one := range strings.Split(err.Error(), "\n") {
				c.complain(at, "", "%s", one)
			}
		}
		if slices.Contains(c.faults, s.Fault.Name) {
			c.complain(at+".name", "", "there is a fault %q already", s.Fault.Name)
		}
		c.faults = append(c.faults, s.Fault.Name)
	case s.Heal != nil:
		c.required(at, *s.Heal)
		if *s.Heal != "" && !slices.Contains(c.faults, *s.Heal) {
			c.unknown(at, "fault", *s.Heal, c.faults)
		}
	case s.Advance != nil:
		if *s.Advance <= 0 && !c.covered(at) {
			c.complain(at, "set_time goes anywhere", "time goes forward, expected a duration of more than nothing")
		}
	case s.SetTime != nil:
		if s.SetTime.IsZero() && !c.covered(at) {
			c.complain(at, "", "expected a time")
		}
	case s.Skew != nil:
		service(s.Skew.Service, c.flow.services())
	}
}

func (c *checker) forgery(at string, s *Sign) {
	c.word(at+".alg", "algorithm", s.Alg, token.Algorithms())
	c.word(at+".hmac_key", "form of a key", s.HMACKey, token.HMACKeys())
	c.word(at+".spoil", "spoil", s.Spoil, token.Spoils())
	if hmac := s.Alg == "HS256"; hmac != (s.HMACKey != "") {
		c.complain(at, "", "alg: HS256 and hmac_key go together")
	}
}

func (c *checker) use(at, step string, s *Step) {
	names := feature.Names(c.flow.Features)
	c.required(at+".feature", s.Use.Feature)
	c.word(at+".feature", "feature", s.Use.Feature, names)
	switch {
	case s.As != "" && s.Use.As != "":
		c.complain(step+".as", "", "the user is given twice")
	case s.user() == "" && !c.covered(step+".as"):
		c.complain(at, "add as: and a user of given.users", "nobody uses the feature")
	case s.As != "":
		c.word(step+".as", "user", s.As, c.flow.users())
	default:
		c.word(at+".as", "user", s.Use.As, c.flow.users())
	}
	c.refs(at+".headers", s.Use.Headers)
	c.refs(at+".body", s.Use.Body)
}

func (c *checker) call(at string, call *Call) {
	c.required(at+".feature", call.Feature)
	c.word(at+".feature", "feature", call.Feature, feature.Names(c.flow.Features))
	c.word(at+".user", "user", call.User, c.flow.users())
	c.word(at+".instance", "instance", call.Instance, c.flow.instances())
	if call.Instance == "" && call.User == "" {
		c.complain(at, "", "expected a user, or an instance that calls for nobody")
	}
	c.token(at+".token", call.Token)
	c.refs(at+".headers", call.Headers)
	c.refs(at+".also", call.Also)
	c.refs(at+".body", call.Body)
}

// none as the name of a token is no token.
const none = "none"

func (c *checker) token(at, name string) {
	if name == "" || name == none {
		return
	}
	if _, ok := c.saved[name]; !ok {
		c.unknown(at, "saved token", name, append(slices.Sorted(maps.Keys(c.saved)), none))
	}
	c.used[name] = true
}

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

func (c *checker) request(at string, r *Request) {
	c.required(at+".to", r.To)
	c.word(at+".to", "service", r.To, c.flow.services())
	c.word(at+".method", "method", r.Method, methods)
	c.required(at+".path", r.Path)
	if r.Path != "" && !strings.HasPrefix(r.Path, "/") {
		c.complain(at+".path", "", "a path begins with a slash, got %q", r.Path)
	}
	c.token(at+".token", r.Token)
	c.refs(at+".path", r.Path)
	c.refs(at+".headers", r.Headers)
	c.refs(at+".body", r.Body)
}

func (c *checker) editCatalog(at string, s *Step) {
	switch text, file := s.Catalog.YAML, s.Catalog.File; {
	case text != "" && file != "":
		c.complain(at, "", "the catalog is given as text or as file, not as both")
	case text == "" && file == "":
		c.complain(at, "", "there is no catalog")
	case file != "":
		read, err := c.beside(file)
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				err = errors.New("there is no such file beside the flow")
			}
			c.complain(at+".file", "", "%q cannot be read: %v", file, reason(err))
			return
		}
		s.Catalog.YAML = string(read)
		fallthrough
	default:
		// A broken edit is a story too, if it is expected to be refused.
		if s.Expect == nil || s.Expect.Error == "" {
			where := at
			if c.doc.Has(at + ".yaml") {
				where = at + ".yaml"
			}
			c.catalog(where, file, s.Catalog.YAML)
		}
	}
}
