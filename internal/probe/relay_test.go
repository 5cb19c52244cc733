package probe_test

import (
	"net/http"
	"net/http/httputil"
	"net/url"
)

// relay passes requests on to a service whose URL is known only later.
type relay struct{ proxy *httputil.ReverseProxy }

func (r *relay) to(origin string) {
	u, err := url.Parse(origin)
	if err != nil {
		panic(err)
	}
	r.proxy = &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(u) }}
}

func (r *relay) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.proxy.ServeHTTP(w, req) }
