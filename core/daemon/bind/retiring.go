package bind

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// Grace is how long an address is still served after its removal from the
// configuration.
const Grace = 30 * time.Second

// retiring contains the listeners of removed addresses: they tell callers on
// keep-alive connections to reconnect, and close after the grace period.
type retiring struct {
	cause error

	mu  sync.Mutex
	all map[*listener]*time.Timer
	wg  sync.WaitGroup // of those being closed
}

func (v *retiring) begin(l *listener) {
	l.closing.Store(true)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.all == nil {
		v.all = map[*listener]*time.Timer{}
	}
	v.all[l] = time.AfterFunc(Grace, func() {
		if v.remove(l) {
			defer v.wg.Done()
			l.shutdown(context.Background(), v.cause) // without a deadline, since streams run to their end
		}
	})
}

// remove removes a listener from the list. If it returns true, the caller has to close
// it and mark it as done.
func (v *retiring) remove(l *listener) bool {
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

// keep takes a listener back if it was retiring.
func (v *retiring) keep(l *listener) {
	if v.remove(l) {
		v.wg.Done()
	}
}

func (v *retiring) list() []*listener {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Collect(maps.Keys(v.all))
}

// shutdown closes all of them.
func (v *retiring) shutdown(ctx context.Context) {
	for _, l := range v.list() {
		if v.remove(l) {
			go func() {
				defer v.wg.Done()
				l.shutdown(ctx, v.cause)
			}()
		}
	}
	v.wg.Wait()
}
