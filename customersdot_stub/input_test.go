package customersdotstub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/catalog"
	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/stub"
)

// listen opens a port, and serve serves a handler on it as the binary does.
func listen(t testing.TB) net.Listener {
	t.Helper()
	ln, err := stub.Listen(context.Background(), "customersdot", "127.0.0.1:0")
	require.NoError(t, err)
	return ln
}

func serve(t testing.TB, ln net.Listener, h http.Handler) string {
	t.Helper()
	server := stub.Serve(ln, h, nil, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { require.NoError(t, server.Close(context.Background())) })
	return server.URL()
}

func TestBadInput(t *testing.T) {
	b := start(t)
	query := func(text string) string {
		body, err := json.Marshal(map[string]any{"query": text})
		require.NoError(t, err)
		return string(body)
	}
	const ok, bad = http.StatusOK, http.StatusBadRequest
	for name, c := range map[string]struct {
		method, path, contentType, body string
		status                          int
		want                            string
	}{
		"GET":                         {"GET", "/graphql", "", "", 405, `{"status":405,"error":"Method Not Allowed"}`},
		"GET seat link":               {"GET", "/api/v1/seat_links", "", "", 405, "Method Not Allowed"},
		"portal URL with a slash":     {"POST", "//graphql", "application/json", query("{__typename}"), ok, `{"data":{"__typename":"Query"}}`},
		"another path":                {"POST", "/graphql/", "application/json", "{}", 404, `{"status":404,"error":"Not Found"}`},
		"empty body":                  {"POST", "/graphql", "application/json", "", ok, "No query string was present"},
		"empty object":                {"POST", "/graphql", "application/json", "{}", ok, "No query string was present"},
		"no content type":             {"POST", "/graphql", "", query("{__typename}"), ok, `{"data":{"__typename":"Query"}}`},
		"text/plain":                  {"POST", "/graphql", "text/plain", query("{__typename}"), 415, "Unsupported Media Type"},
		"form":                        {"POST", "/graphql", "application/x-www-form-urlencoded", "query={__typename}", 415, "Unsupported Media Type"},
		"mad content type":            {"POST", "/graphql", ";;;", "{}", 415, "Unsupported Media Type"},
		"no JSON":                     {"POST", "/graphql", "application/json", "{", bad, `{"status":400,"error":"Bad Request"}`},
		"a batch":                     {"POST", "/graphql", "application/json", "[" + query("{__typename}") + "]", bad, "Bad Request"},
		"a number for the query":      {"POST", "/graphql", "application/json", `{"query":5}`, bad, "Bad Request"},
		"variables in text":           {"POST", "/graphql", "application/json", `{"query":"{__typename}","variables":"{}"}`, ok, "data"},
		"variables in broken text":    {"POST", "/graphql", "application/json", `{"query":"{__typename}","variables":"{"}`, bad, "Bad Request"},
		"variables in a list":         {"POST", "/graphql", "application/json", `{"query":"{__typename}","variables":[]}`, bad, "Bad Request"},
		"null variables":              {"POST", "/graphql", "application/json", `{"query":"{__typename}","variables":null,"operationName":null}`, ok, "data"},
		"operation by name":           {"POST", "/graphql", "application/json", `{"query":"query a {__typename} query b {b:__typename}","operationName":"b"}`, ok, `{"data":{"b":"Query"}}`},
		"unknown operation":           {"POST", "/graphql", "application/json", `{"query":"query a {__typename}","operationName":"c"}`, ok, `no operation with name`},
		"two operations":              {"POST", "/graphql", "application/json", `{"query":"query a {__typename} query b {__typename}"}`, ok, `more than one operation`},
		"5 MiB":                       {"POST", "/graphql", "application/json", query(strings.Repeat("a", 5<<20)), 413, "Request Entity Too Large"},
		"5 MiB seat link":             {"POST", "/api/v1/seat_links", "application/json", query(strings.Repeat("a", 5<<20)), 413, "Request Entity Too Large"},
		"long query":                  {"POST", "/graphql", "application/json", query("{__typename}" + strings.Repeat(" ", 64<<10)), ok, "exceeds the maximum"},
		"deep selection":              {"POST", "/graphql", "application/json", query("{__schema{types{" + strings.Repeat("ofType{", 30) + "name" + strings.Repeat("}", 33)), ok, "errors"},
		"deep types":                  {"POST", "/graphql", "application/json", query("{__schema{types{fields{type{" + strings.Repeat("ofType{", 30) + "name" + strings.Repeat("}", 35)), ok, "exceeds max depth"},
		"deep braces":                 {"POST", "/graphql", "application/json", query(strings.Repeat("{a", 32<<10)), ok, "errors"},
		"deep list":                   {"POST", "/graphql", "application/json", query("{a(b:" + strings.Repeat("[", 60<<10)), ok, "errors"},
		"deep variables":              {"POST", "/graphql", "application/json", `{"query":"{__typename}","variables":` + strings.Repeat(`{"a":`, 20000), bad, "Bad Request"},
		"fragment cycle":              {"POST", "/graphql", "application/json", query("{...a} fragment a on Query {...b} fragment b on Query {...a}"), ok, "errors"},
		"unknown fragment":            {"POST", "/graphql", "application/json", query("{...a}"), ok, "errors"},
		"exploding fragments":         {"POST", "/graphql", "application/json", query(explosion()), ok, "errors"},
		"1000 times the same field":   {"POST", "/graphql", "application/json", query("{" + strings.Repeat(`cloudConnectorAccess(licenseKey:"a"){serviceToken{token}} `, 1000) + "}"), ok, "errors"},
		"other bytes than UTF-8":      {"POST", "/graphql", "application/json", "{\"query\":\"{a\xff\xfe}\"}", ok, "errors"},
		"seat link that is a list":    {"POST", "/api/v1/seat_links", "application/json", "[]", 422, "can't be blank"},
		"seat link of null":           {"POST", "/api/v1/seat_links", "application/json", "null", 422, "can't be blank"},
		"seat link without a body":    {"POST", "/api/v1/seat_links", "application/json", "", 422, "can't be blank"},
		"seat link in text":           {"POST", "/api/v1/seat_links", "text/plain", "{}", 415, "Unsupported Media Type"},
		"seat link cut off":           {"POST", "/api/v1/seat_links", "application/json", `{"license_key":`, bad, "Bad Request"},
		"mutation without the input":  {"POST", "/graphql", "application/json", query("mutation{cloudActivationActivate{errors}}"), ok, "errors"},
		"mutation of the wrong types": {"POST", "/graphql", "application/json", query("mutation{cloudActivationActivate(input:{activationCode:5,instanceIdentifier:[]}){errors}}"), ok, "errors"},
		"a scalar with fields":        {"POST", "/graphql", "application/json", query(`{cloudConnectorAccess(licenseKey:"a"){catalog{services}}}`), ok, "errors"},
		"an object without fields":    {"POST", "/graphql", "application/json", query(`{cloudConnectorAccess(licenseKey:"a")}`), ok, "must have a selection"},
		"skipped by a non-boolean":    {"POST", "/graphql", "application/json", query(`{__typename @skip(if: 5)}`), ok, "errors"},
		"unknown directive":           {"POST", "/graphql", "application/json", query(`{__typename @nonsense}`), ok, "errors"},
	} {
		t.Run(name, func(t *testing.T) {
			a := b.send(c.method, c.path, c.contentType, strings.NewReader(c.body))
			require.Equal(t, c.status, a.status, "%.300s", a.body)
			require.Contains(t, string(a.body), c.want)
			require.Equal(t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
			require.True(t, json.Valid(a.body))
			require.Less(t, len(a.body), 256<<10, "a small request gets no huge answer")
			require.Equal(t, c.status, b.last().Status)
			if c.status == 405 {
				require.Equal(t, "POST", a.header.Get("Allow"))
			}
		})
	}
}

// explosion is a query of which each fragment doubles the one before it.
func explosion() string {
	var q strings.Builder
	q.WriteString("{...f30} fragment f0 on Query {__typename}")
	for n := 1; n <= 30; n++ {
		fmt.Fprintf(&q, " fragment f%d on Query {...f%d ...f%d}", n, n-1, n-1)
	}
	return q.String()
}

func TestAManifoldQueryCostsFewSignatures(t *testing.T) {
	b := start(t)
	var query strings.Builder
	query.WriteString("query($key: String!) {")
	for n := range 500 {
		fmt.Fprintf(&query, " a%d: cloudConnectorAccess(licenseKey: $key) {serviceToken{token} again: serviceToken{token}}", n)
	}
	query.WriteString("}")
	a := b.graphql(query.String(), map[string]any{"key": b.key("acme")})
	var r struct {
		Errors []any `json:"errors"`
		Data   map[string]*struct {
			ServiceToken, Again struct{ Token string }
		} `json:"data"`
	}
	require.NoError(t, json.Unmarshal(a.body, &r))
	require.Len(t, r.Errors, 490)
	served := 0
	for _, access := range r.Data {
		if access != nil {
			served++
			require.Equal(t, access.ServiceToken, access.Again, "one access has one token")
		}
	}
	require.Equal(t, 10, served)
}

func TestARequestThatStopsHalfWay(t *testing.T) {
	b := start(t)
	url := serve(t, listen(t), b.stub.Handler())
	for _, path := range []string{"/graphql", "/api/v1/seat_links"} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		require.NoError(t, err)
		_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"query\":", path)
		require.NoError(t, err)
		require.NoError(t, conn.(*net.TCPConn).CloseWrite())
		answered, err := io.ReadAll(conn)
		require.NoError(t, err)
		require.NoError(t, conn.Close())
		require.Contains(t, string(answered), "HTTP/1.1 400 Bad Request")
		require.Contains(t, string(answered), `{"status":400,"error":"Bad Request"}`)
	}
}

func TestEverythingAtOnce(t *testing.T) {
	b := start(t)
	key := b.key("acme")
	acme, _ := b.world.Instance("acme")
	body := func(v any) []byte {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		return text
	}
	requests := map[string][]byte{
		"/graphql":           body(map[string]any{"query": selection17, "variables": map[string]any{"licenseKey": key, "gitlabVersion": "16.9.2"}}),
		"/graphql?activate":  body(map[string]any{"query": activate, "variables": activation(acme.ActivationCode(), "x")}),
		"/api/v1/seat_links": body(report(key)),
	}
	actions := map[string]any{
		control.ActionPurchase:     control.PurchaseRequest{Instance: "acme", Purchase: catalog.Purchase{AddOn: "duo_pro"}},
		control.ActionRenewLicense: control.RenewRequest{Instance: "acme"},
		control.ActionSign:         control.SignRequest{Service: "customersdot"},
		control.ActionCatalog:      control.CatalogRequest{YAML: fileHead + entry("a") + fileTail},
	}
	var work sync.WaitGroup
	failures := make(chan error, 1000)
	for range 2 {
		for path, text := range requests {
			work.Go(func() {
				for range 10 {
					req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+path, bytes.NewReader(text))
					if err != nil {
						failures <- err
						return
					}
					resp, err := http.DefaultTransport.RoundTrip(req)
					if err != nil {
						failures <- err
						return
					}
					if resp.StatusCode >= 500 {
						failures <- fmt.Errorf("%s: %s", path, resp.Status)
					}
					if err := resp.Body.Close(); err != nil {
						failures <- err
					}
				}
			})
		}
		for name, args := range actions {
			text := body(args)
			work.Go(func() {
				for range 10 {
					if _, err := b.stub.Actions()[name](t.Context(), text); err != nil {
						failures <- fmt.Errorf("%s: %w", name, err)
					}
				}
			})
		}
		work.Go(func() {
			for range 10 {
				if err := b.stub.Seed(b.world); err != nil {
					failures <- err
				}
			}
		})
		work.Go(func() {
			for _, step := range []string{"create", "rotate", "list", "trim"} { // any may come at a bad time
				_, _ = b.stub.Actions()[control.ActionRotateKeys](t.Context(), body(control.KeysRequest{Service: "customersdot", Step: step}))
			}
		})
	}
	work.Wait()
	close(failures)
	for err := range failures {
		require.NoError(t, err)
	}
	require.NoError(t, b.stub.Seed(b.world))
	require.Contains(t, b.scopes(), "new_feature_scope")
}
