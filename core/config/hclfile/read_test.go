package hclfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestReadMissingFile(t *testing.T) {
	if _, err := Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want an error that the file does not exist", err)
	}
}
