package reload

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/config/diff"
	"github.com/aitunnel/aitunnel/core/event"
)

// maxDraining is how many old generations may keep their plugins while their last
// requests finish.
const maxDraining = 8

// handOver is the default of [Options].HandOver.
const handOver = 5 * time.Second

// draining contains the generations that still have requests in flight.
type draining struct {
	reloader *Reloader
	old      []*Generation // the oldest first; used by one change at a time
	all      sync.WaitGroup
}

// add closes a generation when its last request has ended.
func (d *draining) add(g *Generation) {
	d.all.Go(func() {
		<-g.drained
		g.close()
	})
}

// retire limits how many generations drain: the oldest ones lose their plugins, and
// their requests continue with the current plans.
func (d *draining) retire(g *Generation) {
	o := d.reloader.options
	d.old = slices.DeleteFunc(append(d.old, g), func(g *Generation) bool { return o.Proxy.Uses(g.table) == 0 })
	for len(d.old) > maxDraining {
		oldest := d.old[0]
		d.old = d.old[1:]
		o.Bus.Publish(event.Event{Type: event.TypeReload, Level: event.LevelWarn, Message: fmt.Sprintf("generation %d still has %d requests in flight after %d newer ones: its plugins stop, and the requests continue by their last plans", oldest.Number, o.Proxy.Uses(oldest.table), maxDraining)})
		oldest.close()
	}
}

// upgraded reports plugins whose process was replaced, and releases the old processes
// after a while.
func (d *draining) upgraded(old *Generation, changes []diff.Change) {
	o, any := d.reloader.options, false
	for _, c := range changes {
		if c.Action == diff.ActionUpgrade {
			any = true
			o.Bus.Publish(event.Event{Type: event.TypePlugin, Level: event.LevelInfo, Plugin: c.Plugin, Message: c.Block + ": " + c.Effect})
		}
	}
	if !any {
		return
	}
	d.all.Go(func() {
		select {
		case <-old.drained:
		case <-o.Life.Done():
		case <-time.After(cmp.Or(o.HandOver, handOver)):
			old.close()
		}
	})
}
