package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/channel"
)

func (a *app) statusCommand() *cobra.Command {
	watch, asJSON := false, false
	c := &cobra.Command{
		Use:     "status",
		Short:   "Show what the running program does",
		Long:    "Show the channels with their keys, the tunnels, the plugins and the last reload\nof the program that runs with the state directory.\n\nThe exit code is 3 if none does.",
		Example: "  aitunnel status\n  aitunnel status --watch\n  aitunnel status --json",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if watch {
				return a.watchStatus(c.Context(), asJSON)
			}
			return a.status(c.Context(), asJSON)
		},
	}
	c.Flags().BoolVarP(&watch, "watch", "w", false, "show it again every two seconds, until interrupted")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// watchTime is the pause between two looks.
const watchTime = 2 * time.Second

// overview is what status shows.
type overview struct {
	admin.Status
	ChannelList []admin.Channel `json:"channelList"`
}

func (a *app) overview(ctx context.Context, r *remote) (out overview, err error) {
	if err = r.get(ctx, "/api/status", &out.Status); err == nil {
		err = r.get(ctx, "/api/channels", &out.ChannelList)
	}
	return out, err
}

func (a *app) status(ctx context.Context, asJSON bool) error {
	r := a.remote()
	v, err := a.overview(ctx, r)
	if err != nil {
		return err
	}
	if asJSON {
		return a.printJSON(v)
	}
	var out strings.Builder
	v.write(&out, a.paint(), r.otherVersion())
	_, err = io.WriteString(a.out, out.String())
	return err
}

func (a *app) watchStatus(ctx context.Context, asJSON bool) error {
	r := a.remote()
	for {
		v, err := a.overview(ctx, r)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if asJSON {
			err = a.printJSON(v)
		} else {
			var out strings.Builder
			if a.paint() { // on a terminal: in place of the last look
				out.WriteString("\x1b[H\x1b[2J")
			}
			v.write(&out, a.paint(), r.otherVersion())
			_, err = io.WriteString(a.out, out.String())
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

func (v overview) write(out *strings.Builder, p paint, note string) {
	state := p.good("running")
	if v.Status.Status != "running" {
		state = p.warn(v.Status.Status)
	}
	since := time.Duration(v.Uptime * float64(time.Second))
	line := func(name, value string) { _, _ = fmt.Fprintf(out, "%s %s\n", p.dim(fmt.Sprintf("%-8s", name)), value) }
	_, _ = fmt.Fprintf(out, "%s is %s for %s, pid %d\n", p.bold("aitunnel "+v.Version), state, span(since), v.PID)
	if note != "" {
		_, _ = fmt.Fprintln(out, p.warn(note))
	}
	out.WriteString("\n")
	active := ""
	if v.Active > 0 {
		active = ", " + count(v.Active, "request") + " under way"
	}
	line("Proxy", "http://"+reachable(v.Listen)+active)
	if v.AdminListen == "" {
		line("Panel", "off")
	} else {
		line("Panel", "http://"+reachable(v.AdminListen))
		if v.TokenFile != "" {
			line("", "admin token in "+v.TokenFile)
		}
	}
	line("Config", fmt.Sprintf("%s, generation %d", v.Config, v.Generation))
	for _, w := range v.Warnings {
		line("", p.warn("Warning: ")+w)
	}
	if r := v.LastReload; r != nil {
		line("Reload", reloadLine(p, r))
		for _, mistake := range mistakes(r) {
			line("", mistake)
		}
	}
	out.WriteString("\n")
	_ = channelTable(p, v.ChannelList).write(out)
	writeRestingKeys(out, p, v.ChannelList)
	writeTunnels(out, p, v.Tunnels)
	writePlugins(out, p, v.Plugins)
}

func reloadLine(p paint, r *admin.Reload) string {
	switch {
	case !r.OK:
		text := p.bad("failed") + " at " + clock(r.At) + ", nothing was changed"
		if len(mistakes(r)) == 0 {
			text += ": " + r.Error
		}
		return text
	case len(r.Changes) == 0:
		return "nothing to change at " + clock(r.At)
	}
	return fmt.Sprintf("%s at %s by %s, %s", p.good("applied"), clock(r.At), r.Cause, count(len(r.Changes), "change"))
}

// maxMistakes is how many mistakes status shows; 'aitunnel plan' shows all.
const maxMistakes = 3

// mistakes are why a reload failed, each with its place.
func mistakes(r *admin.Reload) (out []string) {
	if r.OK {
		return nil
	}
	more := 0
	for _, d := range r.Diags {
		if d.Severity != "error" {
			continue
		}
		if len(out) == maxMistakes {
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
		out = append(out, fmt.Sprintf("and %d more; 'aitunnel plan' shows them", more))
	}
	return out
}

func channelTable(p paint, channels []admin.Channel) *table {
	t := newTable(p, "CHANNEL", "STATE", ">LATENCY", ">KEYS", ">REQUESTS", ">FAILED", "NOTE")
	for _, ch := range channels {
		state, note := channelState(p, ch)
		t.row(channelName(p, ch), state, millisText(ch.Latency), keysText(p, ch), number(ch.Stats.TotalRequests), number(ch.Stats.FailCount), note)
	}
	return t
}

func channelName(p paint, ch admin.Channel) string {
	name := ch.Name
	if ch.Fallback {
		name += p.dim(" (fallback)")
	}
	if ch.First {
		name += p.dim(" (first)")
	}
	return name
}

// keysText is how many keys are usable, of how many.
func keysText(p paint, ch admin.Channel) string {
	if ch.Keys.Total == 0 {
		return ""
	}
	text := fmt.Sprintf("%d/%d", ch.Keys.Alive, ch.Keys.Total)
	if ch.Keys.Alive < ch.Keys.Total {
		text = p.warn(text)
	}
	return text
}

// channelState is the state of a channel, as the panel shows it, and why.
func channelState(p paint, ch admin.Channel) (state, note string) {
	text := ch.State.Text()
	switch ch.State {
	case admin.StateReady:
		return p.good(text), ""
	case admin.StateUnknown:
		return text, ""
	case admin.StatePaused:
		return p.warn(text), ""
	}
	if note = ch.OutReason; note == "" {
		note = ch.Why()
	}
	if left := until(ch.OutUntil); left != "" {
		note += ", for " + left
	}
	if ch.State == admin.StateDegraded {
		return p.warn(text), note
	}
	return p.bad(text), note
}

// writeRestingKeys lists the keys that cannot be used now.
func writeRestingKeys(out *strings.Builder, p paint, channels []admin.Channel) {
	t := newTable(p, "KEY", "CHANNEL", "STATE", "FOR", "NOTE")
	for _, ch := range channels {
		for _, k := range ch.Keys.List {
			if k.State != channel.KeyReady {
				t.row(k.Masked, ch.Name, p.warn(channel.Skip(k.State).Text()), until(k.Until), k.Reason)
			}
		}
	}
	if len(t.rows) > 1 {
		out.WriteString("\n")
		_ = t.write(out)
	}
}

func writePlugins(out *strings.Builder, p paint, plugins admin.Plugins) {
	t := newTable(p, "PLUGIN", "VERSION", "STATE", ">PID", ">RESTARTS", "NOTE")
	for _, x := range plugins.Processes {
		state, note := p.good(x.State), ""
		if x.State != "running" {
			state, note = p.bad(x.State), x.LastError
		}
		pid := ""
		if x.PID > 0 {
			pid = fmt.Sprint(x.PID)
		}
		t.row(x.Plugin, x.Version, state, pid, fmt.Sprint(x.Restarts), note)
	}
	if len(t.rows) > 1 {
		out.WriteString("\n")
		_ = t.write(out)
	}
}
