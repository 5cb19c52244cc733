package stub

import (
	"bytes"
	"net/http"
	"strconv"

	"github.com/ccmock/ccmock/internal/fault"
)

// FaultHeader names, on an answer, the fault that was applied to the request.
const FaultHeader = "X-Ccmock-Fault"

// changedBody keeps an answer back, so that a fault can change its body and still have
// the length right. An answer larger than DefaultMaxBody passes as it is.
type changedBody struct {
	to     *response
	do     fault.Action
	missed func()
	stale  []byte
	status int
	body   bytes.Buffer
	passes bool
}

func (c *changedBody) Header() http.Header { return c.to.Header() }

func (c *changedBody) WriteHeader(status int) {
	if status >= http.StatusOK && c.status == 0 {
		c.status = status
	}
}

func (c *changedBody) Write(p []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	if !c.passes && c.body.Len()+len(p) > DefaultMaxBody {
		c.missed()
		c.passes = true
		c.to.WriteHeader(c.status)
		if _, err := c.to.Write(c.body.Bytes()); err != nil {
			return 0, err
		}
	}
	if c.passes {
		return c.to.Write(p)
	}
	return c.body.Write(p)
}

// FlushError lets streams go on; what they write waits for the end.
func (c *changedBody) FlushError() error { return nil }

// finish sends the answer.
func (c *changedBody) finish() {
	if c.passes || c.status == 0 {
		return
	}
	body, changed := c.do.ChangeBody(c.body.Bytes(), c.stale)
	if changed {
		c.Header().Set("Content-Length", strconv.Itoa(len(body)))
	} else {
		c.missed()
	}
	c.to.WriteHeader(c.status)
	if len(body) > 0 {
		_, _ = c.to.Write(body) // a client that went away gets nothing
	}
}
