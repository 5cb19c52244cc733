package railsstub

import (
	"encoding/json"
	"net/http"

	"github.com/ccmock/ccmock/internal/stub"
)

// discovery is the OIDC discovery document, its members in the order in which
// doorkeeper-openid_connect writes them.
type discovery struct {
	Issuer                            string   `json:"issuer"`
	AuthorizationEndpoint             string   `json:"authorization_endpoint"`
	TokenEndpoint                     string   `json:"token_endpoint"`
	RevocationEndpoint                string   `json:"revocation_endpoint"`
	IntrospectionEndpoint             string   `json:"introspection_endpoint"`
	UserinfoEndpoint                  string   `json:"userinfo_endpoint"`
	JWKSURI                           string   `json:"jwks_uri"`
	ScopesSupported                   []string `json:"scopes_supported"`
	ResponseTypesSupported            []string `json:"response_types_supported"`
	ResponseModesSupported            []string `json:"response_modes_supported"`
	GrantTypesSupported               []string `json:"grant_types_supported"`
	TokenEndpointAuthMethodsSupported []string `json:"token_endpoint_auth_methods_supported"`
	SubjectTypesSupported             []string `json:"subject_types_supported"`
	IDTokenSigningAlgValuesSupported  []string `json:"id_token_signing_alg_values_supported"`
	ClaimTypesSupported               []string `json:"claim_types_supported"`
	ClaimsSupported                   []string `json:"claims_supported"`
	CodeChallengeMethodsSupported     []string `json:"code_challenge_methods_supported"`
}

func discoveryDocument(url string, ciClaims bool) []byte {
	claims := []string{
		"iss", "sub", "aud", "exp", "iat", "sub_legacy", "name", "nickname", "preferred_username", "email",
		"email_verified", "website", "profile", "picture", "groups", "groups_direct",
		"https://gitlab.org/claims/groups/owner", "https://gitlab.org/claims/groups/maintainer",
		"https://gitlab.org/claims/groups/developer",
	}
	if ciClaims {
		claims = append(claims, "project_path", "ci_config_ref_uri", "ref_path", "sha", "environment", "jti")
	}
	body, err := json.Marshal(discovery{
		Issuer:                url,
		AuthorizationEndpoint: url + "/oauth/authorize",
		TokenEndpoint:         url + "/oauth/token",
		RevocationEndpoint:    url + "/oauth/revoke",
		IntrospectionEndpoint: url + "/oauth/introspect",
		UserinfoEndpoint:      url + "/oauth/userinfo",
		JWKSURI:               url + keysPath,
		ScopesSupported: []string{
			"api", "read_api", "read_user", "create_runner", "k8s_proxy", "read_repository", "write_repository",
			"read_registry", "write_registry", "ai_features", "sudo", "admin_mode", "openid", "profile", "email",
		},
		ResponseTypesSupported:            []string{"code"},
		ResponseModesSupported:            []string{"query", "fragment", "form_post"},
		GrantTypesSupported:               []string{"authorization_code", "password", "client_credentials", "refresh_token"},
		TokenEndpointAuthMethodsSupported: []string{"client_secret_basic", "client_secret_post"},
		SubjectTypesSupported:             []string{"public"},
		IDTokenSigningAlgValuesSupported:  []string{"RS256"},
		ClaimTypesSupported:               []string{"normal"},
		ClaimsSupported:                   claims,
		CodeChallengeMethodsSupported:     []string{"plain", "S256"},
	})
	if err != nil {
		panic(err) // strings only: cannot fail
	}
	return body
}

const (
	jsonType      = "application/json; charset=utf-8"
	keysPath      = "/oauth/discovery/keys"
	keysCacheable = "max-age=86400, public, must-revalidate, no-transform"
)

// openidConfiguration answers "GET /.well-known/openid-configuration".
func (i *Instance) openidConfiguration(*http.Request) (stub.Reply, error) {
	return stub.Reply{Header: http.Header{"Content-Type": {jsonType}}, Body: i.installed().discovery}, nil
}

// publishedKeys answers "GET /oauth/discovery/keys": the OIDC key, then from 17.9 on the
// Cloud Connector keys.
func (i *Instance) publishedKeys(*http.Request) (stub.Reply, error) {
	ring, err := i.keys.ring(i.installed().key)
	if err != nil {
		return stub.Reply{}, err
	}
	reply := stub.Reply{
		Header: http.Header{"Content-Type": {jsonType}, "Cache-Control": {keysCacheable}},
		Body:   ring.KeySet().JSON(),
	}
	if stale, ok := ring.StaleKeySet(); ok {
		reply.Stale = stale.JSON()
	}
	return reply, nil
}

// health answers "GET /-/health".
func (i *Instance) health(*http.Request) (stub.Reply, error) {
	return stub.Text(http.StatusOK, "GitLab OK"), nil
}
