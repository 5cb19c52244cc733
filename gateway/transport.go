package gateway

import (
	"net"
	"net/http"
	"strings"
	"time"
)

// dialTimeout bounds a connection attempt, in real time, where the origin timeout is not
// shorter.
const dialTimeout = 10 * time.Second

// transports carry requests to origins: one is for everything, and one speaks HTTP/2
// without TLS, which gRPC needs and few others offer.
type transports struct {
	usual, grpc *http.Transport
}

func newTransports(timeout time.Duration) *transports {
	dialer := &net.Dialer{Timeout: min(dialTimeout, timeout), KeepAlive: 30 * time.Second}
	var usual, grpc http.Protocols
	usual.SetHTTP1(true)
	usual.SetHTTP2(true)
	grpc.SetHTTP2(true)
	grpc.SetUnencryptedHTTP2(true)
	transport := func(p *http.Protocols) *http.Transport {
		return &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         dialer.DialContext,
			TLSHandshakeTimeout: min(dialTimeout, timeout),
			// As many as may come at once; with the default of 2 per host, most connections
			// would be closed after one request.
			MaxIdleConns:          1024,
			MaxIdleConnsPerHost:   256,
			IdleConnTimeout:       90 * time.Second,
			ResponseHeaderTimeout: timeout,
			DisableCompression:    true, // bodies pass as they are
			WriteBufferSize:       8 << 10,
			ReadBufferSize:        8 << 10,
			Protocols:             p,
		}
	}
	return &transports{usual: transport(&usual), grpc: transport(&grpc)}
}

// RoundTrip sends a request to its origin.
func (t *transports) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		return t.grpc.RoundTrip(r)
	}
	return t.usual.RoundTrip(r)
}
