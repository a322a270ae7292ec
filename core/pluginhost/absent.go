package pluginhost

import (
	"errors"
	"fmt"
)

// errNotReady is wrapped by errors of a process that hangs or crashes at its start, but not
// by those of a process that cannot be executed, or is not the right plugin: a person has
// to correct these.
var errNotReady = errors.New("the plugin is not ready")

// notReady marks an error as errNotReady.
type notReady struct{ error }

func (e notReady) Unwrap() []error { return []error{e.error, errNotReady} }

// MarkAbsent marks plugins that hang or crash at the start of the program as absent, and
// returns their names. Until they are ready, their blocks are not checked, and calls of
// their instances fail at once.
func (h *Host) MarkAbsent() (names []string) {
	lock, err := h.trust.Lock()
	if err != nil {
		return nil
	}
	return h.fallbacks.markAbsent(lock)
}

// Absent returns the plugins that the program runs without.
func (h *Host) Absent() []string { return h.fallbacks.absentNames() }

// IsAbsent reports whether the program runs without a plugin.
func (h *Host) IsAbsent(name string) bool {
	_, absent := h.fallbacks.absence(name)
	return absent
}

// ReportAbsent publishes which plugins the program runs without.
func (h *Host) ReportAbsent(names []string) {
	for _, name := range names {
		a, _ := h.fallbacks.absence(name)
		h.event(Event{Type: EventAbsent, Plugin: name, Message: fmt.Sprintf("plugin %q does not work and has no previous version: until it works, its blocks use their on_failure setting (default: round-robin); it is retried in the background: %v", name, a.cause)})
	}
}

// absenceCause returns why the program runs without the plugin, nil if it is not absent.
func (h *Host) absenceCause(s spec) error {
	if a, ok := h.fallbacks.absence(s.name); ok && a.sum == s.executable.SHA256 && !s.attach {
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
