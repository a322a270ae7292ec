package unknown

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// List reads the entries of a directory without a store, so the program need not run.
// The one seen last comes first.
func List(dir string) ([]Entry, error) {
	entries, err := read(dir)
	return sorted(entries), err
}

// Export reads the anonymized file of an entry, and the full text next to it.
func Export(dir, key string) (shape, full string, err error) {
	if !isKey(key) {
		return "", "", fmt.Errorf("%q is not the key of an unknown answer", key)
	}
	a, err := os.ReadFile(filepath.Join(dir, key+shapeEnding))
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", fmt.Errorf("there is no unknown answer %q: %w", key, fs.ErrNotExist)
	}
	if err != nil {
		return "", "", err
	}
	b, err := os.ReadFile(filepath.Join(dir, key+fullEnding))
	return string(a), string(b), err
}

// Remove removes an entry: its owner has written a rule for it, or does not need it.
// An open store notices this, and stores the answer again when it is next seen.
func Remove(dir, key string) error {
	if !isKey(key) {
		return fmt.Errorf("%q is not the key of an unknown answer", key)
	}
	if !isStored(dir, key) {
		return fmt.Errorf("there is no unknown answer %q: %w", key, fs.ErrNotExist)
	}
	return remove(dir, key)
}

// isStored reports whether the entry's file exists: its owner may have removed it.
func isStored(dir, key string) bool {
	_, err := os.Stat(filepath.Join(dir, key+shapeEnding))
	return !errors.Is(err, fs.ErrNotExist)
}

// isKey prevents paths: keys come from users and from the API.
func isKey(s string) bool { return len(s) == 16 && strings.Trim(s, "0123456789abcdef") == "" }

func read(dir string) (map[string]*Entry, error) {
	entries := map[string]*Entry{}
	text, err := os.ReadFile(filepath.Join(dir, indexName))
	if errors.Is(err, fs.ErrNotExist) {
		return entries, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Entry
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%s is damaged; remove it to start over: %w", filepath.Join(dir, indexName), err)
	}
	for _, e := range list {
		if isKey(e.Key) && isStored(dir, e.Key) {
			if e.Channels == nil {
				e.Channels = map[string]int{}
			}
			entries[e.Key] = &e
		}
	}
	return entries, nil
}

// Dir returns the directory of unknown answers in a state directory.
func Dir(stateDir string) string { return filepath.Join(stateDir, "unknown") }
