// Package setup has the commands that write a first configuration and connect apps.
package setup

import (
	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
)

// app has the commands as its methods.
type app struct{ *command.Env }

// Commands returns the commands.
func Commands(e *command.Env) []*cobra.Command {
	a := &app{e}
	return []*cobra.Command{a.demoCommand(), a.initCommand(), a.connectCommand(), a.convertCommand()}
}
