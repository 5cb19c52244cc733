package gateway

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type deadlines struct {
	http.ResponseWriter
	set int
}

func (d *deadlines) SetReadDeadline(time.Time) error { d.set++; return nil }

func TestUploadPutsTheDeadlineOffWhileBytesCome(t *testing.T) {
	w := &deadlines{ResponseWriter: httptest.NewRecorder()}
	u := newUpload(w, io.NopCloser(strings.NewReader("abc")))
	var passed time.Duration
	u.elapsed = func() time.Duration { return passed }
	for _, c := range []struct {
		passed time.Duration
		want   int
	}{{time.Second, 0}, {10 * time.Second, 1}, {11 * time.Second, 1}, {20 * time.Second, 2}} {
		passed = c.passed
		_, err := u.Read(make([]byte, 1))
		require.True(t, err == nil || errors.Is(err, io.EOF))
		require.Equal(t, c.want, w.set, c.passed)
	}
}
