package daemon

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const seedSize = 32

// loadSeed returns the secret that fingerprints of keys are made with, a new
// one the first time, so that a key has the same ID after a restart.
func loadSeed(dir string) ([]byte, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the state directory cannot be made: %w; choose another with --state-dir", err)
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
