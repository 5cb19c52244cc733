package railsstub_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/world"
)

// FuzzClients sends what nobody should to the endpoints that read JSON of clients.
func FuzzClients(f *testing.F) {
	w := given("18.9.0")
	none := 0
	for n := range w.Instances {
		w.Instances[n].AddOns = []catalog.Purchase{{AddOn: "duo_pro"}}
		w.Instances[n].Settings = world.GitLabSettings{CodeSuggestionsRateLimit: &none, AIActionRateLimit: &none}
	}
	w.Users[0].Admin, w.Users[0].Seats = true, []string{"duo_pro"}
	r := newRig(f, w)
	r.synced()
	r.gateway.answers(agent("yes"))
	for _, query := range []string{me, ask, messages, statusQuery, "{", "subscription{a}", `{aiMessages(first:-1,last:-2,before:"1"){edges{cursor}}}`} {
		body, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"q": "?", "ids": []string{"a"}}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(apiGraphQL, string(body))
		f.Add(apiGraphQL, "["+string(body)+","+string(body)+"]")
	}
	f.Add(chatCompletions, `{"content":"?","resource_type":"project","resource_id":1,"additional_context":[{}],"current_file":{"selected_text":"x"}}`)
	f.Add(enabled, `{"project_path":"a/b"}`)
	f.Add(completions, suggest)
	handler := r.stub.Handler("acme")
	f.Fuzz(func(t *testing.T, path, body string) {
		switch path {
		case chatCompletions, enabled, completions:
		default:
			path = apiGraphQL
		}
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
		req.Header.Set("Private-Token", "glpat-ada")
		got := httptest.NewRecorder()
		handler.ServeHTTP(got, req)
		if got.Code >= 500 || strings.Contains(got.Body.String(), "Internal server error") {
			t.Fatalf("%s %s: %d %s", path, body, got.Code, got.Body)
		}
		if got.Body.Len() > 0 && !json.Valid(got.Body.Bytes()) && path != completions {
			t.Fatalf("%s %s: no JSON: %s", path, body, got.Body)
		}
	})
}
