// Package command holds what every command of the program uses: its streams, the flags
// that all commands have, arguments and errors, the client of the running program, and
// plugins that run only for the command.
package command

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/adrg/xdg"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
)

// Env has the inputs and outputs of a run of the program. Groups of commands embed it.
type Env struct {
	Version       string    // of this program
	Args          []string  // of this process, without the program's name
	Command       string    // the command, without the program's name
	In            io.Reader // read it through Input
	Out, Err      io.Writer
	Config        string            // the flag --config
	Vars          map[string]string // the flags --var
	StateDir      string            // an absolute path
	StateDirGiven bool              // the user named the state directory
	ServiceSocket string            // the control socket of the system service, "" if another daemon is meant
	answers       *term.Input       // reads from In
	Flush         func()            // waits for output that is still queued
	KeyNames      KeyNames          // see NameKeys
	Auths         map[string]string // how keys are sent, by channel
}

// PrintJSON prints v as JSON.
func (a *Env) PrintJSON(v any) error {
	e := json.NewEncoder(a.Out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// Say prints a line.
func (a *Env) Say(format string, args ...any) { _, _ = fmt.Fprintf(a.Out, format+"\n", args...) }

// Paint returns the colors for standard output.
func (a *Env) Paint() term.Paint { return term.Colors(a.Out) }

// Input reads from standard input.
func (a *Env) Input() *term.Input {
	if a.answers == nil {
		a.answers = term.NewInput(a.In, a.Err)
	}
	return a.answers
}

// DefaultStateDir returns the state directory if --state-dir is not given.
func DefaultStateDir() string {
	if dir := os.Getenv("AITUNNEL_STATE_DIR"); dir != "" {
		return dir
	}
	return filepath.Join(xdg.StateHome, "aitunnel")
}

// Warn prints a warning.
func (a *Env) Warn(format string, args ...any) {
	_, _ = fmt.Fprintf(a.Err, "aitunnel: warning: "+format+"\n", args...)
}

// PrintAddresses prints the addresses of the proxy and the panel.
func (a *Env) PrintAddresses(proxy, panel string) {
	_, _ = fmt.Fprintf(a.Out, "Proxy:  http://%s\n", admin.LocalAddress(proxy))
	if panel != "" {
		_, _ = fmt.Fprintf(a.Out, "Panel:  http://%s\n", admin.LocalAddress(panel))
	}
}

// LogPath returns the log of a daemon in the background.
func (a *Env) LogPath() string { return filepath.Join(a.StateDir, "aitunnel.log") }

// OutputPath returns the file with the standard error of the daemon in the background:
// why it does not start, warnings, and the trace of a crash.
func (a *Env) OutputPath() string { return filepath.Join(a.StateDir, "daemon.out") }
