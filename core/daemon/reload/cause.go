package reload

import "github.com/aitunnel/aitunnel/core/admin"

// CauseCode says why a configuration was applied.
type CauseCode string

// The causes.
const (
	CauseRequested     CauseCode = "requested"      // by a command or through the API
	CauseSignal        CauseCode = "signal"         // SIGHUP
	CauseSaved         CauseCode = "saved"          // a file of the configuration was saved
	CauseDryRun        CauseCode = "dry_run"        // nothing is applied
	CausePluginRestart CauseCode = "plugin_restart" // it was requested
	CausePluginReady   CauseCode = "plugin_ready"   // the locked version of a plugin, which did not start before
	CauseEdit          CauseCode = "edit"
	CauseUndo          CauseCode = "undo" // of an edit
)

// CauseCodes are all causes.
var CauseCodes = []CauseCode{CauseRequested, CauseSignal, CauseSaved, CauseDryRun, CausePluginRestart, CausePluginReady, CauseEdit, CauseUndo}

// Cause is why a configuration was applied.
type Cause struct {
	Code   CauseCode
	Plugin string       // of a plugin's causes; "": the built-in plugin
	Origin admin.Origin // of an edit, or of the one that was undone
}

// Text describes the cause.
func (c Cause) Text() string {
	switch c.Code {
	case CauseRequested:
		return "a reload was requested"
	case CauseSignal:
		return "SIGHUP"
	case CauseSaved:
		return "a file was saved"
	case CauseDryRun:
		return "a dry run"
	case CausePluginRestart:
		return "the restart of " + pluginBlock(c.Plugin)
	case CausePluginReady:
		return pluginBlock(c.Plugin) + ", which is ready now"
	case CauseEdit:
		return "an edit " + c.Origin.Text()
	case CauseUndo:
		return "undo of an edit " + c.Origin.Text()
	}
	return string(c.Code)
}
