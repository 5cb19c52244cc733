package cmd

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/ecosystem"
	"github.com/ccmock/ccmock/internal/feature"
	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/token"
	"github.com/ccmock/ccmock/internal/world"
)

func newTokenMint() *cobra.Command {
	m := &mint{}
	c := &cobra.Command{
		Use:   "mint",
		Short: "Make a token, with a key that ccmock up would sign with",
		Long: `mint signs a token without asking any service, and prints it alone. It is what
CustomersDot would issue to --instance, or the instance itself if that is GitLab.com,
but with whatever the flags say. A running ccmock up takes it that uses the same --data.`,
		Example: `  curl -H "Authorization: Bearer $(ccmock token mint --scope new_feature_scope)" ...
  ccmock token mint --instance gitlab --scope duo_chat --ttl 5m
  ccmock token mint --claim exp=null --claim 'scopes="not a list"'`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return m.run(c) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&m.instance, "instance", "acme", "`NAME` of the instance that the token is for")
	f.StringVar(&m.issuer, "issuer", "", "customersdot, the `NAME` of an instance, or a URL to put into iss (default: whoever issues to the instance)")
	f.StringVar(&m.subject, "subject", "", "sub, `ID` (default: the instance's uuid)")
	f.StringArrayVar(&m.audience, "audience", nil, "aud, `NAME`; repeatable (default: that of the scopes)")
	f.StringArrayVar(&m.scopes, "scope", nil, "`SCOPE` that it carries; repeatable (default: none)")
	f.StringVar(&m.realm, "realm", "", "gitlab_realm, `REALM` (default: the instance's)")
	f.Var(&m.ttl, "ttl", "`DURATION` that it is good for, such as 90s or 3d (default: 3d, by GitLab.com 1h)")
	f.StringArrayVar(&m.claims, "claim", nil, "another claim, `NAME=VALUE` with JSON or a text as its value; null takes one away; repeatable")
	f.StringVar(&m.kid, "kid", "", "key `ID` in the header; none leaves it out (default: the key's own)")
	f.Uint64Var(&m.seed, "seed", 0, "`NUMBER` that determines jti, with the time")
	m.worldFlags(c)
	m.keyFlags(c)
	f.BoolVar(&m.json, "json", false, "print one JSON object with the token, its header and its claims")
	_ = c.RegisterFlagCompletionFunc("instance", m.completeInstances)
	_ = c.RegisterFlagCompletionFunc("scope", m.completeScopes)
	return c
}

// mint is the command with its flags.
type mint struct {
	given
	instance, issuer, subject, realm, kid string
	audience, scopes, claims              []string
	ttl                                   period
	seed                                  uint64
	json                                  bool
}

// How long a token is good that its issuer's stub would have signed.
const (
	customersDotTTL = 72 * time.Hour
	gitLabTTL       = time.Hour
	notBeforeDrift  = 5 * time.Second
)

func (m *mint) run(c *cobra.Command) error {
	w, err := m.read()
	if err != nil {
		return err
	}
	features, err := m.load()
	if err != nil {
		return err
	}
	i, err := findInstance(w, m.instance)
	if err != nil {
		return err
	}
	by, err := m.signer(w, i)
	if err != nil {
		return err
	}
	now := m.at.or(clock.Real{}.Now()).Truncate(time.Second)
	header, claims, err := m.parts(i, by, features, now)
	if err != nil {
		return err
	}
	pool, err := m.keys()
	if err != nil {
		return err
	}
	key, err := pool.Get(by.key)
	if err != nil {
		return notStarted(err)
	}
	switch {
	case m.kid == "" && by.kid:
		header["kid"] = key.ID()
	case m.kid != "" && m.kid != "none":
		header["kid"] = m.kid
	}
	raw, err := token.Forge(key, header, claims)
	if err != nil {
		return err
	}
	return m.print(c.OutOrStdout(), raw)
}

func (m *mint) print(w io.Writer, raw string) error {
	if !m.json {
		line(w, "%s", raw)
		return nil
	}
	decoded, err := token.Decode(raw)
	if err != nil {
		return err
	}
	return printJSON(w, struct {
		Token  string         `json:"token"`
		Header map[string]any `json:"header"`
		Claims map[string]any `json:"claims"`
	}{raw, decoded.Header, decoded.Claims})
}

// signer is who signs a token, as its stub would.
type signer struct {
	url, key  string
	ttl       time.Duration
	kid       bool
	audString bool // aud is a text, not a list
}

// signer finds who issues to i, or whom --issuer names. Names of keys are those of the
// stubs, so that services which run with the same keys take the token.
func (m *mint) signer(w world.World, i world.Instance) (signer, error) {
	name := m.issuer
	if name == "" && i.Realm == world.SaaS {
		name = i.Name
	}
	s := signer{url: addressOf(ecosystem.CustomersDot, w), key: ecosystem.CustomersDot, ttl: customersDotTTL, kid: true}
	switch {
	case name == "" || name == ecosystem.CustomersDot:
		return s, nil
	case strings.Contains(name, "://"):
		s.url = name
		return s, nil
	}
	issuing, ok := w.Instance(name)
	if !ok {
		known := []string{ecosystem.CustomersDot}
		for _, i := range w.Instances {
			known = append(known, i.Name)
		}
		err := usagef("unknown issuer %q, expected one of %s or a URL", name, list(known))
		if near := strictyaml.Suggest(name, known); near != "" {
			err = hint(err, "did you mean %q?", near)
		}
		return s, err
	}
	version, err := catalog.ParseVersion(issuing.GitLabVersion)
	if err != nil {
		return s, err
	}
	names := keysOf(issuing)
	return signer{
		url: addressOf(name, w), key: names[len(names)-1], ttl: gitLabTTL,
		kid: version.AtLeast(firstWithKeyID), audString: !version.AtLeast(firstWithAudienceList),
	}, nil
}

// parts are the header and the claims.
func (m *mint) parts(i world.Instance, by signer, features []feature.Feature, now time.Time) (header, claims map[string]any, err error) {
	ttl := by.ttl
	if m.ttl != 0 {
		ttl = time.Duration(m.ttl)
	}
	claims = map[string]any{
		"jti": stub.NewRandom(m.seed ^ uint64(now.UnixNano())).UUID(), "iss": by.url, "sub": cmp.Or(m.subject, i.UUID), //nolint:gosec // the bits count, not the number
		"iat": now.Unix(), "nbf": now.Add(-notBeforeDrift).Unix(), "exp": now.Add(ttl).Unix(),
		"gitlab_realm": cmp.Or(m.realm, string(i.Realm)), "scopes": append([]string{}, m.scopes...),
	}
	audience := m.audience
	if len(audience) == 0 {
		audience = audienceOf(m.scopes, features)
	}
	claims["aud"] = audience
	if by.audString && len(audience) == 1 {
		claims["aud"] = audience[0]
	}
	for _, text := range m.claims {
		name, written, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, nil, usagef("--claim is %q, expected NAME=VALUE such as gitlab_realm=saas", text)
		}
		var v any = written
		var parsed any
		if json.Unmarshal([]byte(written), &parsed) == nil {
			v = parsed
		}
		claims[name] = v
		if v == nil {
			delete(claims, name)
		}
	}
	return map[string]any{"alg": "RS256", "typ": "JWT"}, claims, nil
}

// audienceOf lists the audiences of scopes, the usual one if the features know none.
func audienceOf(scopes []string, features []feature.Feature) []string {
	found := map[string]bool{}
	for _, f := range features {
		for _, scope := range scopes {
			if slices.Contains(f.CloudConnector.Scopes(), scope) {
				found[f.CloudConnector.Audience()] = true
			}
		}
	}
	if len(found) == 0 {
		return []string{catalog.DefaultAudience}
	}
	return slices.Sorted(maps.Keys(found))
}

// period is a flag with a duration, which may be in days.
type period time.Duration

func (p *period) Set(text string) error {
	d, err := strictyaml.ParseDuration(text)
	*p = period(d)
	return err
}

func (p *period) String() string {
	if *p == 0 {
		return ""
	}
	return fmt.Sprint(time.Duration(*p))
}

func (p *period) Type() string { return "duration" }
