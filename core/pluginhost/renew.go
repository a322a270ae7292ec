package pluginhost

import (
	"fmt"
	"time"
)

// Renew has the next Open and Component of a plugin, "" for the built-ins, use
// a new process, beside the one that runs. undo takes that back.
func (h *Host) Renew(name string) (undo func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.epochs[name]++
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.epochs[name]--
	}
}

func (h *Host) epoch(name string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.epochs[name]
}

// build tells the process of a plugin that was asked for last from those before.
func (h *Host) build(name string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.supervisors[h.latest[name]]
	if e == nil {
		return ""
	}
	v := e.supervisor.Load()
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%s %d", v.launch.spec.is.SHA256, v.launch.spec.epoch)
}

// Promote tells that the processes asked for last are the ones in use now.
// Those they take the place of end when their last instance is closed.
func (h *Host) Promote() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settle(true)
}

// Discard ends the processes that were started in vain: that are not in use,
// and have no instances. why is what was wrong with those that were to take
// another's place, "" if nothing was.
func (h *Host) Discard(why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if why != "" {
		h.blame(why)
	}
	h.recall()
	h.settle(false)
}

// blame notes why the newest processes do not take the place of those in use.
// The caller holds mu.
func (h *Host) blame(why string) {
	for _, e := range h.supervisors {
		v := e.supervisor.Load()
		if v == nil || v.plays() != partCurrent {
			continue
		}
		newest := h.supervisors[h.latest[v.launch.spec.name]]
		if newest == nil || newest == e || newest.supervisor.Load() == nil {
			continue
		}
		s := newest.supervisor.Load().launch.spec
		h.failed[s.name] = Failure{s.path, s.is.SHA256, "it was tried, and the one before runs on: " + why, time.Now()}
	}
}

// settle is called with mu held.
func (h *Host) settle(promote bool) {
	for key, e := range h.supervisors {
		v := e.supervisor.Load()
		if v == nil {
			continue
		}
		v.mu.Lock()
		current := h.latest[v.launch.spec.name] == key
		switch {
		case promote && current:
			v.part = partCurrent
		case promote && v.part == partCurrent:
			v.part = partLeaving
		}
		stays := v.part == partCurrent || current && v.launch.spec.builtin()
		idle := !stays && len(v.instances) == 0
		if idle {
			v.part = partLeaving
		}
		v.mu.Unlock()
		if idle {
			v.retire()
		}
		select {
		case <-v.ended: // it will not forget itself any more
			if !current {
				delete(h.supervisors, key)
			}
		default:
		}
	}
}

// recall makes the processes in use those that were asked for last. The caller
// holds mu.
func (h *Host) recall() {
	for key, e := range h.supervisors {
		if v := e.supervisor.Load(); v != nil && v.plays() == partCurrent {
			h.latest[v.launch.spec.name] = key
		}
	}
}

func (v *supervisor) plays() part {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.part
}

// part is what a supervisor's process is there for.
type part int

const (
	partTrial   part = iota // not in use, or not yet
	partCurrent             // the one in use
	partLeaving             // was in use; ends with its last instance
)

// forget removes a supervisor that has ended and will not be asked for again.
func (h *Host) forget(v *supervisor) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := v.launch.spec.key()
	if e := h.supervisors[key]; e != nil && e.supervisor.Load() == v && h.latest[v.launch.spec.name] != key {
		delete(h.supervisors, key)
	}
}
