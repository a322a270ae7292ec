package pluginhost

import (
	"errors"
	"fmt"

	"github.com/aitunnel/aitunnel/core/trust"
)

// UseUnlocked makes an executable run as a plugin regardless of the lock file, to test it.
func (h *Host) UseUnlocked(name string, e trust.Executable) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tested[name] = e
}

// recordStartError records that a plugin failed before it was in use.
func (h *Host) recordStartError(name string, err error) {
	var refusal *trust.Refusal
	if name == "" || err == nil || errors.As(err, &refusal) || errors.Is(err, h.ctx.Err()) && h.ctx.Err() != nil {
		return
	}
	h.fallbacks.recordStartError(name, err)
}

// FallBack makes the plugins that failed use their previous versions, and returns their
// names. If none is known to have failed, each call chooses one more plugin that has a
// previous version.
func (h *Host) FallBack(cause error) (names []string) {
	lock, err := h.trust.Lock()
	if err != nil {
		return nil
	}
	previous := map[string]trust.Executable{}
	for name := range lock {
		if e := h.previous(lock, name); e != nil {
			previous[name] = *e
		}
	}
	return h.fallbacks.fallBack(lock, previous, cause)
}

// previous returns the previous version of a plugin, nil if there is no copy of it.
func (h *Host) previous(lock trust.Lock, name string) *trust.Executable {
	p := lock[name]
	if p == nil || p.Previous == nil {
		return nil
	}
	e, ok := p.Previous.Platforms[trust.Platform]
	if !ok {
		return nil
	}
	if path := h.trust.FindCopy(e.SHA256); path != "" {
		return &trust.Executable{Path: path, SHA256: e.SHA256, Platform: trust.Platform}
	}
	return nil
}

// UndoFallBack reverts a fallback that did not help.
func (h *Host) UndoFallBack(names []string) { h.fallbacks.undo(names) }

// ReportFallBack publishes which plugins use their previous versions.
func (h *Host) ReportFallBack(names []string) {
	for _, name := range names {
		s, _ := h.fallbacks.substitute(name)
		h.event(Event{Type: EventFallback, Plugin: name, Message: fmt.Sprintf("plugin %q: %s; to keep the previous version, run: aitunnel plugin rollback %s%s", name, s.reason, name, h.configFlag())})
	}
}

// KeepCopy copies the locked executable of a plugin to the cache, for a later rollback.
func (h *Host) KeepCopy(name, path string) {
	if exe, err := h.trust.Verify(name, path); err == nil {
		_, _ = h.trust.Copy(exe) // without a copy, that version can be installed again
	}
}

// LockedCopy returns the cached copy of a plugin's locked executable, which exists even if
// the installed file was changed.
func (h *Host) LockedCopy(name string) (trust.Executable, bool) {
	lock, err := h.trust.Lock()
	if err != nil {
		return trust.Executable{}, false
	}
	e, locked := lock.Entry(name, trust.Platform)
	if !locked {
		return trust.Executable{}, false
	}
	path := h.trust.FindCopy(e.SHA256)
	return trust.Executable{Path: path, SHA256: e.SHA256, Platform: trust.Platform}, path != ""
}

// RollBack locks the previous version of a plugin again, and returns the path of its
// copy.
func (h *Host) RollBack(name string) (copied string, lock trust.Lock, err error) {
	if lock, err = h.trust.Lock(); err != nil {
		return "", nil, err
	}
	if err = lock.RollBack(name); err != nil {
		return "", nil, err
	}
	sum := lock[name].Platforms[trust.Platform].SHA256
	if copied = h.trust.FindCopy(sum); copied == "" {
		return "", nil, fmt.Errorf("the copy of %s %s (sha256 %s…) is no longer in the cache: install that version again", name, lock[name].Version(), sum[:12])
	}
	return copied, lock, nil
}
