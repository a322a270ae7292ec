package reload

import (
	"maps"
	"os"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/watch"
)

// inputs are the files that configurations were read from, with their sums.
type inputs struct {
	current map[string]string // those to watch
	good    map[string]string // of the configuration that runs
}

// refused takes up what a configuration was read from that cannot be applied.
// Files that only the running one reads stay watched: once they are mended, the
// configuration may be valid again.
func (i *inputs) refused(read map[string]string) {
	i.current = maps.Clone(read)
	for path, sum := range i.good {
		if _, again := i.current[path]; !again {
			i.current[path] = sum
		}
	}
}

// pluginFiles returns the executables of plugins, as they were before the
// configuration was read: a change since then is one to come.
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

// sum is of the content of an input; of a plugin's file, which can be large, of
// its attributes.
func (r *Reloader) sum(path string) string {
	r.followDir()
	if files := r.binaries.Load(); files != nil {
		if _, is := (*files)[path]; is {
			return pluginhost.FileState(path)
		}
	}
	return config.Sum(path)
}

// followDir goes to where the working directory is now: relative paths are meant in
// the directory that a link leads to, also when it is made to lead to another one.
func (r *Reloader) followDir() {
	if r.options.Dir == "" {
		return
	}
	is, err := os.Stat(".")
	to, missing := os.Stat(r.options.Dir)
	if missing == nil && (err != nil || !os.SameFile(is, to)) {
		_ = os.Chdir(r.options.Dir) // it stays where it is otherwise
	}
}

// changed reports whether files differ from what was read of them.
func (r *Reloader) changed(read map[string]string) bool {
	for path, sum := range read {
		if r.sum(path) != sum {
			return true
		}
	}
	return false
}

// watch tells the watcher what was read last.
func (r *Reloader) watch() {
	if r.watcher != nil {
		r.watcher.Set(r.inputs.current)
	}
}

// follow starts or stops the watching, as the running configuration says.
func (r *Reloader) follow(on bool) {
	switch {
	case on && r.watcher == nil:
		r.watcher = watch.New(watch.Options{Sum: r.sum, Changed: r.saved, Notice: func(m string) {
			r.options.Bus.Publish(event.Event{Type: event.TypeReload, Level: event.LevelWarn, Message: m})
		}})
		r.watch()
	case !on && r.watcher != nil:
		// Its goroutine may be the one that applies this very configuration, so
		// nobody waits for its end here.
		r.watcher.Stop()
		r.watcher = nil
	}
}

// saved applies what was saved, unless it was applied already: an edit through
// the API is written by the program itself.
func (r *Reloader) saved() {
	_, _ = r.Apply(r.options.Life, Request{Cause: "a file was saved", saved: true}) // reported as an event
}
