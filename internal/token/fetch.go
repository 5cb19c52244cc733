package token

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const discoveryPath = "/.well-known/openid-configuration"

// fetch reads the discovery document, unless the key set's address is known, and the
// key set. Errors name the issuer and the address.
func (i *remoteIssuer) fetch(ctx context.Context, jwksURI string) (*publishedSet, string, error) {
	if jwksURI == "" {
		var err error
		if jwksURI, err = i.discover(ctx); err != nil {
			return nil, "", fmt.Errorf("discovery of %s: %w", i.Name, err)
		}
	}
	i.count(&i.keyFetches)
	body, err := i.keys.read(ctx, jwksURI)
	if err == nil {
		var set *publishedSet
		if set, err = parseKeySet(body); err == nil {
			return set, jwksURI, nil
		}
		err = fmt.Errorf("%s: %w", jwksURI, err)
	}
	return nil, "", fmt.Errorf("key set of %s: %w", i.Name, err)
}

func (i *remoteIssuer) discover(ctx context.Context) (string, error) {
	address := strings.TrimRight(i.URL, "/") + discoveryPath
	i.count(&i.discoveries)
	body, err := i.keys.read(ctx, address)
	if err != nil {
		return "", err
	}
	var doc struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return "", fmt.Errorf("%s: expected a discovery document: %w", address, err)
	}
	// A document that speaks for another issuer would lend its name to these keys.
	if !i.keys.same(doc.Issuer, i.identifier()) {
		return "", fmt.Errorf("%s: expected issuer %q, got %q", address, i.identifier(), short(doc.Issuer))
	}
	u, err := url.Parse(doc.JWKSURI)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", fmt.Errorf("%s: expected an absolute jwks_uri, got %q", address, short(doc.JWKSURI))
	}
	return doc.JWKSURI, nil
}

func (i *remoteIssuer) count(n *int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	*n++
}

// read gets a JSON object with status 200, of bounded size and in bounded time.
func (r *RemoteKeys) read(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, r.options.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Close = true // a connection would be idle for a day
	res, err := r.client.Do(req)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("%s: no answer within %s", address, r.options.Timeout)
		}
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // nothing was written
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: expected status 200, got %d", address, res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, r.options.MaxBody+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	if int64(len(body)) > r.options.MaxBody {
		return nil, fmt.Errorf("%s: expected at most %d bytes, got more", address, r.options.MaxBody)
	}
	if !json.Valid(body) || !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
		return nil, fmt.Errorf("%s: expected a JSON object, got %d bytes of %q", address, len(body), short(kind))
	}
	return body, nil
}

// parseKeySet takes the RSA signing keys out of a key set. Keys that cannot be used
// are skipped, each with its cause; a set with keys of which none is usable is an
// error, and so is one without the member "keys". {"keys":[]} is a set of none.
func parseKeySet(body []byte) (*publishedSet, error) {
	var doc struct {
		Keys *[]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, fmt.Errorf("expected a key set: %w", err)
	}
	if doc.Keys == nil {
		return nil, errors.New("expected a key set, got no member \"keys\"")
	}
	set := &publishedSet{}
	for n, raw := range *doc.Keys {
		key, err := parseJWK(raw)
		if err != nil {
			set.skipped = append(set.skipped, fmt.Sprintf("keys[%d]: %v", n, err))
			continue
		}
		set.keys = append(set.keys, key)
	}
	if len(set.keys) == 0 && len(set.skipped) > 0 {
		return nil, fmt.Errorf("no usable key: %s", strings.Join(set.skipped, "; "))
	}
	return set, nil
}

func parseJWK(raw json.RawMessage) (publishedKey, error) {
	var peek struct {
		KeyType   string `json:"kty"`
		KeyID     string `json:"kid"`
		Use       string `json:"use"`
		Algorithm string `json:"alg"`
	}
	if err := json.Unmarshal(raw, &peek); err != nil {
		return publishedKey{}, errors.New("not a JSON Web Key")
	}
	switch {
	case peek.KeyType != "RSA":
		return publishedKey{}, fmt.Errorf("expected kty \"RSA\", got %q (kid %q)", short(peek.KeyType), short(peek.KeyID))
	case peek.KeyID == "":
		return publishedKey{}, errors.New("no kid")
	case peek.Use != "" && peek.Use != "sig":
		return publishedKey{}, fmt.Errorf("expected use \"sig\", got %q (kid %q)", short(peek.Use), short(peek.KeyID))
	case peek.Algorithm != "" && peek.Algorithm != "RS256":
		return publishedKey{}, fmt.Errorf("expected alg \"RS256\", got %q (kid %q)", short(peek.Algorithm), short(peek.KeyID))
	}
	var parsed jose.JSONWebKey
	if err := parsed.UnmarshalJSON(raw); err != nil {
		// The parser's own text may quote key material.
		return publishedKey{}, fmt.Errorf("unreadable RSA key (kid %q)", short(peek.KeyID))
	}
	public, ok := parsed.Key.(*rsa.PublicKey)
	if !ok {
		return publishedKey{}, fmt.Errorf("expected a public key, got %T (kid %q)", parsed.Key, short(peek.KeyID))
	}
	if bits := public.N.BitLen(); bits < keyBits {
		return publishedKey{}, fmt.Errorf("expected an RSA key of at least %d bits, got %d (kid %q)", keyBits, bits, short(peek.KeyID))
	}
	return publishedKey{id: peek.KeyID, public: public}, nil
}
