package customersdotstub_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ccmock/ccmock/internal/world"
)

// FuzzGraphQL sends bodies to CustomersDot, which has a library with all that one may have.
func FuzzGraphQL(f *testing.F) {
	bed, _ := withLibrary(f)
	for _, query := range []string{
		selection16, selection17, selection18, bare, activate, "{ __schema { types { name fields { name } } } }", "{", "subscription{a}", "{a(b:[{c:$d}])@skip(if:true)}",
	} {
		body, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{
			"licenseKey": bed.key("acme"), "gitlabVersion": "16.9.2", "activationCode": "a", "instanceIdentifier": "b",
		}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add("/graphql", string(body))
	}
	body, err := json.Marshal(report(bed.key("acme")))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("/api/v1/seat_links", string(body))
	for _, state := range world.CreditStates() {
		f.Add("/graphql", `{"query":"{ a: cloudConnectorAccess(licenseKey: \"`+string(state)+`\") { availableServices { bundledWith } } b: __typename }","operationName":null}`)
	}
	f.Add("/graphql", `{"query":"query($k: String!) { cloudConnectorAccess(licenseKey: $k) { catalog ...on CloudConnectorAccess { availableServices { name } } } }","variables":"{\"k\":\"x\"}"}`)
	f.Fuzz(func(t *testing.T, path, body string) {
		if path != "/graphql" {
			path = "/api/v1/seat_links"
		}
		w := httptest.NewRecorder()
		bed.stub.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body)))
		if w.Code >= 500 || strings.Contains(w.Body.String(), "Internal server error") {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("no JSON: %s", w.Body)
		}
	})
}

// FuzzCredits asks for the credits of anybody, in any words.
func FuzzCredits(f *testing.F) {
	bed := start(f)
	f.Add("user_id=1&realm=self-managed&unique_instance_id=a", "", "a@b", "c")
	f.Add("user_id=1&realm=saas&root_namespace_id=9", checksum(bed.key("acme")), "", "")
	f.Add("%zz&;realm", "x", "", "")
	f.Fuzz(func(t *testing.T, query, licence, email, secret string) {
		w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodHead, "/api/v1/consumers/resolve", http.NoBody)
		r.URL.RawQuery = query
		for name, value := range map[string]string{"X-License-Token": licence, "X-Admin-Email": email, "X-Admin-Token": secret} {
			r.Header.Set(name, value)
		}
		bed.stub.Handler().ServeHTTP(w, r)
		switch w.Code {
		case http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden:
		default:
			t.Fatalf("%d", w.Code)
		}
		if w.Body.Len() > 0 {
			t.Fatalf("an answer to HEAD has a body: %q", w.Body)
		}
	})
}
