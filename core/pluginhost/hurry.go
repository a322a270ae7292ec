package pluginhost

import (
	"context"
	"fmt"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// Hurry limits, until done is called, how long a plugin is waited for: the start of the
// program must not depend on one that hangs. Its previous version can run instead, or
// the program starts without it.
func (h *Host) Hurry() (done func()) {
	h.setHurried(true)
	return func() { h.setHurried(false) }
}

// StartLimit returns how long a plugin is waited for in a hurry.
func (h *Host) StartLimit() time.Duration { return h.options.Timing.Hurried }

func (h *Host) setHurried(hurried bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hurried = hurried
}

// limit ends the context early if the process is not to be waited for.
func (h *Host) limit(ctx context.Context, s spec) (context.Context, context.CancelFunc) {
	if h.isHurried(s) {
		return context.WithTimeout(ctx, h.options.Timing.Hurried)
	}
	return context.WithCancel(ctx)
}

func (h *Host) isHurried(s spec) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, previous := h.substitutes[s.name] // it has worked before: there is no other to turn to
	return h.hurried && !previous && !s.builtin() && !s.attach
}

// Late returns the plugins that run in their previous versions only because the newer one was
// not ready in time.
func (h *Host) Late() (names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, s := range h.substitutes {
		if s.late && s.use.Path != "" {
			names = append(names, name)
		}
	}
	return names
}

// AwaitStart starts the locked version of a plugin that is absent, or replaced by its
// previous version, with all the time that a start may take, and stops it again.
func (h *Host) AwaitStart(ctx context.Context, name string, block *config.Plugin) error {
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
	is, err := h.trust.Verify(name, path)
	if err != nil {
		return h.explainRefusal(name, path, err)
	}
	p, err := h.launch(h.specOf(name, block, is)).start(ctx)
	if err != nil {
		return err
	}
	p.stop(h.forceStop)
	return nil
}

// UseLocked makes a plugin that is absent, or replaced by its previous version, run in
// its locked version again, from its next start on. undo reverts that.
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
			s.reason = fmt.Sprintf("%s; it was tried again, with more time: %v", s.reason, cause)
			h.substitutes[name] = s
		}
	}
}
