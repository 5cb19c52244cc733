package railsstub

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/world"
)

// reach is which calls carry a header. Each call carries those of the lower ones too.
type reach int

const (
	everyCall   reach = iota // CloudConnector.headers, which the tutorial's feature uses
	aiClients                // the clients of the AI gateway
	suggestions              // the endpoints of Code Suggestions
)

// header is a row of the table of request headers.
type header struct {
	name         string
	since, until since // until is the first version without it
	to           reach
	value        func(*caller) string
}

// caller is what the value of a header may depend on.
type caller struct {
	instance world.Instance
	host     string
	version  catalog.Version
	seats    int // the largest purchase of Duo Pro or Duo Enterprise
	person   *person
	grant    grant
	now      time.Time
	client   http.Header // what the user's client sent
}

// absent is the value of a header that is not sent in the present case.
const absent = "\x00"

// instanceHeaders depend on the instance alone; they are worked out once.
var instanceHeaders = []header{
	{"X-Gitlab-Instance-Id", "16.8", "", everyCall, func(c *caller) string { return c.instance.UUID }},
	{"X-Gitlab-Realm", "16.8", "", everyCall, func(c *caller) string { return string(c.instance.Realm) }},
	{"Content-Type", "16.8", "", everyCall, text("application/json")},
	{"X-Gitlab-Host-Name", "16.8", "17.1", aiClients, func(c *caller) string { return c.host }},
	{"X-Gitlab-Host-Name", "17.1", "", everyCall, func(c *caller) string { return c.host }},
	{"X-Gitlab-Version", "17.1", "", everyCall, func(c *caller) string { return c.version.Core() }},
	{"X-Gitlab-Deployment-Type", "18.9", "", everyCall, deploymentType},

	{"X-Gitlab-Authentication-Type", "16.8", "", aiClients, text("oidc")},
	{"X-Gitlab-Enabled-Feature-Flags", "17.2", "", aiClients, text("")},
	{"X-Gitlab-Enabled-Instance-Verbose-Ai-Logs", "18.3", "", aiClients, text("false")},

	{"X-Gitlab-Saas-Namespace-Ids", "16.8", "", suggestions, onSaaS(func(*caller) string { return "" })},
	{"X-Gitlab-Model-Prompt-Cache-Enabled", "18.3", "", suggestions, text("true")},
}

// callHeaders depend on the user or the call.
var callHeaders = []header{
	{"X-Gitlab-Global-User-Id", "16.8", "", everyCall, func(c *caller) string { return c.person.globalID }},
	{"X-Gitlab-User-Id", "18.9", "", everyCall, func(c *caller) string { return strconv.Itoa(c.person.ID) }},

	{"X-Gitlab-Rails-Send-Start", "17.0", "", aiClients, sendStart},
	{"X-Gitlab-Language-Server-Version", "17.0", "", aiClients, forwarded("X-Gitlab-Language-Server-Version")},
	{"X-Gitlab-Duo-Seat-Count", "17.1", "17.8", aiClients, func(c *caller) string { return strconv.Itoa(c.seats) }},
	{"X-Gitlab-Feature-Enabled-By-Namespace-Ids", "17.2", "", aiClients, func(c *caller) string { return c.grant.namespaces }},
	{"X-Gitlab-Is-Team-Member", "17.8", "", aiClients, func(c *caller) string { return strconv.FormatBool(c.person.TeamMember) }},
	{"X-Gitlab-Feature-Enablement-Type", "17.9", "", aiClients, func(c *caller) string { return c.grant.enablement }},
	{"X-Gitlab-Client-Type", "18.3", "", aiClients, forwarded("X-Gitlab-Client-Type")},
	{"X-Gitlab-Client-Version", "18.3", "", aiClients, forwarded("X-Gitlab-Client-Version")},
	{"X-Gitlab-Client-Name", "18.3", "", aiClients, forwarded("X-Gitlab-Client-Name")},
	{"X-Gitlab-Interface", "18.3", "", aiClients, forwarded("X-Gitlab-Interface")},
	{"X-Gitlab-Namespace-Id", "18.9", "", aiClients, governingNamespace},
	{"X-Gitlab-Root-Namespace-Id", "18.9", "", aiClients, governingNamespace},

	{"X-Gitlab-Saas-Duo-Pro-Namespace-Ids", "17.0", "", suggestions, onSaaS(duoProNamespaces)},
	{"User-Agent", "16.8", "", aiClients, forwarded("User-Agent")},
}

func text(value string) func(*caller) string { return func(*caller) string { return value } }

// forwarded hands a header of the user's client on, if it was sent.
func forwarded(name string) func(*caller) string {
	return func(c *caller) string {
		if values := c.client[name]; len(values) > 0 {
			return values[0]
		}
		return absent
	}
}

func onSaaS(value func(*caller) string) func(*caller) string {
	return func(c *caller) string {
		if c.instance.Realm != world.SaaS {
			return absent
		}
		return value(c)
	}
}

func duoProNamespaces(c *caller) string {
	if c.grant.enablement != "duo_pro" {
		return ""
	}
	return c.grant.namespaces
}

func deploymentType(c *caller) string {
	switch {
	case c.instance.Realm == world.SaaS:
		return ".com"
	case c.instance.Dedicated:
		return "dedicated"
	}
	return "self-managed"
}

// governingNamespace is the group that gives the user the feature. All users of GitLab.com
// are in the one group, so their default group is the same.
func governingNamespace(c *caller) string {
	if c.grant.namespaces == "" {
		return absent
	}
	return c.grant.namespaces
}

// sendStart is when Rails lets go of the request, in seconds since 1970, as Ruby prints a
// float.
func sendStart(c *caller) string {
	seconds := strconv.FormatFloat(float64(c.now.UnixMicro())/1e6, 'f', -1, 64)
	if !strings.Contains(seconds, ".") {
		seconds += ".0"
	}
	return seconds
}

func (h header) holds(m milestone, to reach) bool {
	return to >= h.to && h.since.reached(m) && (h.until == "" || !h.until.reached(m))
}

// headerSet is what one instance sends on calls of one reach.
type headerSet struct {
	fixed http.Header
	call  []header
}

func newHeaderSet(c *caller, to reach) headerSet {
	set, m := headerSet{fixed: http.Header{}}, behaviour(c.version)
	for _, h := range instanceHeaders {
		if !h.holds(m, to) {
			continue
		}
		if value := h.value(c); value != absent {
			set.fixed[h.name] = []string{value}
		}
	}
	if to == everyCall {
		set.fixed["User-Agent"] = []string{"Ruby"} // as Net::HTTP names itself
	}
	for _, h := range callHeaders {
		if h.holds(m, to) {
			set.call = append(set.call, h)
		}
	}
	return set
}

// build returns the headers of one call. The values are shared, so they must not be
// changed in place.
func (s headerSet) build(c *caller) http.Header {
	h := make(http.Header, len(s.fixed)+len(s.call)+3) // and Authorization, X-Request-Id, Content-Length
	maps.Copy(h, s.fixed)
	values := make([]string, len(s.call))
	for n, row := range s.call {
		if value := row.value(c); value != absent {
			values[n] = value
			h[row.name] = values[n : n+1 : n+1]
		}
	}
	return h
}
