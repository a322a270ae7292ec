package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aitunnel/aitunnel/core/trust"
)

// substitute is the previous version of a plugin, which runs instead of the locked version
// that does not work.
type substitute struct {
	failed string // hash of the version that does not work
	reason string
	late   bool // it was not ready in time, and may only need more time
	use    trust.Executable
}

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
	h.mu.Lock()
	defer h.mu.Unlock()
	h.startErrors[name] = err
}

// FallBack makes the plugins that failed use their previous versions, and returns their
// names. If none is known to have failed, each call chooses one more plugin that has a
// previous version.
func (h *Host) FallBack(cause error) (names []string) {
	lock, err := h.trust.Lock()
	if err != nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var fallbacks []string
	for name := range lock {
		if _, already := h.substitutes[name]; !already && h.previous(lock, name) != nil {
			fallbacks = append(fallbacks, name)
		}
	}
	slices.Sort(fallbacks)
	for _, name := range fallbacks {
		if err := h.startErrors[name]; err != nil {
			h.substitute(lock, name, err)
			names = append(names, name)
		}
	}
	if len(names) == 0 && len(fallbacks) > 0 {
		names = fallbacks[:1]
		h.substitute(lock, names[0], cause)
	}
	return names
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
	if path := h.trust.Copied(e.SHA256); path != "" {
		return &trust.Executable{Path: path, SHA256: e.SHA256, Platform: trust.Platform}
	}
	return nil
}

// substitute makes a plugin use its previous version. The caller holds mu.
func (h *Host) substitute(lock trust.Lock, name string, cause error) {
	p := lock[name]
	late := errors.Is(cause, context.DeadlineExceeded)
	reason := fmt.Sprintf("version %s does not work, so the previous version %s is used: %v", p.Version(), p.Previous.Version(), cause)
	if late {
		reason = fmt.Sprintf("version %s was not ready in time, so the previous version %s is used until it is: %v", p.Version(), p.Previous.Version(), cause)
	}
	h.substitutes[name] = substitute{p.Platforms[trust.Platform].SHA256, reason, late, *h.previous(lock, name)}
}

// UndoFallBack reverts a fallback that did not help.
func (h *Host) UndoFallBack(names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range names {
		s := h.substitutes[name]
		s.use = trust.Executable{} // it is not tried again
		h.substitutes[name] = s
	}
}

// ReportFallBack publishes which plugins use their previous versions.
func (h *Host) ReportFallBack(names []string) {
	for _, name := range names {
		h.mu.Lock()
		s := h.substitutes[name]
		h.mu.Unlock()
		h.event(Event{Type: EventFallback, Plugin: name, Message: fmt.Sprintf("plugin %q: %s; to keep the previous version, run: aitunnel plugin rollback %s%s", name, s.reason, name, h.configFlag())})
	}
}

// replaced returns the executable to run instead of a verified one, which may be that one.
func (h *Host) replaced(name string, exe trust.Executable) trust.Executable {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s, ok := h.substitutes[name]; ok && s.failed == exe.SHA256 && s.use.Path != "" {
		return s.use
	}
	return exe
}

// fallbackReason returns why a process uses the previous version, "" if it does not.
func (h *Host) fallbackReason(name, sum string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s, ok := h.substitutes[name]; ok && s.use.SHA256 == sum && sum != "" {
		return s.reason
	}
	return ""
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
	path := h.trust.Copied(e.SHA256)
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
	if copied = h.trust.Copied(sum); copied == "" {
		return "", nil, fmt.Errorf("the copy of %s %s (sha256 %s…) is no longer in the cache: install that version again", name, lock[name].Version(), sum[:12])
	}
	return copied, lock, nil
}
