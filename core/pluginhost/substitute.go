package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aitunnel/aitunnel/core/trust"
)

// substitute is the previous version of a plugin, which runs in place of a locked one
// that does not work.
type substitute struct {
	failed string // hash of the version that does not work
	reason string
	late   bool // it was not ready in time, and may only need more of it
	use    trust.Executable
}

// Use makes an executable run as a plugin, whatever the lock file says, to test it.
func (h *Host) Use(name string, e trust.Executable) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tested[name] = e
}

// blamePlugin remembers that a plugin failed before it was in use.
func (h *Host) blamePlugin(name string, err error) {
	var refusal *trust.Refusal
	if name == "" || err == nil || errors.As(err, &refusal) || errors.Is(err, h.ctx.Err()) && h.ctx.Err() != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.blamed[name] = err
}

// FallBack makes plugins that failed run in their previous versions, and returns their
// names. Those that failed for sure come first; if there are none, any that has a
// previous version is a suspect, one with each call.
func (h *Host) FallBack(cause error) (names []string) {
	lock, err := h.trust.Lock()
	if err != nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var suspects []string
	for name := range lock {
		if _, already := h.substitutes[name]; !already && h.previous(lock, name) != nil {
			suspects = append(suspects, name)
		}
	}
	slices.Sort(suspects)
	for _, name := range suspects {
		if err := h.blamed[name]; err != nil {
			h.substitute(lock, name, err)
			names = append(names, name)
		}
	}
	if len(names) == 0 && len(suspects) > 0 {
		names = suspects[:1]
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

// substitute is called with mu held.
func (h *Host) substitute(lock trust.Lock, name string, cause error) {
	p := lock[name]
	late := errors.Is(cause, context.DeadlineExceeded)
	reason := fmt.Sprintf("version %s does not work, so the previous version %s is used: %v", p.Version(), p.Previous.Version(), cause)
	if late {
		reason = fmt.Sprintf("version %s was not ready in time, so the previous version %s is used until it is: %v", p.Version(), p.Previous.Version(), cause)
	}
	h.substitutes[name] = substitute{p.Platforms[trust.Platform].SHA256, reason, late, *h.previous(lock, name)}
}

// UndoFallBack takes a fallback back that did not help.
func (h *Host) UndoFallBack(names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range names {
		s := h.substitutes[name]
		s.use = trust.Executable{} // it is not tried again
		h.substitutes[name] = s
	}
}

// ReportFallBack publishes which plugins run in their previous versions.
func (h *Host) ReportFallBack(names []string) {
	for _, name := range names {
		h.mu.Lock()
		s := h.substitutes[name]
		h.mu.Unlock()
		h.event(Event{Type: EventFallback, Plugin: name, Message: fmt.Sprintf("plugin %q: %s; to keep the previous version, run: aitunnel plugin rollback %s%s", name, s.reason, name, h.configFlag())})
	}
}

// replaced returns the executable to run in place of a verified one.
func (h *Host) replaced(name string, is trust.Executable) trust.Executable {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s, ok := h.substitutes[name]; ok && s.failed == is.SHA256 && s.use.Path != "" {
		return s.use
	}
	return is
}

// fallbackReason returns why a process runs the previous version, "" if it does not.
func (h *Host) fallbackReason(name, sum string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s, ok := h.substitutes[name]; ok && s.use.SHA256 == sum && sum != "" {
		return s.reason
	}
	return ""
}

// Keep makes a copy of the locked executable of a plugin, to return to it later.
func (h *Host) Keep(name, path string) {
	if is, err := h.trust.Verify(name, path); err == nil {
		_, _ = h.trust.Copy(is) // without it the previous version can be installed again
	}
}

// LockedCopy returns the copy of the executable that is locked of a plugin, which is kept
// also if the file in its place was changed.
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
		return "", nil, fmt.Errorf("the copy of %s %s (sha256 %s…) is not in the cache any more: install that version again", name, lock[name].Version(), sum[:12])
	}
	return copied, lock, nil
}
