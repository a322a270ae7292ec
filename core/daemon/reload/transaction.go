package reload

import (
	"context"
	"errors"
	"fmt"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon/bind"
	"github.com/aitunnel/aitunnel/core/edit"
)

// source is what a configuration is built from.
type source struct {
	texts map[string][]byte // in place of the files'; nil: as they are
	extra ExtraKeys
}

// candidate is a generation that is ready to run, and not in use yet. It ends
// with commit or discard.
type candidate struct {
	*Generation
	reloader *Reloader
	old      *Generation // that it would replace; nil at the start
	source   source
	read     map[string]string // the files that it was read from, with their sums
	changes  []config.Change
	write    bool         // the texts are to be written to their files
	before   func() error // called when nothing but the swap is left
}

// buildError says why no candidate could be built.
type buildError struct {
	error
	read map[string]string
}

// Unwrap returns the error for the user.
func (e *buildError) Unwrap() error { return e.error }

// build makes a configuration ready to run. Nothing that runs is changed. If ctx
// ends, it returns at once, whatever it was waiting for, and what is built later
// is discarded.
func (r *Reloader) build(ctx context.Context, s source) (*candidate, error) {
	type result struct {
		*candidate
		err error
	}
	built := make(chan result, 1)
	go func() {
		c, err := r.assemble(ctx, s)
		built <- result{c, err}
	}()
	select {
	case b := <-built:
		return b.candidate, b.err
	case <-ctx.Done():
	}
	left := make(chan struct{})
	r.left = left
	go func() {
		defer close(left)
		if b := <-built; b.candidate != nil {
			b.discard("")
		}
	}()
	return nil, context.Cause(ctx)
}

// assemble is build to its end.
func (r *Reloader) assemble(ctx context.Context, s source) (*candidate, error) {
	r.followDir()
	old := r.Running()
	g, read, err := r.load(ctx, s)
	if err == nil {
		err = r.open(ctx, g, old)
	}
	if err != nil {
		return nil, &buildError{err, read}
	}
	c := &candidate{Generation: g, reloader: r, old: old, source: s, read: read}
	if old != nil {
		c.changes = config.Diff(old.Config, g.Config)
	}
	return c, nil
}

// discard ends what was built for the candidate. why says what was wrong with
// it, "" if nothing was.
func (c *candidate) discard(why string) {
	c.close()
	c.reloader.options.Plugins.Discard(why)
}

// commit makes the candidate run in place of the old generation. Its first steps
// may fail, and are undone then; the swap cannot.
func (c *candidate) commit() error {
	binding, err := c.prepare()
	if err != nil {
		err = c.locate(err)
		c.discard(err.Error())
		return err
	}
	if c.old != nil && len(c.changes) == 0 {
		c.close()
		c.reloader.adopt(c)
		return nil
	}
	c.reloader.use(c)
	binding.Commit() // callers may be waiting at an inherited socket, so what serves them is there first
	return nil
}

// prepare does what may fail: it binds addresses, opens the log and writes files.
func (c *candidate) prepare() (*bind.Binding, error) {
	r := c.reloader
	var before *config.Config
	if c.old != nil {
		before = c.old.Config
	}
	binding, err := r.options.Ports.Bind(before, c.Config)
	if err != nil {
		return nil, err
	}
	if err := r.options.OpenLog(c.Config.Log); err != nil {
		binding.Undo()
		return nil, err
	}
	if c.write {
		err = write(c.source.texts, r.options.StateDir)
	}
	if err == nil && c.before != nil {
		err = c.before()
	}
	if err != nil {
		binding.Undo()
		if before != nil {
			err = errors.Join(err, r.options.OpenLog(before.Log))
		}
		return nil, err
	}
	return binding, nil
}

// locate gives an error about the value of a setting its place in the
// configuration.
func (c *candidate) locate(err error) error {
	var e *bind.SettingError
	if !errors.As(err, &e) {
		return err
	}
	return &ConfigError{Report: c.Report.Deny(c.Config, e.Setting, e.Err), Valid: true}
}

// write replaces the files by their new texts.
func write(texts map[string][]byte, stateDir string) error {
	for name, text := range texts {
		if err := edit.Write(name, text, stateDir); err != nil {
			return fmt.Errorf("%s cannot be written: %w", name, err)
		}
	}
	return nil
}

// adopt takes up what a candidate brings beside what runs: the text that it was
// read from, and keys that are in no file.
func (r *Reloader) adopt(c *candidate) {
	r.extra = c.source.extra
	r.inputs = inputs{current: c.read, good: c.read}
	r.loaded.Store(&loaded{c.Config, c.Report, c.read})
	r.watch()
}

// use swaps the generation. The old one ends with its last request.
func (r *Reloader) use(c *candidate) {
	o, g := r.options, c.Generation
	r.adopt(c)
	g.table.Activate(g.Config, o.Registry)
	if o.KeepHistory != nil {
		o.KeepHistory(g.Config)
	}
	g.drained = o.Proxy.Use(g.Config, g.table)
	o.Notifier.Use(g.Config)
	o.Monitor.Set(g.checks(o.Proxy))
	r.generation.Store(g)
	o.Tunnels.Apply(g.Config.Tunnels)
	o.Plugins.Promote()
	r.follow(g.Config.HotReload)
	r.draining.add(g)
	if c.old != nil {
		r.draining.retire(c.old)
	}
}
