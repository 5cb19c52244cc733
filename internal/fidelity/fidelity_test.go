package fidelity_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/fidelity"
)

func TestFacts(t *testing.T) {
	facts, err := fidelity.Facts()
	require.NoError(t, err)
	require.NotEmpty(t, facts)
	for _, f := range facts {
		require.NotContains(t, f.From, ".md", "%s names a public source", f.ID)
	}
}

const passing = `{"Action":"attr","Package":"github.com/ccmock/ccmock/gateway","Test":"TestA/sub","Key":"fact","Value":"gateway/a/b"}
# a line of the compiler
{"Action":"attr","Package":"github.com/ccmock/ccmock/gateway","Test":"TestA/other","Key":"fact","Value":"gateway/a/b"}
{"Action":"pass","Package":"github.com/ccmock/ccmock/gateway","Test":"TestA/sub"}
{"Action":"pass","Package":"github.com/ccmock/ccmock/gateway","Test":"TestA"}
{"Action":"pass","Package":"github.com/ccmock/ccmock/gateway"}
`

func TestTable(t *testing.T) {
	fact := fidelity.Fact{ID: "gateway/a/b", Kind: "rule", Fact: "a | b", Versions: "all", Source: "read", From: "the docs"}
	for _, c := range []struct {
		name, events string
		facts        []fidelity.Fact
		row, err     string
	}{
		{"proved", passing, []fidelity.Fact{fact}, `| a \| b | rule | all | read | the docs | ` + "`gateway TestA` |\n", ""},
		{"no test", "", []fidelity.Fact{fact}, "", `no test proves "gateway/a/b"`},
		{"unknown", passing, nil, "", `gateway TestA prove "gateway/a/b", which is no fact's id`},
		{
			"failed once of two runs", strings.Replace(passing, `"pass"`, `"fail"`, 2) + passing,
			[]fidelity.Fact{fact},
			"",
			`gateway TestA proves "gateway/a/b" and did not pass`,
		},
		{"never ended", strings.Replace(passing, `"pass"`, `"run"`, 2), []fidelity.Fact{fact}, "", `gateway TestA proves "gateway/a/b" and did not pass`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := fidelity.NewRun()
			require.NoError(t, r.Read(strings.NewReader(c.events)))
			table, err := fidelity.Table(c.facts, r)
			if c.err != "" {
				require.EqualError(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Contains(t, table, c.row)
			require.Equal(t, 1, strings.Count(table, "TestA"))
		})
	}
}
