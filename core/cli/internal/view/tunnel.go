package view

import (
	"fmt"
	"strings"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
)

// WriteTunnels lists tunnels with their forwards, one per line; nothing if there are
// none.
func WriteTunnels(out *strings.Builder, p term.Paint, tunnels []admin.Tunnel) {
	if len(tunnels) == 0 {
		return
	}
	t := term.NewTable(p, "TUNNEL", "HOST", "STATE", "SINCE", "OPENS", "LEADS TO", ">ANSWERS IN")
	var wrong []string
	for _, x := range tunnels {
		name, host, state, since := x.Name, x.Host, TunnelState(p, x.State), term.Clock(x.Since)
		for _, f := range x.Forwards {
			to, remote := "the routes", f.Remote
			if f.Channel != "" {
				to = "channel " + f.Channel
			}
			if f.State != "open" {
				remote = p.Dim(remote + " (" + f.State + ")")
			}
			answers := term.Millis(f.Probe)
			if f.State == "open" && f.Probe == 0 {
				answers = p.Warn("not checked")
			}
			t.Row(name, host, state, since, remote, to, answers)
			name, host, state, since = " ", " ", " ", " "
		}
		if len(x.Forwards) == 0 {
			t.Row(name, host, state, since, p.Dim("nothing"), p.Dim("used by egresses"), "")
		}
		if x.LastError != "" && x.State != "up" {
			text := fmt.Sprintf("%s: %s", x.Name, x.LastError)
			switch {
			case x.State == "connecting":
				text += " (it is tried again now)"
			case x.NextTry != nil:
				text += fmt.Sprintf(" (next try at %s; 'aitunnel tunnel test %s' tries now)", term.Clock(*x.NextTry), x.Name)
			}
			wrong = append(wrong, text)
		}
	}
	out.WriteString("\n")
	_ = t.Write(out)
	for _, w := range wrong {
		out.WriteString(p.Bad(w) + "\n")
	}
	for _, x := range tunnels {
		for _, note := range x.Notes {
			_, _ = fmt.Fprintf(out, "%s: %s\n", x.Name, note)
		}
	}
}

// TunnelState returns the state of a tunnel in its color.
func TunnelState(p term.Paint, state string) string {
	switch state {
	case "up":
		return p.Good(state)
	case "failed":
		return p.Bad(state)
	}
	return p.Warn(state)
}
