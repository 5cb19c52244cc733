package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/ccmock/ccmock/internal/clock"
	"github.com/ccmock/ccmock/internal/explain"
	"github.com/ccmock/ccmock/internal/token"
)

func newTokenDecode() *cobra.Command {
	var at moment
	var asJSON bool
	c := &cobra.Command{
		Use:   "decode [TOKEN|-]",
		Short: "Show what a token says, without believing it",
		Long: `decode prints the header and the claims of a token, with its times in words as seen
from now. Nothing is verified, and the signature is not shown. Without a token, or
with -, one is read from standard input; "Bearer " in front of it does not count.`,
		Example: `  ccmock token mint --scope new_feature_scope | ccmock token decode
  ccmock token decode --at 2024-02-17T00:00:00Z eyJhbGciOi...`,
		Args:              atMostOne("token"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			raw, err := tokenText(c.InOrStdin(), args)
			if err != nil {
				return err
			}
			decoded, err := token.Decode(raw)
			if err != nil {
				var refusal *token.Refusal
				if errors.As(err, &refusal) {
					err = errors.New(refusal.Detail)
				}
				return usagef("not a token: %w", err)
			}
			now := at.or(clock.Real{}.Now())
			if asJSON {
				return printJSON(c.OutOrStdout(), decodedToken{decoded.Header, decoded.Claims, token.Digest(raw), timesOf(decoded, now)})
			}
			printToken(c.OutOrStdout(), decoded, now)
			return nil
		},
	}
	c.Flags().Var(&at, "at", "`TIME` to see the token's times from (default: now)")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

// decodedToken is what --json prints.
type decodedToken struct {
	Header map[string]any       `json:"header"`
	Claims map[string]any       `json:"claims"`
	Digest string               `json:"digest"` // as the journal names it
	Times  map[string]tokenTime `json:"times"`
}

type tokenTime struct {
	At    time.Time `json:"at"`
	Words string    `json:"words"`
}

// tokenText is the token of the arguments or of the input.
func tokenText(in io.Reader, args []string) (string, error) {
	text := ""
	if len(args) == 1 && args[0] != "-" {
		text = args[0]
	} else {
		data, err := io.ReadAll(io.LimitReader(in, 2*token.MaxSize))
		if err != nil {
			return "", usagef("read the token: %w", err)
		}
		text = string(data)
	}
	text = strings.TrimSpace(text)
	if scheme, rest, ok := strings.Cut(text, " "); ok && strings.EqualFold(scheme, "bearer") {
		text = strings.TrimSpace(rest)
	}
	if text == "" {
		return "", hint(usagef("there is no token"), "give it as an argument, or on standard input")
	}
	return text, nil
}

// timesOf puts the token's times in words.
func timesOf(d *token.Decoded, now time.Time) map[string]tokenTime {
	times := map[string]tokenTime{}
	for _, claim := range []string{"iat", "nbf", "exp"} {
		if t, ok := d.Time(claim); ok {
			times[claim] = tokenTime{t, inWords(claim, t, now)}
		}
	}
	return times
}

// inWords says of a time what it means now.
func inWords(claim string, t, now time.Time) string {
	now = now.Truncate(time.Second)
	switch {
	case claim == "exp":
		return explain.Expiry(t, now)
	case t.Equal(now):
		return "now"
	case t.After(now):
		return "in " + explain.Span(t.Sub(now))
	}
	return explain.Span(now.Sub(t)) + " ago"
}

// claimOrder is the order in which claims are printed; others follow by name.
var claimOrder = []string{"jti", "iss", "sub", "aud", "iat", "nbf", "exp", "gitlab_realm", "scopes"}

func printToken(w io.Writer, d *token.Decoded, now time.Time) {
	times := timesOf(d, now)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	line(t, "header")
	for _, name := range inOrder(d.Header, []string{"alg", "typ", "kid"}) {
		line(t, "  %s\t%s", printable(name), value(d.Header[name]))
	}
	line(t, "claims")
	for _, name := range inOrder(d.Claims, claimOrder) {
		text := value(d.Claims[name])
		if at, ok := times[name]; ok {
			text = fmt.Sprintf("%s, %s", at.At.Format("2006-01-02 15:04:05 UTC"), at.Words)
		}
		line(t, "  %s\t%s", printable(name), text)
	}
	_ = t.Flush()
	line(w, "signature not verified, not shown")
}

// inOrder lists the names of m: first those that are in order, then the others sorted.
func inOrder(m map[string]any, order []string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		x, y := slices.Index(order, a), slices.Index(order, b)
		switch {
		case x >= 0 && y >= 0:
			return x - y
		case x >= 0:
			return -1
		case y >= 0:
			return 1
		}
		return strings.Compare(a, b)
	})
	return names
}

// value writes a claim for people: a text as it is, a list of texts with commas, anything
// else as JSON.
func value(v any) string {
	switch v := v.(type) {
	case string:
		return printable(v)
	case []any:
		texts := make([]string, len(v))
		for n, item := range v {
			s, ok := item.(string)
			if !ok {
				return asJSON(v)
			}
			texts[n] = printable(s)
		}
		if len(texts) > 0 {
			return strings.Join(texts, ", ")
		}
	}
	return asJSON(v)
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%q", fmt.Sprint(v))
	}
	return printable(string(text))
}

// printable quotes what a terminal would obey: whoever made the token may mean harm.
func printable(s string) string {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return fmt.Sprintf("%+q", s)
		}
	}
	if s == "" {
		return `""`
	}
	return s
}
