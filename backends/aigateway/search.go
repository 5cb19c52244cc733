package aigateway

import (
	"fmt"
	"net/http"

	"github.com/ccmock/ccmock/internal/stub"
)

// searchAnswer is the envelope of the search in GitLab's documentation.
type searchAnswer struct {
	Response struct {
		Results []searchResult `json:"results"`
	} `json:"response"`
	Metadata struct {
		Provider  string `json:"provider"`
		Timestamp int64  `json:"timestamp"`
	} `json:"metadata"`
}

type searchResult struct {
	ID       string            `json:"id"`
	Content  string            `json:"content"`
	Metadata map[string]string `json:"metadata"`
}

// defaultPageSize is how many results come where none is asked for.
const defaultPageSize = 4

// search answers "POST /v1/search/gitlab-docs": as many pages as are asked for, made up of the query. What a scenario has
// the model answer is the content of one.
func (g *Gateway) search(r *request) (stub.Reply, error) {
	payload := r.body.in("payload")
	query := payload.text("query")
	s := g.ask(r, "page", "the documentation", query)
	if s.fail != nil {
		if s.fail.Status == http.StatusNotFound {
			return stub.Reply{}, modelFailed(*s.fail, http.StatusBadRequest, "Data store not found.")
		}
		return stub.Reply{}, modelFailed(*s.fail, http.StatusInternalServerError, "Vertex API Search Error.")
	}
	var a searchAnswer
	a.Response.Results = []searchResult{}
	a.Metadata.Provider, a.Metadata.Timestamp = "vertex-ai", g.service.Clock().Now().Unix()
	contents := s.chunks
	if !s.told {
		contents = nil
		for n := range payload.number("page_size", defaultPageSize) {
			contents = append(contents, fmt.Sprintf("page %d, %s", n+1, s.text()))
		}
	} else if len(contents) > 0 {
		contents = []string{s.text()}
	}
	for n, text := range contents {
		a.Response.Results = append(a.Response.Results, searchResult{
			ID: fingerprint(query, text), Content: text,
			Metadata: map[string]string{"title": fmt.Sprintf("Page %d", n+1), "md5sum": fingerprint(text), "source_url": fmt.Sprintf("https://docs.gitlab.com/ee/page_%d", n+1)},
		})
	}
	return reply(a), nil
}
