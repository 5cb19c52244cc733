package customersdotstub_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func FuzzGraphQL(f *testing.F) {
	bed := start(f)
	for _, query := range []string{
		selection16, selection17, selection18, bare, activate, introspection, "{", "subscription{a}", "{a(b:[{c:$d}])@skip(if:true)}",
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
