// Package configuration has the commands that check, format, apply and explain a configuration.
package configuration

import (
	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
)

// app has the commands as its methods.
type app struct{ *command.Env }

// Commands returns the commands that need no running program.
func Commands(e *command.Env) []*cobra.Command {
	a := &app{e}
	return []*cobra.Command{a.validateCommand(), a.fmtCommand(), a.configCommand()}
}

// ReloadCommands returns the command reload, and its earlier name.
func ReloadCommands(e *command.Env) []*cobra.Command {
	a := &app{e}
	return []*cobra.Command{a.reloadCommand(), a.planCommand()}
}

// VerdictCommand returns the command verdict.
func VerdictCommand(e *command.Env) *cobra.Command { return (&app{e}).verdictCommand() }
