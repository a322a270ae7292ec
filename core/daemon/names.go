package daemon

import (
	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon/adminapi"
	"github.com/aitunnel/aitunnel/core/daemon/control"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/daemon/statefile"
	"github.com/aitunnel/aitunnel/core/pluginhost"
)

// The names by which commands know what the packages below define.
type (
	Ending       = control.Ending
	Holder       = statefile.Holder
	RunningError = statefile.RunningError
	ConfigError  = reload.ConfigError
)

// PathStop, VersionHeader and DrainAsConfigured are those of package control.
const (
	PathStop          = control.PathStop
	VersionHeader     = control.VersionHeader
	DrainAsConfigured = control.DrainAsConfigured
)

// ControlPath is where the program of a state directory listens for commands.
func ControlPath(dir string) string { return control.Path(dir) }

// HolderOf returns who holds the state directory, nil if nobody does.
func HolderOf(dir string) *Holder { return statefile.HolderOf(dir) }

// ShowPlugins shows the plugins of h, and where cfg uses them; cfg may be nil.
func ShowPlugins(h *pluginhost.Host, cfg *config.Config) admin.Plugins {
	return adminapi.ShowPlugins(h, cfg)
}
