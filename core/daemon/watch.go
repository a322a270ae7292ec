package daemon

import (
	"context"
	"maps"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/watch"
)

// read notes what a configuration was read from, whether it is good or not.
// Files that only the last good one read stay watched: with them mended, or a
// mistake undone, the configuration may be good again. plugins are how their
// files were before: a change while they were read is one to come.
func (d *Daemon) read(cfg *config.Config, r config.Report, plugins map[string]string) {
	d.inputs = maps.Clone(r.Inputs())
	var declared []*config.Plugin
	if cfg != nil {
		declared = cfg.Plugins
	}
	executables := d.plugins.Inputs(declared)
	for path := range executables {
		if before, ok := plugins[path]; ok {
			executables[path] = before
		}
	}
	d.executables.Store(&executables)
	defer func() { maps.Copy(d.inputs, executables) }()
	if r.HasErrors() {
		for path, sum := range d.good {
			if _, again := d.inputs[path]; !again {
				d.inputs[path] = sum
			}
		}
		return
	}
	d.good = maps.Clone(d.inputs)
}

// sum is of the content of an input; of a plugin's file, which can be large, of
// its attributes.
func (d *Daemon) sum(path string) string {
	if executables := d.executables.Load(); executables != nil {
		if _, is := (*executables)[path]; is {
			return pluginhost.FileState(path)
		}
	}
	return config.Sum(path)
}

// reread tells the watcher what was read last.
func (d *Daemon) reread() {
	if d.watcher != nil {
		d.watcher.Set(d.inputs)
	}
}

// follow begins or ends the watching, as the running configuration says.
func (d *Daemon) follow(on bool) {
	switch {
	case on && d.watcher == nil:
		d.watcher = watch.New(watch.Options{Sum: d.sum, Changed: d.changed, Notice: func(m string) {
			d.bus.Publish(event.Event{Type: event.TypeReload, Level: event.LevelWarn, Message: m})
		}})
		d.watcher.Set(d.inputs)
	case !on && d.watcher != nil:
		// Its goroutine may be the one that applies this very configuration, so
		// nobody waits for its end here.
		d.watcher.Stop()
		d.watcher = nil
	}
}

// changed applies what was saved, unless that was done already: an edit through
// the API is written by the program itself.
func (d *Daemon) changed() {
	_, _ = d.apply(context.Background(), change{cause: "a change of its files", quiet: true}) // without an edit there is no error
}

// filesDiffer says that the files are other than when they were read.
func (d *Daemon) filesDiffer() bool {
	for path, sum := range d.inputs {
		if d.sum(path) != sum {
			return true
		}
	}
	return false
}
