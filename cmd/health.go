package cmd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// defaultControlURL is where `ccmock up` has its control plane.
const defaultControlURL = "http://127.0.0.1:7070"

// healthTimeout bounds one question, in real time.
const healthTimeout = 2 * time.Second

func newHealth() *cobra.Command {
	var quiet bool
	c := &cobra.Command{
		Use:   "health [URL...]",
		Short: "Ask running ecosystems whether they are well",
		Long: `health asks control planes whether their process serves, by default the one of
ccmock up. It needs no control token. The exit code is 0 when all are well and 1
when one is not.`,
		Example: `  ccmock health
  ccmock health http://127.0.0.1:7071 http://127.0.0.1:7072`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, urls []string) error {
			if len(urls) == 0 {
				urls = []string{defaultControlURL}
			}
			client := &http.Client{Timeout: healthTimeout}
			defer client.CloseIdleConnections()
			var errs []error
			for _, u := range urls {
				if parsed, err := url.Parse(u); err != nil || parsed.Host == "" {
					return usagef("%q is not a URL, expected such as %s", u, defaultControlURL)
				}
				if err := health(c.Context(), client, u); err != nil {
					errs = append(errs, err)
				} else if !quiet {
					line(c.OutOrStdout(), "%s is well", u)
				}
			}
			if err := errors.Join(errs...); err != nil {
				return &exitError{code: exitFailed, err: err}
			}
			return nil
		},
	}
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "say nothing when all are well")
	return c
}

func health(ctx context.Context, client *http.Client, base string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(base, "/")+"/v1/health", nil)
	if err != nil {
		return fmt.Errorf("%s: %w", base, err)
	}
	resp, err := client.Do(req)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // the URL is named already
		}
		return fmt.Errorf("%s does not answer: %w", base, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not well: it answered %s, expected 200 OK", base, resp.Status)
	}
	return nil
}
