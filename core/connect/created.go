package connect

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2/maybe"
)

// CreatedFiles is the path of a list of the files of apps that [File.Write] created, so that
// [File.Undo] removes them.
type CreatedFiles string

// load returns the files with the time of their last Write.
func (c CreatedFiles) load() map[string]time.Time {
	all := map[string]time.Time{}
	if text, err := os.ReadFile(string(c)); err == nil {
		_ = json.Unmarshal(text, &all) // a damaged list counts as empty
	}
	return all
}

func (c CreatedFiles) add(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	all := c.load()
	all[path] = info.ModTime()
	return c.store(all)
}

func (c CreatedFiles) remove(path string) error {
	all := c.load()
	if _, known := all[path]; !known {
		return nil
	}
	delete(all, path)
	if len(all) == 0 {
		return os.Remove(string(c))
	}
	return c.store(all)
}

func (c CreatedFiles) store(all map[string]time.Time) error {
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(string(c)), 0o700); err != nil {
		return err
	}
	return maybe.WriteFile(string(c), text, 0o600)
}
