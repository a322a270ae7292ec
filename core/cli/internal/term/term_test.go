package term

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestColors(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("this machine has no terminals: ", err)
	}
	defer func() { _ = tty.Close() }()
	for _, c := range []struct {
		file                  *os.File
		term, noColor, forced string
		want                  Paint
	}{
		{tty, "xterm", "", "", true},
		{tty, "dumb", "", "", false},
		{tty, "xterm", "1", "", false},
		{tty, "xterm", "1", "1", false},
		{null, "xterm", "", "", false},
		{null, "dumb", "", "1", true},
	} {
		t.Setenv("TERM", c.term)
		t.Setenv("NO_COLOR", c.noColor)
		t.Setenv("CLICOLOR_FORCE", c.forced)
		if got := Colors(c.file); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	if Colors(&strings.Builder{}) {
		t.Error("a strings.Builder has colors")
	}
}

func TestConfirmWithoutATerminal(t *testing.T) {
	i := NewInput(strings.NewReader("y\n"), &strings.Builder{})
	if ok, err := i.Confirm(t.Context(), "Really?"); ok || !errors.Is(err, ErrNoTerminal) {
		t.Errorf("%v %v", ok, err)
	}
}

func TestTable(t *testing.T) {
	table := NewTable(true, "NAME", ">COUNT")
	table.Row(Paint(true).Good("a"), "5")
	table.Row("longer", "")
	var out strings.Builder
	if err := table.Write(&out); err != nil {
		t.Fatal(err)
	}
	want := "\x1b[2mNAME\x1b[0m    \x1b[2mCOUNT\x1b[0m\n\x1b[32ma\x1b[0m           5\nlonger      \x1b[2m-\x1b[0m\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
