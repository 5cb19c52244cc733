package railsstub

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/ccmock/ccmock/internal/control"
	"github.com/ccmock/ccmock/internal/token"
)

// keys are the signing keys of one instance. They are made when first needed, since most
// instances never sign anything.
type keys struct {
	pool *token.Pool
	name string // of the instance

	mu   sync.Mutex
	kind signingKey
	open *token.Keyring // nil until needed
	made int
}

// ring returns the instance's keyring. A version that signs with another kind of key than
// the last one that asked, as after an upgrade, starts a new one.
func (k *keys) ring(kind signingKey) (*token.Keyring, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.open != nil && k.kind == kind {
		return k.open, nil
	}
	openID, err := k.pool.Get(k.name + ".openid-connect")
	if err != nil {
		return nil, fmt.Errorf("signing key of %s: %w", k.name, err)
	}
	ring := token.NewKeyring(openID)
	made := 0
	if kind == cloudConnectorKey {
		own, err := k.pool.Get(k.name + ".cloud-connector-1")
		if err != nil {
			return nil, fmt.Errorf("signing key of %s: %w", k.name, err)
		}
		ring, made = token.NewKeyring(own), 1
		ring.PublishAhead(openID)
	}
	k.kind, k.open, k.made = kind, ring, made
	return ring, nil
}

// openID is the set of the keys that are not of Cloud Connector.
func (k *keys) openID() (token.KeySet, error) {
	key, err := k.pool.Get(k.name + ".openid-connect")
	if err != nil {
		return token.KeySet{}, err
	}
	return token.NewKeySet(key), nil
}

// reload has the instance's processes read their signing key anew, as a restart does.
func (k *keys) reload() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.open != nil {
		k.open.Reload()
	}
}

// change takes one step of a key rotation, as the rake tasks cloud_connector:keys do.
// Rotate restarts the processes that have loaded the old key, unless it is told not to.
func (k *keys) change(kind signingKey, ask control.KeysRequest) (_ *token.Keyring, trimmed string, _ error) {
	ring, err := k.ring(kind)
	if err != nil {
		return nil, "", err
	}
	switch ask.Step {
	case "list":
	case "create":
		k.mu.Lock()
		k.made++
		name := k.name + ".cloud-connector-" + strconv.Itoa(k.made)
		k.mu.Unlock()
		key, err := k.pool.Get(name)
		if err != nil {
			return nil, "", err
		}
		ring.Create(key)
	case "rotate":
		if err := ring.Rotate(); err != nil {
			return nil, "", err
		}
		if !ask.NoRestart {
			ring.Reload()
		}
	case "trim":
		gone, err := ring.Trim()
		if err != nil {
			return nil, "", err
		}
		if gone != nil {
			trimmed = gone.ID()
		}
	default:
		return nil, "", fmt.Errorf("unknown step %q, expected one of %s", ask.Step, strings.Join(keySteps, ", "))
	}
	return ring, trimmed, nil
}

var keySteps = []string{"list", "create", "rotate", "trim"}

// rotateKeys is the action control.ActionRotateKeys.
func (i *Instance) rotateKeys(ask control.KeysRequest) (control.KeysResult, error) {
	ring, trimmed, err := i.keys.change(i.installed().key, ask)
	if err != nil {
		return control.KeysResult{}, err
	}
	signing, err := ring.Loaded()
	if err != nil {
		return control.KeysResult{}, err
	}
	return control.KeysResult{
		Published: ring.KeySet().IDs(), Signing: signing.ID(),
		Rows: token.NewKeySet(ring.Rows()...).IDs(), Trimmed: trimmed,
	}, nil
}
