package observe

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/cli/internal/view"
	"github.com/aitunnel/aitunnel/core/pluginhost"
)

func (a *app) statusCommand() *cobra.Command {
	watch, asJSON := false, false
	c := &cobra.Command{
		Use:     "status",
		Short:   "Show the state of the running program",
		Long:    "Show the channels with their keys, the tunnels, the plugins and the last reload\nof the program that uses the state directory.\n\nIf it is not running, the exit code is 3.",
		Example: "  aitunnel status\n  aitunnel status --watch\n  aitunnel status --json",
		Args:    command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if watch {
				return a.watchStatus(c.Context(), asJSON)
			}
			return a.status(c.Context(), asJSON)
		},
	}
	c.Flags().BoolVarP(&watch, "watch", "w", false, "update the display every two seconds until interrupted")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// watchTime is the time between two updates.
const watchTime = 2 * time.Second

// overview contains what status shows.
type overview struct {
	admin.Status
	ChannelList []admin.Channel `json:"channelList"`
}

func (a *app) overview(ctx context.Context, c *adminclient.Client) (out overview, err error) {
	if out.Status, err = c.Status(ctx); err == nil {
		out.ChannelList, err = c.Channels(ctx)
	}
	return out, err
}

func (a *app) status(ctx context.Context, asJSON bool) error {
	c := a.Client()
	v, err := a.overview(ctx, c)
	if err != nil {
		return err
	}
	if asJSON {
		return a.PrintJSON(v)
	}
	var out strings.Builder
	v.write(&out, a.Paint(), a.VersionNote(c))
	_, err = io.WriteString(a.Out, out.String())
	return err
}

func (a *app) watchStatus(ctx context.Context, asJSON bool) error {
	c := a.Client()
	for {
		v, err := a.overview(ctx, c)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if asJSON {
			err = a.PrintJSON(v)
		} else {
			var out strings.Builder
			if a.Paint() { // on a terminal: overwrite the last output
				out.WriteString("\x1b[H\x1b[2J")
			}
			v.write(&out, a.Paint(), a.VersionNote(c))
			_, err = io.WriteString(a.Out, out.String())
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchTime):
		}
	}
}

func (v overview) write(out *strings.Builder, p term.Paint, note string) {
	state := p.Good("running")
	if v.Status.Status != "running" {
		state = p.Warn(v.Status.Status)
	}
	since := time.Duration(v.Uptime * float64(time.Second))
	line := func(name, value string) { _, _ = fmt.Fprintf(out, "%s %s\n", p.Dim(fmt.Sprintf("%-8s", name)), value) }
	_, _ = fmt.Fprintf(out, "%s is %s, up %s, pid %d\n", p.Bold("aitunnel "+v.Version), state, term.Span(since), v.PID)
	if note != "" {
		_, _ = fmt.Fprintln(out, p.Warn(note))
	}
	out.WriteString("\n")
	active := ""
	if v.Active > 0 {
		active = ", " + term.Count(v.Active, "request") + " in flight"
	}
	line("Proxy", "http://"+admin.LocalAddress(v.Listen)+active)
	if v.ListenOther != "" && v.ListenOther != v.Listen {
		line("", "http://"+v.ListenOther+" from other machines")
	}
	if v.AdminListen == "" {
		line("Panel", "off")
	} else {
		line("Panel", "http://"+admin.LocalAddress(v.AdminListen))
		if v.TokenFile != "" {
			line("", "admin token in "+v.TokenFile)
		}
	}
	changed := ""
	if v.Generation > 1 {
		changed = ", changed " + term.Count(int(v.Generation-1), "time") + " since the start"
	}
	line("Config", v.Config+changed)
	for _, w := range v.Warnings {
		line("", p.Warn("Warning: ")+w)
	}
	if v.LogFile != "" {
		line("Log", v.LogFile)
	}
	for _, problem := range v.Problems {
		line("", p.Warn("Warning: ")+problem.Text())
	}
	for i, text := range v.Unsaved {
		line([]string{"Disk", ""}[min(i, 1)], p.Bad("Error: ")+text)
	}
	if r := v.LastReload; r != nil {
		line("Reload", reloadLine(p, r))
		for _, e := range reloadErrors(r) {
			line("", e)
		}
	}
	out.WriteString("\n")
	_ = channelTable(p, v.ChannelList).Write(out)
	writeUnavailableKeys(out, p, v.ChannelList)
	writeEgresses(out, p, v.ChannelList)
	view.WriteClients(out, p, v.Clients)
	view.WriteTunnels(out, p, v.Tunnels)
	writeFailingChecks(out, p, v.ChannelList)
	writePlugins(out, p, v.Plugins)
}

func reloadLine(p term.Paint, r *admin.Reload) string {
	switch {
	case !r.OK:
		text := p.Bad("failed") + " at " + term.Clock(r.At) + "; nothing was changed"
		if len(reloadErrors(r)) == 0 {
			text += ": " + r.Error
		}
		return text
	case len(r.Changes) == 0:
		return "no changes at " + term.Clock(r.At)
	}
	return fmt.Sprintf("%s at %s, %s (%s)", p.Good("applied"), term.Clock(r.At), term.Count(len(r.Changes), "change"), r.Text())
}

// maxErrors is the maximum number of errors that status shows; 'aitunnel reload
// --dry-run' shows all.
const maxErrors = 3

// reloadErrors returns why a reload failed, each with its place.
func reloadErrors(r *admin.Reload) (out []string) {
	if r.OK {
		return nil
	}
	more := 0
	for _, d := range r.Diags {
		if d.Severity != "error" {
			continue
		}
		if len(out) == maxErrors {
			more++
			continue
		}
		text := strings.TrimSpace(d.Summary + ". " + d.Detail)
		if d.File != "" {
			text = fmt.Sprintf("%s:%d:%d: %s", d.File, d.Line, d.Column, text)
		}
		out = append(out, text)
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("and %d more; 'aitunnel reload --dry-run' shows them", more))
	}
	return out
}

// channelTable lists channels with their attempts of the last ten minutes.
func channelTable(p term.Paint, channels []admin.Channel) *term.Table {
	t := term.NewTable(p, "CHANNEL", "STATE", ">FIRST BYTE", ">KEYS", ">ATTEMPTS (10 MIN)", ">FAILED", "NOTE")
	for _, ch := range channels {
		state, note := view.ChannelState(p, ch)
		attempts, failed, _ := view.RecentAttempts(ch)
		t.Row(view.ChannelName(p, ch), state, term.Millis(ch.Latency), view.KeysText(p, ch), attempts, failed, note)
	}
	return t
}

// writeUnavailableKeys lists the keys that are not available.
func writeUnavailableKeys(out *strings.Builder, p term.Paint, channels []admin.Channel) {
	t := term.NewTable(p, "KEY", "CHANNEL", "STATE", "FOR", "NOTE")
	for _, ch := range channels {
		for _, k := range ch.Keys.List {
			if k.State != channel.KeyReady {
				t.Row(k.Shown, ch.Name, p.Warn(channel.Skip(k.State).Text()), term.Until(k.Until), k.Reason)
			}
		}
	}
	if !t.Empty() {
		out.WriteString("\n")
		_ = t.Write(out)
	}
}

// writeEgresses lists the egresses of channels that have several, or that are not
// reached directly.
func writeEgresses(out *strings.Builder, p term.Paint, channels []admin.Channel) {
	t := term.NewTable(p, "EGRESS", "CHANNEL", "VIA", "STATE", "FOR", "NOTE")
	for _, ch := range channels {
		for _, e := range ch.Egress {
			state := p.Dim("ready")
			switch {
			case e.Until != nil:
				state = p.Warn("left out")
			case e.Used:
				state = p.Good("in use")
			}
			t.Row(e.Name, ch.Name, e.Via, state, term.Until(e.Until), e.Reason)
		}
	}
	if !t.Empty() {
		out.WriteString("\n")
		_ = t.Write(out)
	}
}

// writeFailingChecks lists the health checks that could not be made.
func writeFailingChecks(out *strings.Builder, p term.Paint, channels []admin.Channel) {
	for _, ch := range channels {
		if ch.CheckError != "" {
			fmt.Fprintf(out, "\n%s the health check of channel %q could not be made: %s\n", p.Warn("Warning:"), ch.Name, ch.CheckError)
		}
	}
}

// startingNote returns what is used until a new version is ready.
func startingNote(x admin.Process, all []admin.Process) string {
	for _, other := range all {
		if other.Plugin == x.Plugin && other.State == string(pluginhost.StateRunning) {
			return fmt.Sprintf("version %s is used until it is ready", other.Version)
		}
	}
	return "not ready yet"
}

func writePlugins(out *strings.Builder, p term.Paint, plugins admin.Plugins) {
	t := term.NewTable(p, "PLUGIN", "VERSION", "STATE", ">PID", ">RESTARTS", "NOTE")
	for _, x := range plugins.Processes {
		state, note := p.Good(x.State), x.LastError
		switch {
		case x.State == string(pluginhost.StateStarting):
			state = p.Warn(x.State)
			if note == "" {
				note = startingNote(x, plugins.Processes)
			}
		case x.State != string(pluginhost.StateRunning):
			state = p.Bad(x.State)
		case note != "":
			note = "restarted; last failure: " + note
		}
		if x.Fallback != "" {
			note = x.Fallback
		}
		note += view.RestartNote(x)
		pid := ""
		if x.PID > 0 {
			pid = fmt.Sprint(x.PID)
		}
		t.Row(x.Plugin, x.Version, state, pid, fmt.Sprint(x.Restarts), note)
	}
	if !t.Empty() {
		out.WriteString("\n")
		_ = t.Write(out)
	}
	for _, w := range view.PlanWarnings(plugins) {
		fmt.Fprintf(out, "%s %s\n", p.Warn("Warning:"), w)
	}
}
