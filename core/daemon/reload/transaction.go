package reload

import (
	"context"
	"errors"
	"fmt"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/diff"
	"github.com/aitunnel/aitunnel/core/daemon/bind"
	"github.com/aitunnel/aitunnel/core/edit"
)

// source is what a configuration is built from.
type source struct {
	texts map[string][]byte // instead of the contents of the files; nil: the files
	extra ExtraKeys
}

// candidate is a generation that is ready to run, but not in use yet. It ends with
// commit or discard.
type candidate struct {
	*Generation
	reloader *Reloader
	old      *Generation // the one that it would replace; nil at the start
	source   source
	read     map[string]string // the files from which it was read, with their sums
	changes  []diff.Change
	write    bool         // the texts are to be written to their files
	before   func() error // called when only the swap remains
}

// buildError says why no candidate could be built.
type buildError struct {
	error
	read map[string]string
}

// Unwrap returns the error for the user.
func (e *buildError) Unwrap() error { return e.error }

// build makes a configuration ready to run, without changing anything that is running.
// If ctx ends, it returns at once, whatever it is waiting for; what is built later is
// discarded.
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

// assemble is build without the early return.
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
		c.changes = diff.Compare(old.Config, g.Config)
	}
	return c, nil
}

// discard closes what was built for the candidate. why is what was wrong with it, ""
// if nothing was.
func (c *candidate) discard(why string) {
	c.close()
	c.reloader.options.Plugins.Discard(why)
}

// commit makes the candidate replace the old generation. Its first steps may fail, and
// are then undone; the swap itself cannot fail.
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
	binding.Commit() // last, since callers may be waiting at an inherited socket
	return nil
}

// prepare runs the steps that may fail: it binds addresses, opens the log and writes
// files.
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

// locate adds to an error about the value of a setting its place in the configuration.
func (c *candidate) locate(err error) error {
	var e *bind.SettingError
	if !errors.As(err, &e) {
		return err
	}
	return &ConfigError{Report: c.Report.AddSettingError(c.Config, e.Setting, e.Err), Valid: true}
}

// write writes the new texts to their files.
func write(texts map[string][]byte, stateDir string) error {
	for name, text := range texts {
		if err := edit.Write(name, text, stateDir); err != nil {
			return fmt.Errorf("%s cannot be written: %w", name, err)
		}
	}
	return nil
}

// adopt stores what belongs to the committed candidate: the text from which it was
// read, and keys that are in no file.
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
