package pluginhost

import (
	"fmt"
	"time"
)

// Renew makes the next Open or Component of a plugin, "" for the built-ins, start a new
// process in addition to the running one. undo reverts that.
func (h *Host) Renew(name string) (undo func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.epochs[name]++
	restore := h.fallbacks.tryAbsent(name)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.epochs[name]--
		restore()
	}
}

func (h *Host) epoch(name string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.epochs[name]
}

// build returns an identifier of the newest process of a plugin.
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
	return fmt.Sprintf("%s %d", v.launch.spec.executable.SHA256, v.launch.spec.epoch)
}

// Promote makes the newest processes the ones in use. The processes that they replace end
// when their last instance is closed.
func (h *Host) Promote() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.updateRoles(true)
	h.fallbacks.clearStartErrors()
	go h.trust.RemoveOldCopies()
}

// Discard ends processes that are not in use and have no instances. why is what was wrong
// with processes that should have replaced others, "" if nothing was.
func (h *Host) Discard(why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if why != "" {
		h.recordRejected(why)
	}
	h.restoreLatest()
	h.updateRoles(false)
}

// recordRejected records why the newest processes do not replace those in use.
// The caller holds mu.
func (h *Host) recordRejected(why string) {
	for _, e := range h.supervisors {
		v := e.supervisor.Load()
		if v == nil || v.currentRole() != roleCurrent {
			continue
		}
		newest := h.supervisors[h.latest[v.launch.spec.name]]
		if newest == nil || newest == e || newest.supervisor.Load() == nil {
			continue
		}
		s := newest.supervisor.Load().launch.spec
		h.failed[s.name] = Failure{s.path, s.executable.SHA256, "it was tried, and the previous version stays in use: " + why, time.Now()}
	}
}

// updateRoles updates the roles of all processes. The caller holds mu.
func (h *Host) updateRoles(promote bool) {
	for key, e := range h.supervisors {
		v := e.supervisor.Load()
		if v == nil {
			continue
		}
		v.mu.Lock()
		current := h.latest[v.launch.spec.name] == key
		switch {
		case promote && current:
			v.role = v.role.next(promotedNewest)
		case promote:
			v.role = v.role.next(promotedOther)
		}
		stays := v.role == roleCurrent || current && v.launch.spec.builtin()
		idle := !stays && len(v.instances) == 0
		if idle {
			v.role = v.role.next(abandoned)
		}
		v.mu.Unlock()
		if idle {
			v.stopIfUnused()
		}
		select {
		case <-v.ended: // it did not remove itself
			if !current {
				delete(h.supervisors, key)
			}
		default:
		}
	}
}

// restoreLatest makes the processes in use the latest ones again. The caller holds mu.
func (h *Host) restoreLatest() {
	for key, e := range h.supervisors {
		if v := e.supervisor.Load(); v != nil && v.currentRole() == roleCurrent {
			h.latest[v.launch.spec.name] = key
		}
	}
}

func (v *supervisor) currentRole() role {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.role
}

// forget removes a supervisor that has ended and is not the latest one.
func (h *Host) forget(v *supervisor) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := v.launch.spec.key()
	if e := h.supervisors[key]; e != nil && e.supervisor.Load() == v && h.latest[v.launch.spec.name] != key {
		delete(h.supervisors, key)
	}
}
