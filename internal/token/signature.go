package token

import (
	"crypto/sha256"
	"sync"

	"github.com/golang-jwt/jwt/v5"
)

// remembered is how many signatures a key remembers.
const remembered = 256

// signatures are those that a key made last. RS256 makes one signature of a text and no
// other, so that a text which is signed again, as when a flow is played again on an
// ecosystem that makes the same ids anew, need not be worked out again: an RSA-2048
// signature takes as long as ten requests. Its zero value is empty.
type signatures struct {
	mu     sync.Mutex
	known  map[[sha256.Size]byte][]byte
	oldest [][sha256.Size]byte // a ring once it is full
	next   int
}

// sign signs a text by RS256.
func (k *Key) sign(text string) ([]byte, error) {
	digest := sha256.Sum256([]byte(text))
	if known := k.signed.find(digest); known != nil {
		return known, nil
	}
	made, err := jwt.SigningMethodRS256.Sign(text, k.private)
	if err != nil {
		return nil, err
	}
	k.signed.add(digest, made)
	return made, nil
}

func (s *signatures) find(digest [sha256.Size]byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[digest]
}

func (s *signatures) add(digest [sha256.Size]byte, signature []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = make(map[[sha256.Size]byte][]byte, remembered)
	}
	if _, there := s.known[digest]; there {
		return
	}
	s.known[digest] = signature
	if len(s.oldest) < remembered {
		s.oldest = append(s.oldest, digest)
		return
	}
	delete(s.known, s.oldest[s.next])
	s.oldest[s.next] = digest
	s.next = (s.next + 1) % remembered
}
