package aigateway

import (
	"crypto/sha256"
	"net/http"

	"github.com/ccmock/ccmock/internal/stub"
	"github.com/ccmock/ccmock/internal/world"
)

type embeddingsAnswer struct {
	Model       embeddingsModel `json:"model"`
	Predictions []prediction    `json:"predictions"`
}

type embeddingsModel struct {
	Engine     string `json:"engine"`
	Name       string `json:"name"`
	Identifier string `json:"identifier"`
}

type prediction struct {
	Embedding []float64 `json:"embedding"`
	Index     int       `json:"index"`
}

// Dimensions of an embedding: those of a request that names none, and the most that are made.
const (
	defaultDimensions = 8
	mostDimensions    = 4096
)

// embeddings answers "POST /v1/embeddings/code_embeddings" and the two below it.
func (g *Gateway) embeddings(r *request) (stub.Reply, error) {
	metadata := r.body.in("model_metadata")
	provider, name := metadata.text("provider"), metadata.text("name")
	switch {
	case provider != "gitlab" && provider != "litellm":
		return stub.Reply{}, detail(http.StatusUnprocessableEntity, "Allowed providers are: gitlab|litellm.")
	case provider == "litellm" && name != "embedding":
		return stub.Reply{}, detail(http.StatusUnprocessableEntity, "Model name must be embedding.")
	case provider == "litellm" && metadata.text("endpoint") == "":
		return stub.Reply{}, detail(http.StatusUnprocessableEntity, "Model endpoint is required.")
	}
	contents := r.body.texts("contents")
	if s := g.ask(r, "embedding", "code", contents...); s.fail != nil {
		return stub.Reply{}, g.embeddingFailed(*s.fail)
	}
	a := embeddingsAnswer{
		Model:       embeddingsModel{Engine: provider, Name: name, Identifier: metadata.text("identifier")},
		Predictions: make([]prediction, 0, len(contents)),
	}
	dimensions := min(max(r.body.number("dimensions", defaultDimensions), 1), mostDimensions)
	for n, text := range contents {
		a.Predictions = append(a.Predictions, prediction{embedding(text, dimensions), n})
	}
	return reply(a), nil
}

// embedding is a point between -1 and 1 in every dimension, the same for the same text.
func embedding(text string, dimensions int) []float64 {
	point := make([]float64, dimensions)
	sum := sha256.Sum256([]byte(text))
	for n := range point {
		if n > 0 && n%len(sum) == 0 {
			sum = sha256.Sum256(sum[:])
		}
		point[n] = (float64(sum[n%len(sum)]) - 127.5) / 127.5
	}
	return point
}

// embeddingFailed hands on three of the provider's statuses.
func (g *Gateway) embeddingFailed(f world.ModelFailure) error {
	switch f.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusTooManyRequests:
		return modelFailed(f, f.Status, reasonPhrase(f))
	}
	return g.inferenceFailed(f)
}
