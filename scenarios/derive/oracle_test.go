package derive

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTheOracleByHand holds the oracle to verdicts that were worked out by hand from the
// documents, for the shipped features.
func TestTheOracleByHand(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		when, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return when
	}
	cutOff := at("2024-02-15T00:00:00Z")
	tutorial := entry{
		name: "new", audience: "gitlab-ai-gateway", tutorialForm: true, cutOff: &cutOff, minVersion: "16.8",
		bundles: []bundle{{"duo_pro", []string{"new"}}},
	}
	chatCutOff := at("2024-10-17T00:00:00Z")
	chat := entry{
		name: "chat", audience: "gitlab-ai-gateway", cutOff: &chatCutOff, minVersion: "16.9", minForFree: "16.8",
		bundles: []bundle{{"duo_pro", []string{"chat", "docs"}}, {"duo_enterprise", []string{"chat", "ask"}}},
	}
	free := entry{name: "new", audience: "gitlab-other", bundles: []bundle{{"", []string{"new"}}}}
	online := license{kind: "online_cloud", expiresAt: at("2030-01-01T00:00:00Z")}
	premium := license{kind: "online_cloud", plan: "premium", expiresAt: at("2030-01-01T00:00:00Z")}
	ultimate, operated, soldToo := free, free, tutorial
	ultimate.licenseTypes = []string{"ultimate"}
	operated.operators = []operator{{addOns: []string{"duo_enterprise"}}, {addOns: []string{"duo_amazon_q"}, licenseTypes: []string{"ultimate"}}}
	soldToo.operators = operated.operators
	q := purchase{addOn: "duo_amazon_q"}
	pro, enterprise := purchase{addOn: "duo_pro"}, purchase{addOn: "duo_enterprise"}
	until := func(date string) purchase { return purchase{"duo_pro", at(date + "T00:00:00Z")} }

	for _, c := range []struct {
		name      string
		entry     entry
		saas      bool
		now       string
		version   string
		purchases []purchase
		license   license
		sync      string
		scopes    []string
		reason    string
		by        string
	}{
		{name: "free before the date", entry: tutorial, now: "2024-02-14T23:59:59Z", version: "16.9.2", license: online, scopes: []string{"new"}},
		{name: "not at the date", entry: tutorial, now: "2024-02-15T00:00:00Z", version: "16.9.2", license: online, scopes: []string{}, reason: "missing_scope", by: "backend"},
		{name: "bought", entry: tutorial, now: "2024-02-15T00:00:00Z", version: "16.9.2", purchases: []purchase{pro}, license: online, scopes: []string{"new"}},
		{name: "another bought", entry: tutorial, now: "2024-02-16T00:00:00Z", version: "16.9.2", purchases: []purchase{enterprise}, license: online, scopes: []string{}, reason: "missing_scope", by: "backend"},
		{name: "until today is over", entry: tutorial, now: "2024-02-16T12:00:00Z", version: "16.9.2", purchases: []purchase{until("2024-02-16")}, license: online, scopes: []string{}, reason: "missing_scope", by: "backend"},
		{name: "until tomorrow is not", entry: tutorial, now: "2024-02-16T12:00:00Z", version: "16.9.2", purchases: []purchase{until("2024-02-17")}, license: online, scopes: []string{"new"}},
		{name: "the tutorial's minimum counts before the date too", entry: tutorial, now: "2024-02-01T00:00:00Z", version: "16.7.9-ee", license: online, scopes: []string{}, reason: "missing_scope", by: "backend"},
		{name: "-pre is at the minimum", entry: tutorial, now: "2024-02-01T00:00:00Z", version: "16.8.0-pre", license: online, scopes: []string{"new"}},
		{name: "16.10 is more than 16.8", entry: tutorial, now: "2024-02-01T00:00:00Z", version: "16.10.0", license: online, scopes: []string{"new"}},
		{name: "free for a lower version", entry: chat, now: "2024-10-16T00:00:00Z", version: "16.8.4-ee", license: online, scopes: []string{"chat", "docs", "ask"}},
		{name: "paid for a higher one", entry: chat, now: "2024-10-18T00:00:00Z", version: "16.8.4-ee", purchases: []purchase{pro}, license: online, scopes: []string{}, reason: "missing_scope", by: "backend"},
		{name: "the scopes of what was bought", entry: chat, now: "2024-10-18T00:00:00Z", version: "16.9.0", purchases: []purchase{pro}, license: online, scopes: []string{"chat", "docs"}},
		{name: "of both", entry: chat, now: "2024-10-18T00:00:00Z", version: "16.9.0", purchases: []purchase{pro, enterprise}, license: online, scopes: []string{"chat", "docs", "ask"}},
		{name: "no date is free for ever", entry: free, now: "2030-01-01T00:00:00Z", version: "17.6.0", license: license{kind: "online_cloud", expiresAt: at("2031-01-01T00:00:00Z")}, scopes: []string{"new"}},

		{name: "on another plan", entry: ultimate, now: "2024-02-01T00:00:00Z", version: "18.9.0", license: premium, scopes: []string{}, reason: "missing_scope", by: "backend"},
		{name: "on that plan", entry: ultimate, now: "2024-02-01T00:00:00Z", version: "18.9.0", license: online, scopes: []string{"new"}},
		{name: "GitLab.com has no plans", entry: ultimate, saas: true, now: "2024-02-01T00:00:00Z", version: "18.9.0", scopes: []string{"new"}},
		{name: "no operator is satisfied", entry: operated, now: "2024-02-01T00:00:00Z", version: "18.9.0", purchases: []purchase{pro}, license: online, scopes: []string{}, reason: "missing_scope", by: "backend"},
		{name: "one is", entry: operated, now: "2024-02-01T00:00:00Z", version: "18.9.0", purchases: []purchase{enterprise}, license: premium, scopes: []string{"new"}},
		{name: "another only on its plan", entry: operated, now: "2024-02-01T00:00:00Z", version: "18.9.0", purchases: []purchase{q}, license: premium, scopes: []string{}, reason: "missing_scope", by: "backend"},
		{name: "which it is", entry: operated, now: "2024-02-01T00:00:00Z", version: "18.9.0", purchases: []purchase{q}, license: online, scopes: []string{"new"}},
		{name: "an operator does not buy the add-on", entry: soldToo, now: "2024-02-16T00:00:00Z", version: "18.9.0", purchases: []purchase{enterprise}, license: online, scopes: []string{}, reason: "add_on_missing", by: "acme"},

		{name: "offline", entry: tutorial, now: "2024-02-01T00:00:00Z", version: "16.9.2", license: license{kind: "offline_cloud", expiresAt: cutOff}, sync: "License is not an online cloud license", reason: "no_token", by: "acme"},
		{name: "ten days past expiry still syncs", entry: tutorial, now: "2024-02-01T00:00:00Z", version: "16.9.2", license: license{kind: "online_cloud", expiresAt: at("2024-01-22T00:00:00Z")}, scopes: []string{"new"}},
		{name: "fifteen do not", entry: tutorial, now: "2024-02-01T00:00:00Z", version: "16.9.2", license: license{kind: "online_cloud", expiresAt: at("2024-01-17T00:00:00Z")}, sync: "License grace period has been expired", reason: "no_token", by: "acme"},
		{name: "a trial of 17", entry: tutorial, now: "2024-02-01T00:00:00Z", version: "17.6.0", license: license{kind: "online_cloud", trial: true, expiresAt: cutOff}, sync: "License can't be on trial", reason: "feature_unknown", by: "acme"},
		{name: "a trial of 18", entry: tutorial, now: "2024-02-01T00:00:00Z", version: "18.0.0", license: license{kind: "online_cloud", trial: true, expiresAt: cutOff}, scopes: []string{"new"}},
		{name: "18.9 without a catalogue", entry: tutorial, now: "2024-02-01T00:00:00Z", version: "18.9.0", license: license{kind: "legacy", expiresAt: cutOff}, sync: "License is not an online cloud license", reason: "feature_unknown", by: "acme"},
		{name: "18.9 with its own", entry: tutorial, now: "2024-02-01T00:00:00Z", version: "18.9.0", license: license{kind: "offline_cloud", expiresAt: cutOff}, sync: "License is not an online cloud license", reason: "no_token", by: "backend"},
		{name: "Enterprise takes the place of Pro at the instance", entry: tutorial, now: "2024-02-16T00:00:00Z", version: "17.6.0", purchases: []purchase{pro, enterprise}, license: online, scopes: []string{"new"}, reason: "add_on_missing", by: "acme"},

		{name: "GitLab.com of 16 gives what is asked for", entry: tutorial, saas: true, now: "2024-03-01T00:00:00Z", version: "16.11.0", scopes: []string{"new"}},
		{name: "and knows one audience", entry: free, saas: true, now: "2024-03-01T00:00:00Z", version: "16.11.0", scopes: []string{"new"}, reason: "wrong_audience", by: "backend"},
		{name: "GitLab.com of 17 decides", entry: tutorial, saas: true, now: "2024-03-01T00:00:00Z", version: "17.6.0", scopes: []string{}, reason: "add_on_missing", by: "gitlab"},
		{name: "and looks at no version", entry: entry{name: "new", audience: "gitlab-ai-gateway", minVersion: "17.7", bundles: tutorial.bundles}, saas: true, now: "2024-03-01T00:00:00Z", version: "17.6.0", scopes: []string{"new"}},
		{name: "GitLab.com keeps both add-ons", entry: tutorial, saas: true, now: "2024-03-01T00:00:00Z", version: "18.9.0", purchases: []purchase{pro, enterprise}, scopes: []string{"new"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := subject{
				service: c.entry.name, scope: c.entry.name, asked: []string{c.entry.name}, audience: c.entry.audience,
				backend: "backend", ok: 200,
			}
			s := situation{
				saas: c.saas, now: at(c.now), version: c.version, instance: "acme", purchases: c.purchases, license: c.license,
			}
			if c.saas {
				s.instance = "gitlab"
			}
			got := judge([]entry{c.entry}, f, s)
			require.Equal(t, c.sync, got.syncError)
			require.Equal(t, c.scopes, got.scopes)
			require.Equal(t, c.reason, got.answer.reason)
			require.Equal(t, c.by, got.answer.by)
		})
	}
}
