package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

func TestMissingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), config.FileName)
	_, report := config.Load(t.Context(), config.Options{Path: path, Catalog: builtins{}, Getenv: lookup(nil)})
	want := "Cannot read the configuration. The path " + path + " cannot be read: "
	if lines := report.Lines(); len(lines) != 1 || !strings.HasPrefix(lines[0], want) {
		t.Errorf("got %q, want %q", lines, want)
	}
}
