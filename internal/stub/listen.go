package stub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// Listen opens a TCP listener for the named service. It is open when Listen returns, so
// its address can be announced before anything is served.
func Listen(ctx context.Context, service, addr string) (net.Listener, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s cannot listen on %s: the port is in use, by another ccmock perhaps (hint: --port-base moves all ports)", service, addr)
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot listen on %s: %w", service, addr, err)
	}
	return ln, nil
}

// Limits on what a client may do to a server. They bound, in real time and bytes, what a
// request that stops half-way can hold up.
const (
	ReadHeaderTimeout = 10 * time.Second
	ReadTimeout       = 60 * time.Second
	IdleTimeout       = 2 * time.Minute
	MaxHeaderBytes    = 64 << 10
)

// Server serves one listener.
type Server struct {
	url  string
	http *http.Server
	done chan struct{}
	err  error
}

// Serve serves h on ln until Close. HTTP/1.1 and HTTP/2 are spoken, the latter in the
// clear by prior knowledge and, where config is not nil, over TLS.
func Serve(ln net.Listener, h http.Handler, config *tls.Config, log *slog.Logger) *Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	protocols.SetHTTP2(true)
	s := &Server{
		url: "http://" + ln.Addr().String(),
		http: &http.Server{
			Handler:           h,
			Protocols:         &protocols,
			TLSConfig:         config,
			ReadHeaderTimeout: ReadHeaderTimeout,
			ReadTimeout:       ReadTimeout,
			IdleTimeout:       IdleTimeout,
			MaxHeaderBytes:    MaxHeaderBytes,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
		done: make(chan struct{}),
	}
	if config != nil {
		s.url = "https://" + ln.Addr().String()
	}
	go func() {
		defer close(s.done)
		var err error
		if config != nil {
			err = s.http.ServeTLS(ln, "", "")
		} else {
			err = s.http.Serve(ln)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			s.err = err
		}
	}()
	return s
}

// URL is where the server answers, without a trailing slash.
func (s *Server) URL() string { return s.url }

// Done is closed when the server has stopped serving, and Err then says why.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err is why the server stopped by itself; nil after Close. Read it after Done.
func (s *Server) Err() error { return s.err }

// Close lets requests under way finish until ctx ends, then cuts them off.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	<-s.done
	return err
}
