package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
)

// The help of all commands as pages, for people who have not installed the program.
const (
	cliPages = "../../docs/cli"
	manPages = "../../docs/man"
)

// TestCommandPages checks that docs/cli and docs/man are what `make generate` writes.
func TestCommandPages(t *testing.T) {
	t.Parallel()
	root := (&app{Env: &command.Env{}}).root()
	prepare(root)
	for dir, write := range map[string]func(string) error{
		cliPages: func(dir string) error { return doc.GenMarkdownTree(root, dir) },
		manPages: func(dir string) error {
			day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC) // a fixed date, so that pages differ only where commands do
			return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Date: &day, Source: "aitunnel", Manual: "aitunnel"}, dir)
		},
	} {
		want := filepath.Join(t.TempDir(), "pages")
		if err := os.Mkdir(want, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := write(want); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(dir, os.DirFS(want)); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(pages(t, want), pages(t, dir)); diff != "" {
			t.Errorf("%s is out of date: run make generate (-want +got)\n%s", dir, diff)
		}
	}
}

// prepare leaves out the date of generation.
func prepare(c *cobra.Command) {
	c.DisableAutoGenTag = true
	for _, sub := range c.Commands() {
		prepare(sub)
	}
}

// pages returns all files of a directory by name.
func pages(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name()] = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
	return out
}

// TestPagesContainNoHomeDirectory of the user who generated them.
func TestPagesContainNoHomeDirectory(t *testing.T) {
	t.Parallel()
	home := regexp.MustCompile(`/(root|home|Users)/\w`)
	for _, dir := range []string{cliPages, manPages} {
		for name, text := range pages(t, dir) {
			if found := home.FindString(text); found != "" {
				t.Errorf("%s/%s: %q", dir, name, found)
			}
		}
	}
}
