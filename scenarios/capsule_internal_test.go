package scenarios

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccmock/ccmock/internal/strictyaml"
	"github.com/ccmock/ccmock/internal/world"
)

func TestACapsuleKeepsTextsAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"a: 1\n", "a: |\n  b\n\n  c  \n# d\n", "no end", "two ends\n\n", " begins with a space\n", "\nbegins empty\n",
		"tab\tinside\n", "return\r\n", "\x1b[31m\n", "--- x\n...\n", "quote \" and \\ and é and 世\n", "<&>\u2028\n", "\ttab first\n",
	} {
		c := Capsule{
			Format: Format, Version: "v1", Seed: 1<<64 - 1, Flow: CapsuleFile{File: "f: x.yaml", Text: text},
			Features: []CapsuleFile{{File: "a b.yaml", Text: text}}, Catalogs: []CapsuleFile{{File: "../cc.yml", Text: text}},
			Failure:  Failure{Step: 2, Title: text, Messages: []string{text}},
			Evidence: Evidence{Story: text, Journal: text}, Whole: true,
		}
		data, err := c.YAML()
		require.NoError(t, err)
		doc, err := strictyaml.Parse("x.capsule", data)
		require.NoError(t, err, "%q", text)
		var read Capsule
		require.NoError(t, doc.Decode(&read), "%q", text)
		require.Equal(t, c, read)
	}
}

func TestACapsuleTooLargeToReadIsNotWritten(t *testing.T) {
	t.Parallel()
	_, err := Capsule{Flow: CapsuleFile{Text: string(make([]byte, strictyaml.MaxSize))}}.YAML()
	require.ErrorContains(t, err, "expected 1048576 at most")
}

func TestStandInsAreTheSameForTheSameSecret(t *testing.T) {
	t.Parallel()
	f := Flow{World: world.World{Users: []world.User{{Name: "ada", Token: "open-sesame"}}}, text: "token: open-sesame"}
	s := newStandIns(&f)
	first := s.text("{token: open-sesame, header: 'Bearer glpat-one'}")
	require.NotContains(t, first, "sesame")
	require.NotContains(t, first, "glpat-one")
	require.Equal(t, first, s.text("{token: open-sesame, header: 'Bearer glpat-one'}"))
	require.NotEqual(t, s.text("glpat-one"), s.text("glpat-two"))
	require.Equal(t, "open-sesame-street", s.text("open-sesame-street"), "another word")
	const key = "-----BEGIN RSA PRIVATE KEY-----\n  MIIEow\n  -----END RSA PRIVATE KEY-----"
	require.Equal(t, "key: |\n  -----BEGIN RSA PRIVATE KEY-----...-----END RSA PRIVATE KEY-----\n", s.text("key: |\n  "+key+"\n"))
	require.NotContains(t, newRedactor(&f).text(key), "MIIEow")
	require.NotContains(t, newRedactor(&f).text(key[:40]), "MIIEow", "one that was cut")
	require.Equal(t, "eyJhIjoxfQ.eyJiIjoyfQ.REMOVED", s.text("eyJhIjoxfQ.eyJiIjoyfQ.c2VjcmV0"))
}

func TestAFailureIsTheSameInSpiteOfPorts(t *testing.T) {
	t.Parallel()
	one := Failure{Step: 1, Messages: []string{"expected http://127.0.0.1:4001/a and [token 12ab]"}}
	require.True(t, one.Same(Failure{Step: 1, Messages: []string{"expected http://127.0.0.1:5002/a and [token 34cd]"}}))
	require.False(t, one.Same(Failure{Step: 2, Messages: one.Messages}))
	require.False(t, one.Same(Failure{Step: 1, Messages: []string{"expected http://127.0.0.1:4001/b and [token 12ab]"}}))
	require.False(t, one.Same(Failure{Step: 1}))
}
