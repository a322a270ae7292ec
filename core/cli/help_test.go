package cli

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// commands are all that users can call.
func commands() (all []*cobra.Command) {
	a := &app{in: strings.NewReader(""), out: io.Discard, err: io.Discard}
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
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 82 {
				t.Errorf("%s: a line of %d letters: %q", c.CommandPath(), n, line)
			}
		}
	}
}
