package statefile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const seedSize = 32

// Seed returns the secret for fingerprints of keys, so that a key has the same ID
// after a restart. The first call creates it, and the directory.
func Seed(dir string) ([]byte, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the state directory cannot be created: %w; choose another with --state-dir", err)
	}
	path := filepath.Join(dir, "seed")
	seed, err := os.ReadFile(path)
	if err == nil && len(seed) == seedSize {
		return seed, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("the state directory cannot be read: %w", err)
	}
	seed = make([]byte, seedSize)
	_, _ = rand.Read(seed) // never fails
	if err := os.WriteFile(path, seed, 0o600); err != nil {
		return nil, fmt.Errorf("the state directory cannot be written: %w; choose another with --state-dir", err)
	}
	return seed, nil
}
