//go:build !windows

package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/hclfile"
)

// Loading neither waits for the other end of a pipe nor reads a device forever.
func TestOnlyRegularFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skip("no named pipes here: ", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "large"), make([]byte, 65<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ text, want string }{
		"file() of a pipe":             {"locals {\n  a = file(\"" + fifo + "\")\n}\n", "not a regular file"},
		"file() of a device":           {"locals {\n  a = file(\"/dev/zero\")\n}\n", "not a regular file"},
		"file() of a directory":        {"locals {\n  a = file(\"" + dir + "\")\n}\n", "not a regular file"},
		"file() of a large file":       {"locals {\n  a = file(\"" + dir + "/large\")\n}\n", "larger than 64KiB"},
		"file() of a file that blocks": {"locals {\n  a = file(\"/proc/kmsg\")\n}\n", ""},
		"env_file of a pipe":           {"env_file = \"" + fifo + "\"\n", "not a regular file"},
		"env_file of a device":         {"env_file = \"/dev/urandom\"\n", "not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, report := load(t, tt.text+oneChannel, nil)
			if !strings.Contains(report.Summary(), tt.want) || !report.HasErrors() {
				t.Errorf("got %q, want %q", report.Summary(), tt.want)
			}
			for path := range report.Inputs() {
				hclfile.Sum(path) // must not wait either
			}
		})
	}
}

func TestPipeInADirectory(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "x.hcl"), 0o600); err != nil {
		t.Skip("no named pipes here: ", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.hcl"), []byte(oneChannel), 0o600); err != nil {
		t.Fatal(err)
	}
	_, report := config.Load(t.Context(), config.Options{Path: dir, Catalog: builtins{}})
	if d := report.Diagnostics(); len(d) != 1 || !strings.Contains(d[0].Detail, "x.hcl is not a regular file") || d[0].Line != 1 {
		t.Errorf("%+v", d)
	}
}

// A configuration from a pipe is read once and kept in memory. It is not watched, and a warning says so.
func TestConfigurationFromAPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip("no named pipes here: ", err)
	}
	go func() { _ = os.WriteFile(path, []byte(oneChannel), 0o600) }()
	for range 2 {
		cfg, report := config.Load(t.Context(), config.Options{Path: path, Catalog: builtins{}})
		if cfg == nil || len(cfg.Channels) != 1 {
			t.Fatalf("%v", report.Lines())
		}
		if !strings.Contains(strings.Join(report.Lines(), "\n"), "Configuration from a pipe") {
			t.Errorf("%v", report.Lines())
		}
		if len(report.Inputs()) != 0 {
			t.Errorf("%v is watched", report.Inputs())
		}
	}
}
