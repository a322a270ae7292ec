package daemon

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// graceTime is how long an address that leaves the configuration still answers.
const graceTime = 30 * time.Second

// leaving are the listeners on their way out: they tell callers on kept
// connections to come by another address, and close when those have had the
// time to.
type leaving struct {
	mu  sync.Mutex
	all map[*listener]*time.Timer
	wg  sync.WaitGroup // of those that are being closed
}

func (v *leaving) begin(l *listener) {
	l.leaving.Store(true)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.all == nil {
		v.all = map[*listener]*time.Timer{}
	}
	v.all[l] = time.AfterFunc(graceTime, func() {
		if v.remove(l) {
			defer v.wg.Done()
			_ = l.shutdown(context.Background()) // streams come to their end
		}
	})
}

// remove says that the listener is the caller's to close, and to count as done.
func (v *leaving) remove(l *listener) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, there := v.all[l]; !there {
		return false
	}
	v.all[l].Stop()
	delete(v.all, l)
	v.wg.Add(1)
	return true
}

// stay takes a listener back, if it was on its way out.
func (v *leaving) stay(l *listener) {
	if v.remove(l) {
		v.wg.Done()
	}
}

func (v *leaving) list() []*listener {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Collect(maps.Keys(v.all))
}

// shutdown waits until ctx ends for what is under way, then breaks it off.
func (v *leaving) shutdown(ctx context.Context) {
	for _, l := range v.list() {
		if v.remove(l) {
			go func() {
				defer v.wg.Done()
				_ = l.shutdown(ctx) // it is on its way out anyhow
			}()
		}
	}
	v.wg.Wait()
}
