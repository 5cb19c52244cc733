package stub

import (
	"net/http"
	"time"
)

// NewClient returns an HTTP client for calls between services. It follows no redirect:
// where the real caller does, the stub says so. Timeout is for the whole call, in real
// time; 0 means none, for streams.
func NewClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			MaxIdleConns:          256,
			MaxIdleConnsPerHost:   64,
			IdleConnTimeout:       90 * time.Second,
			ResponseHeaderTimeout: timeout,
			// What a backend compresses is relayed as it is.
			DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
