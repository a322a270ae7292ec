package admin

import "fmt"

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

// ReloadCause says why a configuration was applied.
type ReloadCause struct {
	Cause   CauseCode  `json:"cause"`             // a code: requested, signal, saved, dry_run, plugin_restart, plugin_ready, edit or undo
	Plugin  string     `json:"plugin,omitempty"`  // of plugin_restart and plugin_ready: its name, or "built-in"
	Origin  OriginCode `json:"origin,omitempty"`  // of an edit, or of the one that was undone: panel, command or api
	Command string     `json:"command,omitempty"` // of the origin command, such as "channel add"
}

// Text describes the cause.
func (c ReloadCause) Text() string {
	switch c.Cause {
	case CauseRequested:
		return "a reload was requested"
	case CauseSignal:
		return "SIGHUP"
	case CauseSaved:
		return "a file was saved"
	case CauseDryRun:
		return "a dry run"
	case CausePluginRestart:
		return "the restart of " + c.plugin()
	case CausePluginReady:
		return c.plugin() + ", which is ready now"
	case CauseEdit:
		return c.edit()
	case CauseUndo:
		return "undo of " + c.edit()
	}
	return string(c.Cause) // of another version of the program
}

func (c ReloadCause) plugin() string {
	if c.Plugin == "built-in" {
		return "the built-in plugin"
	}
	return fmt.Sprintf("plugin %q", c.Plugin)
}

func (c ReloadCause) edit() string { return "an edit " + Origin{c.Origin, c.Command}.Text() }
