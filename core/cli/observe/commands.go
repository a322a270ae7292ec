// Package observe has the commands that show what the running program does and has done.
package observe

import (
	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
)

// app has the commands as its methods.
type app struct{ *command.Env }

// Commands returns the commands.
func Commands(e *command.Env) []*cobra.Command {
	a := &app{e}
	return []*cobra.Command{a.statusCommand(), a.topCommand(), a.logsCommand(), a.requestsCommand(), a.usageCommand(), a.panelCommand(), a.explainCommand()}
}
