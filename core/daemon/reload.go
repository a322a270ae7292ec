package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/edit"
	"github.com/aitunnel/aitunnel/core/event"
)

// errStale is for a reload that was meant for a generation that is gone.
var errStale = errors.New("the configuration has been applied anew since")

// change is what is to be applied.
type change struct {
	cause string      // for people
	match admin.Match // what it is to replace

	// edit changes the texts of the configuration first; nil if the files are
	// applied as they are. They are written when all else has succeeded.
	edit func(context.Context, *edit.Document) error

	// quiet is for a change of files that may have been seen already.
	quiet bool

	// renew is the plugin that is to have a new process; nil for none.
	renew *renewal
}

// Reload reads the configuration and applies it, if it can be applied as a
// whole: otherwise nothing changes. Requests under way notice nothing. cause
// says why, for people. One reload runs at a time. replaces is the generation that
// is to be replaced, 0 for any.
func (d *Daemon) Reload(ctx context.Context, cause string, replaces uint64) admin.Reload {
	if d.options.Reloading != nil {
		defer d.options.Reloading()()
	}
	d.sink.Reopen()
	out, err := d.apply(ctx, change{cause: cause, match: admin.Match{Generation: replaces}})
	if err != nil {
		return failed(out, err)
	}
	return out
}

// apply applies a change as a whole, or nothing of it. The error is of an edit
// that makes no sense; what is wrong with a configuration is in the outcome.
func (d *Daemon) apply(ctx context.Context, c change) (out admin.Reload, err error) {
	d.applying.Lock()
	defer d.applying.Unlock()
	extra := d.extra.clone()
	defer func() {
		if err != nil || !out.OK {
			d.extra = extra
		}
	}()
	return d.try(ctx, c, d.begin(c.cause))
}

// try is apply under its lock. Plugin processes that were started for what is
// not applied end.
func (d *Daemon) try(ctx context.Context, c change, out admin.Reload) (applied admin.Reload, err error) {
	old := d.generation.Load()
	switch {
	case d.life.Err() != nil:
		return failed(out, errors.New("aitunnel is stopping")), nil
	case c.match.Generation != 0 && c.match.Generation != old.number:
		return d.finish(c, out, errStale, nil), nil
	case c.quiet && !d.filesDiffer():
		return out, nil
	}
	undo := c.renew.begin(d)
	defer func() {
		if err != nil || !applied.OK {
			undo()
		}
		d.plugins.Discard(applied.Error)
	}()
	texts, err := d.edited(ctx, c)
	if err != nil {
		return d.refused(c, out, err)
	}
	inputs, good := d.inputs, d.good
	next, err := d.build(ctx, old, texts)
	if err != nil && texts != nil {
		d.inputs, d.good = inputs, good // what was read is in no file
	}
	d.reread()
	if err != nil {
		return d.finish(c, out, err, nil), nil
	}
	out.Changes = nonNil(config.Diff(old.config, next.config))
	out.Diags = next.diagnostics()
	if len(out.Changes) == 0 {
		next.close()
		if err = d.write(texts); err == nil {
			d.tunnels.Retry()
			out.Changes = c.renew.unused(d)
			return d.finish(c, out, nil, old), nil
		}
	} else if err = d.swap(old, next, texts, &out); err == nil {
		return d.finish(c, out, nil, next), nil
	}
	if texts != nil {
		d.inputs, d.good = inputs, good
		d.reread()
	}
	return d.finish(c, out, err, nil), nil
}

// swap makes next run in the place of old, with all that belongs to it, or
// leaves everything as it is.
func (d *Daemon) swap(old, next *generation, texts map[string][]byte, out *admin.Reload) error {
	moved, err := d.rebind(old.config, next.config)
	if err == nil {
		if err = d.useLog(next.config.Log); err != nil {
			moved.undo()
		} else if err = d.write(texts); err != nil {
			moved.undo()
			err = errors.Join(err, d.useLog(old.config.Log))
		}
	}
	if err != nil {
		next.close()
		return d.denied(next, err)
	}
	out.Effects = d.effects(old, next, moved)
	moved.commit(d)
	d.use(next)
	d.tunnels.Retry()
	d.tellUpgrades(old, out.Changes)
	return nil
}

// Plan is Reload without its last step: it says what that would change. texts
// are contents to be taken in the place of those of files.
func (d *Daemon) Plan(ctx context.Context, texts map[string][]byte) admin.Reload {
	d.applying.Lock()
	defer d.applying.Unlock()
	out := d.begin("a plan")
	old := d.generation.Load()
	inputs, good := d.inputs, d.good
	defer func() { d.inputs, d.good = inputs, good }()
	next, err := d.build(ctx, old, texts)
	defer d.plugins.Discard("")
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
func (d *Daemon) finish(c change, out admin.Reload, err error, now *generation) admin.Reload {
	e := event.Event{Type: event.TypeReload, Level: event.LevelInfo}
	switch {
	case err != nil:
		out = failed(out, err)
		e.Level = event.LevelError
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
	if err == nil || c.edit == nil { // an edit that was refused is in no file
		d.lastReload.Store(&out)
	}
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
