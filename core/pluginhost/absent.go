package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aitunnel/aitunnel/core/trust"
)

// errNotReady is wrapped by errors of a process that hangs or crashes at its start, but not
// by those of a process that cannot be executed, or is not the right plugin: a person has
// to correct these.
var errNotReady = errors.New("the plugin is not ready")

// notReady marks an error as errNotReady.
type notReady struct{ error }

func (e notReady) Unwrap() []error { return []error{e.error, errNotReady} }

// absence says why the program runs without a plugin.
type absence struct {
	sum   string // of the executable; another executable is tried
	cause error
}

// MarkAbsent marks plugins that hang or crash at the start of the program as absent, and
// returns their names. Until they are ready, their blocks are not checked, and calls of
// their instances fail at once.
func (h *Host) MarkAbsent() (names []string) {
	lock, err := h.trust.Lock()
	if err != nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, cause := range h.startErrors {
		_, known := h.absent[name]
		entry, locked := lock.Entry(name, trust.Platform)
		if known || !locked || !errors.Is(cause, errNotReady) && !errors.Is(cause, context.DeadlineExceeded) {
			continue
		}
		h.absent[name] = absence{entry.SHA256, cause}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Absent returns the plugins that the program runs without.
func (h *Host) Absent() (names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name := range h.absent {
		names = append(names, name)
	}
	return names
}

// IsAbsent reports whether the program runs without a plugin.
func (h *Host) IsAbsent(name string) bool { return slices.Contains(h.Absent(), name) }

// ReportAbsent publishes which plugins the program runs without.
func (h *Host) ReportAbsent(names []string) {
	for _, name := range names {
		h.mu.Lock()
		cause := h.absent[name].cause
		h.mu.Unlock()
		h.event(Event{Type: EventAbsent, Plugin: name, Message: fmt.Sprintf("plugin %q does not work and has no previous version: until it works, its blocks use their on_failure setting (default: round-robin); it is retried in the background: %v", name, cause)})
	}
}

// absenceCause returns why the program runs without the plugin, nil if it is not absent.
func (h *Host) absenceCause(s spec) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a, ok := h.absent[s.name]; ok && a.sum == s.executable.SHA256 && !s.attach {
		return a.cause
	}
	return nil
}

// absentInstance returns an instance without a process, whose calls fail.
func (h *Host) absentInstance(s spec, purpose string, cause error) *Instance {
	v := newSupervisor(h, s)
	v.lastError = cause
	v.finish()
	return &Instance{supervisor: v, purpose: purpose, users: 1}
}
