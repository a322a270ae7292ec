package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/adminclient"
)

// The exit codes.
const (
	ExitOK         = 0
	ExitFailed     = 1
	ExitUsage      = 2
	ExitNotRunning = 3 // the program is not running
	ExitConfig     = 4 // the configuration is not valid
)

// ExitError ends the program with an exit code. The reason was already printed.
type ExitError int

// UsageError says how a command was used wrong.
type UsageError struct {
	Command *cobra.Command
	err     error
}

// WrongUsage returns the error that a command was used wrong. It ends the program with
// ExitUsage.
func WrongUsage(c *cobra.Command, err error) error { return UsageError{c, err} }

func (e UsageError) Error() string { return e.err.Error() }

func (e ExitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// ExitCode returns the exit code for a call that the daemon refused.
func ExitCode(e *adminclient.Error) int {
	if len(e.Diagnostics) > 0 {
		return ExitConfig
	}
	return ExitFailed
}
