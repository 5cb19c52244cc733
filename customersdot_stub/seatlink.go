package customersdotstub

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/journal"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/world"
)

// seatLinkReply is the answer to a seat link.
type seatLinkReply struct {
	// License is a newer licence key than the one that was sent, if there is one.
	License                *string              `json:"license,omitempty"`
	NextReconciliationDate *string              `json:"next_reconciliation_date"`
	DisplayAlertFrom       *string              `json:"display_alert_from"`
	FutureSubscriptions    []futureSubscription `json:"future_subscriptions"`
	NewSubscription        bool                 `json:"new_subscription"`
	// ServiceTokens are for GitLab up to 16.8, which did not ask for a token by itself.
	ServiceTokens map[string]seatLinkToken `json:"service_tokens,omitempty"`
}

type seatLinkToken struct {
	Token     string `json:"token"`
	ExpiresAt int64  `json:"expires_at"` // seconds since 1970
}

// asksForTokens is the first release that asks for its token by a query.
var asksForTokens = mustVersion("16.9")

func mustVersion(text string) catalog.Version {
	v, err := catalog.ParseVersion(text)
	if err != nil {
		panic(err) // it is written here
	}
	return v
}

// serviceTokens are what a seat link of an older release brings. The caller holds st.mu.
func (s *Stub) serviceTokens(st *state, sub *subscription, file world.LicenseFile, version string, entry *journal.Entry) (map[string]seatLinkToken, error) {
	v, err := catalog.ParseVersion(version)
	if err != nil || v.AtLeast(asksForTokens) {
		return nil, nil //nolint:nilerr // a report without a version is of no release that is known
	}
	f := s.factsOf(st, sub, file, v)
	if reason, _ := noToken(*f.License, f.revoked, f.Now); reason != "" {
		return nil, nil
	}
	i, err := s.issue(st, f)
	if err != nil {
		return nil, err
	}
	entry.Issued, entry.Scopes = i.token, i.scopes
	return map[string]seatLinkToken{"code_suggestions": {i.raw, i.expiresAt.Unix()}}, nil
}

// createSeatLink answers "POST /api/v1/seat_links": an instance reports how it is used,
// and learns what has become of its subscription.
func (s *Stub) createSeatLink(r *http.Request) (stub.Reply, error) {
	var body any
	if err := stub.ReadJSON(r, &body); err != nil {
		return stub.Reply{}, err
	}
	report, errs := readSeatLink(body)
	if err := errs.refuse("", ""); err != nil {
		return stub.Reply{}, err
	}
	now := s.service.Clock().Now()
	st := s.state.Load()
	st.mu.Lock()
	defer st.mu.Unlock()
	sub, file, err := st.find(report.licenseKey)
	if err != nil {
		errs.add("license_key", "invalid", "is invalid")
		return stub.Reply{}, errs.refuse(ReasonInvalidLicense, err.Error())
	}
	if report.instanceID != "" {
		sub.instanceID, sub.uniqueID = report.instanceID, report.uniqueInstanceID
	}
	entry := journal.Of(r.Context())
	entry.Detail = report.summary(file)
	reply := seatLinkReply{FutureSubscriptions: sub.future(now), NewSubscription: sub.isNew()}
	if current := sub.current(now); current.ID > file.ID && !sub.revoked {
		key := current.Key()
		reply.License = &key
		entry.Detail += fmt.Sprintf("; was given licence %d", current.ID)
	}
	if reply.ServiceTokens, err = s.serviceTokens(st, sub, file, report.gitlabVersion, entry); err != nil {
		return stub.Reply{}, err
	}
	reply.NextReconciliationDate, reply.DisplayAlertFrom = reconciliation(sub.terms[sub.period(now)], now)
	return jsonReply(http.StatusOK, reply), nil
}

// seatLink is what an instance reports.
type seatLink struct {
	licenseKey       string
	gitlabVersion    string
	instanceID       string
	uniqueInstanceID string
	maxUsers         int
	billableUsers    int
	addOns           []string // "code_suggestions 3/10", assigned of purchased
}

func (r seatLink) summary(held world.LicenseFile) string {
	text := fmt.Sprintf("%q holds licence %d and reports %d billable users, %d at most", held.Subscription, held.ID, r.billableUsers, r.maxUsers)
	for _, addOn := range r.addOns {
		text += ", " + addOn
	}
	return text
}

// invalid collects what is wrong with a body, by field, as Rails' models do.
type invalid struct {
	messages map[string][]string
	kinds    map[string][]string
}

func (v *invalid) add(field, kind, message string) {
	if v.messages == nil {
		v.messages, v.kinds = map[string][]string{}, map[string][]string{}
	}
	v.messages[field] = append(v.messages[field], message)
	v.kinds[field] = append(v.kinds[field], kind)
}

// refuse is the error to answer with, nil if nothing is wrong. It carries the two fields
// that GitLab reads of a 422.
func (v *invalid) refuse(reason, detail string) error {
	if len(v.messages) == 0 {
		return nil
	}
	if detail == "" {
		for _, field := range sortedKeys(v.messages) {
			if detail != "" {
				detail += ", "
			}
			detail += field + " " + v.messages[field][0]
		}
	}
	return &stub.Error{
		Status: http.StatusUnprocessableEntity, Message: "Unprocessable Entity", Reason: reason, Detail: detail,
		Body: struct {
			Errors       map[string][]string `json:"errors"`
			AttributeMap map[string][]string `json:"error_attribute_map"`
		}{v.messages, v.kinds},
	}
}

// readSeatLink checks a body. The fields of older GitLab versions are good too: date in
// place of timestamp, active_users in place of billable_users_count. Unknown ones are
// ignored, since newer versions send more.
func readSeatLink(body any) (seatLink, invalid) {
	f := fields{}
	f.values, _ = body.(map[string]any) // anything else has none of the fields
	report := seatLink{
		licenseKey:       f.text("license_key", true, maxBody),
		gitlabVersion:    f.text("gitlab_version", false, maxInstanceID),
		instanceID:       f.text("instance_id", false, maxInstanceID),
		uniqueInstanceID: f.text("unique_instance_id", false, maxInstanceID),
		maxUsers:         f.number("max_historical_user_count", true),
		billableUsers:    f.number("billable_users_count", false),
	}
	f.text("hostname", false, maxInstanceID)
	if f.values["billable_users_count"] == nil {
		report.billableUsers = f.number("active_users", false)
	}
	if report.gitlabVersion != "" {
		if _, err := catalog.ParseVersion(report.gitlabVersion); err != nil {
			f.errs.add("gitlab_version", "invalid", "is invalid")
		}
	}
	if f.values["timestamp"] == nil && f.values["date"] != nil {
		f.time("date", time.DateOnly)
	} else {
		f.time("timestamp", time.RFC3339)
	}
	report.addOns = f.addOns("add_on_metrics")
	return report, f.errs
}

// fields reads the members of a JSON object and notes what is wrong with them.
type fields struct {
	values map[string]any
	errs   invalid
}

func (f *fields) text(name string, required bool, limit int) string {
	value, ok := f.values[name].(string)
	switch {
	case ok && len(value) > limit:
		f.errs.add(name, "too_long", fmt.Sprintf("is too long (maximum is %d characters)", limit))
	case f.values[name] != nil && !ok:
		f.errs.add(name, "invalid", "is invalid")
	case required && value == "":
		f.errs.add(name, "blank", "can't be blank")
	default:
		return value
	}
	return ""
}

func (f *fields) number(name string, required bool) int {
	n, ok := f.values[name].(float64)
	switch {
	case f.values[name] == nil && required:
		f.errs.add(name, "blank", "can't be blank")
	case f.values[name] == nil:
	case !ok:
		f.errs.add(name, "not_a_number", "is not a number")
	case n != math.Trunc(n) || n > math.MaxInt32:
		f.errs.add(name, "not_an_integer", "must be an integer")
	case n < 0:
		f.errs.add(name, "greater_than_or_equal_to", "must be greater than or equal to 0")
	default:
		return int(n)
	}
	return 0
}

func (f *fields) time(name, layout string) {
	text := f.text(name, true, maxInstanceID)
	if text == "" {
		return
	}
	if _, err := time.Parse(layout, text); err != nil {
		f.errs.add(name, "invalid", "is invalid")
	}
}

func (f *fields) addOns(name string) []string {
	list, ok := f.values[name].([]any)
	if f.values[name] != nil && !ok {
		f.errs.add(name, "invalid", "is invalid")
	}
	var summaries []string
	for _, item := range list {
		of := fields{}
		of.values, _ = item.(map[string]any)
		addOn := of.text("add_on_type", true, maxInstanceID)
		purchased, assigned := of.number("purchased_seats", true), of.number("assigned_seats", true)
		if len(of.errs.messages) > 0 {
			f.errs.add(name, "invalid", "is invalid")
			return nil
		}
		if len(summaries) < maxSummaries {
			summaries = append(summaries, fmt.Sprintf("%s %d/%d", addOn, assigned, purchased))
		}
	}
	slices.Sort(summaries)
	return summaries
}

// maxSummaries is how many add-ons of a report the journal shows.
const maxSummaries = 10

// reconciliation is when the users of an online licence are next counted up, and from
// when its administrators are told: every three months of its time, a week ahead.
func reconciliation(l catalog.License, now time.Time) (next, alert *string) {
	if l.Kind != catalog.OnlineCloud || l.Trial || l.NoExpiry || l.StartsAt.IsZero() {
		return nil, nil
	}
	for months := 3; ; months += 3 {
		switch due := l.StartsAt.AddDate(0, months, 0); {
		case !due.Before(l.ExpiresAt):
			return nil, nil
		case due.After(now):
			return dateOf(due), dateOf(due.AddDate(0, 0, -7))
		}
	}
}
