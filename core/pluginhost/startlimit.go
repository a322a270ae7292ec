package pluginhost

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// LimitStarts limits, until done is called, how long the host waits for a plugin: one that
// hangs must not block the start of the program. Its previous version can run instead, or
// the program starts without it.
func (h *Host) LimitStarts() (done func()) {
	h.fallbacks.limitStarts(true)
	return func() { h.fallbacks.limitStarts(false) }
}

// StartLimit returns how long the host waits for a plugin while starts are limited.
func (h *Host) StartLimit() time.Duration { return h.options.Timing.LimitedStart }

// limit gives the context the deadline of LimitStarts, if it applies to the process.
func (h *Host) limit(ctx context.Context, s spec) (context.Context, context.CancelFunc) {
	if h.hasStartLimit(s) {
		return context.WithTimeout(ctx, h.options.Timing.LimitedStart)
	}
	return context.WithCancel(ctx)
}

func (h *Host) hasStartLimit(s spec) bool {
	return !s.builtin() && !s.attach && h.fallbacks.hasStartLimit(s.name)
}

// LatePlugins returns the plugins whose previous version runs only because the locked one
// was not ready in time.
func (h *Host) LatePlugins() []string { return h.fallbacks.late() }

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
	undo = h.fallbacks.useLocked(name)
	h.mu.Lock()
	entries := slices.Collect(maps.Values(h.supervisors))
	h.mu.Unlock()
	for _, e := range entries {
		e.starting.Lock()
		e.failure = nil
		e.starting.Unlock()
	}
	return undo
}
