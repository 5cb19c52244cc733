package stub

import (
	"encoding/hex"
	"math/rand/v2"
	"sync"

	"github.com/google/uuid"
)

// Random yields the ids of an ecosystem, the same ones for the same seed and order of
// calls. It is no source of secrets. It is safe for concurrent use.
type Random struct {
	key [32]byte

	mu  sync.Mutex
	src *rand.ChaCha8
}

// NewRandom returns a source that is fully determined by seed.
func NewRandom(seed uint64) *Random {
	r := &Random{}
	for i := range 8 {
		r.key[i] = byte(seed >> (8 * i))
	}
	r.src = rand.NewChaCha8(r.key)
	return r
}

// Restart has the source yield the same ids again, from the first on.
func (r *Random) Restart() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.src.Seed(r.key)
}

func (r *Random) bytes(n int) []byte {
	b := make([]byte, n)
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = r.src.Read(b) // never fails
	return b
}

// Hex returns n random bytes in hexadecimal.
func (r *Random) Hex(n int) string { return hex.EncodeToString(r.bytes(n)) }

// UUID returns a UUID of version 4.
func (r *Random) UUID() string {
	var id uuid.UUID
	copy(id[:], r.bytes(16))
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// IntN returns a number from 0 to n-1.
func (r *Random) IntN(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return rand.New(r.src).IntN(n)
}
