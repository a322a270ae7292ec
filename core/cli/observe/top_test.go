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

// snapshotWith returns a snapshot of a program with n channels.
func snapshotWith(n int) topSnapshot {
	var s topSnapshot
	rate := 0.995
	s.Version, s.Status.Status, s.Listen, s.Uptime = "1.2.3", "running", "127.0.0.1:9000", 7400
	s.stats = admin.Summary{RequestsPerSecond: 12.34, Windows: map[string]admin.Sums{"1m": {SuccessRate: &rate}}}
	for i := range n {
		ch := admin.Channel{Name: fmt.Sprintf("channel-%d", i), Enabled: true, State: admin.StateReady, Health: "up", Latency: 123, Keys: admin.Keys{Alive: 1, Total: 2}}
		for p := range 60 {
			ch.Recent = append(ch.Recent, admin.Point{Requests: uint64(p % 7), Failures: uint64(p % 2)})
		}
		s.ChannelList = append(s.ChannelList, ch)
		s.Channels.Total++
		s.Channels.Healthy++
	}
	return s
}

// TestTopFitsEveryTerminal with and without color, with any number of channels.
func TestTopFitsEveryTerminal(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{80, 24}, {200, 60}, {40, 10}, {20, 5}, {5, 2}, {1, 1}, {120, 6}} {
		for _, channels := range []int{0, 2, 30} {
			for _, color := range []term.Paint{false, true} {
				m := &topModel{paint: color}
				m.take(snapshotWith(channels))
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
					if !color && l != ansi.Strip(l) {
						t.Errorf("%q has colors", l)
					}
				}
			}
		}
	}
}

// TestTopFiltersAndPauses the list of events, and follows the program across a restart.
func TestTopFiltersAndPauses(t *testing.T) {
	t.Parallel()
	m := &topModel{}
	m.take(snapshotWith(2))
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
	send := func(id uint64, level event.Level, message string) {
		m.Update(event.Event{ID: id, Time: time.Now(), Type: event.TypeHealth, Level: level, Message: message})
	}
	shows(true, "12.3 requests/s, 99.5% ok in the last minute, 0 in flight")
	shows(true, "up 2h 3m")
	shows(true, "channel-1  ready")
	send(1, "info", "all is well")
	send(2, "warn", "all is not well")
	send(2, "warn", "a duplicate")
	shows(true, "all is well")
	shows(false, "a duplicate")
	press('f')
	shows(false, "all is well")
	shows(true, "all is not well")
	press('f')
	press('p')
	send(3, "info", "while paused")
	shows(false, "while paused")
	press('p')
	send(4, "info", "afterwards")
	shows(true, "afterwards")

	// While there is no answer, the last snapshot stays, with the reason. A restarted program
	// numbers its events from 1.
	m.Update(topSnapshot{err: errors.New("not running")})
	shows(true, "channel-1")
	shows(true, "● no answer")
	shows(true, "not running")
	again := snapshotWith(1)
	again.StartedAt = time.Now()
	m.Update(again)
	shows(true, "● running")
	shows(false, "channel-1")
	send(1, "info", "after the restart")
	shows(true, "after the restart")

	// A key has the same name as in lists.
	again.ChannelList[0].Keys.List = []admin.Key{{ID: "key-0123", Shown: "sk-…wxyz"}}
	m.Update(again)
	m.Update(event.Event{ID: 2, Time: time.Now(), Type: event.TypeKey, Level: "warn", Channel: "channel-0", Key: "key-0123", Message: "invalid key"})
	shows(true, "channel-0 sk-…wxyz: invalid key")

	if cmd := press('q'); cmd == nil || cmd() != (tea.QuitMsg{}) {
		t.Error("q does not quit")
	}
}
