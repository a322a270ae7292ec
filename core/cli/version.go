package cli

import (
	"fmt"
	"runtime"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/spf13/cobra"
)

// version is set by the build.
var version = "0.1.0"

// Version returns the program's version, without a leading v.
func Version() string { return version }

func (a *app) versionCommand() *cobra.Command {
	asJSON := false
	return command.JSONFlag(&cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  aitunnel version\n  aitunnel version --json",
		Args:    command.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return a.PrintJSON(map[string]string{"version": version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH, "handover": handOverVersion})
			}
			_, err := fmt.Fprintf(a.Out, "aitunnel %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}, &asJSON)
}
