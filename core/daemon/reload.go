package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
)

// errStale is for a reload that was meant for a generation that is gone.
var errStale = errors.New("the configuration has been applied anew since")

// Reload reads the configuration and applies it, if it can be applied as a
// whole: otherwise nothing changes. Requests under way notice nothing. cause
// says why, for people. One reload runs at a time. replaces is the generation that
// is to be replaced, 0 for any.
func (d *Daemon) Reload(ctx context.Context, cause string, replaces uint64) admin.Reload {
	d.applying.Lock()
	defer d.applying.Unlock()
	out := d.begin(cause)
	old := d.generation.Load()
	switch {
	case d.life.Err() != nil:
		return failed(out, errors.New("aitunnel is stopping"))
	case replaces != 0 && replaces != old.number:
		return d.finish(out, errStale, nil)
	}
	next, err := d.build(ctx, old)
	d.reread()
	if err != nil {
		return d.finish(out, err, nil)
	}
	out.Changes = nonNil(config.Diff(old.config, next.config))
	out.Diags = next.diagnostics()
	if len(out.Changes) == 0 {
		next.close()
		d.tunnels.Retry()
		return d.finish(out, nil, old)
	}
	moved, err := d.rebind(old.config, next.config)
	if err == nil {
		if err = d.sink.open(next.config.Log); err != nil {
			moved.undo()
		}
	}
	if err != nil {
		next.close()
		return d.finish(out, d.denied(next, err), nil)
	}
	out.Effects = d.effects(old, next, moved)
	moved.commit(d)
	d.use(next)
	d.tunnels.Retry()
	return d.finish(out, nil, next)
}

// Plan is Reload without its last step: it says what that would change.
func (d *Daemon) Plan(ctx context.Context) admin.Reload {
	d.applying.Lock()
	defer d.applying.Unlock()
	out := d.begin("a plan")
	old := d.generation.Load()
	next, err := d.build(ctx, old)
	if err != nil {
		return failed(out, err)
	}
	defer next.close()
	out.OK, out.Changes, out.Diags = true, nonNil(config.Diff(old.config, next.config)), next.diagnostics()
	if len(out.Changes) > 0 {
		out.Effects = d.effects(old, next, d.wouldMove(old.config, next.config))
	}
	return out
}

func (d *Daemon) begin(cause string) admin.Reload {
	return admin.Reload{
		At: time.Now(), Cause: cause, Generation: d.generation.Load().number,
		Changes: []config.Change{}, Effects: []string{}, Diags: []config.Diagnostic{},
	}
}

func failed(r admin.Reload, err error) admin.Reload {
	r.OK, r.Error = false, err.Error()
	r.Stale = errors.Is(err, errStale)
	if wrong := (*ConfigError)(nil); errors.As(err, &wrong) {
		r.Diags = wrong.Diagnostics()
	}
	return r
}

// finish records the outcome and tells it. now is the generation that runs
// after a success.
func (d *Daemon) finish(out admin.Reload, err error, now *generation) admin.Reload {
	e := event.Event{Type: event.TypeReload, Level: "info"}
	switch {
	case err != nil:
		out = failed(out, err)
		e.Level = "error"
		e.Message = fmt.Sprintf("nothing was changed by %s: %v", out.Cause, err)
		if len(out.Diags) > 0 {
			e.Message = fmt.Sprintf("nothing was changed by %s: %s", out.Cause, headline(out))
		}
	case len(out.Changes) == 0:
		out.OK = true
		e.Message = fmt.Sprintf("nothing to change by %s", out.Cause)
	default:
		out.OK, out.Generation = true, now.number
		e.Message = fmt.Sprintf("generation %d runs by %s: %s", now.number, out.Cause, summary(out.Changes))
	}
	out.Took = event.Millis(time.Since(out.At))
	d.lastReload.Store(&out)
	d.bus.Publish(e)
	return out
}

// headline is the first mistake with its place.
func headline(r admin.Reload) string {
	for _, g := range r.Diags {
		if g.Severity != "error" {
			continue
		}
		text := g.Summary
		if g.Detail != "" {
			text += ". " + g.Detail
		}
		if g.File != "" {
			text = fmt.Sprintf("%s:%d:%d: %s", g.File, g.Line, g.Column, text)
		}
		return text
	}
	return r.Error
}

func summary(changes []config.Change) string {
	out := ""
	for i, c := range changes {
		switch {
		case i == 5:
			return fmt.Sprintf("%s and %d more", out, len(changes)-i)
		case i > 0:
			out += ", "
		}
		out += c.Action + " " + c.Block
	}
	return out
}

func nonNil(changes []config.Change) []config.Change {
	if changes == nil {
		return []config.Change{}
	}
	return changes
}
