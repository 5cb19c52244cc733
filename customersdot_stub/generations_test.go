package customersdotstub_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	customersdotstub "github.com/ccmock/ccmock/customersdot_stub"
	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/world"
)

// library is a folder of the library, with an operator.
var library = map[string]string{
	"backend_services/ai_gateway.yml":           "name: ai_gateway\nproject_url: https://gitlab.com/a\ngroup: group::ai framework\njwt_aud: gitlab-ai-gateway\n",
	"backend_services/duo_workflow_service.yml": "name: duo_workflow_service\nproject_url: https://gitlab.com/b\ngroup: group::duo workflow\njwt_aud: gitlab-duo-workflow-service\n",
	"add_ons/duo_pro.yml":                       "name: duo_pro\n",
	"add_ons/duo_enterprise.yml":                "name: duo_enterprise\n",
	"license_types/ultimate.yml":                "name: ultimate\n",
	"operators/self_hosted_operator.yml":        "name: self_hosted_operator\nadd_ons: [duo_enterprise]\n",
	"unit_primitives/ask_issue.yml":             unitPrimitive("ask_issue", "cut_off_date: 2024-10-17T00:00:00+00:00\nmin_gitlab_version: '16.9'\nbackend_services: [ai_gateway]\nadd_ons: [duo_enterprise]\n"),
	"unit_primitives/duo_chat.yml":              unitPrimitive("duo_chat", "cut_off_date: 2024-10-17T00:00:00+00:00\nbackend_services: [ai_gateway, duo_workflow_service]\nadd_ons: [duo_pro, duo_enterprise]\n"),
	"unit_primitives/own_model.yml":             unitPrimitive("own_model", "backend_services: [duo_workflow_service]\nlicense_types: [ultimate]\noperators: [self_hosted_operator]\n"),
	"services/duo_chat.yml":                     "name: duo_chat\nbasic_unit_primitive: duo_chat\ngitlab_realm: [gitlab-com, self-managed]\nunit_primitives: [ask_issue, duo_chat]\n",
	"services/sast.yml":                         "name: sast\ngitlab_realm: [gitlab-com]\nunit_primitives: [own_model]\n",
}

func unitPrimitive(name, more string) string {
	return "name: " + name + "\ndescription: d\ngroup: group::g\nfeature_category: c\ndocumentation_url: https://docs.gitlab.com\n" + more
}

func withLibrary(t testing.TB) (*bed, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range library {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o750))
		write(t, filepath.Join(dir, name), text)
	}
	return start(t, func(o *customersdotstub.Options) { o.CatalogFile = dir }), dir
}

// TestLibraryServed holds all three selections to what the library says.
func TestLibraryServed(t *testing.T) {
	fidelity.Proves(t, "customersdot/access/catalog", "customersdot/access/operators", "customersdot/access/legacy-services")
	b, _ := withLibrary(t)
	for name, query := range map[string]string{"16_9": selection16, "17_9": selection17, "18_9": selection18} {
		a := b.graphql(query, map[string]any{"licenseKey": b.key("acme"), "gitlabVersion": "18.2.0-ee"})
		var r reply
		require.NoError(t, json.Unmarshal(a.body, &r))
		golden(t, "library_"+name, a.body, r.Data.Access.ServiceToken.Token, "TOKEN")
	}
	require.Equal(t, []string{"ask_issue", "duo_chat"}, b.scopes(), "the operator asks for Duo Enterprise")
	require.Equal(t, string(catalog.RuleOperator), b.scope("own_model").Rule)
	require.Equal(t, []string{"gitlab-ai-gateway", "gitlab-duo-workflow-service"}, b.token("acme", "18.2.0").List("aud"))
	b.buy("duo_enterprise", 5)
	require.Contains(t, b.scopes(), "own_model")
}

func TestAFolderIsWatchedToo(t *testing.T) {
	b, dir := withLibrary(t)
	b.stub.Reload()
	require.Empty(t, b.reports())
	write(t, filepath.Join(dir, "unit_primitives", "new.yml"), unitPrimitive("new", ""))
	b.stub.Reload()
	require.Contains(t, b.scopes(), "new")
	require.Contains(t, b.reports()[0], "4 services")
	write(t, filepath.Join(dir, "unit_primitives", "new.yml"), unitPrimitive("new", "add_onz: []\n"))
	b.stub.Reload()
	require.Contains(t, b.scopes(), "new")
	require.Contains(t, b.reports()[1], `did you mean "add_ons"`)
}

func TestTheDefaultCatalog(t *testing.T) {
	b := start(t, func(o *customersdotstub.Options) { o.CatalogFile = catalog.Default })
	scopes := b.token("acme", "18.2.0").List("scopes")
	require.Len(t, scopes, 63, "the tutorial's is new, the others are of both")
	require.Contains(t, scopes, "new_feature_scope")
	b.clock.Set(time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC))
	b.graphql(bare, map[string]any{"licenseKey": b.key("acme"), "gitlabVersion": "18.2.0"})
	require.Equal(t, string(catalog.RuleAddOnMissing), b.scope("ask_issue").Rule, "the feature's rules, which have it in Duo Chat")

	var served struct {
		Data struct {
			Access struct {
				Catalog catalog.Library
			} `json:"cloudConnectorAccess"`
		}
	}
	a := b.graphql(selection18, map[string]any{"licenseKey": b.key("acme"), "gitlabVersion": "18.2.0-ee"})
	require.NoError(t, json.Unmarshal(a.body, &served))
	require.Len(t, served.Data.Access.Catalog.UnitPrimitives, 63)
	chats := 0
	for _, s := range served.Data.Access.Catalog.Services {
		if s.Name == "duo_chat" {
			chats++
			require.Equal(t, []string{"documentation_search", "duo_chat", "ask_issue"}, s.UnitPrimitives, "the feature's")
		}
	}
	require.Equal(t, 1, chats)
}

// TestSettings makes the other choice where the real CustomersDot is not known.
func TestSettings(t *testing.T) {
	fidelity.Proves(t, "customersdot/access/expires-at", "customersdot/access/bundled-with", "customersdot/oidc/issuer-slash")
	const (
		text, number = `"expiresAt":"2024-02-17T23:00:00Z"`, `"expiresAt":1708210800`
		list         = `"bundledWith":["duo_pro","duo_enterprise"]`
		byAddOn      = `"bundledWith":{"duo_enterprise":["documentation_search","duo_chat","ask_issue"],"duo_pro":["documentation_search","duo_chat"]}`
	)
	for _, c := range []struct {
		settings world.CustomersDot
		want     []string
		issuer   string
	}{
		{world.CustomersDot{}, []string{text, list, `"bundledWith":[]`}, portal},
		{world.CustomersDot{ExpiresAt: world.ExpiresAtNumber}, []string{number, list}, portal},
		{world.CustomersDot{ExpiresAt: world.ExpiresAtText, BundledWith: world.BundledWithMap}, []string{text, byAddOn, `"bundledWith":{}`}, portal},
		{world.CustomersDot{BundledWith: world.BundledWithList, IssuerSlash: true}, []string{text, list}, portal + "/"},
	} {
		w := given(t)
		w.CustomersDot = c.settings
		b := startIn(t, w)
		a := b.graphql(selection17, map[string]any{"licenseKey": b.key("acme"), "gitlabVersion": "17.9.0"})
		for _, want := range c.want {
			require.Contains(t, string(a.body), want)
		}
		require.Equal(t, c.issuer, b.last().Issued.Claims["iss"])
		document := b.send(http.MethodGet, "/.well-known/openid-configuration", "", nil)
		require.Contains(t, string(document.body), fmt.Sprintf("%q", c.issuer))
	}
}

// TestTokensOfEveryRelease keeps header and claims of what is issued to each release.
func TestTokensOfEveryRelease(t *testing.T) {
	fidelity.Proves(t, "customersdot/claims/lifetime", "customersdot/claims/seat-count", "customersdot/claims/instance-uid")
	for _, form := range []string{"features", "library"} {
		b := start(t)
		if form == "library" {
			b, _ = withLibrary(t)
		}
		issued := map[string]any{}
		for _, version := range []string{"16.8.4-ee", "16.9.2-ee", "16.11.0-ee", "17.0.1-ee", "17.6.0-ee", "17.9.0-ee", "18.2.0-ee", "18.9.0-pre"} {
			issued[version] = relative(t, b, version)
		}
		b.must(control.ActionPurchase, control.PurchaseRequest{Instance: "acme", Purchase: catalog.Purchase{AddOn: "duo_enterprise", Seats: 7}})
		b.clock.Set(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))
		issued["18.9.0-ee with Duo Enterprise"] = relative(t, b, "18.9.0-ee", b.seatLink(b.key("acme")))
		text, err := json.Marshal(issued)
		require.NoError(t, err)
		goldentest.JSON(t, "tokens_"+form+".json", string(text))
	}
}

// relative is a token that was issued, its times as they are from now on and without what
// differs from run to run.
func relative(t *testing.T, b *bed, version string, key ...string) map[string]any {
	t.Helper()
	if len(key) == 0 {
		key = []string{b.key("acme")}
	}
	d := b.tokenFor(key[0], version)
	for _, name := range []string{"iat", "nbf", "exp"} {
		d.Claims[name] = fmt.Sprintf("now%+.0fs", d.Claims[name].(float64)-float64(b.clock.Now().Unix()))
	}
	require.Len(t, d.Claims["jti"], 36)
	require.Len(t, d.Header["kid"], 43)
	d.Claims["jti"], d.Header["kid"] = "JTI", "KID"
	return map[string]any{"header": d.Header, "claims": d.Claims}
}
