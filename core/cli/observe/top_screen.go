package observe

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/cli/internal/view"
	"github.com/aitunnel/aitunnel/core/event"
)

// screen returns the view as text that fits the terminal: a header, the channels, the tunnels,
// and as many events as there is room for.
func (m *topModel) screen() string {
	if m.width <= 0 || m.height <= 0 {
		return ""
	}
	lines := append(m.head(), "")
	lines = append(lines, m.channels()...)
	if tunnels := m.tunnels(); len(tunnels) > 0 {
		lines = append(append(lines, ""), tunnels...)
	}
	lines = append(lines, "")
	if room := m.height - 1; len(lines) > room {
		lines = lines[:max(room, 0)]
	}
	names := command.KeyNamesOf(m.now.ChannelList)
	for _, e := range m.shown(m.height - 1 - len(lines)) {
		lines = append(lines, eventLine(m.paint, names.Event(e)))
	}
	for len(lines) < m.height-1 {
		lines = append(lines, "")
	}
	lines = append(lines, m.foot())
	for i, l := range lines {
		lines[i] = ansi.Truncate(l, m.width, "…")
	}
	return strings.Join(lines, "\n")
}

func (m *topModel) head() []string {
	p, s := m.paint, m.now
	state := p.Good("● running")
	switch {
	case m.lost != nil:
		state = p.Bad("● no answer")
	case s.Channels.Healthy == 0:
		state = p.Bad("● no channel is available")
	case s.Channels.Healthy < s.Channels.Total:
		state = p.Warn(fmt.Sprintf("● %d of %d channels available", s.Channels.Healthy, s.Channels.Total))
	case s.Status.Status != "running":
		state = p.Warn("● " + s.Status.Status)
	}
	rate, minute := "", s.stats.Windows["1m"]
	if minute.SuccessRate != nil {
		rate = p.Dim(", ") + fmt.Sprintf("%.1f%% ok", 100**minute.SuccessRate) + p.Dim(" in the last minute")
	}
	return []string{
		m.spread(p.Bold("aitunnel "+s.Version)+"  "+state, p.Dim("up ")+term.Span(time.Duration(s.Uptime*float64(time.Second)))),
		m.spread(p.Dim("Proxy http://")+admin.LocalAddress(s.Listen),
			fmt.Sprintf("%.1f requests/s%s%s%d in flight", s.stats.RequestsPerSecond, rate, p.Dim(", "), s.Active)),
	}
}

// spread aligns two texts at the two ends of a line; the second is left out if there
// is no room for it.
func (m *topModel) spread(left, right string) string {
	gap := m.width - ansi.StringWidth(left) - ansi.StringWidth(right)
	if gap < 2 {
		return left
	}
	return left + strings.Repeat(" ", gap) + right
}

// sparkWidth is the number of characters for the last ten minutes.
const sparkWidth = 30

func (m *topModel) channels() []string {
	p := m.paint
	t := term.NewTable(p, "CHANNEL", "STATE", ">ATTEMPTS/MIN", ">OK (10 MIN)", ">FIRST BYTE", ">KEYS", "LAST TEN MINUTES", "NOTE")
	for _, ch := range m.now.ChannelList {
		state, note := view.ChannelState(p, ch)
		_, _, ok := view.RecentAttempts(ch)
		minute, _ := view.Sum(ch.Recent, 6)
		t.Row(view.ChannelName(p, ch), state, term.Number(minute), ok, term.Millis(ch.Latency), view.KeysText(p, ch), spark(p, ch.Recent), note)
	}
	var out strings.Builder
	_ = t.Write(&out)
	return strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
}

// spark draws requests over time, red where some failed.
func spark(p term.Paint, points []admin.Point) string {
	const bars = "▁▂▃▄▅▆▇█"
	per := max(1, (len(points)+sparkWidth-1)/sparkWidth)
	var counts []admin.Point
	most := uint64(0)
	for i := 0; i < len(points); i += per {
		var sum admin.Point
		sum.Requests, sum.Failures = view.Sum(points[i:min(i+per, len(points))], per)
		counts, most = append(counts, sum), max(most, sum.Requests)
	}
	var out strings.Builder
	for _, c := range counts {
		switch bar := string([]rune(bars)[barOf(c.Requests, most, len([]rune(bars)))]); {
		case c.Requests == 0:
			out.WriteString(p.Dim("·"))
		case c.Failures > 0:
			out.WriteString(p.Bad(bar))
		default:
			out.WriteString(p.Good(bar))
		}
	}
	return out.String()
}

func barOf(n, most uint64, bars int) int {
	if most == 0 {
		return 0
	}
	return int(n * uint64(bars-1) / most)
}

func (m *topModel) tunnels() (out []string) {
	for _, t := range m.now.Tunnels {
		line := m.paint.Dim("Tunnel ") + t.Name + " " + view.TunnelState(m.paint, t.State) + m.paint.Dim(" since ") + term.Clock(t.Since)
		if t.LastError != "" {
			line += m.paint.Dim(": ") + t.LastError
		}
		out = append(out, line)
	}
	return out
}

// shown returns the last n events that pass the filter, the newest first.
func (m *topModel) shown(n int) (out []event.Event) {
	for i := len(m.events) - 1; i >= 0 && len(out) < n; i-- {
		if e := m.events[i]; !m.failures || e.Level.AtLeast(event.LevelWarn) {
			out = append(out, e)
		}
	}
	return out
}

func (m *topModel) foot() string {
	p := m.paint
	if m.lost != nil {
		return p.Bad(m.lost.Error())
	}
	filter, pause, note := " only failures  ", " pause", ""
	if m.failures {
		filter = " all events  "
	}
	if m.paused {
		pause, note = " continue", p.Warn("  paused")
	}
	return p.Bold("q") + " quit  " + p.Bold("f") + filter + p.Bold("p") + pause + note
}
