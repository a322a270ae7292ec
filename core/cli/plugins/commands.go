// Package plugins has the command plugin, which shows, installs, locks and tests plugins.
package plugins

import (
	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
)

// app has the commands as its methods.
type app struct{ *command.Env }

// Command returns the command plugin.
func Command(e *command.Env) *cobra.Command { return (&app{e}).pluginCommand() }
