package reload

import (
	"maps"
	"os"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/watch"
)

// inputs are the files from which configurations were read, with their sums.
type inputs struct {
	current map[string]string // those to watch
	good    map[string]string // of the running configuration
}

// refused records the inputs of a configuration that cannot be applied. Files that
// only the running one reads are still watched: once they are corrected, the
// configuration may be valid again.
func (i *inputs) refused(read map[string]string) {
	i.current = maps.Clone(read)
	for path, sum := range i.good {
		if _, again := i.current[path]; !again {
			i.current[path] = sum
		}
	}
}

// pluginFiles returns the executables of plugins as they were before the configuration
// was read, so that a change since then counts as a new one.
func (r *Reloader) pluginFiles(cfg *config.Config, before map[string]string) map[string]string {
	var declared []*config.Plugin
	if cfg != nil {
		declared = cfg.Plugins
	}
	files := r.options.Plugins.Inputs(declared)
	for path := range files {
		if was, ok := before[path]; ok {
			files[path] = was
		}
	}
	r.binaries.Store(&files)
	return files
}

// sum returns the sum of an input; for a plugin's file, which can be large, it is
// computed from the attributes.
func (r *Reloader) sum(path string) string {
	r.followDir()
	if files := r.binaries.Load(); files != nil {
		if _, is := (*files)[path]; is {
			return pluginhost.FileState(path)
		}
	}
	return hclfile.Sum(path)
}

// followDir changes to the current target of the working directory if that was given
// as a link: relative paths refer to where the link leads, even after it is changed.
func (r *Reloader) followDir() {
	if r.options.Dir == "" {
		return
	}
	is, err := os.Stat(".")
	to, missing := os.Stat(r.options.Dir)
	if missing == nil && (err != nil || !os.SameFile(is, to)) {
		_ = os.Chdir(r.options.Dir) // after an error, the directory stays the same
	}
}

// changed reports whether files differ from what was read from them.
func (r *Reloader) changed(read map[string]string) bool {
	for path, sum := range read {
		if r.sum(path) != sum {
			return true
		}
	}
	return false
}

// watch passes the inputs to the watcher.
func (r *Reloader) watch() {
	if r.watcher != nil {
		r.watcher.Set(r.inputs.current)
	}
}

// follow starts or stops watching, according to the running configuration.
func (r *Reloader) follow(on bool) {
	switch {
	case on && r.watcher == nil:
		r.watcher = watch.New(watch.Options{Sum: r.sum, Changed: r.saved, Notice: func(m string) {
			r.options.Bus.Publish(event.Event{Type: event.TypeReload, Level: event.LevelWarn, Message: m})
		}})
		r.watch()
	case !on && r.watcher != nil:
		// The watcher's goroutine may be the one that is applying this configuration,
		// so this does not wait for its end.
		r.watcher.Stop()
		r.watcher = nil
	}
}

// saved applies saved files, unless they were applied already: edits through the API
// are written by the program itself.
func (r *Reloader) saved() {
	_, _ = r.Apply(r.options.Life, Request{Cause: Cause{Code: admin.CauseSaved}, saved: true}) // reported as an event
}
