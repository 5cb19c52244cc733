package scenarios_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// style is the part of a page that says nothing about a report.
var style = regexp.MustCompile(`(?s)<style>.*</style>`)

func TestHTML(t *testing.T) {
	var text bytes.Buffer
	require.NoError(t, madeUp().WriteHTML(&text))
	golden(t, "reports/page", style.ReplaceAllString(text.String(), "<style></style>"))
	standsForItself(t, text.String())
}

// Pages of flows that really ran hold everything that a made-up one may have forgotten.
func TestHTMLOfFlowsThatRan(t *testing.T) {
	_, failing := allFlows(t)
	report := allRan(t)
	var text bytes.Buffer
	require.NoError(t, report.WriteHTML(&text))
	page := text.String()
	standsForItself(t, page)
	require.NotRegexp(t, `eyJ[\w-]+\.[\w-]+\.[\w-]+`, page, "no token is shown")
	require.NotContains(t, page, "glpat-ada")
	for _, r := range report.Flows {
		require.Contains(t, page, r.File)
	}
	require.Greater(t, strings.Count(page, "<svg "), len(report.Flows), "calls are drawn")
	require.Less(t, strings.LastIndex(page, `<details class="flow failed"`), strings.Index(page, `<details class="flow passed"`), "failures come first")
	require.Equal(t, failing, strings.Count(page, `<details class="flow failed"`))
	require.NotRegexp(t, `<details class="flow failed" id="flow-\d+">`, page, "failures are open")
	require.NotRegexp(t, `<details class="flow passed"[^>]* open`, page, "what passed is closed")
}

// standsForItself reads a page as strictly as XML is read, and looks for whatever would
// make a browser fetch something, or run it.
func standsForItself(t *testing.T, page string) {
	t.Helper()
	fetching := regexp.MustCompile(`(?i)^(src|href|xlink:href|srcset|action|formaction|poster|data|background|cite|ping|style|on.*)$`)
	d := xml.NewDecoder(strings.NewReader(page))
	elements := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		elements++
		require.NotContains(t, []string{"script", "link", "img", "image", "iframe", "object", "embed", "base", "use", "foreignObject"}, e.Name.Local)
		for _, a := range e.Attr {
			require.NotRegexp(t, fetching, a.Name.Local, "<%s>", e.Name.Local)
		}
	}
	require.Greater(t, elements, 10)
	css := style.FindString(page)
	require.NotEmpty(t, css)
	require.NotContains(t, css, "url(")
	require.NotContains(t, css, "@import")
	require.Contains(t, css, "prefers-color-scheme: dark")
	require.NotContains(t, css, "ZgotmplZ")
	require.NotContains(t, page, "ZgotmplZ", "the template puts no text where it cannot escape it")
}
