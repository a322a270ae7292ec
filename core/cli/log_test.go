package cli

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestTheLastLines of a log that is long.
func TestTheLastLines(t *testing.T) {
	for lines, want := range map[int]string{0: "", 1: "line 1000\n", 3: "line 998\nline 999\nline 1000\n"} {
		var out bytes.Buffer
		a := &app{stateDir: t.TempDir(), out: &out}
		var text strings.Builder
		for i := range 1000 {
			_, _ = fmt.Fprintf(&text, "line %d\n", i+1)
		}
		if err := os.WriteFile(a.logPath(), []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		if a.lastLog(lines); out.String() != want {
			t.Errorf("%d lines: %q, want %q", lines, out.String(), want)
		}
	}
}

// TestACrashIsTold with where its trace is.
func TestACrashIsTold(t *testing.T) {
	var out bytes.Buffer
	a := &app{stateDir: t.TempDir(), out: &out}
	if err := os.WriteFile(a.saidPath(), []byte("Warning: a panic: no\npanic: runtime error: index out of range\n\ngoroutine 1 [running]:\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.logPath(), []byte("the last line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.lastLog(1)
	if want := "the last line\nThe last run crashed: panic: runtime error: index out of range\nThe trace is in " + a.saidPath() + "; please report it.\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
