package aigateway_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
	"github.com/ccmock/ccmock/internal/world"
)

// Each line of the file is what FastAPI 0.115.6 with pydantic 2.14 was measured to answer to a body, with models of the
// same fields. Those of before 2026 answered so; later ones say only that it does not fit.
func TestBodiesAsFastAPI(t *testing.T) {
	fidelity.Proves(t, "aigateway/releases/validation", "aigateway/validation/lax")
	file, err := os.Open("testdata/fastapi.jsonl")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	old, recent := deployed(t, func(a *world.AIGateway) { a.Release = "2025-01" }), newRig(t)
	rows := bufio.NewScanner(file)
	rows.Buffer(nil, 1<<20)
	n := 0
	for rows.Scan() {
		var row struct {
			Path, Body string
			Type       *string
			Status     int
			Answer     json.RawMessage
		}
		require.NoError(t, json.Unmarshal(rows.Bytes(), &row))
		n++
		t.Run(fmt.Sprintf("%d %s", n, row.Path), func(t *testing.T) {
			ask := func(r *rig) answer {
				c := r.allowed(t, row.Path, row.Body)
				if row.Type != nil {
					c.header.Set("Content-Type", *row.Type)
				}
				if row.Type != nil && *row.Type == "" {
					c.header.Del("Content-Type")
				}
				return r.send(t, c)
			}
			a := ask(old)
			require.Equal(t, row.Status, a.StatusCode, "%s\n%s", row.Body, a.body)
			switch row.Status {
			case http.StatusUnprocessableEntity:
				require.JSONEq(t, string(row.Answer), a.body, "%s", row.Body)
				a = ask(recent)
				require.Equal(t, row.Status, a.StatusCode)
				require.Equal(t, `{"detail":"Validation error"}`, a.body)
			case http.StatusInternalServerError:
				require.Equal(t, "Internal Server Error", a.body)
				require.Equal(t, http.StatusUnprocessableEntity, ask(recent).StatusCode, "who lists nothing can list it")
			case http.StatusBadRequest:
				require.JSONEq(t, string(row.Answer), a.body)
			}
		})
	}
	require.NoError(t, rows.Err())
	require.Greater(t, n, 140)
}
