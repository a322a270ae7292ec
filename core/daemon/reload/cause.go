package reload

import (
	"cmp"

	"github.com/aitunnel/aitunnel/core/admin"
)

// Cause is why a configuration was applied.
type Cause struct {
	Code   admin.CauseCode
	Plugin string       // of a plugin's causes; "": the built-in plugin
	Origin admin.Origin // of an edit, or of the one that was undone
}

// Text describes the cause.
func (c Cause) Text() string { return c.Report().Text() }

// Report returns the cause in the form of the API.
func (c Cause) Report() admin.ReloadCause {
	out := admin.ReloadCause{Cause: c.Code, Origin: c.Origin.Code, Command: c.Origin.Command}
	if c.Code == admin.CausePluginRestart || c.Code == admin.CausePluginReady {
		out.Plugin = cmp.Or(c.Plugin, BuiltinPlugin)
	}
	return out
}
