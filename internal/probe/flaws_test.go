package probe_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/probe"
	"github.com/ccmock/ccmock/internal/probe/probetest"
)

// capitals are the less usual spellings of none.
const capitals = "alg-none-capitals--o-- alg-none-capitals-no-- alg-none-capitals---n- alg-none-capitals-n-n- alg-none-capitals--on- alg-none-capitals-non- " +
	"alg-none-capitals----e alg-none-capitals-n--e alg-none-capitals-no-e alg-none-capitals---ne alg-none-capitals-n-ne alg-none-capitals--one"

// TestFlawsAreFoundByName: of a backend with one thing wrong, the cases fail that are about
// that, and no other.
func TestFlawsAreFoundByName(t *testing.T) {
	t.Parallel()
	for flaw, fails := range map[probetest.Flaw]string{
		probetest.None:              "",
		probetest.Lenient:           "",
		probetest.NoExpiry:          "expired-by-a-second exactly-at-expiry expiry-absent expiry-a-word expiry-null expired-by-a-day",
		probetest.NoNotBefore:       "not-yet-valid not-valid-for-a-day",
		probetest.Leeway:            "expired-by-a-second exactly-at-expiry not-yet-valid",
		probetest.NoAudience:        "audience-other audience-absent audience-empty audience-a-number audience-list-without-it audience-prefix audience-suffix audience-upper-case audience-padded audience-null",
		probetest.AudienceByPrefix:  "audience-suffix audience-padded",
		probetest.AnyAlgorithm:      "alg-none alg-none-capitalized alg-none-upper-case alg-none-mixed-case alg-ps256 alg-ps384 alg-ps512 alg-rs384 alg-rs512 alg-hs256-keyed-with-pkcs1-pem alg-hs256-keyed-with-spki-pem " + capitals,
		probetest.AlgNone:           "alg-none alg-none-capitalized alg-none-upper-case alg-none-mixed-case " + capitals,
		probetest.PublicKeyAsSecret: "alg-hs256-keyed-with-pkcs1-pem alg-hs256-keyed-with-spki-pem",
		probetest.NoSignature:       "no-signature half-a-signature changed-signature changed-payload standard-base64 unknown-key-under-a-known-kid",
		probetest.KidIgnored:        "kid-with-traversal kid-with-injection kid-a-number",
		probetest.KeyByJKU:          "jku-of-the-attacker",
		probetest.FetchesX5U:        "x5u-of-the-attacker",
		probetest.EmbeddedKey:       "embedded-jwk",
		probetest.CritIgnored:       "crit-unknown crit-exp",
		probetest.NoIssuer:          "issuer-absent issuer-of-staging other-issuers-key issuer-null",
		probetest.NoScope:           "scope-absent scope-empty scope-other scope-prefix scope-suffix scope-upper-case scope-as-text scope-in-a-text scope-null",
		probetest.ScopeBySubstring:  "scope-suffix scope-as-text scope-in-a-text",
		probetest.NoHeaders: "of-another-instance subject-upper-case subject-a-number realm-of-saas realm-upper-case realm-null header-realm-missing header-realm-other header-realm-dedicated " +
			"header-realm-twice-good-first header-realm-twice-good-last header-instance-missing header-instance-other header-instance-twice-good-first header-instance-twice-good-last",
		probetest.LastHeader: "header-realm-twice-good-last header-instance-twice-good-last",
		probetest.Crashes:    "empty-bearer garbage one-segment two-segments four-segments garbled-header garbled-payload payload-list payload-with-bom padded-base64",
		probetest.RefusesAll: "good",
		probetest.OneIssuer:  "good-of-gitlab",
	} {
		t.Run(string(flaw), func(t *testing.T) {
			t.Parallel()
			r := try(t, flaw, nil)
			require.Equal(t, strings.Fields(fails), r.Failed())
			require.Equal(t, fails == "", r.OK)
			require.Equal(t, []string{"trimmed-key", "a-second-left", "oversize"}, r.Left)
		})
	}
}

func TestAFetchOfTheAttackersURLIsAFinding(t *testing.T) {
	t.Parallel()
	for flaw, want := range map[probetest.Flaw]string{
		probetest.KeyByJKU:   "the attacker's URL was fetched, and the call accepted",
		probetest.FetchesX5U: "the attacker's URL was fetched, and the call refused with 401",
	} {
		t.Run(string(flaw), func(t *testing.T) {
			t.Parallel()
			r := try(t, flaw, only("^(jku|x5u)-"))
			require.Len(t, r.Failed(), 1)
			require.Len(t, r.Findings, 1)
			require.Equal(t, want, r.Findings[0].What)
			require.Equal(t, r.Failed(), r.Findings[0].Cases)
			require.Contains(t, r.Findings[0].Why, "any address that it can reach")
		})
	}
}

// TestLeewayMovesTheBoundaries: a service that allows for clocks that differ passes when that
// is said, and only then, and not with less.
func TestLeewayMovesTheBoundaries(t *testing.T) {
	t.Parallel()
	boundaries := []string{"expired-by-a-second", "exactly-at-expiry", "not-yet-valid"}
	for leeway, fails := range map[time.Duration][]string{
		0: boundaries, 10 * time.Second: boundaries, 30 * time.Second: {}, time.Minute: {},
	} {
		r := try(t, probetest.Leeway, func(o *probe.Options) {
			only("exp|valid")(o)
			o.Leeway = leeway
		})
		require.Equal(t, fails, r.Failed(), leeway)
		for _, f := range r.Findings {
			require.Contains(t, f.Why, "--leeway", leeway)
		}
	}
	// Who looks at no time at all is not told that a flag would do.
	for _, flaw := range []probetest.Flaw{probetest.NoExpiry, probetest.NoNotBefore} {
		r := try(t, flaw, func(o *probe.Options) {
			only("exp|valid")(o)
			o.Leeway = time.Minute
		})
		require.NotEmpty(t, r.Findings)
		for _, f := range r.Findings {
			require.NotContains(t, f.Why, "--leeway")
		}
	}
}

// TestNothingIsProvedWithoutTheGoodCall: a service that refuses everybody is not praised for
// it, whichever cases are asked for.
func TestNothingIsProvedWithoutTheGoodCall(t *testing.T) {
	t.Parallel()
	r := try(t, probetest.RefusesAll, only("^alg-none$"))
	require.Equal(t, []string{"good"}, r.Failed())
	require.Equal(t, 2, r.NotTried)
	require.Contains(t, r.Findings[0].Why, "CustomersDot (CUSTOMERSDOT_URL=http://127.0.0.1:")
	require.Contains(t, r.Findings[0].Why, "take the audience gitlab-foo and require no scope but new_feature_scope")

	r = try(t, probetest.OneIssuer, only("^alg-none$"))
	require.Equal(t, []string{"good-of-gitlab"}, r.Failed())
	require.Len(t, r.Verdicts, 3, "the forged tokens are CustomersDot's, which is trusted")
	require.Contains(t, r.Findings[0].Why, "GitLab.com (GITLAB_URL=http://127.0.0.1:")
}
