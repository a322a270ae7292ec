package cli

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/spf13/cobra"
)

// commands returns all that users can call.
func commands() (all []*cobra.Command) {
	a := &app{Env: &command.Env{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		all = append(all, c)
		for _, sub := range c.Commands() {
			if !sub.Hidden {
				walk(sub)
			}
		}
	}
	walk(a.root())
	return all
}

// TestEveryCommandIsExplained holds what --help of every command shows: one
// line about it, and an example that calls it.
func TestEveryCommandIsExplained(t *testing.T) {
	t.Parallel()
	all := commands()
	if len(all) < 40 {
		t.Errorf("only %d commands are seen", len(all))
	}
	for _, c := range all {
		if !strings.Contains(c.Example, "  "+c.CommandPath()) {
			t.Errorf("%s: no example calls it: %q", c.CommandPath(), c.Example)
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || len(c.Short) > 90 {
			t.Errorf("%s: its line is %q", c.CommandPath(), c.Short)
		}
		for line := range strings.Lines(c.Long) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 84 {
				t.Errorf("%s: a line of %d letters: %q", c.CommandPath(), n, line)
			}
		}
	}
}

// TestHelpFitsTheTerminal holds the width of what --help shows.
func TestHelpFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for _, c := range commands() {
		var out strings.Builder
		a := &app{Env: &command.Env{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}}
		root := a.root()
		root.SetOut(&out)
		root.SetArgs(append(strings.Fields(command.NameOf(c)), "--help"))
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 100 && !strings.Contains(c.Example, strings.TrimSpace(line)) {
				t.Errorf("%s: %d columns: %s", c.CommandPath(), n, line)
			}
		}
	}
}

func TestHomeIsThatOfTheAccount(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no HOME")
	}
	t.Setenv("HOME", "")
	findHome()
	if home := os.Getenv("HOME"); !filepath.IsAbs(home) {
		t.Errorf("HOME is %q", home)
	}
}
