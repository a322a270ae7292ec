package hclfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestReadReturnsTheErrorOfAMissingFile(t *testing.T) {
	if _, err := Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
