package view

import (
	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/pluginhost"
)

// PlanWarnings returns the warnings of all plans.
func PlanWarnings(plugins admin.Plugins) (all []string) {
	for _, x := range plugins.Processes {
		for _, c := range x.Components {
			for _, u := range c.Uses {
				all = append(all, u.Warnings...)
			}
		}
	}
	return all
}

// RestartNote returns how to use a plugin again that is no longer restarted.
func RestartNote(x admin.Process) string {
	if x.State != string(pluginhost.StateQuarantined) {
		return ""
	}
	return "; fix the cause, then run: aitunnel plugin restart " + x.Plugin
}
