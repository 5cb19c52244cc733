package railsstub

import "github.com/ccmock/ccmock/internal/catalog"

// Generation is how GitLab of a certain version behaves. It is put together from the
// tables below: of each, the last row that is not newer than the version. An instance
// older than the first row behaves like the first row.
type Generation struct {
	tokenRule
	syncRule
	apiRule
	clientRule
	probeRule
}

// since is the GitLab version, such as "17.11", from which on a row holds.
type since string

func (s since) reached(by milestone) bool {
	m := milestoneOf(string(s))
	return by.major > m.major || by.major == m.major && by.minor >= m.minor
}

// milestone is a GitLab version without its patch level, at which nothing changes here.
type milestone struct{ major, minor int }

func milestoneOf(text string) milestone {
	var m milestone
	part := &m.major
	for _, c := range text {
		switch {
		case c == '.' && part == &m.minor:
			return m
		case c == '.':
			part = &m.minor
		default:
			*part = *part*10 + int(c-'0')
		}
	}
	return m
}

// EntryPoint is the Ruby class that features take their token from, and with it who
// decides what is in a token that the instance signs itself and who may use a feature.
type EntryPoint int

// The entry points, as they followed each other.
const (
	// AccessService: the caller names the scopes; who may use a feature is the caller's
	// affair too, so only the instance's own policy is asked.
	AccessService EntryPoint = iota
	// AvailableServices: a token for one service, with what is free or covered by an add-on
	// of which the user has a seat.
	AvailableServices
	// Tokens: a token for the whole catalog, with what is free or was bought.
	Tokens
)

// audience is the form of aud.
type audience int

const (
	constant    audience = iota // the text "gitlab-ai-gateway", whatever the backend
	ofService                   // the service's backend, as a text
	ofPrimitive                 // a list of the backends of all granted unit primitives
)

// signingKey is which key signs.
type signingKey int

const (
	openIDKey         signingKey = iota // secrets.openid_connect_signing_key
	cloudConnectorKey                   // the table cloud_connector_keys
)

// tokenRule is what a self-issued token looks like.
type tokenRule struct {
	since
	entry        EntryPoint
	sub          bool // the instance's UUID
	kid          bool
	aud          audience
	key          signingKey
	rolledOut    []string // unit primitives that take the next entry point already
	usageClaimed bool     // the claim skip_usage_cutoff
}

var tokenRules = []tokenRule{
	{"16.8", AccessService, false, false, constant, openIDKey, nil, false},
	{"17.0", AccessService, true, false, constant, openIDKey, nil, false},
	{"17.1", AvailableServices, true, false, ofService, openIDKey, nil, false},
	{"17.5", AvailableServices, true, true, ofService, openIDKey, nil, false},
	{"17.9", AvailableServices, true, true, ofService, cloudConnectorKey, nil, false},
	{"17.11", AvailableServices, true, true, ofService, cloudConnectorKey, firstRollout, false},
	{"18.3", Tokens, true, true, ofPrimitive, cloudConnectorKey, nil, false},
	{"18.9", Tokens, true, true, ofPrimitive, cloudConnectorKey, nil, true},
}

// firstRollout are the unit primitives that got the whole-catalog token first.
var firstRollout = []string{
	"observability_all", "duo_workflow_execute_workflow", "security_scans", "amazon_q_integration",
}

// syncRule is how the token sync job behaves.
type syncRule struct {
	since
	services string // what is selected of availableServices; empty: they are not asked for
	catalog  bool   // whether catalog is selected
	headers  bool   // whether the headers of Cloud Connector go to CustomersDot
	hourly   bool   // else daily between five and seven; hourly skips while a token lasts two days
	trials   bool   // whether an instance on trial syncs
	needs    bool   // whether a first sync without a catalog is an error
}

var syncRules = []syncRule{
	{"16.8", "name serviceStartTime", false, false, false, false, false},
	{"16.11", "name serviceStartTime bundledWith", false, false, false, false, false},
	{"17.9", "name serviceStartTime bundledWith", true, true, false, false, false},
	{"17.11", "name serviceStartTime bundledWith", true, true, true, false, false},
	{"18.0", "name serviceStartTime bundledWith", true, true, true, true, false},
	{"18.9", "", true, true, true, true, true},
}

// apiRule is how the endpoints for users behave.
type apiRule struct {
	since
	emptyBearer  bool // without a token the call is made all the same; else it is a 401
	directAccess bool // POST /api/v4/code_suggestions/direct_access exists
	tellsWhy     bool // direct_access relays the gateway's status and error; else it is a 503
	maxBody      int  // of a call of Code Suggestions, in bytes
	ciClaims     bool // discovery lists the claims of CI tokens too
	uniqueID     bool // seat link sends unique_instance_id
}

var apiRules = []apiRule{
	{"16.8", false, false, false, 500_000, false, false},
	{"17.0", false, true, false, 600_000, true, false},
	{"18.3", true, true, true, 600_000, true, false},
	{"18.9", true, true, true, 600_000, true, true},
}

// behaviour is the milestone that a version counts as: the first row's, if it is older.
func behaviour(v catalog.Version) milestone {
	m := milestoneOf(v.Core())
	if !tokenRules[0].reached(m) {
		return milestoneOf(string(tokenRules[0].since))
	}
	return m
}

// generationOf returns how GitLab of version v behaves.
func generationOf(v catalog.Version) Generation {
	m := behaviour(v)
	return Generation{
		tokenRule:  rule(tokenRules, m),
		syncRule:   rule(syncRules, m),
		apiRule:    rule(apiRules, m),
		clientRule: rule(clientRules, m),
		probeRule:  rule(probeRules, m),
	}
}

func rule[R interface{ reached(by milestone) bool }](rows []R, m milestone) R {
	found := rows[0]
	for _, row := range rows {
		if row.reached(m) {
			found = row
		}
	}
	return found
}
