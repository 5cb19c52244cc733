package tokentest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/ccmock/ccmock/internal/token"
)

// keySetPath is where GitLab and CustomersDot publish their keys.
const keySetPath = "/oauth/discovery/keys"

// Issuer serves a discovery document and a key set, as GitLab and CustomersDot do. Its methods may be called while
// requests are under way.
type Issuer struct {
	URL string

	set        atomic.Pointer[token.KeySet]
	down       atomic.Bool
	redirected atomic.Bool
	fetches    atomic.Int64
	requestID  atomic.Value
	mux        *http.ServeMux
}

// NewIssuer starts an issuer that publishes the key of that name in Pool. It is closed when the test ends.
func NewIssuer(t testing.TB, name string) *Issuer {
	t.Helper()
	i := &Issuer{mux: http.NewServeMux()}
	i.requestID.Store("")
	i.Publish(Key(t, name))
	mux := i.mux
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET "+keySetPath, i.keySet)
	mux.Handle("GET /moved", http.RedirectHandler(keySetPath, http.StatusFound))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i.down.Load() {
			panic(http.ErrAbortHandler)
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	i.URL = server.URL
	return i
}

// As is the issuer as one that trusts it knows it, under a name.
func (i *Issuer) As(name string) token.Issuer { return token.Issuer{Name: name, URL: i.URL} }

// Handle has the issuer answer something else, too.
func (i *Issuer) Handle(pattern string, h http.HandlerFunc) { i.mux.HandleFunc(pattern, h) }

// Publish puts other keys in the place of those published.
func (i *Issuer) Publish(keys ...*token.Key) {
	set := token.NewKeySet(keys...)
	i.set.Store(&set)
}

// SetDown says whether connections are closed without an answer.
func (i *Issuer) SetDown(down bool) { i.down.Store(down) }

// Redirect has the discovery document name an address that redirects to the key set.
func (i *Issuer) Redirect() { i.redirected.Store(true) }

// Fetches counts the answers with the key set.
func (i *Issuer) Fetches() int64 { return i.fetches.Load() }

// LastRequestID is the X-Request-Id of the last request for the key set, "" when it had none or there was none.
func (i *Issuer) LastRequestID() string { return i.requestID.Load().(string) }

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	path := keySetPath
	if i.redirected.Load() {
		path = "/moved"
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + path})
}

func (i *Issuer) keySet(w http.ResponseWriter, r *http.Request) {
	i.fetches.Add(1)
	i.requestID.Store(r.Header.Get("X-Request-Id"))
	_, _ = w.Write(i.set.Load().JSON())
}
