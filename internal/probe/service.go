package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
)

// stopTakes is how long a service may take to end by itself when it is told to.
const stopTakes = 5 * time.Second

// Service is a service that was started for the probe, with all that it starts itself.
type Service struct {
	name   string
	stop   context.CancelFunc
	done   chan struct{}
	err    error // of its end, set when done is closed
	output tail
}

// Serve starts a service by its command line, with Environment added to this process's own.
// Whoever answers at the URL already is somebody else, and an error.
func (p *Probe) Serve(ctx context.Context, commandLine []string) (*Service, error) {
	if status, err := p.ask(ctx); err == nil {
		return nil, fmt.Errorf("somebody else answers at %s already, with status %d", p.options.URL, status)
	}
	// Detached: the end of ctx is for Close to act on.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &Service{name: commandLine[0], stop: stop, done: make(chan struct{})}
	c := exec.CommandContext(running, commandLine[0], commandLine[1:]...)
	c.Env = append(os.Environ(), p.Environment()...)
	c.WaitDelay = stopTakes
	ownGroup(c)
	// Not a writer of ours, as Wait would then wait for whoever else holds the pipe.
	output, input, err := os.Pipe()
	if err != nil {
		stop()
		return nil, fmt.Errorf("start %s: %w", s.name, err)
	}
	c.Stdout, c.Stderr = input, input
	err = c.Start()
	_ = input.Close()
	if err != nil {
		stop()
		_ = output.Close()
		return nil, fmt.Errorf("start %s: %w", s.name, err)
	}
	go s.follow(c, output)
	return s, nil
}

// follow reads what the service writes until it has ended, and ends who is left of it.
func (s *Service) follow(c *exec.Cmd, output *os.File) {
	defer close(s.done)
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(&s.output, output)
	}()
	err := c.Wait()
	killGroup(c)
	_ = output.SetReadDeadline(clock.Real{}.Now().Add(time.Second)) // somebody may have left the group
	<-read
	_ = output.Close()
	if err == nil {
		err = errors.New("exit status 0")
	}
	s.err = fmt.Errorf("%s stopped by itself: %w", s.name, err)
}

// While returns a context that ends with the service, too, whose end is its cause then.
func (s *Service) While(ctx context.Context) (context.Context, context.CancelFunc) {
	with, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-s.done:
			cancel(s.err)
		case <-with.Done():
		}
	}()
	return with, func() { cancel(nil) }
}

// Output is the end of what the service wrote, at most the given number of lines.
func (s *Service) Output(lines int) string {
	all := strings.Split(strings.TrimRight(s.output.String(), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// Close ends the service and everything that it started: kindly at first.
func (s *Service) Close() {
	s.stop()
	<-s.done
}

// tail keeps the end of what is written to it. It is safe for concurrent use.
type tail struct {
	mu   sync.Mutex
	text []byte
}

var _ io.Writer = (*tail)(nil)

func (t *tail) Write(p []byte) (int, error) {
	const most = 64 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - most; over > 0 {
		t.text = bytes.Clone(t.text[over:])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
