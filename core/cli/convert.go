package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/pluginhost"
)

func (a *app) convertCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "convert FILE",
		Short:   "Print a file of the earlier program as a configuration",
		Long:    "Print a YAML file of the earlier program as a configuration in HCL that means the\nsame. What has no counterpart is told on standard error. The keys are in the\noutput: keep it where only you can read it.\n\nSuch a file can also be used as it is, with --config.",
		Example: "  aitunnel convert tunnel.config.yaml\n  (umask 077; aitunnel convert tunnel.config.yaml > aitunnel.hcl)",
		Args:    thisFile,
		RunE: func(c *cobra.Command, args []string) error {
			out, err := a.convert(c.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = a.out.Write(out)
			return err
		},
	}
}

// thisFile accepts the name of one file, which cannot be left out.
func thisFile(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("%s needs the name of a file, such as tunnel.config.yaml", inProgram(c))
	}
	return oneFile(c, args)
}

// convert is the conversion of an old file that is in order, and tells what it
// could not carry over.
func (a *app) convert(ctx context.Context, path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if !config.IsOld(path) {
		return nil, fmt.Errorf("%s is no file of the earlier program: the name of one ends in .yaml or .yml", path)
	}
	report, err := a.check(ctx, path)
	if err != nil {
		return nil, err
	}
	if report.HasErrors() {
		return nil, &daemon.ConfigError{Report: report}
	}
	if err := report.Write(a.err, colored(a.err)); err != nil {
		return nil, err
	}
	out, _ := config.Convert(path, text) // it was read without a mistake
	return out, nil
}

// check reads a configuration with all that its plugins say about it.
func (a *app) check(ctx context.Context, path string) (report config.Report, err error) {
	err = a.withPlugins(path, func(h *pluginhost.Host) error {
		_, report = daemon.Check(ctx, config.Options{Path: path, Vars: a.vars, Catalog: h}, h)
		return nil
	})
	return report, err
}
