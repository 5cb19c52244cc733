package token

import (
	"bufio"
	"encoding/json"
	"math"
	"math/big"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
)

// Each line of the file is what python-jose 3.5.0 under Python 3.11 says of a header
// and payload that were signed with a good key, at testNow.
func TestAIGatewayReadsAsPython(t *testing.T) {
	fidelity.Proves(t, "verifier/python/reads")
	file, err := os.Open("testdata/python_jose.jsonl")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	w := newTestWorld(t)
	v := w.gatewayVerifier(AIGatewayKeysOptions{})
	lines := bufio.NewScanner(file)
	n := 0
	for lines.Scan() {
		var row struct {
			Header        string `json:"header"`
			HeaderBase64  []byte `json:"header_base64"`
			Payload       string `json:"payload"`
			PayloadBase64 []byte `json:"payload_base64"`
			Status        int    `json:"status"`
			Log           string `json:"log"`
			ScopeStatus   int    `json:"scope_status"`
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &row))
		n++
		raw, err := ForgeBytes(testKey(t, "portal"), append(row.HeaderBase64, row.Header...), append(row.PayloadBase64, row.Payload...))
		require.NoError(t, err)
		claims, verdict := v.claims(t.Context(), http.Header{"Authorization": {"Bearer " + raw}, AuthTypeHeader: {"oidc"}})
		if verdict == nil {
			verdict = &Verdict{Status: 200}
		}
		require.Equal(t, row.Status, verdict.Status, "%s", lines.Bytes())
		require.Equal(t, row.Log, verdict.Log, "%s", lines.Bytes())
		if verdict.OK() {
			user := &AIGatewayUser{Claims: claims}
			require.Equal(t, row.ScopeStatus, user.Can(testScope).Status, "%s", lines.Bytes())
		}
	}
	require.NoError(t, lines.Err())
	require.Greater(t, n, 400)
}

func TestPyBase64(t *testing.T) {
	for segment, want := range map[string]string{
		"": "", "ab": "i", "abc": "i\xb7", "abcd": "i\xb7\x1d", "YQ": "a", "YQ=": "a", "YQ==": "a", "YQ==YQ==": "a",
		"YWI=YQ": "ab", "====": "", "-_-_": "\xfb\xff\xbf", "+/+/": "\xfb\xff\xbf", "!!!": "", "YWJj=": "abc", "YWJj.ZGVm": "abcdef",
	} {
		got, ok := pyBase64([]byte(segment))
		require.True(t, ok, segment)
		require.Equal(t, want, string(got), segment)
	}
	for _, segment := range []string{"a", "a.b", "Y=Q", "=YQ", "a===", "Y Q", "YQé", "YWJjZ", "YWJj.ZGV"} {
		_, ok := pyBase64([]byte(segment))
		require.False(t, ok, segment)
	}
	segment := []byte("YQ..")
	_, _ = pyBase64(segment[:2])
	require.Equal(t, "YQ..", string(segment), "what follows the segment is left alone")
}

func TestPyNesting(t *testing.T) {
	deep := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	_, err := pyJSON(deep(pyNesting))
	require.NoError(t, err)
	_, err = pyJSON(deep(pyNesting + 1))
	require.ErrorIs(t, err, errTypeError)
	_, err = pyJSON([]byte(strings.Repeat(`{"a":`, 1<<20)))
	require.ErrorIs(t, err, errTypeError)
}

func TestPyTrue(t *testing.T) {
	for _, v := range []any{nil, false, new(big.Int), 0.0, "", []any{}, map[string]any{}} {
		require.False(t, pyTrue(v), "%v", v)
	}
	for _, v := range []any{true, big.NewInt(-1), math.NaN(), "0", []any{nil}, map[string]any{"": nil}} {
		require.True(t, pyTrue(v), "%v", v)
	}
}

func TestLatin1(t *testing.T) {
	require.Equal(t, "abc", latin1("abc"))
	require.Equal(t, "Ã©", latin1("é"))
}

func FuzzAIGateway(f *testing.F) {
	for _, seed := range fuzzTokens {
		f.Add(seed, []byte(seed), []byte(seed))
	}
	f.Add("x", []byte(`{"alg":"RS256"}`), []byte(`{"exp":1e400,"scopes":{"\ud800":[NaN,-Infinity,01]}}`))
	f.Fuzz(func(t *testing.T, raw string, header, payload []byte) {
		key := testKey(t, "portal")
		set := &gatewaySet{keys: []gatewayKey{{id: key.ID(), public: key.Public()}}}
		signed, err := ForgeBytes(key, header, payload)
		require.NoError(t, err)
		for _, raw := range []string{raw, signed} {
			token, verdict := joseLoad(raw)
			if verdict == nil {
				verdict = token.checkSignature(set)
			}
			if verdict == nil {
				require.Equal(t, signed, raw, "a token that nobody signed passed")
				_, verdict = joseClaims(token.payload, testAudience, testNow)
			}
			if verdict != nil {
				require.Contains(t, []int{401, 500}, verdict.Status)
				require.NotEmpty(t, verdict.Reason)
				require.Equal(t, verdict.Status == 401, verdict.Log != "")
			}
		}
	})
}
