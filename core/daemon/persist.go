package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/daemon/statefile"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/limit"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/stats"
)

// How often the state of channels, and the statistics, are saved.
const (
	saveEvery      = 5 * time.Second // unless the options say otherwise
	saveStatsEvery = time.Minute

	// saveShare limits the time spent on saving the state of very many keys to
	// 1/saveShare of all time.
	saveShare = 100

	// saveBudgetsEvery limits how much spending a crash can make budgets forget.
	saveBudgetsEvery = 500 * time.Millisecond
)

// savedState is the content of state.json. It contains no secrets.
type savedState struct {
	Version  int                 `json:"version"`
	State    channel.Saved       `json:"state"`
	Planners route.SavedPlanners `json:"planners,omitempty"`

	// Budgets are what clients have spent.
	Budgets []limit.SavedBudget `json:"budgets,omitempty"`

	// Plans is the earlier form of Planners; it is read, but not written.
	Plans map[string]route.SavedPlanner `json:"plans,omitempty"`
}

const stateVersion = 1

func stateFile(dir string) *statefile.File {
	return &statefile.File{Path: filepath.Join(dir, "state.json"), Version: stateVersion, What: "the state"}
}

func loadState(f *statefile.File) (savedState, error) {
	var out savedState
	if err := f.Load(&out); err != nil {
		return savedState{}, err
	}
	if out.Planners == nil {
		out.Planners = route.MigrateSavedPlanners(out.Plans)
	}
	out.Plans = nil
	for i := range out.State.Channels { // which may have been saved before such names were masked
		out.State.Channels[i].Name = redact.KeyLike(out.State.Channels[i].Name)
	}
	return out, nil
}

// saveState writes the state, unless nothing but its time has changed.
func saveState(f *statefile.File, s savedState) error {
	compared := s
	compared.State.At = time.Time{}
	return f.Save(s, compared)
}

// persistence saves state across restarts.
type persistence struct {
	bus        *event.Bus
	registry   *channel.Registry
	stats      *stats.Collector
	clients    *limit.Clients
	budgets    uint64        // the number of changes of budgets that are saved
	saved      channel.Saved // the state that was saved last
	state      *statefile.File
	statistics *statefile.File
	every      time.Duration
	failing    sync.Map        // *statefile.File → the reported error of the last attempt to write it
	now        chan chan error // requests that keep saves everything
	ended      chan struct{}   // closed when keep returns
}

func newPersistence(o Options, bus *event.Bus, registry *channel.Registry, collector *stats.Collector, clients *limit.Clients) *persistence {
	dir := o.StateDir
	return &persistence{
		bus: bus, registry: registry, stats: collector, clients: clients, every: cmp.Or(o.SaveEvery, saveEvery),
		now: make(chan chan error), ended: make(chan struct{}),
		state:      stateFile(dir),
		statistics: &statefile.File{Path: filepath.Join(dir, "stats.json"), Version: stats.SavedVersion, What: "the statistics"},
	}
}

// load restores what the last run saved, and returns the state of its planners.
func (p *persistence) load() route.SavedPlanners {
	state, err := loadState(p.state)
	if err != nil {
		p.warn(err.Error())
	}
	p.registry.Restore(state.State)
	p.clients.Restore(state.Budgets)
	var counted stats.Saved
	if err = p.statistics.Load(&counted); err == nil && counted.Version > 0 {
		if err = p.stats.Restore(counted); err != nil {
			err = p.statistics.Damaged(err)
		}
	}
	if err != nil {
		p.warn(err.Error())
	}
	return state.Planners
}

// loadPlanners returns the state of the planners only.
func (p *persistence) loadPlanners() route.SavedPlanners {
	state, err := loadState(p.state)
	if err != nil {
		p.warn(err.Error())
	}
	return state.Planners
}

// keep saves at intervals until ctx ends, and then once more.
func (p *persistence) keep(ctx context.Context, running func() *reload.Generation) {
	defer close(p.ended)
	state, statistics := time.NewTicker(p.every), time.NewTicker(saveStatsEvery)
	defer state.Stop()
	defer statistics.Stop()
	budgets := time.NewTicker(saveBudgetsEvery)
	defer budgets.Stop()
	for {
		select {
		case <-ctx.Done():
			if err := p.save(running()); err != nil {
				p.publish(event.LevelError, inOneLine(err)+"; changes since it was last saved are lost because the program stops")
			}
			return
		case saved := <-p.now:
			saved <- p.save(running())
		case <-state.C:
			begun := time.Now()
			_ = p.saveState(running())
			state.Reset(max(p.every, saveShare*time.Since(begun)))
		case <-budgets.C:
			if p.clients.Changes() != p.budgets {
				_ = p.saveState(running())
			}
		case <-statistics.C:
			_ = p.saveStats()
		}
	}
}

// saveNow saves everything, or returns what cannot be saved. After keep has returned,
// there is nothing left to save.
func (p *persistence) saveNow(ctx context.Context) error {
	saved := make(chan error, 1)
	select {
	case p.now <- saved:
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return errors.New("the state is still being saved")
	}
	select {
	case err := <-saved:
		return err
	case <-ctx.Done():
		return errors.New("the state is still being saved")
	}
}

// save writes everything.
func (p *persistence) save(g *reload.Generation) error {
	return errors.Join(p.saveState(g), p.saveStats())
}

func (p *persistence) saveState(g *reload.Generation) error {
	if g == nil {
		return nil
	}
	p.budgets = p.clients.Changes()
	p.saved = p.registry.Save()
	saved := savedState{Version: stateVersion, State: p.saved, Planners: g.Table().SavePlanners(), Budgets: p.clients.Save(p.registry.Now())}
	return p.wrote(p.state, saveState(p.state, saved))
}

func (p *persistence) saveStats() error {
	saved := p.stats.Save()
	return p.wrote(p.statistics, p.statistics.Save(saved, saved.Total.Requests))
}

// wrote reports when a file can no longer be written, and when it can be again. It
// returns the error.
func (p *persistence) wrote(f *statefile.File, err error) error {
	if err == nil {
		if _, failed := p.failing.LoadAndDelete(f); failed {
			p.publish(event.LevelInfo, f.What+" can be saved again")
		}
		return nil
	}
	text := fmt.Sprintf("%s cannot be saved and would be lost in a restart: %v", f.What, err)
	if _, failed := p.failing.Swap(f, text); !failed {
		p.warn(text)
	}
	return fmt.Errorf("%s cannot be saved: %w", f.What, err)
}

// unsaved returns what cannot be saved now, and why.
func (p *persistence) unsaved() (all []string) {
	for _, f := range []*statefile.File{p.state, p.statistics} {
		if text, failed := p.failing.Load(f); failed {
			all = append(all, text.(string))
		}
	}
	return all
}

func (p *persistence) warn(message string) { p.publish(event.LevelWarn, message) }

func (p *persistence) publish(level event.Level, message string) {
	p.bus.Publish(event.Event{Type: event.TypeLog, Level: level, Message: message})
}
