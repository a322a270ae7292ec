package observe

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/event"
)

// busy returns a look at a program with n channels.
func busy(n int) topSnapshot {
	var l topSnapshot
	rate := 0.995
	l.Version, l.Status.Status, l.Listen, l.Uptime = "1.2.3", "running", "127.0.0.1:9000", 7400
	l.stats = admin.Summary{RequestsPerSecond: 12.34, Windows: map[string]admin.Sums{"1m": {SuccessRate: &rate}}}
	for i := range n {
		ch := admin.Channel{Name: fmt.Sprintf("channel-%d", i), Enabled: true, State: admin.StateReady, Health: "up", Latency: 123, Keys: admin.Keys{Alive: 1, Total: 2}}
		for p := range 60 {
			ch.Recent = append(ch.Recent, admin.Point{Requests: uint64(p % 7), Failures: uint64(p % 2)})
		}
		l.ChannelList = append(l.ChannelList, ch)
		l.Channels.Total++
		l.Channels.Healthy++
	}
	return l
}

// TestTopFitsEveryTerminal in color and without, with many channels and none.
func TestTopFitsEveryTerminal(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{80, 24}, {200, 60}, {40, 10}, {20, 5}, {5, 2}, {1, 1}, {120, 6}} {
		for _, channels := range []int{0, 2, 30} {
			for _, color := range []term.Paint{false, true} {
				m := &topModel{paint: color}
				m.take(busy(channels))
				for i := range 100 {
					m.Update(event.Event{ID: uint64(i + 1), Type: event.TypeRequest, Level: "info", Request: &event.Request{Method: "POST", Path: "/v1/" + strings.Repeat("long", 50), Status: 200}})
				}
				m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				lines := strings.Split(m.View().Content, "\n")
				if len(lines) != size[1] {
					t.Errorf("%v, %d channels: %d lines", size, channels, len(lines))
				}
				for _, l := range lines {
					if ansi.StringWidth(l) > size[0] {
						t.Errorf("%v, %d channels: %q is too wide", size, channels, l)
					}
					if !bool(color) && l != ansi.Strip(l) {
						t.Errorf("%q has colors", l)
					}
				}
			}
		}
	}
}

func TestTopShowsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	m := &topModel{}
	m.take(busy(2))
	m.Update(tea.WindowSizeMsg{Width: 120, Height: 24})
	shows := func(want bool, text string) {
		t.Helper()
		if got := m.View().Content; strings.Contains(got, text) != want {
			t.Errorf("%q is shown: %v\n%s", text, !want, got)
		}
	}
	press := func(key rune) tea.Cmd {
		_, cmd := m.Update(tea.KeyPressMsg{Code: key, Text: string(key)})
		return cmd
	}
	say := func(id uint64, level event.Level, message string) {
		m.Update(event.Event{ID: id, Time: time.Now(), Type: event.TypeHealth, Level: level, Message: message})
	}
	shows(true, "12.3 requests/s, 99.5% ok in the last minute, 0 in flight")
	shows(true, "up 2h 3m")
	shows(true, "channel-1  ready")
	say(1, "info", "all is well")
	say(2, "warn", "all is not well")
	say(2, "warn", "told twice")
	shows(true, "all is well")
	shows(false, "told twice")
	press('f')
	shows(false, "all is well")
	shows(true, "all is not well")
	press('f')
	press('p')
	say(3, "info", "while held")
	shows(false, "while held")
	press('p')
	say(4, "info", "afterwards")
	shows(true, "afterwards")

	// What was seen last stays, with the reason, while there is no answer. A
	// program that was started again counts its events again.
	m.Update(topSnapshot{err: errors.New("not running")})
	shows(true, "channel-1")
	shows(true, "● no answer")
	shows(true, "not running")
	again := busy(1)
	again.StartedAt = time.Now()
	m.Update(again)
	shows(true, "● running")
	shows(false, "channel-1")
	say(1, "info", "a new life")
	shows(true, "a new life")

	if cmd := press('q'); cmd == nil || cmd() != (tea.QuitMsg{}) {
		t.Error("q does not end it")
	}
}
