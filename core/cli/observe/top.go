package observe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/event"
)

func (a *app) topCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "top",
		Short: "Watch channels and requests live in the terminal",
		Long: `Watch channels and requests live in the terminal.

  q       quit
  f       show only failures, or all events
  p       pause the list of events, or continue it`,
		Example: "  aitunnel top",
		Args:    command.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.top(c.Context()) },
	}
}

func (a *app) top(ctx context.Context) error {
	if f, ok := a.Out.(*os.File); !ok || !isatty.IsTerminal(f.Fd()) || !a.Input().IsTerminal() {
		return errors.New("top needs a terminal; 'aitunnel status' and 'aitunnel logs' do not")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := &topModel{paint: a.Paint(), snapshot: func() topSnapshot { return a.topSnapshot(ctx) }}
	first := m.snapshot()
	if first.err != nil {
		return first.err
	}
	m.take(first)
	p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(a.In), tea.WithOutput(a.Out), tea.WithoutSignalHandler())
	go a.feed(ctx, p)
	_, err := p.Run()
	if errors.Is(err, tea.ErrProgramKilled) || errors.Is(err, context.Canceled) {
		err = nil // interrupting it is not an error
	}
	return err
}

// topSnapshot is the state of the running program at one moment.
type topSnapshot struct {
	overview
	stats admin.Summary
	err   error
}

// topSnapshot requests the state of the running program.
func (a *app) topSnapshot(ctx context.Context) (out topSnapshot) {
	c := a.Client()
	defer c.Close()
	if out.overview, out.err = a.overview(ctx, c); out.err == nil {
		out.stats, out.err = c.Stats(ctx)
	}
	return out
}

// feed sends the program's events to the view, across restarts.
func (a *app) feed(ctx context.Context, p *tea.Program) {
	for ctx.Err() == nil {
		_ = a.Client().Events(ctx, func(e event.Event) error {
			p.Send(e)
			return nil
		})
		select {
		case <-ctx.Done():
		case <-time.After(watchTime):
		}
	}
}

// topModel is the view.
type topModel struct {
	paint         term.Paint
	snapshot      func() topSnapshot
	now           topSnapshot
	lost          error // why there is no newer snapshot
	events        []event.Event
	seen          uint64
	paused        bool // new events are not shown
	failures      bool // only failures are shown
	width, height int
}

// snapshotInterval is the time between two snapshots, maxEvents the maximum number of events
// that are kept.
const (
	snapshotInterval = time.Second
	maxEvents        = 500
)

// Init implements tea.Model.
func (m *topModel) Init() tea.Cmd { return m.nextSnapshot() }

func (m *topModel) nextSnapshot() tea.Cmd {
	return tea.Tick(snapshotInterval, func(time.Time) tea.Msg { return m.snapshot() })
}

// Update implements tea.Model.
func (m *topModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m, m.press(msg.String())
	case topSnapshot:
		m.take(msg)
		return m, m.nextSnapshot()
	case event.Event:
		m.note(msg)
	}
	return m, nil
}

func (m *topModel) press(key string) tea.Cmd {
	switch key {
	case "q", "esc", "ctrl+c":
		return tea.Quit
	case "p", "space":
		m.paused = !m.paused
	case "f":
		m.failures = !m.failures
	}
	return nil
}

// take stores a snapshot; if it failed, the last good one is still shown.
func (m *topModel) take(s topSnapshot) {
	if m.lost = s.err; s.err == nil {
		if !s.StartedAt.Equal(m.now.StartedAt) {
			m.seen = 0 // a restarted program numbers its events from 1
		}
		m.now = s
	}
}

// note stores an event; one that was already received is ignored.
func (m *topModel) note(e event.Event) {
	if m.paused || e.ID == 0 || e.ID <= m.seen {
		return
	}
	m.seen = e.ID
	if m.events = append(m.events, e); len(m.events) > maxEvents {
		m.events = m.events[len(m.events)-maxEvents:]
	}
}

// View implements tea.Model.
func (m *topModel) View() tea.View {
	v := tea.NewView(m.screen())
	v.AltScreen = true
	v.WindowTitle = fmt.Sprintf("aitunnel, %d of %d channels available", m.now.Channels.Healthy, m.now.Channels.Total)
	return v
}
