package releasetest

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"

	"golang.org/x/crypto/blake2b"
)

// Key is a minisign key.
type Key struct {
	id      [8]byte
	private ed25519.PrivateKey
}

// NewKey returns a key that is derived from a number.
func NewKey(number byte) *Key {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = number
	return &Key{id: [8]byte{number}, private: ed25519.NewKeyFromSeed(seed)}
}

// Public returns the public key as in signing_key.
func (k *Key) Public() string {
	raw := append([]byte("Ed"), k.id[:]...)
	return base64.StdEncoding.EncodeToString(append(raw, k.private.Public().(ed25519.PublicKey)...))
}

// Sign returns the content of a .minisig file for a text.
func (k *Key) Sign(text []byte) []byte {
	sum := blake2b.Sum512(text)
	signature := ed25519.Sign(k.private, sum[:])
	const trusted = "timestamp:1"
	global := ed25519.Sign(k.private, append(append([]byte{}, signature...), trusted...))
	raw := append(append([]byte("ED"), k.id[:]...), signature...)
	return fmt.Appendf(nil, "untrusted comment: signature\n%s\ntrusted comment: %s\n%s\n", base64.StdEncoding.EncodeToString(raw), trusted, base64.StdEncoding.EncodeToString(global))
}
