// Package term is what the commands show and ask on a terminal: colors, tables, times
// and numbers, prompts.
package term

import (
	"io"
	"os"

	"github.com/mattn/go-isatty"
)

// Paint colors text, or returns it unchanged if colors are off.
type Paint bool

// Colors reports whether to use colors on w: on a terminal that has them, or if
// CLICOLOR_FORCE is set, unless NO_COLOR is set. If w wraps another writer, that one
// is checked.
func Colors(w io.Writer) Paint {
	for {
		wrapper, ok := w.(interface{ Unwrap() io.Writer })
		if !ok {
			break
		}
		w = wrapper.Unwrap()
	}
	f, ok := w.(*os.File)
	switch {
	case !ok || os.Getenv("NO_COLOR") != "":
		return false
	case os.Getenv("CLICOLOR_FORCE") != "":
		return true
	}
	return Paint(isatty.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb")
}

// IsTerminal reports whether a stream is a terminal.
func IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

func (p Paint) with(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// Bold is for the most important text.
func (p Paint) Bold(s string) string { return p.with("1", s) }

// Dim is for less important text.
func (p Paint) Dim(s string) string { return p.with("2", s) }

// Good is green.
func (p Paint) Good(s string) string { return p.with("32", s) }

// Warn is yellow.
func (p Paint) Warn(s string) string { return p.with("33", s) }

// Bad is red.
func (p Paint) Bad(s string) string { return p.with("31", s) }
