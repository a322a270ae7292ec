package command

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/pluginhost"
)

// WithPlugins calls f with its own plugin processes, so no daemon is needed.
func (a *Env) WithPlugins(configPath string, f func(*pluginhost.Host) error) error {
	builtin, err := BuiltinCommand()
	if err != nil {
		return err
	}
	sockets, err := os.MkdirTemp("", "aitunnel-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(sockets) }()
	h, err := pluginhost.New(pluginhost.Options{
		Logger:     hclog.NewNullLogger(),
		Builtin:    builtin,
		SocketDir:  sockets,
		ConfigPath: configPath,
		CacheDir:   filepath.Join(a.StateDir, "plugins"),
	})
	if err != nil {
		return err
	}
	defer func() { _ = h.Close(context.Background()) }()
	return f(h)
}

// LoadValid loads a configuration that has to be valid.
func (a *Env) LoadValid(ctx context.Context, path string) (cfg *config.Config, err error) {
	err = a.WithPlugins(path, func(h *pluginhost.Host) error {
		var report config.Report
		if cfg, report = daemon.Check(ctx, config.Options{Path: path, Vars: a.Vars, Catalog: h}, h); report.HasErrors() {
			return &reload.ConfigError{Report: report}
		}
		return nil
	})
	return cfg, err
}

// Check loads a configuration and has its plugins check it.
func (a *Env) Check(ctx context.Context, path string) (report config.Report, err error) {
	err = a.WithPlugins(path, func(h *pluginhost.Host) error {
		_, report = daemon.Check(ctx, config.Options{Path: path, Vars: a.Vars, Catalog: h}, h)
		return nil
	})
	return report, err
}

// DeclaredPlugins returns the plugin blocks of a configuration that can be read. Without a
// file it returns none.
func (a *Env) DeclaredPlugins(path string) []*config.Plugin {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return config.Declared(config.Options{Path: path, Vars: a.Vars})
}
