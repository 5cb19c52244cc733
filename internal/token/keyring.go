package token

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// What Rails' key rotation tasks and its key loader say, word for word.
const (
	textNoKey     = "Cloud Connector: no key found"
	textSingleKey = "Refusing to remove single key, as it is in use"
	textRotate    = "Key rotation requires exactly 2 keys, found %d"
)

// Errors of a Keyring, in the words of Rails.
var (
	ErrNoKey     = errors.New(textNoKey)     //nolint:staticcheck // Rails capitalizes it
	ErrSingleKey = errors.New(textSingleKey) //nolint:staticcheck // Rails capitalizes it
)

// Keyring is the keys of one issuer: rows, of which the first (the oldest) signs and
// all are published, and other keys of the issuer that are published ahead of them.
// It is safe for concurrent use.
//
// In GitLab 17.9 and later the rows are the table cloud_connector_keys, and the
// others are the OIDC and CI signing keys; before, the OIDC key is the only row.
// At CustomersDot the rows are the signing key and, during a rotation, the
// validation key: Create publishes the validation key, Rotate swaps the two and Trim
// drops the old one.
type Keyring struct {
	mu     sync.Mutex
	others []*Key
	rows   []*Key
	loaded *Key
	before []*Key // what was published before a row was last added or dropped; nil: none was
}

// NewKeyring returns a keyring with rows, oldest first.
func NewKeyring(rows ...*Key) *Keyring {
	r := &Keyring{}
	r.Replace(rows...)
	return r
}

// PublishAhead sets the keys that are published before the rows and do not sign.
func (r *Keyring) PublishAhead(keys ...*Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.others = slices.DeleteFunc(slices.Clone(keys), isNil)
}

// Replace puts rows in place of all rows, oldest first: what a new deployment of
// keys does. A process that has loaded its key still signs with that one.
func (r *Keyring) Replace(rows ...*Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = slices.DeleteFunc(slices.Clone(rows), isNil)
}

// Current is the oldest row, the one to sign with; ErrNoKey if there is none.
func (r *Keyring) Current() (*Key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current()
}

func (r *Keyring) current() (*Key, error) {
	if len(r.rows) == 0 {
		return nil, ErrNoKey
	}
	return r.rows[0], nil
}

// Loaded is the key that a running Rails process signs with: Current as it was at
// the first call. A rotation does not reach it until Reload, the process restart.
func (r *Keyring) Loaded() (*Key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.loaded != nil {
		return r.loaded, nil
	}
	key, err := r.current()
	if err != nil {
		return nil, err
	}
	r.loaded = key
	return key, nil
}

// Reload makes Loaded look again.
func (r *Keyring) Reload() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loaded = nil
}

// Rows lists the rows, oldest first.
func (r *Keyring) Rows() []*Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.rows)
}

// Create adds k as the newest row: published at once, and not signing unless it is
// the only one.
func (r *Keyring) Create(k *Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k != nil {
		r.before = r.published()
		r.rows = append(r.rows, k)
	}
}

// Rotate swaps the two rows, so that the newer key signs; a second call swaps back.
// Any other number of rows is an error.
func (r *Keyring) Rotate() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rows) != 2 {
		return fmt.Errorf(textRotate, len(r.rows))
	}
	r.rows[0], r.rows[1] = r.rows[1], r.rows[0]
	return nil
}

// Trim deletes the newest row and returns it; nil when there is no row, and
// ErrSingleKey when there is only one.
func (r *Keyring) Trim() (*Key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch n := len(r.rows); n {
	case 0:
		return nil, nil
	case 1:
		return nil, ErrSingleKey
	default:
		newest := r.rows[n-1]
		r.before = r.published()
		r.rows = slices.Clone(r.rows[:n-1])
		return newest, nil
	}
}

// KeySet is what the issuer publishes now.
func (r *Keyring) KeySet() KeySet {
	r.mu.Lock()
	defer r.mu.Unlock()
	return NewKeySet(r.published()...)
}

func (r *Keyring) published() []*Key { return slices.Concat(r.others, r.rows) }

// StaleKeySet is what the issuer published before Create or Trim last changed it, and
// false if neither did.
func (r *Keyring) StaleKeySet() (KeySet, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return NewKeySet(r.before...), r.before != nil
}

func isNil(k *Key) bool { return k == nil }
