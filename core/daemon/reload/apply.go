package reload

import (
	"context"
	"errors"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/diff"
	"github.com/aitunnel/aitunnel/core/edit"
)

// Match says what a change expects to replace; zero values match anything.
type Match struct {
	Generation uint64
	ETag       string // of the text
}

// Edit is a configuration to be changed.
type Edit struct {
	Config   *config.Config
	Report   config.Report
	Document *edit.Document // its text
	Extra    ExtraKeys      // its keys that are in no file
}

// Request is a change to apply.
type Request struct {
	Cause Cause
	Match Match

	// Asked says that the reload was requested by someone who may want to follow its
	// progress.
	Asked bool

	// Edit changes the text first. The files are written after everything else has
	// succeeded. If it is nil, the files are applied as they are.
	Edit func(context.Context, *Edit) error

	// Repairs says that the edit may start from an invalid configuration.
	Repairs bool

	// saved says that files were saved, which may have been applied already.
	saved bool

	// restart is the plugin that gets a new process; nil for none.
	restart *string
}

// Apply applies a change completely or not at all. Requests in flight are not
// affected. An error is a [*ConfigError], [ErrStale], an [*EditError], or an error of
// the system.
func (r *Reloader) Apply(ctx context.Context, req Request) (Result, error) {
	if req.Asked && r.options.Asked != nil {
		defer r.options.Asked()()
	}
	ctx, end, err := r.begin(ctx)
	if err != nil {
		return r.result(req.Cause), err
	}
	defer end()
	out := r.result(req.Cause)
	if req.saved && !r.changed(r.inputs.current) {
		return out, nil
	}
	err = r.transact(ctx, req, &out)
	out.Took = time.Since(out.At)
	if refused := (*EditError)(nil); errors.As(err, &refused) {
		return out, err
	}
	o := Outcome{out, err}
	if err == nil || req.Edit == nil { // a refused edit is in no file
		r.last.Store(&o)
	}
	r.report(o)
	return out, err
}

func (r *Reloader) result(cause Cause) Result {
	out := Result{At: time.Now(), Cause: cause, Changes: []diff.Change{}, Effects: []Effect{}}
	if g := r.Running(); g != nil {
		out.Generation = g.Number
	}
	return out
}

// transact is Apply without the report.
func (r *Reloader) transact(ctx context.Context, req Request, out *Result) (err error) {
	if req.Match.Generation != 0 && req.Match.Generation != out.Generation {
		return ErrStale
	}
	if req.restart != nil {
		undo := r.options.Plugins.Renew(*req.restart)
		defer func() {
			if err != nil {
				undo()
			}
		}()
	}
	s, err := r.edited(ctx, req)
	if err != nil {
		return err
	}
	c, err := r.build(ctx, s)
	if err != nil {
		r.failed(err, s.texts != nil)
		return final(err)
	}
	c.write = true
	c.describe(out)
	if err := c.commit(); err != nil {
		if s.texts == nil {
			r.inputs.refused(c.read)
		}
		r.watch()
		return err
	}
	out.Generation = r.Running().Number
	r.options.Tunnels.RetryAll()
	if len(out.Changes) == 0 {
		out.Changes = append(out.Changes, r.unused(req.restart)...)
	} else {
		r.draining.upgraded(c.old, out.Changes)
	}
	r.options.Plugins.Discard("")
	return nil
}

// failed records the inputs of a configuration that cannot be applied: when they
// change, it is tried again. The texts of an edit are in no file.
func (r *Reloader) failed(err error, edited bool) {
	r.options.Plugins.Discard(err.Error())
	var failed *buildError
	if errors.As(err, &failed) && !edited {
		r.inputs.refused(failed.read)
	}
	r.watch()
}

// final returns an error of build in its exported form.
func final(err error) error {
	if failed := (*buildError)(nil); errors.As(err, &failed) {
		return failed.error
	}
	return err
}

// describe adds to the result what committing the candidate does.
func (c *candidate) describe(out *Result) {
	out.Report = c.Report
	if len(c.changes) > 0 {
		out.Changes, out.Effects = c.changes, c.effects()
	}
}

// Plan returns what applying the texts would do, or, if they are nil, the files.
func (r *Reloader) Plan(ctx context.Context, texts map[string][]byte) (Result, error) {
	cause := Cause{Code: admin.CauseDryRun}
	ctx, end, err := r.begin(ctx)
	if err != nil {
		return r.result(cause), err
	}
	defer end()
	out := r.result(cause)
	c, err := r.build(ctx, source{texts, r.extra.Clone()})
	if err != nil {
		r.options.Plugins.Discard("")
		return out, final(err)
	}
	defer c.discard("")
	c.describe(&out)
	out.Took = time.Since(out.At)
	return out, nil
}
