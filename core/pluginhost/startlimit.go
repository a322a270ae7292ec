package pluginhost

import (
	"context"
	"fmt"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// LimitStarts limits, until done is called, how long the host waits for a plugin: one that
// hangs must not block the start of the program. Its previous version can run instead, or
// the program starts without it.
func (h *Host) LimitStarts() (done func()) {
	h.setStartsLimited(true)
	return func() { h.setStartsLimited(false) }
}

// StartLimit returns how long the host waits for a plugin while starts are limited.
func (h *Host) StartLimit() time.Duration { return h.options.Timing.LimitedStart }

func (h *Host) setStartsLimited(limited bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.startsLimited = limited
}

// limit gives the context the deadline of LimitStarts, if it applies to the process.
func (h *Host) limit(ctx context.Context, s spec) (context.Context, context.CancelFunc) {
	if h.hasStartLimit(s) {
		return context.WithTimeout(ctx, h.options.Timing.LimitedStart)
	}
	return context.WithCancel(ctx)
}

func (h *Host) hasStartLimit(s spec) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, previous := h.substitutes[s.name] // the previous version has worked before, and there is no other one
	return h.startsLimited && !previous && !s.builtin() && !s.attach
}

// LatePlugins returns the plugins whose previous version runs only because the locked one
// was not ready in time.
func (h *Host) LatePlugins() (names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, s := range h.substitutes {
		if s.late && s.use.Path != "" {
			names = append(names, name)
		}
	}
	return names
}

// TryStart starts the locked version of a plugin that is absent, or replaced by its previous
// version, without the limit of LimitStarts, and stops it again.
func (h *Host) TryStart(ctx context.Context, name string, block *config.Plugin) error {
	h.mu.Lock()
	if h.ctx.Err() != nil {
		h.mu.Unlock()
		return h.ctx.Err()
	}
	h.trials.Add(1)
	h.mu.Unlock()
	defer h.trials.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)()
	path, err := h.Find(name, block)
	if err != nil {
		return err
	}
	exe, err := h.trust.Verify(name, path)
	if err != nil {
		return h.explainRefusal(name, path, err)
	}
	p, err := h.launch(h.specOf(name, block, exe)).start(ctx)
	if err != nil {
		return err
	}
	p.stop(h.forceStop)
	return nil
}

// UseLocked makes the next start of a plugin that is absent, or replaced by its previous
// version, use the locked version. undo reverts that.
func (h *Host) UseLocked(name string) (undo func(cause error)) {
	h.mu.Lock()
	s, substituted := h.substitutes[name]
	a, absent := h.absent[name]
	delete(h.substitutes, name)
	delete(h.absent, name)
	var entries []*entry
	for _, e := range h.supervisors {
		entries = append(entries, e)
	}
	h.mu.Unlock()
	for _, e := range entries {
		e.starting.Lock()
		e.failure = nil
		e.starting.Unlock()
	}
	return func(cause error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if absent {
			h.absent[name] = absence{a.sum, cause}
		}
		if substituted {
			s.late = false
			s.reason = fmt.Sprintf("%s; it was tried again with more time: %v", s.reason, cause)
			h.substitutes[name] = s
		}
	}
}
