// Package manage has the commands that show and change channels, keys, clients, notifications and tunnels.
package manage

import (
	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
)

// app has the commands as its methods.
type app struct{ *command.Env }

// Commands returns the commands.
func Commands(e *command.Env) []*cobra.Command {
	a := &app{e}
	return []*cobra.Command{a.channelCommand(), a.keyCommand(), a.clientCommand(), a.notifyCommand(), a.tunnelCommand()}
}
