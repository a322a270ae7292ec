package configuration

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/fileaccess"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/service"
)

func (a *app) validateCommand() *cobra.Command {
	asJSON := false
	return command.JSONFlag(&cobra.Command{
		Use:     "validate [FILE]",
		Short:   "Check a configuration, including the settings of its plugins",
		Example: "  aitunnel validate\n  aitunnel validate aitunnel.hcl\n  aitunnel validate --json",
		Args:    command.OneFile,
		RunE: a.AsServiceAccount(func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				a.Config = args[0]
			}
			return a.validate(c.Context(), asJSON)
		}),
	}, &asJSON)
}

// validity is the outcome of validate as JSON.
type validity struct {
	Path  string              `json:"path"`
	Valid bool                `json:"valid"`
	Diags []config.Diagnostic `json:"diagnostics"`
	// Verdicts are answers of real sites that verdict blocks judge differently from
	// the built-in rules.
	Verdicts []verdictChange `json:"verdicts,omitempty"`
}

func (a *app) validate(ctx context.Context, asJSON bool) error {
	path, err := config.Find(a.Config)
	if err != nil {
		return err
	}
	var cfg *config.Config
	var report config.Report
	var problems []string
	err = a.WithPlugins(path, func(h *pluginhost.Host) error {
		defer func() { problems = h.Problems(a.DeclaredPlugins(path)) }()
		cfg, report = daemon.Check(ctx, config.Options{Path: path, Vars: a.Vars, Catalog: h}, h)
		return nil
	})
	if err != nil {
		return err
	}
	report = report.Warn("A plugin's file", problems)
	for _, p := range daemon.StateDirProblems(a.StateDir) {
		report = report.Warn("The state directory", []string{p.Text()})
	}
	if !report.HasErrors() {
		report = checkTunnels(ctx, cfg, checkLogFile(path, cfg, report))
	}
	switch {
	case asJSON:
		v := validity{Path: path, Valid: !report.HasErrors(), Diags: report.Diagnostics()}
		if v.Valid {
			v.Verdicts = verdictChanges(cfg)
		}
		err := a.PrintJSON(v)
		if err == nil && report.HasErrors() {
			err = command.ExitError(command.ExitConfig)
		}
		return err
	case report.HasErrors():
		return &reload.ConfigError{Report: report}
	}
	if err := report.Write(a.Err, bool(term.Colors(a.Err))); err != nil {
		return err
	}
	has := []string{term.Count(len(cfg.Channels), "channel"), term.Count(len(cfg.Routes), "route")}
	if n := len(cfg.Tunnels); n > 0 {
		has = append(has, term.Count(n, "tunnel"))
	}
	if _, err = fmt.Fprintf(a.Out, "%s is valid: %s.\n", path, strings.Join(has, ", ")); err == nil {
		a.sayVerdictChanges(verdictChanges(cfg))
	}
	return err
}

// checkLogFile adds a warning to a report if the log file cannot be written by this
// account, or by the system service that uses the configuration.
func checkLogFile(path string, cfg *config.Config, report config.Report) config.Report {
	file := cfg.Log.File
	if file == "" {
		return report
	}
	u, installed := service.InstalledSystem()
	isOfService := installed && command.IsServiceConfig(path, u)
	if err := fileaccess.CheckAppend(file); err != nil && !service.WillBeInLogDir(file) {
		return report.AddSettingError(cfg, "log.file", err)
	}
	if isOfService && !u.MayWrite(file) {
		return report.Warn("The setting log.file", []string{fmt.Sprintf("systemd does not let the service write to %s: use a file in %s, or add ReadWritePaths=%s under [Service] with 'systemctl edit aitunnel'.", file, service.LogDir, filepath.Dir(file))})
	}
	return report
}
