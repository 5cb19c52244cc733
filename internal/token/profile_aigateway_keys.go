package token

import (
	"cmp"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/ccmock/ccmock/internal/clock"
)

// AIGatewayKeysOptions tunes AIGatewayKeys.
type AIGatewayKeysOptions struct {
	TTL     time.Duration // how long the merged set counts, by the clock; 24 h by default
	Timeout time.Duration // of one HTTP request, in real time; 10 s by default
	MaxBody int64         // bytes of one reply; 1 MiB by default
	// Local are the gateway's own signing and validation key, which come first.
	Local []*Key
	// KeepOldSet is what version 2 and later of the library do: a fetch that fails is
	// tried once more, and if it fails again and there was a set before, that one is
	// kept for another TTL.
	KeepOldSet bool
}

// AIGatewayKeys is the one merged key set of the AI gateway, as it behaves: fetched
// inside the first request, all issuers one after the other, and then kept for 24
// hours, whole or in part or empty. An unknown key does not make it look again.
//
// The status of an answer is not looked at, nor the issuer in a discovery document;
// a path in an issuer's URL is dropped. An issuer that cannot be reached or does not
// answer in JSON is left out; a key without kid, or a reply of another shape, loses
// all issuers. Safe for concurrent use; concurrent callers share a fetch.
type AIGatewayKeys struct {
	clock   clock.Clock
	client  *http.Client
	options AIGatewayKeysOptions

	mu        sync.Mutex
	set       *gatewaySet
	fetchedAt time.Time
	flight    *flight
	issuers   []*gatewayIssuer
}

type gatewayIssuer struct {
	Issuer
	discoveries, keyFetches int
}

// gatewaySet is immutable.
type gatewaySet struct {
	keys   []gatewayKey
	failed []gatewayFailure
}

type gatewayKey struct {
	id     string
	public *rsa.PublicKey // nil for a key on which python-jose raises an exception
	issuer *gatewayIssuer // nil for a local one
}

type gatewayFailure struct {
	issuer *gatewayIssuer
	err    error
}

func (s *gatewaySet) failures() string {
	if len(s.failed) == 0 {
		return "the issuers publish none"
	}
	texts := make([]string, 0, len(s.failed))
	for _, f := range s.failed {
		texts = append(texts, fmt.Sprintf("%s: %v", f.issuer.Name, f.err))
	}
	return strings.Join(texts, "; ")
}

// NewAIGatewayKeys returns the keys of issuers, which the gateway asks in this order:
// GitLab, then CustomersDot. Nothing is fetched yet. A nil client means one with
// default transport.
func NewAIGatewayKeys(clk clock.Clock, client *http.Client, issuers []Issuer, o AIGatewayKeysOptions) *AIGatewayKeys {
	o.TTL = cmp.Or(o.TTL, DefaultTTL)
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	o.MaxBody = cmp.Or(o.MaxBody, DefaultMaxBody)
	if client == nil {
		client = &http.Client{}
	}
	k := &AIGatewayKeys{clock: clk, client: client, options: o}
	for _, i := range issuers {
		k.issuers = append(k.issuers, &gatewayIssuer{Issuer: i})
	}
	return k
}

// Prefetch fetches the set if it is not at hand, as the readiness probe does, and
// fails if that left an issuer out.
func (k *AIGatewayKeys) Prefetch(ctx context.Context) error {
	set, err := k.get(ctx)
	if err != nil {
		return err
	}
	errs := make([]error, 0, len(set.failed))
	for _, f := range set.failed {
		errs = append(errs, fmt.Errorf("keys of %s: %w", f.issuer.Name, f.err))
	}
	return errors.Join(errs...)
}

// Forget drops the set, as a restart of the gateway does. Counts stay.
func (k *AIGatewayKeys) Forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.set, k.flight, k.fetchedAt = nil, nil, time.Time{}
}

// Status describes every issuer, in the order given to NewAIGatewayKeys. All of them
// were fetched at the same time.
func (k *AIGatewayKeys) Status() []IssuerStatus {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]IssuerStatus, 0, len(k.issuers))
	for _, i := range k.issuers {
		s := IssuerStatus{
			Name: i.Name, URL: i.URL, Identifier: i.identifier(), KeyIDs: []string{},
			DiscoveryFetches: i.discoveries, KeyFetches: i.keyFetches,
		}
		if k.set != nil {
			s.FetchedAt, s.ValidUntil = k.fetchedAt, k.fetchedAt.Add(k.options.TTL)
			for _, key := range k.set.keys {
				if key.issuer == i {
					s.KeyIDs = append(s.KeyIDs, key.id)
				}
			}
			for _, f := range k.set.failed {
				if f.issuer == i {
					s.Error = f.err.Error()
				}
			}
		}
		all = append(all, s)
	}
	return all
}

// get returns the set, fetched if there is none or its time is over.
func (k *AIGatewayKeys) get(ctx context.Context) (*gatewaySet, error) {
	k.mu.Lock()
	if k.flight == nil {
		now := k.clock.Now()
		if k.set != nil && within(now, k.fetchedAt, k.options.TTL) {
			defer k.mu.Unlock()
			return k.set, nil
		}
		k.start(ctx, now)
	}
	f := k.flight
	k.mu.Unlock()
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the keys: %w", ctx.Err())
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.set == nil {
		return nil, errors.New("restarted while the keys were fetched")
	}
	return k.set, nil
}

// start begins a fetch that outlives its caller. Call with the lock held.
func (k *AIGatewayKeys) start(ctx context.Context, now time.Time) {
	f := &flight{done: make(chan struct{})}
	k.flight = f
	ctx = context.WithoutCancel(ctx)
	go func() {
		defer close(f.done)
		set := k.fetch(ctx)
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.flight != f {
			return // forgotten meanwhile
		}
		k.flight = nil
		k.fetchedAt = now
		if k.options.KeepOldSet && len(set.failed) > 0 && k.set != nil {
			k.set = &gatewaySet{keys: k.set.keys, failed: set.failed}
			return
		}
		k.set = set
	}()
}

// errShape is a reply on which the provider of all issuers raises an exception.
var errShape = errors.New("unexpected shape")

// fetch merges the keys of all, local ones first.
func (k *AIGatewayKeys) fetch(ctx context.Context) *gatewaySet {
	set := &gatewaySet{}
	for _, key := range k.options.Local {
		if key != nil {
			set.keys = append(set.keys, gatewayKey{id: key.ID(), public: key.Public()})
		}
	}
	local := set.keys
	var shape error
	for _, i := range k.issuers {
		keys, err := k.fetchIssuer(ctx, i)
		if err != nil && k.options.KeepOldSet {
			keys, err = k.fetchIssuer(ctx, i)
		}
		if err != nil {
			set.failed = append(set.failed, gatewayFailure{i, err})
		}
		if errors.Is(err, errShape) {
			shape = fmt.Errorf("lost with %s: %w", i.Name, err)
		}
		set.keys = append(set.keys, keys...)
	}
	if shape == nil {
		return set
	}
	set.keys, set.failed = local, nil
	for _, i := range k.issuers {
		set.failed = append(set.failed, gatewayFailure{i, shape})
	}
	return set
}

func (k *AIGatewayKeys) fetchIssuer(ctx context.Context, i *gatewayIssuer) ([]gatewayKey, error) {
	base, err := url.Parse(i.URL)
	if err != nil {
		return nil, err
	}
	k.count(&i.discoveries)
	doc, err := k.read(ctx, base.ResolveReference(&url.URL{Path: discoveryPath}).String())
	if err != nil {
		return nil, err
	}
	discovery, ok := doc.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: the discovery document is not an object", errShape)
	}
	address, _ := discovery["jwks_uri"].(string)
	if address == "" {
		return nil, errors.New("no jwks_uri in the discovery document")
	}
	k.count(&i.keyFetches)
	doc, err = k.read(ctx, address)
	if err != nil {
		return nil, err
	}
	return gatewayKeySet(doc, i)
}

func (k *AIGatewayKeys) count(n *int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	*n++
}

// read gets JSON, whatever the status.
func (k *AIGatewayKeys) read(ctx context.Context, address string) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, k.options.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true // one connection for each, as the gateway's HTTP library does
	res, err := k.client.Do(req)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("%s: no answer within %s", address, k.options.Timeout)
		}
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // nothing was written
	body, err := io.ReadAll(io.LimitReader(res.Body, k.options.MaxBody+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	if int64(len(body)) > k.options.MaxBody {
		return nil, fmt.Errorf("%s: expected at most %d bytes, got more", address, k.options.MaxBody)
	}
	v, err := pyJSON(body)
	if errors.Is(err, errTypeError) {
		return nil, fmt.Errorf("%w: %s nests too deep", errShape, address)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: expected JSON: %w", address, err)
	}
	return v, nil
}

// gatewayKeySet reads a key set. Without the member "keys" its issuer has none; any
// other surprise is an exception, and so is a key without kid, whose id is logged.
func gatewayKeySet(doc any, issuer *gatewayIssuer) ([]gatewayKey, error) {
	object, ok := doc.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: the key set is not an object", errShape)
	}
	member, ok := object["keys"]
	if !ok {
		return nil, errors.New("no member \"keys\" in the key set")
	}
	list, ok := member.([]any)
	if !ok {
		return nil, fmt.Errorf("%w: \"keys\" of the key set is not a list", errShape)
	}
	keys := make([]gatewayKey, 0, len(list))
	for n, item := range list {
		jwk, ok := item.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%w: keys[%d] is not an object", errShape, n)
		}
		kid, ok := jwk["kid"]
		if !ok {
			return nil, fmt.Errorf("%w: keys[%d] has no kid", errShape, n)
		}
		id, _ := kid.(string)
		keys = append(keys, gatewayKey{id: id, public: gatewayPublic(jwk), issuer: issuer})
	}
	return keys, nil
}

// gatewayPublic reads an RSA key, or returns nil for anything else.
func gatewayPublic(jwk map[string]any) *rsa.PublicKey {
	n, e := joseLong(jwk["n"]), joseLong(jwk["e"])
	if jwk["kty"] != any("RSA") || n == nil || e == nil || n.BitLen() < 512 || !e.IsInt64() || e.BitLen() > 31 || e.Int64() < 3 || e.Bit(0) == 0 {
		return nil
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}
}

func joseLong(v any) *big.Int {
	text, ok := v.(string)
	if !ok {
		return nil
	}
	data, ok := pyBase64Padded([]byte(text + "=="))
	if !ok {
		return nil
	}
	return new(big.Int).SetBytes(data)
}
