//go:build unix

package logsink

import (
	"bytes"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

// TestPipeWithoutAReader shows that a pipe without a reader is an error and does not
// block.
func TestPipeWithoutAReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	s := New(&bytes.Buffer{}, func(uint64, error) {})
	defer s.Close()
	if err := s.Use(config.Log{Level: "info", File: path}); err == nil || !strings.Contains(err.Error(), "it is a pipe that no program reads") {
		t.Error(err)
	}
}
