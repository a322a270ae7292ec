package pluginhost

import (
	"fmt"
	"sync"
	"time"
)

// usage is the resource usage of a process.
type usage struct {
	cpu    time.Duration // since its start
	memory uint64        // resident, in bytes
}

// meter measures the resource usage of a process, and reports when it is too high.
type meter struct {
	read  func(pid int) (usage, bool)
	limit uint64        // of memory, in bytes; 0: none
	busy  time.Duration // how long the process may use a full core without an open call

	mu        sync.Mutex
	last      usage
	at        time.Time
	cores     float64 // in use between the last two samples
	busySince time.Time
	over      int // samples in a row above the limit
}

// overLimit is how many consecutive samples have to be above the memory limit, since a
// garbage collector needs some time.
const overLimit = 2

// sample measures the process. idle says that no call is open. It returns an error if the
// process has to be replaced.
func (m *meter) sample(pid int, now time.Time, idle bool) error {
	u, ok := m.read(pid)
	if !ok {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if elapsed := now.Sub(m.at); !m.at.IsZero() && elapsed > 0 {
		m.cores = float64(u.cpu-m.last.cpu) / float64(elapsed)
	}
	m.last, m.at = u, now
	if !idle || m.cores < 0.95 {
		m.busySince = now
	} else if m.busySince.IsZero() {
		m.busySince = now
	}
	if m.busy > 0 && now.Sub(m.busySince) >= m.busy {
		return fmt.Errorf("%w: it used %.1f CPU cores for %s without a call", errUnresponsive, m.cores, m.busy)
	}
	if m.limit == 0 || u.memory <= m.limit {
		m.over = 0
	} else if m.over++; m.over >= overLimit {
		return fmt.Errorf("%w: it used %s, but its limit is %s (resources.memory in its plugin block)", errTooLarge, mebibytes(u.memory), mebibytes(m.limit))
	}
	return nil
}

func (m *meter) current() (memory uint64, cores float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last.memory, m.cores
}

func mebibytes(n uint64) string { return fmt.Sprintf("%d MiB", n>>20) }
