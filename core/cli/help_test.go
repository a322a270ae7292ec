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

// commands returns all commands that are not hidden.
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

// TestHelpOfEveryCommand has one line about the command, and an example that calls it.
func TestHelpOfEveryCommand(t *testing.T) {
	t.Parallel()
	all := commands()
	if len(all) < 40 {
		t.Errorf("only %d commands were found", len(all))
	}
	for _, c := range all {
		if !strings.Contains(c.Example, "  "+c.CommandPath()) {
			t.Errorf("%s: no example calls it: %q", c.CommandPath(), c.Example)
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || len(c.Short) > 90 {
			t.Errorf("%s: the short help is %q", c.CommandPath(), c.Short)
		}
		for line := range strings.Lines(c.Long) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 84 {
				t.Errorf("%s: a line of %d characters: %q", c.CommandPath(), n, line)
			}
		}
	}
}

// TestHelpFitsTheTerminal checks the width of what --help prints.
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

// TestHomeIsFoundWithoutTheVariable: it is the home directory of the account.
func TestHomeIsFoundWithoutTheVariable(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no HOME")
	}
	t.Setenv("HOME", "")
	findHome()
	if home := os.Getenv("HOME"); !filepath.IsAbs(home) {
		t.Errorf("HOME is %q", home)
	}
}
