package plugins

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/cli/internal/view"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/daemon/adminapi"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/trust"
	"github.com/aitunnel/aitunnel/sdk"
)

func (a *app) pluginListCommand() *cobra.Command {
	asJSON := false
	list := &cobra.Command{
		Use:   "list",
		Short: "List plugins and their components, where they are used, and what was refused",
		Long: "List plugins and their components, with the state of their processes and where\n" +
			"they are used: those of the running program, or, if it is not running, those that\n" +
			"the configuration uses. Executables that may not run, or do not work, are listed\n" +
			"with the reason. Below the list are the warnings of plugins, the calls to them that\n" +
			"fail, and the parts of requests that they ask for but may not see.",
		Example: "  aitunnel plugin list\n  aitunnel plugin list --json",
		Args:    command.NoArgs,
		RunE:    a.pluginAsService(func(c *cobra.Command, _ []string) error { return a.pluginList(c.Context(), asJSON) }),
	}
	list.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return list
}

func (a *app) pluginList(ctx context.Context, asJSON bool) error {
	plugins, err := a.Client().Plugins(ctx)
	if a.IsNotRunning(err) {
		plugins, err = a.ownPlugins(ctx)
	}
	var wrong *reload.ConfigError
	if err != nil && !errors.As(err, &wrong) {
		return err
	}
	printed := error(nil)
	if asJSON {
		printed = a.PrintJSON(plugins)
	} else {
		printed = a.printPlugins(plugins)
	}
	return errors.Join(printed, err)
}

// ownPlugins starts the plugins to describe them. It returns errors of the
// configuration together with the plugins that could be described.
func (a *app) ownPlugins(ctx context.Context) (out admin.Plugins, err error) {
	path, missing := config.Find(a.Config)
	if missing != nil && a.Config != "" {
		return out, missing
	}
	var wrong error
	err = a.WithPlugins(path, func(h *pluginhost.Host) error {
		var cfg *config.Config
		var warnings []string
		if missing != nil {
			if _, err := h.Component(ctx, sdk.KindStrategy, "priority", nil); err != nil { // starts the process
				return err
			}
		} else {
			checked, report := daemon.Check(ctx, config.Options{Path: path, Vars: a.Vars, Catalog: h}, h)
			warnings = report.ComponentWarnings()
			if cfg = checked; report.HasErrors() {
				wrong = &reload.ConfigError{Report: report}
				cfg = &config.Config{Plugins: a.DeclaredPlugins(path)}
			}
		}
		out = adminapi.ShowPlugins(h, cfg)
		out.Problems = append(out.Problems, warnings...)
		for i := range out.Processes { // they only ran to be described
			out.Processes[i].State, out.Processes[i].PID, out.Processes[i].Since = string(pluginhost.StateNotRunning), 0, nil
		}
		return nil
	})
	return out, errors.Join(err, wrong)
}

func (a *app) printPlugins(plugins admin.Plugins) error {
	p := a.Paint()
	processes := term.NewTable(p, "PLUGIN", "VERSION", "PROTOCOL", "LOCK", "PROCESS", ">RESTARTS", ">MEMORY", ">CPU", ">LOG", "SOURCE")
	components := term.NewTable(p, "KIND", "COMPONENT", ">PLAN", "USED AT")
	for _, x := range plugins.Processes {
		processes.Row(x.Plugin, x.Version, fmt.Sprint(x.Protocol), trust.State(x.Lock).Text(), processText(p, x), fmt.Sprint(x.Restarts), memoryText(x), cpuText(x), logText(p, x), x.Source)
		for _, c := range x.Components {
			name := c.Name
			if x.Source != "built-in" {
				name = x.Plugin + "/" + c.Name
			}
			if x.State == string(pluginhost.StateDraining) {
				continue
			}
			plan, used := useText(p, c)
			components.Row(strings.ReplaceAll(c.Kind, "_", " "), name, plan, used)
		}
	}
	if err := processes.Write(a.Out); err != nil {
		return err
	}
	a.Say("")
	if err := components.Write(a.Out); err != nil {
		return err
	}
	for _, x := range plugins.Processes {
		if x.Fallback != "" {
			a.Say("\n%s %s", p.Warn(x.Plugin+":"), x.Fallback)
		}
		switch {
		case x.LastError == "" || x.State == string(pluginhost.StateNotRunning):
		case x.State == string(pluginhost.StateRunning):
			a.Say("\n%s %s", p.Warn(fmt.Sprintf("%s was restarted; last failure:", x.Plugin)), x.LastError)
		default:
			a.Say("\n%s %s", p.Bad(x.Plugin+":"), x.LastError+view.RestartNote(x))
		}
	}
	for _, w := range append(view.PlanWarnings(plugins), plugins.Problems...) {
		a.Say("\n%s %s", p.Warn("Warning:"), w)
	}
	for i, r := range plugins.Refused {
		if i == 0 {
			a.Say("\n%s", p.Bold("Not used:"))
		}
		a.Say("  %s  %s%s\n    %s", p.Bad(r.Plugin), r.Path, p.Dim(lockNote(r.Lock)), strings.TrimPrefix(r.Reason, fmt.Sprintf("plugin %q (%s) ", r.Plugin, r.Path)))
	}
	return nil
}

// memoryText, cpuText and logText return the resource usage of a process.
func memoryText(x admin.Process) string {
	if x.Memory == 0 {
		return ""
	}
	return fmt.Sprintf("%d MiB", x.Memory>>20)
}

func cpuText(x admin.Process) string {
	if x.Memory == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f%%", 100*x.CPU)
}

func logText(p term.Paint, x admin.Process) string {
	text := ""
	if x.LogLines > 0 {
		text = fmt.Sprintf("%d/s", x.LogLines)
	}
	if x.LogDropped > 0 {
		text = strings.TrimSpace(text + " " + p.Warn(fmt.Sprintf("%d dropped", x.LogDropped)))
	}
	return text
}

func lockNote(lock string) string {
	if lock == "" {
		return ""
	}
	return " (" + trust.State(lock).Text() + ")"
}

func processText(p term.Paint, x admin.Process) string {
	text := pluginhost.State(x.State).Text()
	switch x.State {
	case string(pluginhost.StateRunning):
		text = p.Good(text)
	case string(pluginhost.StateQuarantined):
		text = p.Bad(text)
	case string(pluginhost.StateRestarting), string(pluginhost.StateDraining):
		text = p.Warn(text)
	}
	if x.PID > 0 {
		text += fmt.Sprintf(", pid %d", x.PID)
	}
	if x.Since != nil && x.PID > 0 {
		text += ", " + term.Span(time.Since(*x.Since).Round(time.Second))
	}
	return text
}

// useText returns how old the newest plan of a component is, and where it is used.
func useText(p term.Paint, c admin.Component) (plan, used string) {
	var newest *time.Time
	for _, u := range c.Uses {
		if u.PlannedAt != nil && (newest == nil || u.PlannedAt.After(*newest)) {
			newest = u.PlannedAt
		}
		if u.CorePlan || u.Makeshift { // an earlier program only sends the second
			plan = p.Warn("core plan")
		}
	}
	if newest != nil && plan == "" {
		plan = term.Span(time.Since(*newest).Round(time.Millisecond)) + " old"
	}
	return plan, strings.Join(append(c.UsedAt, useNotes(p, c)...), ", ")
}

// useNotes returns the counts of routed requests and of shadows.
func useNotes(p term.Paint, c admin.Component) (notes []string) {
	for _, u := range c.Uses {
		if r := u.Router; r != nil {
			note := fmt.Sprintf("asked about %s requests", term.Number(r.Answered+r.Failed))
			if r.Failed > 0 {
				note += fmt.Sprintf(" (%s without an answer)", term.Number(r.Failed))
			}
			if r.Skipped > 0 {
				note += fmt.Sprintf(", not asked about %s because it was busy or had failed: its plan decided", term.Number(r.Skipped))
			}
			if r.Paused {
				note += p.Warn(", paused after failures")
			}
			notes = append(notes, note)
		}
		if s := u.Shadow; s != nil {
			notes = append(notes, "as a shadow: "+shadowText(s))
		}
	}
	return notes
}

// shadowText returns what a shadow would have chosen.
func shadowText(s *admin.Shadow) string {
	if s.Picks == 0 {
		return "no request yet"
	}
	text := fmt.Sprintf("%s requests, %.0f%% the same pick", term.Number(s.Picks), 100*float64(s.Agreed)/float64(s.Picks))
	for _, name := range slices.Sorted(maps.Keys(s.Choices)) {
		text += fmt.Sprintf(", %s %.0f%%", name, 100*float64(s.Choices[name])/float64(s.Picks))
	}
	return text
}
