package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/event"
)

// screen is the view as text that fits the terminal: the head and the channels
// first, what room is left for events.
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
	for _, e := range m.shown(m.height - 1 - len(lines)) {
		lines = append(lines, eventLine(m.paint, e))
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
	state := p.good("● running")
	switch {
	case m.lost != nil:
		state = p.bad("● no answer")
	case s.Channels.Healthy == 0:
		state = p.bad("● no channel in service")
	case s.Channels.Healthy < s.Channels.Total:
		state = p.warn(fmt.Sprintf("● %d of %d channels in service", s.Channels.Healthy, s.Channels.Total))
	case s.Status.Status != "running":
		state = p.warn("● " + s.Status.Status)
	}
	rate, minute := "", s.stats.Windows["1m"]
	if minute.SuccessRate != nil {
		rate = p.dim(", ") + fmt.Sprintf("%.1f%% ok", 100**minute.SuccessRate)
	}
	return []string{
		m.spread(p.bold("aitunnel "+s.Version)+"  "+state, p.dim("up ")+span(time.Duration(s.Uptime*float64(time.Second)))),
		m.spread(p.dim("Proxy http://")+reachable(s.Listen),
			fmt.Sprintf("%.1f requests/s%s%s%d under way", s.stats.RequestsPerSecond, rate, p.dim(", "), s.Active)),
	}
}

// spread puts two texts at the two ends of a line, the second only if there is
// room for it.
func (m *topModel) spread(left, right string) string {
	gap := m.width - ansi.StringWidth(left) - ansi.StringWidth(right)
	if gap < 2 {
		return left
	}
	return left + strings.Repeat(" ", gap) + right
}

// sparkWidth is how many signs show the last ten minutes.
const sparkWidth = 30

func (m *topModel) channels() []string {
	p := m.paint
	t := newTable(p, "CHANNEL", "STATE", ">PER MIN", ">OK", ">FIRST BYTE", ">KEYS", "LAST TEN MINUTES", "NOTE")
	for _, ch := range m.now.ChannelList {
		state, note := channelState(p, ch)
		requests, failures := lately(ch.Recent, len(ch.Recent))
		ok := ""
		if requests > 0 {
			ok = fmt.Sprintf("%.0f%%", 100*(1-float64(failures)/float64(requests)))
		}
		minute, _ := lately(ch.Recent, 6)
		t.row(channelName(p, ch), state, number(minute), ok, millisText(ch.Latency), keysText(p, ch), spark(p, ch.Recent), note)
	}
	var out strings.Builder
	_ = t.write(&out)
	return strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
}

// lately sums up the last n points.
func lately(points []admin.Point, n int) (requests, failures uint64) {
	for _, x := range points[max(0, len(points)-n):] {
		requests, failures = requests+x.Requests, failures+x.Failures
	}
	return requests, failures
}

// spark draws requests over time, red where some failed.
func spark(p paint, points []admin.Point) string {
	const bars = "▁▂▃▄▅▆▇█"
	per := max(1, (len(points)+sparkWidth-1)/sparkWidth)
	var counts []admin.Point
	most := uint64(0)
	for i := 0; i < len(points); i += per {
		var sum admin.Point
		sum.Requests, sum.Failures = lately(points[i:min(i+per, len(points))], per)
		counts, most = append(counts, sum), max(most, sum.Requests)
	}
	var out strings.Builder
	for _, c := range counts {
		switch bar := string([]rune(bars)[barOf(c.Requests, most, len([]rune(bars)))]); {
		case c.Requests == 0:
			out.WriteString(p.dim("·"))
		case c.Failures > 0:
			out.WriteString(p.bad(bar))
		default:
			out.WriteString(p.good(bar))
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
		line := m.paint.dim("Tunnel ") + t.Name + " " + tunnelState(m.paint, t.State) + m.paint.dim(" since ") + clock(t.Since)
		if t.LastError != "" {
			line += m.paint.dim(": ") + t.LastError
		}
		out = append(out, line)
	}
	return out
}

// shown are the last n events that are to be seen.
func (m *topModel) shown(n int) (out []event.Event) {
	for i := len(m.events) - 1; i >= 0 && len(out) < n; i-- {
		if e := m.events[i]; !m.failures || e.Level.AtLeast(event.LevelWarn) {
			out = append(out, e)
		}
	}
	return out // the newest first, where the eye is
}

func (m *topModel) foot() string {
	p := m.paint
	if m.lost != nil {
		return p.bad(m.lost.Error())
	}
	text := p.bold("q") + " quit  " + p.bold("f") + " failures only  " + p.bold("p") + " hold"
	if m.failures {
		text = p.bold("q") + " quit  " + p.bold("f") + " all requests  " + p.bold("p") + " hold"
	}
	if m.held {
		text += p.warn("  held")
	}
	return text
}
