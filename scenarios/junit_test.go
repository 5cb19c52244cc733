package scenarios_test

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJUnit(t *testing.T) {
	var text bytes.Buffer
	require.NoError(t, madeUp().WriteJUnit(&text))
	golden(t, "reports/junit", text.String())

	// What a parser makes of it.
	var read struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
		Suites   []struct {
			Tests int    `xml:"tests,attr"`
			Time  string `xml:"time,attr"`
			Cases []struct {
				Class   string `xml:"classname,attr"`
				Name    string `xml:"name,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
					Text    string `xml:",chardata"`
				} `xml:"failure"`
				Error   *struct{} `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal(text.Bytes(), &read))
	require.Len(t, read.Suites, 5)
	names := map[string]bool{}
	tests, failures, errs, skipped := 0, 0, 0, 0
	for _, s := range read.Suites {
		require.Len(t, s.Cases, s.Tests)
		_, err := strconv.ParseFloat(s.Time, 64)
		require.NoError(t, err)
		for _, c := range s.Cases {
			require.False(t, names[c.Class+c.Name], "GitLab knows a test by its class and name, which must be its own")
			names[c.Class+c.Name] = true
			tests++
			if c.Failure != nil {
				failures++
			}
			if c.Error != nil {
				errs++
			}
			if c.Skipped != nil {
				skipped++
			}
		}
	}
	require.Equal(t, []int{tests, failures, errs, skipped}, []int{read.Tests, read.Failures, read.Errors, read.Skipped})
	refused := read.Suites[1].Cases[1]
	require.Equal(t, "expected status 200, got 403 Forbidden[31m ]]> ", refused.Failure.Message)
	require.Contains(t, refused.Failure.Text, "flows/refused.yaml:12")
	require.Contains(t, refused.Failure.Text, "refused by foo: the token lacks new_feature_scope")
}
