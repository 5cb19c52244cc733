package customersdotstub_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/goldentest"
	"github.com/ccmock/ccmock/internal/world"
)

// TestExchanges keeps every answer that a client parses whole: status, all headers and
// body.
func TestExchanges(t *testing.T) {
	b := start(t)
	key, id := b.key("acme"), uuidOf(b, "acme")
	acme, _ := b.world.Instance("acme")
	query := func(selection, key string) answer {
		return b.graphql(selection, map[string]any{"licenseKey": key, "gitlabVersion": "18.9.0-ee"})
	}
	for _, c := range []struct {
		name string
		send func() answer
	}{
		{"discovery", func() answer { return b.send(http.MethodGet, "/.well-known/openid-configuration", "", nil) }},
		{"keys", func() answer { return b.send(http.MethodGet, "/oauth/discovery/keys", "", nil) }},
		{"token_16_9", func() answer { return query(selection16, key) }},
		{"token_17_9", func() answer { return query(selection17, key) }},
		{"token_18_9", func() answer { return query(selection18, key) }},
		{"token_alone", func() answer { return query(bare, key) }},
		{"token_invalid_license", func() answer { return query(bare, "garbled") }},
		{"activation", func() answer { return b.graphql(activate, activation(acme.ActivationCode(), id)) }},
		{"seat_link", func() answer { return b.post("/api/v1/seat_links", report(key)) }},
		{"seat_link_refused", func() answer { return b.post("/api/v1/seat_links", map[string]any{"license_key": key}) }},
		{"credits_200", func() answer { return b.resolve(ofInstance(id), admin...) }},
		{"credits_401", func() answer { return b.resolve(ofInstance(id)) }},
		{"credits_402", func() answer {
			b.credits("acme", world.CreditsExhausted)
			return b.resolve(ofInstance("7f1e7f5e-0000-4000-8000-000000000001"), admin...)
		}},
		{"credits_403", func() answer { return b.resolve(ofInstance("nobody"), admin...) }},
		{"not_found", func() answer { return b.send(http.MethodGet, "/api/v1/nothing", "", nil) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			goldentest.Text(t, "exchanges/"+c.name+".http", exchange(t, c.send()))
		})
	}
}

// exchange is an answer as it stands on the wire, its JSON indented, without what differs
// from run to run.
func exchange(t *testing.T, a answer) string {
	t.Helper()
	var out strings.Builder
	fmt.Fprintf(&out, "HTTP/1.1 %d %s\n", a.status, http.StatusText(a.status))
	for _, name := range slices.Sorted(maps.Keys(a.header)) {
		for _, value := range a.header[name] {
			switch name {
			case "X-Request-Id":
				value = "REQUEST"
			case "Content-Length":
				if len(a.body) > 0 {
					require.Equal(t, fmt.Sprint(len(a.body)), value)
					value = "LENGTH"
				}
			}
			fmt.Fprintf(&out, "%s: %s\n", name, value)
		}
	}
	if len(a.body) == 0 {
		return out.String()
	}
	var body any
	require.NoError(t, json.Unmarshal(a.body, &body))
	masked := a.body
	mask(body, func(text, with string) {
		quotedText, err := json.Marshal(text)
		require.NoError(t, err)
		masked = bytes.ReplaceAll(masked, quotedText, []byte(`"`+with+`"`))
	})
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, masked, "", "  "))
	return out.String() + "\n" + pretty.String() + "\n"
}

// mask finds tokens, keys and licences in a body.
func mask(v any, replace func(text, with string)) {
	names := map[string]string{"token": "TOKEN", "licenseKey": "LICENSE", "kid": "KID", "n": "MODULUS"}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			mask(item, replace)
		}
	case map[string]any:
		for name, value := range v {
			if text, ok := value.(string); ok && names[name] != "" {
				replace(text, names[name])
			}
			mask(value, replace)
		}
	}
}
