package setup

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
)

func (a *app) convertCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "convert FILE",
		Short:   "Convert a YAML file of the earlier program",
		Long:    "Print a YAML file of the earlier program as an equivalent configuration in HCL.\nSettings without an equivalent are reported on standard error. The output holds\nthe keys: keep it where only you can read it.\n\nSuch a file can also be used directly, with --config.",
		Example: "  aitunnel convert tunnel.config.yaml\n  (umask 077; aitunnel convert tunnel.config.yaml > aitunnel.hcl)",
		Args:    thisFile,
		RunE: func(c *cobra.Command, args []string) error {
			out, err := a.convert(c.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = a.Out.Write(out)
			return err
		},
	}
}

// thisFile accepts the name of exactly one file.
func thisFile(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("%s needs the name of a file, such as tunnel.config.yaml", command.NameOf(c))
	}
	return command.OneFile(c, args)
}

// convert converts a valid old file, and reports what could not be converted.
func (a *app) convert(ctx context.Context, path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if !config.IsOld(path) {
		return nil, fmt.Errorf("%s is not a file of the earlier program: the name of such a file ends in .yaml or .yml", path)
	}
	report, err := a.Check(ctx, path)
	if err != nil {
		return nil, err
	}
	if report.HasErrors() {
		return nil, &reload.ConfigError{Report: report}
	}
	if err := report.Write(a.Err, bool(term.Colors(a.Err))); err != nil {
		return nil, err
	}
	out, _ := config.Convert(path, text) // it was already read without an error
	return out, nil
}
