package cli

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
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/sdk"
)

func (a *app) pluginListCommand() *cobra.Command {
	asJSON := false
	list := &cobra.Command{
		Use:   "list",
		Short: "List plugins and their components, where they are used, and what is refused",
		Long: "List the plugins and their components, with what becomes of their processes, and\n" +
			"where they are used: those of the running program, or if none runs those that the\n" +
			"configuration would use. Executables that are there but may not run, or do not\n" +
			"work, are listed with the reason.",
		Example: "  aitunnel plugin list\n  aitunnel plugin list --json",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.pluginList(c.Context(), asJSON) },
	}
	list.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return list
}

func (a *app) pluginList(ctx context.Context, asJSON bool) error {
	var plugins admin.Plugins
	err := a.remote().get(ctx, "/api/plugins", &plugins)
	if idle := (*notRunningError)(nil); errors.As(err, &idle) {
		plugins, err = a.ownPlugins(ctx)
	}
	var wrong *daemon.ConfigError
	if err != nil && !errors.As(err, &wrong) {
		return err
	}
	printed := error(nil)
	if asJSON {
		printed = a.printJSON(plugins)
	} else {
		printed = a.printPlugins(plugins)
	}
	return errors.Join(printed, err)
}

// ownPlugins starts the plugins to ask them. What is wrong with the
// configuration comes as an error beside those that could be asked.
func (a *app) ownPlugins(ctx context.Context) (out admin.Plugins, err error) {
	path, missing := config.Find(a.config)
	if missing != nil && a.config != "" {
		return out, missing
	}
	var wrong error
	err = a.withPlugins(path, func(h *pluginhost.Host) error {
		var cfg *config.Config
		if missing != nil {
			if _, err := h.Component(ctx, sdk.KindStrategy, "priority", nil); err != nil { // starts the process
				return err
			}
		} else {
			checked, report := daemon.Check(ctx, config.Options{Path: path, Vars: a.vars, Catalog: h}, h)
			if cfg = checked; report.HasErrors() {
				wrong = &daemon.ConfigError{Report: report}
				cfg = &config.Config{Plugins: a.declared(path)}
			}
		}
		out = daemon.ShowPlugins(h, cfg)
		for i := range out.Processes { // they were started only to be asked
			out.Processes[i].State, out.Processes[i].PID, out.Processes[i].Since = "not running", 0, nil
		}
		return nil
	})
	return out, errors.Join(err, wrong)
}

func (a *app) printPlugins(plugins admin.Plugins) error {
	p := a.paint()
	processes := newTable(p, "PLUGIN", "VERSION", "PROTOCOL", "LOCK", "PROCESS", ">RESTARTS", "SOURCE")
	components := newTable(p, "KIND", "COMPONENT", ">PLAN", "USED AT")
	for _, x := range plugins.Processes {
		processes.row(x.Plugin, x.Version, fmt.Sprint(x.Protocol), x.Lock, processText(p, x), fmt.Sprint(x.Restarts), x.Source)
		for _, c := range x.Components {
			name := c.Name
			if x.Source != "built-in" {
				name = x.Plugin + "/" + c.Name
			}
			if x.State == string(pluginhost.StateLeaving) {
				continue
			}
			plan, used := useText(p, c)
			components.row(strings.ReplaceAll(c.Kind, "_", " "), name, plan, used)
		}
	}
	if err := processes.write(a.out); err != nil {
		return err
	}
	a.say("")
	if err := components.write(a.out); err != nil {
		return err
	}
	for _, x := range plugins.Processes {
		if x.LastError != "" && x.State != string(pluginhost.StateRunning) && x.State != "not running" {
			a.say("\n%s %s", p.bad(x.Plugin+":"), x.LastError)
		}
	}
	for i, r := range plugins.Refused {
		if i == 0 {
			a.say("\n%s", p.bold("Not used:"))
		}
		a.say("  %s  %s%s\n    %s", p.bad(r.Plugin), r.Path, p.dim(lockNote(r.Lock)), strings.TrimPrefix(r.Reason, fmt.Sprintf("plugin %q (%s) ", r.Plugin, r.Path)))
	}
	return nil
}

func lockNote(lock string) string {
	if lock == "" {
		return ""
	}
	return " (" + lock + ")"
}

func processText(p paint, x admin.Process) string {
	text := x.State
	switch x.State {
	case string(pluginhost.StateRunning):
		text = p.good(text)
	case string(pluginhost.StateQuarantined):
		text = p.bad(text)
	case string(pluginhost.StateRestarting), string(pluginhost.StateLeaving):
		text = p.warn(text)
	}
	if x.PID > 0 {
		text += fmt.Sprintf(", pid %d", x.PID)
	}
	if x.Since != nil && x.PID > 0 {
		text += ", " + span(time.Since(*x.Since).Round(time.Second))
	}
	return text
}

// useText tells how old the newest plan of a component is, and where it is
// used.
func useText(p paint, c admin.Component) (plan, used string) {
	var newest *time.Time
	for _, u := range c.Uses {
		if u.PlannedAt != nil && (newest == nil || u.PlannedAt.After(*newest)) {
			newest = u.PlannedAt
		}
		if u.Makeshift {
			plan = p.warn("makeshift")
		}
	}
	if newest != nil && plan == "" {
		plan = span(time.Since(*newest).Round(time.Millisecond)) + " old"
	}
	return plan, strings.Join(append(c.UsedAt, useNotes(p, c)...), ", ")
}

// useNotes tell what single requests and shadows came to.
func useNotes(p paint, c admin.Component) (notes []string) {
	for _, u := range c.Uses {
		if r := u.Router; r != nil {
			note := fmt.Sprintf("asked about %s requests", number(r.Answered+r.Failed))
			if r.Failed > 0 {
				note += fmt.Sprintf(" (%s without an answer)", number(r.Failed))
			}
			if r.Resting {
				note += p.warn(", not asked for a while")
			}
			notes = append(notes, note)
		}
		if s := u.Shadow; s != nil {
			notes = append(notes, "as a shadow: "+shadowText(s))
		}
	}
	return notes
}

// shadowText is what a shadow would have chosen.
func shadowText(s *admin.Shadow) string {
	if s.Picks == 0 {
		return "no request yet"
	}
	text := fmt.Sprintf("%s requests, %.0f%% as chosen", number(s.Picks), 100*float64(s.Agreed)/float64(s.Picks))
	for _, name := range slices.Sorted(maps.Keys(s.Choices)) {
		text += fmt.Sprintf(", %s %.0f%%", name, 100*float64(s.Choices[name])/float64(s.Picks))
	}
	return text
}
