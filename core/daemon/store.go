package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2/maybe"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/route"
)

// saveEvery is the time between two savings of the state.
const saveEvery = 5 * time.Second

// stored is the state file. It holds no secrets.
type stored struct {
	Version  int           `json:"version"`
	State    channel.Saved `json:"state"`
	Planners route.Memory  `json:"planners,omitempty"`

	// Plans is what Planners used to be; it is read, and not written.
	Plans map[string]route.Remembered `json:"plans,omitempty"`
}

const storedVersion = 1

// store keeps the state over restarts, in a file.
type store struct {
	path    string
	last    []byte // what was written last, less its time
	failing bool   // the last try to write failed, and the user was told
}

func newStore(dir string) *store { return &store{path: filepath.Join(dir, "state.json")} }

// load reads the file. A damaged one is set aside and comes back as an error
// to be told; the state is empty then.
func (s *store) load() (stored, error) {
	content, err := os.ReadFile(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return stored{}, nil
	}
	if err != nil {
		return stored{}, fmt.Errorf("the state of the last run cannot be read, and begins anew: %w", err)
	}
	var out stored
	err = json.Unmarshal(content, &out)
	if err == nil && out.Version != storedVersion {
		err = fmt.Errorf("it has the version %d, and %d is known", out.Version, storedVersion)
	}
	if err == nil {
		if out.Planners == nil {
			out.Planners = route.MigrateMemory(out.Plans)
		}
		out.Plans = nil
		return out, nil
	}
	return stored{}, fmt.Errorf("the state of the last run is damaged (%w) and begins anew; the file is kept as %s", err, setAside(s.path))
}

// setAside renames a damaged file, and says where it is then.
func setAside(path string) string {
	aside := fmt.Sprintf("%s.damaged-%s", path, time.Now().Format("20060102-150405"))
	if err := os.Rename(path, aside); err != nil {
		return "it was, as it cannot be renamed: " + err.Error()
	}
	return aside
}

// save writes the file in one piece, unless it would say the same as the last
// time.
func (s *store) save(state stored) error {
	at := state.State.At
	state.State.At = time.Time{}
	same, err := json.Marshal(state)
	if err != nil || bytes.Equal(same, s.last) {
		return err
	}
	state.State.At = at
	content, err := json.Marshal(state)
	if err != nil {
		return err
	}
	if err := maybe.WriteFile(s.path, content, 0o600); err != nil {
		return err
	}
	s.last = same
	return nil
}

// keepState saves the state until ctx ends, and then once more.
func (d *Daemon) keepState(ctx context.Context) {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			d.saveState()
			return
		case <-tick.C:
			d.saveState()
		}
	}
}

func (d *Daemon) saveState() {
	g := d.generation.Load()
	if g == nil {
		return
	}
	err := d.store.save(stored{Version: storedVersion, State: d.registry.Save(), Planners: g.table.Memory()})
	switch {
	case err != nil && !d.store.failing:
		d.bus.Publish(event.Event{Type: event.TypeLog, Level: event.LevelWarn, Message: "the state cannot be saved, a restart would forget it: " + err.Error()})
	case err == nil && d.store.failing:
		d.bus.Publish(event.Event{Type: event.TypeLog, Level: event.LevelInfo, Message: "the state can be saved again"})
	}
	d.store.failing = err != nil
}
