package ccmock

import (
	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/explain"
	"github.com/ccmock/ccmock/internal/fault"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/world"
)

// What is given: the fields that are left empty are filled in.
type (
	// Instance is a GitLab installation. Only Name and Realm must be set; an instance that
	// is to get a token needs a License.
	Instance = world.Instance
	// User is a person, or a bot, with a personal access token on one instance. Name and
	// Instance must be set.
	User = world.User
	// License is what CustomersDot sold to an instance; &License{} is an online cloud
	// licence of the Ultimate plan that began a month ago and lasts for a year.
	License = catalog.License
	// LicenseKind says how a licence reached its instance.
	LicenseKind = catalog.LicenseKind
	// Purchase is an add-on that was bought, such as {AddOn: "duo_pro"}.
	Purchase = catalog.Purchase
	// Realm is a deployment as tokens and headers name it.
	Realm = world.Realm
)

// The realms. A Dedicated instance is self-managed, with Dedicated set.
const (
	SaaS        = world.SaaS
	SelfManaged = world.SelfManaged
)

// GitLabCom is the name of GitLab.com, the one saas instance.
const GitLabCom = world.GitLabCom

// The kinds of licence.
const (
	OnlineCloud  = catalog.OnlineCloud
	OfflineCloud = catalog.OfflineCloud
	Legacy       = catalog.Legacy
)

// What happens, and what can be made to happen.
type (
	// Service is a service and where it is reached.
	Service = control.Service
	// SyncResult is what became of a sync.
	SyncResult = control.SyncResult
	// Outcome is how a job ended.
	Outcome = control.Outcome
	// SignRequest says what an issuer is to sign that it never would.
	SignRequest = control.SignRequest
	// Entry is one thing that happened at one service, with the reason of a refusal.
	Entry = journal.Entry
	// Token is a token without its signature.
	Token = journal.Token
	// Explanation is what became of a call, hop by hop.
	Explanation = explain.Explanation
	// Fault says what goes wrong, where, and how often.
	Fault = fault.Rule
	// FaultMatch says which requests a fault is for.
	FaultMatch = fault.Match
	// FaultAction is what happens to them.
	FaultAction = fault.Action
)

// The outcomes of a job.
const (
	Succeeded = control.Succeeded
	Skipped   = control.Skipped
	Failed    = control.Failed
)
