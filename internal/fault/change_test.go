package fault_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fault"
)

const (
	threeKeys = `{"keys":[{"kid":"a"},{"kid":"b"},{"kid":"c"}]}`
	aToken    = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmVk"
	corrupted = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.A2lnbmVk"
)

func TestChangeBody(t *testing.T) {
	for _, c := range []struct {
		name  string
		do    fault.Action
		body  string
		stale []byte
		want  string // empty: nothing to change
	}{
		{"truncated", fault.Action{Truncate: 5}, `{"a":1}`, nil, `{"a":`},
		{"truncated at the end", fault.Action{Truncate: 7}, `{"a":1}`, nil, ""},
		{"malformed object", fault.Action{Malformed: true}, `{"a":1}` + "\n", nil, `{"a":1,}`},
		{"malformed list", fault.Action{Malformed: true}, `[1]`, nil, `[1,]`},
		{"malformed empty object", fault.Action{Malformed: true}, `{}`, nil, `{,}`},
		{"malformed number", fault.Action{Malformed: true}, `1`, nil, `1,`},
		{"malformed text", fault.Action{Malformed: true}, `down`, nil, ""},
		{"malformed nothing", fault.Action{Malformed: true}, ``, nil, ""},
		{"without the first key", fault.Action{Keys: fault.KeysWithoutFirst}, threeKeys, nil, `{"keys":[{"kid":"b"},{"kid":"c"}]}`},
		{"without the last key", fault.Action{Keys: fault.KeysWithoutLast}, threeKeys, nil, `{"keys":[{"kid":"a"},{"kid":"b"}]}`},
		{"without the only key", fault.Action{Keys: fault.KeysWithoutLast}, `{"keys":[{"kid":"a"}]}`, nil, `{"keys":[]}`},
		{"without a key of none", fault.Action{Keys: fault.KeysWithoutLast}, `{"keys":[]}`, nil, ""},
		{"no key set", fault.Action{Keys: fault.KeysWithoutFirst}, `{"a":1}`, nil, ""},
		{"stale keys", fault.Action{Keys: fault.KeysStale}, threeKeys, []byte(`{"keys":[]}`), `{"keys":[]}`},
		{"no stale keys", fault.Action{Keys: fault.KeysStale}, threeKeys, nil, ""},
		{"signature", fault.Action{CorruptSignature: fault.SignatureInAnswer}, `{"token":"` + aToken + `"}`, nil, `{"token":"` + corrupted + `"}`},
		{"no token", fault.Action{CorruptSignature: fault.SignatureInAnswer}, `{"token":"a.b.c"}`, nil, ""},
		{"signature of the request", fault.Action{CorruptSignature: fault.SignatureInRequest}, `{"token":"` + aToken + `"}`, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := []byte(c.body)
			got, changed := c.do.ChangeBody(body, c.stale)
			require.Equal(t, c.body, string(body), "the body that was given is changed in place")
			require.Equal(t, c.want != "", changed)
			if changed {
				require.Equal(t, c.want, string(got))
			}
			if c.do.Malformed && changed {
				require.False(t, json.Valid(got))
			}
		})
	}
}

func TestChangeRequest(t *testing.T) {
	do := fault.Action{CorruptSignature: fault.SignatureInRequest}
	h := http.Header{"Authorization": {"Bearer " + aToken}}
	require.True(t, do.ChangeRequest(h))
	require.Equal(t, "Bearer "+corrupted, h.Get("Authorization"))
	require.True(t, do.ChangeRequest(h), "a signature that begins with what is put in is changed too")
	require.NotEqual(t, "Bearer "+corrupted, h.Get("Authorization"))

	require.False(t, do.ChangeRequest(http.Header{}))
	require.False(t, do.ChangeRequest(http.Header{"Authorization": {"Bearer garbage"}}))
	require.False(t, fault.Action{CorruptSignature: fault.SignatureInAnswer}.ChangeRequest(h))
}

func TestMissedTakesAnApplicationBack(t *testing.T) {
	var s fault.Set
	require.NoError(t, s.Add(fault.Rule{Name: "once", Times: 1, Do: fault.Action{Malformed: true}}))
	for range 2 {
		rule, ok := s.Match(fault.Request{})
		require.True(t, ok)
		s.Missed(rule.Name)
	}
	s.Missed("once")
	require.Equal(t, 0, s.States()[0].Applied)
	require.Equal(t, 2, s.States()[0].Seen)
}
